// My microphone: which one is heard, how loud it is, and another in its place.
import { api } from "./api.js";
import { MicPicker } from "./mic_picker.js";
import { button, el, places, send, startAgain, styled } from "./parts.js";
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
const MORE_DB = 20; // what is proposed for a microphone that is very quiet, as `genre-edge doctor` does
let picker;

export async function startMicrophone() {
  await styled();
  const panel = el("div", { class: "panel" });
  byId("view-microphone").replaceChildren(places("microphone"), el("h2", { id: "microphone-title" }, t("mic.title")),
    el("p", { class: "soft" }, t("mic.about")), panel,
    el("div", { class: "controls" }, button(t("mic.use"), use, { id: "mic-use", class: "primary", disabled: true }), button(t("mic.again"), load, { id: "mic-again" })),
    el("form", { class: "controls", id: "mic-gain-form", onsubmit: setGain },
      el("label", { for: "mic-gain" }, t("mic.gain")), el("input", { id: "mic-gain", type: "text", inputmode: "decimal", size: "4" }), el("span", {}, "dB"),
      el("button", { id: "mic-gain-set" }, t("mic.set_gain")), button(t("mic.more", { db: MORE_DB }), louder, { id: "mic-more", hidden: true })),
    el("p", { id: "mic-said", role: "status" }));
  picker = new MicPicker(panel, (state) => { byId("mic-more").hidden = state !== "quiet" || byId("mic-gain").disabled; });
  panel.addEventListener("change", () => allow());
  document.addEventListener("shown", (event) => (event.detail === "microphone" ? load() : picker.close()));
}

async function load() {
  say("");
  try {
    const [found] = await Promise.all([picker.load(), settings()]);
    picker.first = found.used;
    allow();
  } catch (error) {
    say(error.message);
  }
}

let version = "";
let refusal = "";

async function settings() {
  const found = await api("api/settings");
  ({ version, refusal } = found);
  const gain = found.tables.find((one) => one.name === "microphone").settings.find((one) => one.key === "microphone.gain_db");
  byId("mic-gain").value = gain.value;
  const may = !refusal && !gain.fixed;
  byId("mic-gain").disabled = !may;
  byId("mic-gain-set").disabled = !may;
  if (refusal) say(refusal);
}

function allow() {
  byId("mic-use").disabled = Boolean(refusal) || !picker.chosen || picker.chosen === picker.first;
}

async function change(wanted) {
  const found = await send("api/settings", { changes: wanted }, version);
  version = found.settings.version;
  return found;
}

async function use() {
  try {
    await change({ "microphone.device": picker.lasting });
    picker.close();
    await startAgain(say);
  } catch (error) {
    say(error.message);
  }
}

async function setGain(event) {
  event?.preventDefault();
  const text = byId("mic-gain").value.trim();
  try {
    const found = await change({ "microphone.gain_db": Number.isFinite(Number(text)) && text ? Number(text) : text || null });
    say(t(found.now.length ? "mic.gain_now" : "mic.gain_later", { db: text }));
  } catch (error) {
    say(error.message);
  }
}

function louder() {
  byId("mic-gain").value = MORE_DB;
  setGain();
}

function say(text) {
  byId("mic-said").textContent = text;
}
