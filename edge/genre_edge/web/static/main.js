// The page: its tabs, the access token, and what all views share.
import { api, login, onLoginNeeded } from "./api.js";
import { fillTemplates } from "./card.js";
import { startLive } from "./live.js";
import { loadTexts, offerLanguages, t } from "./text.js";

const views = ["live", "track", "here", "history"]; // those with a tab
const behindGear = ["settings", "microphone", "guide"];
const RETRY = 3000; // pause before the service is asked again, ms
const DECLINED = "genre-edge guide"; // other pages of the same site have keys of their own
const started = {};
let selected = "";
const byId = (id) => document.getElementById(id);
const isKiosk = new URLSearchParams(location.search).has("kiosk");

/** The module of each view is loaded when the view is first shown. */
const start = {
  live: async (model) => startLive(model),
  track: async (model) => (await import("./track.js")).startTrack(model),
  here: async (model) => (await import("./this_device.js")).startThisDevice(model),
  history: async (model) => (await import("./history.js")).startHistory(model),
  settings: async () => (await import("./settings.js")).startSettings(),
  microphone: async () => (await import("./microphone.js")).startMicrophone(),
  guide: async () => (await import("./guide.js")).startGuide(),
};

export function notice(text) {
  const line = byId("notice");
  line.textContent = text;
  line.hidden = !text;
}

/** Selects a tab. Its view appears when its module is there: no button is shown that does nothing. */
async function show(name, model) {
  selected = name;
  for (const view of views) {
    const tab = byId(`tab-${view}`);
    tab.setAttribute("aria-selected", String(view === name));
    tab.tabIndex = view === name || (view === "live" && behindGear.includes(name)) ? 0 : -1;
  }
  for (const view of [...views, ...behindGear]) if (view !== name) byId(`view-${view}`).hidden = true;
  byId("gear").toggleAttribute("aria-current", false);
  if (behindGear.includes(name)) byId("gear").setAttribute("aria-current", "page");
  welcome(model, name);
  try {
    started[name] ??= start[name](model);
    await started[name];
  } catch (error) {
    delete started[name]; // tried again when the tab is selected again
    notice(error.message);
  }
  if (selected !== name) return; // another tab was selected meanwhile
  byId(`view-${name}`).hidden = false;
  document.dispatchEvent(new CustomEvent("shown", { detail: name }));
}

/** Invites to the guide while there is no configuration file, until it is declined. */
function welcome(model, view) {
  byId("welcome").hidden = !model.service.first || behindGear.includes(view) || localStorage.getItem(DECLINED) !== null;
}

function wireTabs(model) {
  byId("tabs").hidden = false;
  views.forEach((name, at) => {
    const tab = byId(`tab-${name}`);
    tab.addEventListener("click", () => { location.hash = name; });
    tab.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = byId(`tab-${views[(at + step + views.length) % views.length]}`);
      next.focus();
      next.click();
    });
  });
  byId("gear").hidden = !model.service.settings;
  byId("welcome-no").addEventListener("click", () => {
    localStorage.setItem(DECLINED, "yes");
    welcome(model, selected);
  });
  const known = isKiosk ? ["live"] : model.service.settings ? [...views, ...behindGear] : views;
  const wanted = () => (known.includes(location.hash.slice(1)) ? location.hash.slice(1) : model.service.live ? "live" : "track");
  addEventListener("hashchange", () => show(wanted(), model));
  show(wanted(), model);
}

async function load() {
  let model;
  try {
    model = await api("api/model");
  } catch (error) {
    if (error.status === 401) return;
    notice(t("offline", { reason: error.message }));
    setTimeout(load, RETRY);
    return;
  }
  notice("");
  const tell = ({ name, labels, window_seconds: seconds }) => {
    byId("about").textContent = t("about", { model: name, version: model.version, count: labels.length, seconds });
  };
  tell({ ...model, window_seconds: model.frontend.window_seconds });
  addEventListener("model", ({ detail }) => tell(detail));
  wireTabs(model);
}

/** A screen on the wall shows the live view alone, and stays on where the browser allows that. */
function startKiosk() {
  document.documentElement.classList.add("kiosk");
  location.hash = "live";
  const stayOn = () => navigator.wakeLock?.request("screen").catch(() => {});
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && stayOn());
  stayOn();
}

onLoginNeeded(() => {
  document.documentElement.classList.add("locked");
  byId("login").hidden = false;
  byId("token").focus();
});
byId("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await login(byId("token").value);
    location.reload(); // what a view showed before its session ended is out of date
  } catch (error) {
    notice(error.message);
  }
});
if (isKiosk) startKiosk();
fillTemplates();
await loadTexts();
offerLanguages(byId("language"));
load();
navigator.serviceWorker?.register("sw.js").catch(() => {}); // without it, all but opening offline works
