// The card of the live view: what is playing, how sure that is, and since when.
import { paint, runnerUp } from "./card.js";
import { showInTab } from "./tab_icon.js";
import { named, t } from "./text.js";
import { joined } from "./timeline.js";
import { duration, percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);
const NO_MUSIC = ["silence", "uncertain"];

/** Shows a window; `pieces` are what was heard, this window included (start and end in s). */
export function showWindow(record, pieces) {
  const { genre, confidence, scores } = record.smoothed;
  const isSilent = record.label === "silence" || genre === null;
  const stretches = joined(pieces, 10);
  paint(byId("live-card"), isSilent || record.label === "uncertain" ? "" : record.label);
  put(record.label, isSilent ? t("live.quiet") : named(record.label));
  if (isSilent) return write(lastHeard(stretches), "");
  const since = stretches.at(-1);
  const time = since ? duration(since.end - since.start) : "";
  const first = record.label === "uncertain"
    ? t("live.guess", { label: genre, percent: percent(confidence) })
    : t("live.sure", { percent: percent(confidence), time });
  return write(first, runnerUp(scores, genre));
}

/** No window yet. */
export function showNothing(text = "") {
  paint(byId("live-card"), "");
  put("", "–");
  write(text, "");
}

function lastHeard(stretches) {
  const last = stretches.findLast((piece) => !NO_MUSIC.includes(piece.label));
  if (!last) return t("live.nothing");
  const ago = Math.max(0, stretches.at(-1).end - last.end);
  return t("live.last", { label: last.label, time: duration(ago) });
}

function put(label, text) {
  const line = byId("live-label");
  byId("live-card").dataset.label = label;
  if (line.textContent !== text) line.textContent = text;
  line.style.setProperty("--letters", text.length); // a screen on the wall shows it as large as fits
  const genre = NO_MUSIC.includes(label) ? "" : label;
  byId("teach-wrong").disabled = !genre; // silence is not taught, nor is what is uncertain
  showInTab(label ? text : "", genre);
}

function write(first, second) {
  byId("live-confidence").textContent = first;
  byId("live-second").textContent = second;
}
