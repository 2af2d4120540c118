// The fleet's page: all devices as tiles, or one of them, by the address.
import { api, login, onLoginNeeded } from "../static/api.js";
import { showInTab } from "../static/tab_icon.js";
import { loadTexts, locale, offerLanguages, t } from "../static/text.js";
import { DeviceView } from "./device.js";
import { Devices } from "./devices.js";
import { asOf } from "./times.js";
import { Tiles } from "./tiles.js";

const PAUSE = 5; // between two looks at the fleet, s
const ONE = "#/device/"; // what the address of a device begins with
const byId = (id) => document.getElementById(id);
const devices = new Devices();
let tiles;
let view;
let readAt = null; // when the database was last read, a Date
let timer = 0;
let isReading = false;

function notice(text) {
  const line = byId("notice");
  if (line.textContent !== text) line.textContent = text;
  line.hidden = !text;
}

const clock = (when) => when.toLocaleTimeString(locale());

/** The device in the address; null: all are shown. */
function chosen() {
  if (!location.hash.startsWith(ONE)) return null;
  try {
    return decodeURIComponent(location.hash.slice(ONE.length));
  } catch {
    return location.hash.slice(ONE.length); // not what this page writes
  }
}

/** Shows what the address names. */
function show() {
  const name = chosen();
  if (name === null) {
    const left = view.close();
    byId("view-device").hidden = true;
    byId("view-devices").hidden = readAt === null;
    showInTab(t("fleet.title"), "");
    if (left !== null) tiles.comeBack(left);
  } else {
    if (view.name === null) tiles.leave();
    byId("view-devices").hidden = true;
    byId("view-device").hidden = false;
    view.open(name);
  }
}

/** Asks what has changed, and draws that. */
async function look() {
  clearTimeout(timer);
  if (isReading) return;
  isReading = true;
  try {
    const answer = await api(`api/devices?after=${encodeURIComponent(devices.mark)}`);
    const isFirst = readAt === null;
    asOf(answer.time);
    readAt = new Date(answer.time);
    const changed = devices.take(answer);
    tiles.draw(devices, changed);
    byId("fleet-database").textContent = answer.database;
    byId("about").textContent = t("fleet.about", { version: answer.program, database: answer.database, time: clock(readAt) });
    notice("");
    if (isFirst) show();
    view.follow(devices.get(view.name));
  } catch (error) {
    if (error.status === 401) return; // it goes on after the login
    const what = error.status === undefined ? t("offline", { reason: error.message }) : t("fleet.away", { reason: error.message, seconds: PAUSE });
    notice(readAt === null ? what : `${what} ${t("fleet.known", { time: clock(readAt) })}`);
  } finally {
    isReading = false;
  }
  if (document.visibilityState === "visible") timer = setTimeout(look, PAUSE * 1000);
}

onLoginNeeded(() => {
  document.documentElement.classList.add("locked");
  byId("login").hidden = false;
  byId("about").textContent = "";
  byId("token").focus();
});
byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await login(byId("token").value);
    location.reload(); // what was shown before the session ended is out of date
  } catch (error) {
    notice(error.message);
  }
});
await loadTexts();
offerLanguages(byId("language"));
tiles = new Tiles((name) => `${ONE}${encodeURIComponent(name)}`);
view = new DeviceView();
addEventListener("hashchange", show);
document.addEventListener("visibilitychange", () => { if (document.visibilityState === "visible") look(); });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  tiles.draw(devices, devices.names()); // silence has another colour at night
  view.load();
});
look();
