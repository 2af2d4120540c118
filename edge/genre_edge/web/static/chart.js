// Stacked bars over time, drawn with uPlot, which may be missing.
import { colour } from "./colours.js";
import { locale, t } from "./text.js";

const HOUR = 3600;

/** Draws `rows` of the API (when, label, seconds), by hour or by day, into `place`. */
export async function drawChart(place, rows, labels, byHour, count) {
  let uPlot;
  try {
    ({ default: uPlot } = await import("../vendor/uPlot.esm.js"));
    addStyle();
  } catch {
    place.textContent = t("history.no_chart");
    return;
  }
  const times = slots(byHour, count);
  const unit = byHour ? 60 : HOUR;
  const name = t(byHour ? "history.minutes" : "history.hours");
  const found = new Map(rows.map((row) => [`${Date.parse(byHour ? row.when : `${row.when}T00:00`) / 1000} ${row.label}`, row.seconds]));
  const sums = times.map(() => 0);
  // Each series is the sum of those below it; the tallest is drawn first.
  const stacked = labels.map((label) => times.map((time, at) => (sums[at] += (found.get(`${time} ${label}`) ?? 0) / unit)));
  const axis = { stroke: getComputedStyle(document.body).color, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884" } };
  const width = Math.max(280, place.clientWidth);
  const step = Math.ceil(times.length / (width / 90)); // slots from one name of the axis to the next
  const end = 2 * times.at(-1) - times.at(-2);
  const middle = byHour ? 0 : 12 * HOUR; // an hour is named where it begins, a day in its middle
  place.replaceChildren();
  new uPlot({
    width, height: 220,
    scales: { x: { range: () => [times[0], end] }, y: { range: (_, low, high) => [0, high || 1] } },
    axes: [{ ...axis, grid: { show: false }, splits: () => times.filter((_, at) => at % step === 0).map((time) => time + middle), values: (_, ticks) => ticks.map((time) => tick(time, byHour)) }, { ...axis, label: name, size: 42, labelSize: 22 }],
    legend: { show: false }, cursor: { show: false },
    series: [{}, ...labels.map((label) => ({
      label, fill: colour(label), stroke: colour(label), width: 0, paths: uPlot.paths.bars({ size: [0.8], align: 1 }), points: { show: false },
    })).reverse()],
  }, [times, ...stacked.reverse()], place);
}

/** The beginnings of the last hours or days, s since 1970. */
function slots(byHour, count) {
  const last = new Date();
  last.setMinutes(0, 0, 0);
  if (!byHour) last.setHours(0);
  return Array.from({ length: count }, (_, k) => {
    const when = new Date(last);
    if (byHour) when.setTime(last.getTime() - (count - 1 - k) * HOUR * 1000);
    else when.setDate(last.getDate() - (count - 1 - k));
    return when.getTime() / 1000;
  });
}

function tick(time, byHour) {
  const form = byHour ? { hour: "2-digit", minute: "2-digit" } : { weekday: "short", day: "numeric" };
  return new Date(time * 1000).toLocaleString(locale(), form);
}

function addStyle() {
  if (document.querySelector("link[href$='uPlot.min.css']")) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = "vendor/uPlot.min.css";
  document.head.append(link);
}
