// What several views show: bars, legends, tables, numbers.
import { colour } from "./colours.js";

export { colour };

export const percent = (value) => `${Math.round(value * 100)} %`;

export function clock(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function duration(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${(seconds / 3600).toLocaleString(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1 })} h`;
}

/** One bar for each label; made once, then only resized. `say` names a label. */
export class Bars {
  constructor(list, labels, say = (label) => label) {
    this.rows = new Map();
    list.replaceChildren(...labels.map((label) => {
      const row = document.createElement("li");
      const [name, track, bar, value] = ["span", "i", "b", "span"].map((tag) => document.createElement(tag));
      name.textContent = say(label);
      value.textContent = "0 %";
      bar.style.background = colour(label);
      track.append(bar);
      row.append(name, track, value);
      this.rows.set(label, [bar, value, row]);
      return row;
    }));
  }

  /** `say` writes what a bar stands for: its score and its label are given. */
  show(scores, say = percent) {
    for (const [label, [bar, value]] of this.rows) {
      const score = scores[label] ?? 0;
      bar.style.width = `${score * 100}%`;
      value.textContent = say(score, label);
    }
  }
}

export function legend(list, labels, say = (label) => label) {
  list.replaceChildren(...labels.map((label) => {
    const item = document.createElement("li");
    const mark = document.createElement("i");
    mark.style.background = colour(label);
    item.append(mark, say(label));
    return item;
  }));
}

export function rows(table, cells) {
  table.tBodies[0].replaceChildren(...cells.map((row) => {
    const line = document.createElement("tr");
    row.forEach((content, at) => {
      const cell = document.createElement(at ? "td" : "th");
      if (!at) cell.scope = "row";
      cell.append(content);
      line.append(cell);
    });
    return line;
  }));
}
