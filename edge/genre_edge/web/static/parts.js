// What the views of settings, microphone and guide are built from.
import { api } from "./api.js";
import { t } from "./text.js";

/** An element with attributes and children; `on...` attributes are listeners. */
export function el(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

export const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);

let sheet = null;

/** Loads the style sheet of these views, once. */
export function styled() {
  sheet ??= new Promise((resolve) => {
    const link = el("link", { rel: "stylesheet", href: "static/setup.css", onload: resolve, onerror: resolve });
    document.head.append(link);
  });
  return sheet;
}

/** Sends JSON; `version` is that of the configuration file which was seen. */
export function send(path, data, version) {
  const headers = { "Content-Type": "application/json" };
  if (version) headers["If-Match"] = `"${version}"`;
  return api(path, { method: "POST", headers, body: JSON.stringify(data ?? {}) });
}

/** Has the service start again, and waits until it is back and listens. */
export async function startAgain(say) {
  say(t("setup.starting"));
  const before = await api("api/model");
  await fetch("api/start", { method: "POST" }).then((answer) => {
    if (!answer.ok) throw new Error(t("setup.not_started"));
  });
  for (let went = false, tries = 0; tries < 600; tries += 1) {
    await new Promise((resolve) => { setTimeout(resolve, 300); });
    try {
      const now = await api("api/model");
      if (now.service.live && (went || now.service.started !== before.service.started)) break;
    } catch { went = true; /* it is starting */ }
  }
  location.hash = "live";
  location.reload();
}

/** The links at the head of these views. */
export function places(here) {
  const names = { settings: "setup.settings", microphone: "mic.title", guide: "guide.title" };
  return el("nav", { class: "places", "aria-label": t("setup.places") }, ...Object.entries(names).map(([name, key]) => (
    el("a", { href: `#${name}`, class: "button", "aria-current": name === here ? "page" : null }, t(key)))));
}
