// The first steps: a microphone, a model, a name, a broker. Then the file is written and the
// service listens. Nothing is written before the last step.
import { api } from "./api.js";
import { brokerStep } from "./guide_broker.js";
import { MicPicker } from "./mic_picker.js";
import { button, el, places, send, startAgain, styled } from "./parts.js";
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
const answers = {}; // {"section.option": value}
let found = null; // the settings as they are
let picker = null;
let at = 0;

export async function startGuide() {
  await styled();
  byId("view-guide").replaceChildren(places("guide"), el("h2", { id: "guide-title" }, t("guide.title")),
    el("p", { id: "guide-where", class: "soft" }), el("div", { id: "guide-step" }),
    el("div", { class: "controls bar" }, button(t("guide.back"), () => go(at - 1), { id: "guide-back" }),
      button(t("guide.next"), () => go(at + 1), { id: "guide-next", class: "primary" }), button(t("guide.skip"), leave, { id: "guide-skip" })),
    el("p", { id: "guide-said", role: "status" }));
  document.addEventListener("shown", (event) => (event.detail === "guide" ? begin() : picker?.close()));
}

async function begin() {
  try {
    found = await api("api/settings");
  } catch (error) {
    found = { refusal: error.message, tables: [] };
  }
  await go(0);
}

const setting = (key) => found.tables.flatMap((table) => table.settings).find((one) => one.key === key);
const steps = [microphone, model, name, broker, summary];

/** Shows a step; the focus goes to its heading, so that a screen reader begins there. */
async function go(to) {
  const odd = to > at && byId("guide-step").querySelector("input:invalid");
  if (odd) {
    odd.reportValidity();
    return;
  }
  picker?.close();
  at = Math.max(0, Math.min(steps.length - 1, to));
  const place = byId("guide-step");
  say("");
  byId("guide-where").textContent = t("guide.where", { step: at + 1, steps: steps.length });
  byId("guide-back").disabled = at === 0;
  byId("guide-next").hidden = at === steps.length - 1;
  place.replaceChildren();
  if (found.refusal) {
    byId("guide-next").disabled = true;
    place.replaceChildren(el("p", { class: "panel sentence" }, found.refusal));
    return;
  }
  try {
    await steps[at](place);
  } catch (error) {
    say(error.message, true);
  }
  const heading = place.querySelector("h3");
  if (to > 0) heading?.focus();
}

const titled = (key) => el("h3", { tabindex: "-1" }, t(key));

async function microphone(place) {
  const panel = el("div", { class: "panel" });
  place.append(titled("guide.microphone"), el("p", {}, t("guide.microphone_about")), panel);
  picker = new MicPicker(panel);
  const before = answers["microphone.device"];
  const choose = () => { if (picker.chosen) answers["microphone.device"] = picker.lasting; };
  panel.addEventListener("change", choose);
  await picker.load();
  const box = [...panel.querySelectorAll("input")].find((one) => before && one.value.startsWith(before));
  if (box) {
    box.checked = true;
    picker.watch(box.value);
  }
  choose();
}

async function model(place) {
  const now = answers["model.model"] ?? setting("model.model").value;
  const models = await api("api/models");
  const choose = (event) => { answers["model.model"] = event.target.value; };
  place.append(titled("guide.model"), el("p", {}, t("guide.model_about")),
    el("div", { role: "radiogroup", class: "choices", "aria-label": t("guide.model"), onchange: choose }, ...models.map((one) => (
      el("label", { class: "choice" }, el("input", { type: "radio", name: "model", value: one.name, checked: one.name === now }),
        el("span", {}, one.name, el("br"), el("small", {}, t("guide.model_facts", { mb: (one.bytes / 1e6).toFixed(1), count: one.labels.length }),
          one.is_own ? ` · ${t("guide.model_own")}` : "", one.name === setting("model.model").default ? ` · ${t("guide.model_default")}` : "")))))));
}

function name(place) {
  const field = el("input", { id: "guide-name", type: "text", maxlength: "40", autocomplete: "off", spellcheck: "false",
    value: answers["mqtt.name"] ?? setting("mqtt.name").value ?? "", placeholder: t("guide.name_example"),
    pattern: "[\\p{L}\\p{N}_.\\-]+", title: t("guide.name_about"), // what a topic may have
    oninput: () => { answers["mqtt.name"] = field.value.trim() || null; } });
  place.append(titled("guide.name"), el("p", {}, t("guide.name_about")),
    el("div", { class: "row" }, el("label", { for: "guide-name" }, t("guide.name_label")), field));
}

function broker(place) {
  place.append(titled("guide.broker"), el("p", {}, t("guide.broker_about")), brokerStep(answers, setting("mqtt.url")));
}

function summary(place) {
  const lines = Object.entries(answers).filter(([key, value]) => value !== null && value !== setting(key).value);
  const shown = (key, value) => (setting(key).kind === "secret" ? "••••" : String(value));
  place.append(titled("guide.summary"), el("p", {}, t(lines.length ? "guide.summary_about" : "guide.nothing", { file: found.file })),
    el("dl", { id: "guide-summary" }, ...lines.flatMap(([key, value]) => [el("dt", {}, key), el("dd", {}, shown(key, value))])),
    button(t("guide.write"), () => write(Object.fromEntries(lines)), { id: "guide-write", class: "primary" }));
}

async function write(changes) {
  byId("guide-write").disabled = true;
  try {
    if (found.is_first || Object.keys(changes).length) {
      const wanted = Object.keys(changes).length ? changes : { "model.model": setting("model.model").value };
      found = (await send("api/settings", { changes: wanted }, found.version)).settings;
    }
    await startAgain(say);
  } catch (error) {
    byId("guide-write").disabled = false;
    say(error.message, true);
  }
}

function leave() {
  localStorage.setItem("genre-edge guide", "yes");
  location.hash = "";
}

function say(text, isBad = false) {
  byId("guide-said").textContent = text;
  byId("guide-said").classList.toggle("bad", isBad);
}
