// The state of what is heard: a line and a level, or a large sign when nothing is heard.
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
const BAD = ["waiting", "lost", "dead", "clipping"];
const SIGNS = ["waiting", "lost", "dead", "paused"];
let kind = "microphone";

/** Whether the service hears named sources; they need other words than a microphone. */
export function ofSources(areNamed) {
  kind = areNamed ? "source" : "microphone";
}

/** Shows a state; a reason stays until the state changes. */
export function showState(name, reason) {
  const line = byId("live-state");
  if (name === "") {
    line.dataset.state = "";
    return;
  }
  if (line.dataset.state === name && !reason) return;
  line.dataset.state = name;
  const key = `state.${kind}.${name}`;
  const text = t(key) === key ? t(`state.${name}`) : t(key);
  const shown = reason && reason !== "signal OK" ? `${text} (${reason})` : text;
  if (line.textContent !== shown) line.textContent = shown;
  line.classList.toggle("bad", BAD.includes(name));
  showSign(SIGNS.includes(name) ? name : "", text);
}

/** A large sign with what is wrong, and what to do. */
export function showSign(name, text = t("state.offline")) {
  byId("live-sign").hidden = !name;
  byId("live-sign").classList.toggle("calm", name === "paused"); // nobody has to do anything
  byId("live-pair").hidden = Boolean(name) && name !== "dead";
  if (!name) return;
  byId("live-sign-title").textContent = text;
  const key = `remedy.${kind}.${name}`;
  byId("live-sign-remedy").textContent = t(key) === key ? t(`remedy.${name}`) : t(key);
}

export function showSinks(entries, dropped) {
  const lines = entries.map((entry) => {
    const hasFailed = entry.failures > 0 || entry.dropped > 0;
    let text = t("sinks.written", { name: entry.name, count: entry.written });
    if (hasFailed) text += t("sinks.failed", { dropped: entry.dropped, failures: entry.failures });
    if (hasFailed && entry.trouble) text += t("sinks.trouble", { trouble: entry.trouble });
    return item(text, hasFailed);
  });
  if (dropped) lines.push(item(t("sinks.slow", { seconds: dropped }), true));
  if (!lines.length) lines.push(item(t("sinks.none"), false));
  byId("live-sinks").replaceChildren(...lines);
}

function item(text, isBad) {
  const line = document.createElement("li");
  line.textContent = text;
  line.classList.toggle("bad", isBad);
  return line;
}
