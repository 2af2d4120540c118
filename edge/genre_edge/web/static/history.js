// What was heard today and in the last seven days.
import { api } from "./api.js";
import { colour, duration, percent, rows } from "./widgets.js";

const byId = (id) => document.getElementById(id);

export async function startHistory(model) {
  const labels = [...model.labels, "uncertain"];
  const refresh = () => draw(labels);
  document.addEventListener("shown", (event) => { if (event.detail === "history") refresh(); });
}

async function draw(labels) {
  try {
    const [day, week, all] = await Promise.all([
      api("api/history?since=24h&by=hour"), api("api/history?since=7d&by=day"), api("api/history?since=7d&by=genre"),
    ]);
    byId("history-state").textContent = all.length ? "" : "Nothing heard yet.";
    rows(byId("history-table"), all.map((row) => [row.label, duration(row.seconds), row.confidence === null ? "" : percent(row.confidence)]));
    const today = new Date();
    today.setHours(0, 0, 0, 0);
    await chart(byId("history-day"), labels, day.filter((row) => new Date(row.when) >= today), span(today, 24, 3600), 60, "minutes");
    const first = new Date(today);
    first.setDate(first.getDate() - 6);
    await chart(byId("history-week"), labels, week, span(first, 7, 86400), 3600, "hours");
  } catch (error) {
    byId("history-state").textContent = error.message;
  }
}

const span = (from, count, step) => Array.from({ length: count }, (_, k) => {
  const when = new Date(from);
  if (step === 3600) when.setHours(from.getHours() + k);
  else when.setDate(from.getDate() + k);
  return when.getTime() / 1000;
});

/** Draws stacked bars. Each series is the sum of those below it; the tallest is drawn first. */
async function chart(place, labels, played, times, unit, name) {
  let uPlot;
  try {
    ({ default: uPlot } = await import("../vendor/uPlot.esm.js"));
    style();
  } catch {
    place.textContent = "No chart: its library is missing. Run script/web to download it.";
    return;
  }
  const heard = labels.filter((label) => played.some((row) => row.label === label));
  const sums = times.map(() => 0);
  const stacked = heard.map((label) => times.map((time, at) => {
    const row = played.find((one) => one.label === label && new Date(one.when).getTime() / 1000 === time);
    return (sums[at] += (row?.seconds ?? 0) / unit);
  }));
  const textColour = getComputedStyle(document.body).color;
  const axis = { stroke: textColour, grid: { stroke: "#8884", width: 1 }, ticks: { stroke: "#8884" } };
  place.replaceChildren();
  new uPlot({
    width: Math.max(280, place.clientWidth), height: 200, scales: { x: { range: () => [times[0], 2 * times.at(-1) - times.at(-2)] }, y: { range: (_, low, high) => [0, high || 1] } },
    axes: [{ ...axis, values: (_, ticks) => ticks.map((t) => label(t, times.length)) }, { ...axis, label: name }],
    legend: { show: true, live: false }, cursor: { show: false },
    series: [{}, ...heard.map((one) => ({
      label: one, fill: colour(one), stroke: colour(one), width: 0, paths: uPlot.paths.bars({ size: [0.7], align: 1 }), points: { show: false },
    })).reverse()],
  }, [times, ...stacked.reverse()], place);
  place.setAttribute("role", "img");
  place.setAttribute("aria-label", `${name} of each genre: ${heard.join(", ") || "nothing heard"}. The table below has the totals.`);
}

const label = (time, count) => {
  const when = new Date(time * 1000);
  return count === 24 ? String(when.getHours()) : when.toLocaleDateString(undefined, { weekday: "short" });
};

function style() {
  if (document.querySelector("link[href$='uPlot.min.css']")) return;
  const link = document.createElement("link");
  link.rel = "stylesheet";
  link.href = "vendor/uPlot.min.css";
  document.head.append(link);
}
