// What is usually heard at each hour of each weekday.
import { colour } from "./colours.js";
import { locale, named, t } from "./text.js";
import { duration } from "./widgets.js";

const DAYS = [1, 2, 3, 4, 5, 6, 0]; // Monday first
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);
const FULL = 3600; // seconds of music in an hour, on average, that give the full colour
const STEPS = { ArrowUp: -24, ArrowDown: 24, ArrowLeft: -1, ArrowRight: 1 }; // cells that a key moves by

/** Draws rows of the API by hour; `tell` gets the words of the hour that is tapped or moved to. */
export function drawHeatmap(place, rows, weeks, tell) {
  const heard = new Map();
  for (const { when, label, seconds } of rows) {
    if (label === "silence") continue;
    const time = new Date(when);
    const key = `${time.getDay()} ${time.getHours()}`;
    const hour = heard.get(key) ?? heard.set(key, Object.create(null)).get(key);
    hour[label] = (hour[label] ?? 0) + seconds;
  }
  const grid = part("div", "grid");
  grid.className = "heatmap";
  grid.ariaLabel = t("history.heatmap");
  const head = part("div");
  head.append(part("b"), ...HOURS.map((hour) => text(hour % 6 ? "" : String(hour))));
  head.ariaHidden = "true"; // each cell says its day and its hour
  grid.append(head, ...DAYS.map((day) => {
    const row = part("div", "row");
    row.append(text(dayName(day, "short")), ...HOURS.map((hour) => draw(heard.get(`${day} ${hour}`), day, hour, weeks)));
    return row;
  }));
  wire(grid, tell);
  place.replaceChildren(grid);
}

/** The tab key goes to one cell, arrows from there to the others. */
function wire(grid, tell) {
  const cells = [...grid.querySelectorAll("[role=gridcell]")];
  cells[0].tabIndex = 0;
  grid.addEventListener("focusin", ({ target }) => {
    for (const cell of cells) cell.tabIndex = cell === target ? 0 : -1;
    tell(target.ariaLabel);
  });
  grid.addEventListener("keydown", (event) => {
    const at = cells.indexOf(event.target), next = at + STEPS[event.key];
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    const isOtherRow = Math.abs(next - at) === 1 && Math.floor(next / 24) !== Math.floor(at / 24);
    if (!isOtherRow) cells[next]?.focus();
  });
}

function draw(hour, day, at, weeks) {
  const cell = part("i", "gridcell");
  cell.tabIndex = -1;
  const found = Object.entries(hour ?? {}).sort((a, b) => b[1] - a[1]);
  const labels = found.map(([label, seconds]) => `${named(label)} ${duration(seconds)}`).join(", ");
  cell.ariaLabel = t("history.cell", { day: dayName(day, "long"), from: at, to: at + 1, labels: labels || t("history.nothing") });
  if (!labels) return cell;
  cell.title = cell.ariaLabel;
  const sum = found.reduce((all, [, seconds]) => all + seconds, 0);
  const share = Math.min(1, sum / weeks / FULL);
  cell.style.background = `color-mix(in srgb, ${colour(found[0][0])} ${Math.round(30 + 70 * share)}%, var(--line))`;
  return cell;
}

/** 4 January 1970 was a Sunday. */
const dayName = (day, weekday) => new Date(Date.UTC(1970, 0, 4 + day)).toLocaleDateString(locale(), { weekday, timeZone: "UTC" });

function part(tag, role) {
  const made = document.createElement(tag);
  if (role) made.role = role;
  return made;
}

function text(content) {
  const made = part("b");
  made.textContent = content;
  made.ariaHidden = "true";
  return made;
}
