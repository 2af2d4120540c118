// The verdict on a file, in words and as a table.
import { colour } from "./colours.js";
import { named, t } from "./text.js";
import { joined, totals } from "./timeline.js";
import { clock, duration, percent, rows } from "./widgets.js";

const CLEAR = 0.6; // a mean probability from here on is clear
const MOSTLY = 0.45; // below this no genre stands for the file alone
const CLOSE = 0.15; // a genre this close to the first is named with it
const MOST_NAMED = 3;
const MOST_PLACES = 5; // places of one genre that the table links to

/** The genre of a window; in silence there is none. */
export const labelOf = (record) => record.genre ?? "silence";

/** "Clearly jazz: 92 %", "Mostly jazz: 55 %", "Mixed: reggae 33 %, metal 33 %". */
export function inWords(verdict) {
  if (!verdict.genre) return t("verdict.silence");
  const sorted = Object.entries(verdict.scores).sort((a, b) => b[1] - a[1]);
  const [label, best] = sorted[0];
  const isAlone = best - (sorted[1]?.[1] ?? 0) > CLOSE;
  if (best >= CLEAR || (best >= MOSTLY && isAlone)) return t(best >= CLEAR ? "verdict.clear" : "verdict.mostly", { label, percent: percent(best) });
  const few = sorted.filter(([, score], at) => at < 2 || score >= best / 2).slice(0, MOST_NAMED);
  return t("verdict.mixed", { labels: few.map(([name, score]) => `${name} ${percent(score)}`).join(", ") });
}

export const pieces = (windows) => windows.map((w) => ({ start: w.start, end: w.end, label: labelOf(w), confidence: w.confidence }));

/** What was heard, and nothing else: how long, its share, where. `seek` goes to a place. */
export function fillTable(table, windows, verdict, seek) {
  const stretches = joined(pieces(windows));
  const all = totals(stretches);
  const whole = all.reduce((sum, [, seconds]) => sum + seconds, 0);
  rows(table, all.map(([label, seconds]) => [
    marked(label), duration(seconds), percent(seconds / whole),
    label === "silence" ? "" : percent(verdict.scores[label] ?? 0),
    places(stretches.filter((one) => one.label === label), seek),
  ]));
}

/** The name of a label after its colour. */
export function marked(label) {
  const name = document.createElement("span");
  const mark = document.createElement("i");
  mark.className = "mark";
  mark.style.background = colour(label);
  name.append(mark, named(label));
  return name;
}

function places(stretches, seek) {
  const list = document.createElement("span");
  list.append(...stretches.slice(0, MOST_PLACES).map(({ start }) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = clock(start);
    button.addEventListener("click", () => seek(start));
    return button;
  }));
  if (stretches.length > MOST_PLACES) list.append(" …");
  return list;
}
