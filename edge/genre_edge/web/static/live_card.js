// The card of the live view: what is playing, how sure that is, and since when.
import { paint } from "./painted_card.js";
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
  const second = Object.entries(scores ?? {}).filter(([label]) => label !== genre).sort((a, b) => b[1] - a[1])[0];
  const first = record.label === "uncertain"
    ? t("live.guess", { label: genre, percent: percent(confidence) })
    : t("live.sure", { percent: percent(confidence), time });
  return write(first, second ? t("live.second", { label: second[0], percent: percent(second[1]) }) : "");
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
  showInTab(label ? text : "", NO_MUSIC.includes(label) ? "" : label);
}

function write(first, second) {
  byId("live-confidence").textContent = first;
  byId("live-second").textContent = second;
}
