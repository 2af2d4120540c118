// What several views show: bars, ribbons, colours, times.

const COLOURS = {
  blues: "#2f6db5", classical: "#8a5fbf", country: "#b07a2a", disco: "#d6459a", hiphop: "#4b8f3c",
  jazz: "#c2571a", metal: "#6b7280", pop: "#d9a400", reggae: "#0f8f83", rock: "#c0392b",
  silence: "#9aa3ab", uncertain: "#7d8a97",
};
const OTHER_COLOURS = ["#7a5195", "#00876c", "#bc5090", "#ff7c43", "#3d5a80"];

export function colour(label) {
  if (COLOURS[label]) return COLOURS[label];
  let sum = 0;
  for (const letter of label) sum += letter.codePointAt(0);
  return OTHER_COLOURS[sum % OTHER_COLOURS.length];
}

export const percent = (value) => `${Math.round(value * 100)} %`;

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

/** One bar for each label; made once, then only resized. */
export class Bars {
  constructor(list, labels) {
    this.rows = new Map();
    list.replaceChildren(...labels.map((label) => {
      const row = document.createElement("li");
      const [name, track, bar, value] = ["span", "i", "b", "span"].map((tag) => document.createElement(tag));
      name.textContent = label;
      value.textContent = "0 %";
      bar.style.background = colour(label);
      track.append(bar);
      row.append(name, track, value);
      this.rows.set(label, [bar, value]);
      return row;
    }));
  }

  show(scores) {
    for (const [label, [bar, value]] of this.rows) {
      const score = scores[label] ?? 0;
      bar.style.width = `${score * 100}%`;
      value.textContent = percent(score);
    }
  }
}

/** Draws what was heard from left to right; `length` is the time of the whole width, s. */
export function ribbon(element, pieces, from, length) {
  const joined = [];
  for (const piece of pieces) {
    const last = joined.at(-1);
    if (last && last.label === piece.label && piece.start - last.end < 1) last.end = Math.max(last.end, piece.end);
    else joined.push({ ...piece });
  }
  let at = from;
  const parts = [];
  const total = {};
  const add = (seconds, background) => {
    const part = document.createElement("i");
    part.style.width = `${(seconds / length) * 100}%`;
    if (background) part.style.background = background;
    parts.push(part);
  };
  for (const piece of joined) {
    const start = Math.max(piece.start, at);
    if (piece.end <= start) continue;
    if (start > at) add(start - at, "");
    add(piece.end - start, colour(piece.label));
    parts.at(-1).title = `${piece.label}, ${duration(piece.end - start)}`;
    total[piece.label] = (total[piece.label] ?? 0) + piece.end - start;
    at = piece.end;
  }
  element.replaceChildren(...parts);
  const summary = Object.entries(total).sort((a, b) => b[1] - a[1]).map(([label, s]) => `${label} ${duration(s)}`);
  element.setAttribute("aria-label", summary.join(", ") || "Nothing heard yet");
}

export function legend(list, labels) {
  list.replaceChildren(...labels.map((label) => {
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.style.background = colour(label);
    item.append(mark, label);
    return item;
  }));
}

export function rows(table, cells) {
  table.tBodies[0].replaceChildren(...cells.map((row) => {
    const line = document.createElement("tr");
    row.forEach((text, at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (!at) cell.scope = "row";
      cell.textContent = text;
      line.append(cell);
    });
    return line;
  }));
}
