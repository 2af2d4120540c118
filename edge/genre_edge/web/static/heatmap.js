// What is usually heard at each hour of each weekday.
import { colour } from "./colours.js";
import { locale, named, t } from "./text.js";
import { duration } from "./widgets.js";

const DAYS = [1, 2, 3, 4, 5, 6, 0]; // Monday first
const FULL = 3600; // seconds of music in an hour, on average, that give the full colour

/** Draws rows of the API by hour; `tell` gets the words of the cell that is tapped. */
export function drawHeatmap(place, rows, weeks, tell) {
  const cells = new Map();
  for (const { when, label, seconds } of rows) {
    if (label === "silence") continue;
    const time = new Date(when);
    const key = `${time.getDay()} ${time.getHours()}`;
    const cell = cells.get(key) ?? cells.set(key, {}).get(key);
    cell[label] = (cell[label] ?? 0) + seconds;
  }
  const parts = [document.createElement("b"), ...Array.from({ length: 24 }, (_, hour) => text(hour % 6 ? "" : String(hour)))];
  for (const day of DAYS) {
    parts.push(text(dayName(day, "short")));
    for (let hour = 0; hour < 24; hour += 1) parts.push(draw(cells.get(`${day} ${hour}`), day, hour, weeks));
  }
  place.replaceChildren(...parts);
  place.setAttribute("role", "img");
  const busiest = [...cells].sort((a, b) => sum(b[1]) - sum(a[1]))[0];
  place.setAttribute("aria-label", busiest ? words(busiest[1], ...busiest[0].split(" ").map(Number)) : t("history.empty"));
  place.onclick = (event) => tell(event.target.title ?? "");
}

const sum = (cell) => Object.values(cell).reduce((a, b) => a + b, 0);

function draw(cell, day, hour, weeks) {
  const part = document.createElement("i");
  if (!cell) return part;
  const [[label]] = Object.entries(cell).sort((a, b) => b[1] - a[1]);
  const share = Math.min(1, sum(cell) / weeks / FULL);
  part.style.background = `color-mix(in srgb, ${colour(label)} ${Math.round(30 + 70 * share)}%, var(--line))`;
  part.title = words(cell, day, hour);
  return part;
}

function words(cell, day, hour) {
  const heard = Object.entries(cell).sort((a, b) => b[1] - a[1]).map(([label, seconds]) => `${named(label)} ${duration(seconds)}`);
  return t("history.cell", { day: dayName(day, "long"), from: hour, to: hour + 1, labels: heard.join(", ") });
}

/** 4 January 1970 was a Sunday. */
const dayName = (day, weekday) => new Date(Date.UTC(1970, 0, 4 + day)).toLocaleDateString(locale(), { weekday, timeZone: "UTC" });

function text(content) {
  const part = document.createElement("b");
  part.textContent = content;
  return part;
}
