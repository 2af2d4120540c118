// A strip of time in the colours of what was heard: names inside, a time axis below.
import { colour, inkOn } from "./colours.js";
import { named, t } from "./text.js";
import { duration } from "./widgets.js";

const LETTER = 8; // width of a letter, CSS pixels

/** Joins neighbours of one label; `hole` is the longest pause that is bridged, s. */
export function joined(pieces, hole = 1) {
  const found = [];
  for (const piece of pieces) {
    const last = found.at(-1);
    if (last && last.label === piece.label && piece.start - last.end < hole) {
      last.end = Math.max(last.end, piece.end);
      last.sum += (piece.confidence ?? 0) * (piece.end - piece.start);
    } else found.push({ ...piece, sum: (piece.confidence ?? 0) * (piece.end - piece.start) });
  }
  return found;
}

/** Seconds of each label, the longest first. */
export function totals(pieces) {
  const sums = Object.create(null); // a label may be any word, "constructor" too
  for (const { label, start, end } of pieces) sums[label] = (sums[label] ?? 0) + end - start;
  return Object.entries(sums).sort((a, b) => b[1] - a[1]);
}

export class Timeline {
  /** `choose` gets the piece and the time that was tapped; `tick` writes a time of the axis. */
  constructor(place, { choose, tick }) {
    Object.assign(this, { choose, tick, pieces: [], from: 0, length: 1, chosen: -1 });
    place.classList.add("timeline");
    this.strip = document.createElement("div");
    this.strip.className = "strip";
    this.strip.setAttribute("role", "group");
    this.strip.tabIndex = 0;
    this.axis = document.createElement("div");
    this.axis.className = "axis";
    this.axis.ariaHidden = "true";
    this.head = document.createElement("span");
    this.head.className = "head";
    this.head.hidden = true;
    place.replaceChildren(this.strip, this.axis);
    this.strip.addEventListener("click", (event) => {
      const box = this.strip.getBoundingClientRect();
      const time = this.from + ((event.clientX - box.left) / box.width) * this.length;
      this.pick(this.pieces.findIndex((one) => one.start <= time && time < one.end), time);
    });
    this.strip.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step || !this.pieces.length) return;
      event.stopPropagation();
      const at = this.chosen < 0 ? this.pieces.length - 1 : this.chosen + step;
      const next = Math.max(0, Math.min(this.pieces.length - 1, at));
      this.pick(next, this.pieces[next].start);
    });
    new ResizeObserver(() => this.draw()).observe(this.strip);
  }

  pick(at, time) {
    this.chosen = at;
    this.draw();
    this.choose(this.pieces[at], time);
  }

  show(pieces, from, length) {
    const kept = this.pieces[this.chosen];
    this.pieces = joined(pieces).filter((one) => one.end > from);
    this.chosen = kept ? this.pieces.findIndex((one) => one.label === kept.label && one.start <= kept.start && kept.start < one.end) : -1;
    Object.assign(this, { from, length });
    this.draw();
  }

  draw() {
    const width = this.strip.clientWidth;
    let at = this.from;
    const parts = [];
    const add = (seconds) => {
      const part = document.createElement("i");
      part.style.width = `${(seconds / this.length) * 100}%`;
      parts.push(part);
      return part;
    };
    this.pieces.forEach((piece, number) => {
      const start = Math.max(piece.start, at);
      if (piece.end <= start) return;
      if (start > at) add(start - at);
      const part = add(piece.end - start);
      part.style.background = colour(piece.label);
      part.style.color = inkOn(colour(piece.label));
      part.className = number === this.chosen ? "chosen" : "";
      const name = named(piece.label);
      part.title = `${name}, ${duration(piece.end - piece.start)}`;
      if (((piece.end - start) / this.length) * width > name.length * LETTER + 8) part.textContent = name;
      at = piece.end;
    });
    this.strip.replaceChildren(...parts, this.head);
    const summary = totals(this.pieces).map(([label, seconds]) => `${named(label)} ${duration(seconds)}`);
    this.strip.setAttribute("aria-label", summary.join(", ") || t("timeline.empty"));
    const ticks = Math.max(2, Math.min(7, Math.floor(width / 90) + 1));
    this.axis.replaceChildren(...Array.from({ length: ticks }, (_, k) => {
      const mark = document.createElement("span");
      mark.style.left = `${(k / (ticks - 1)) * 100}%`;
      mark.textContent = this.tick(this.from + (k / (ticks - 1)) * this.length);
      return mark;
    }));
  }

  /** Moves the playhead. */
  moveTo(time) {
    this.head.hidden = false;
    this.head.style.left = `${((time - this.from) / this.length) * 100}%`;
  }
}
