// What the microphone of the service hears now.
import { Bars, legend, percent, ribbon } from "./widgets.js";

const HOUR = 3600;
const byId = (id) => document.getElementById(id);
const STATES = {
  listening: "Listening", starting: "Starting …", waiting: "Waiting for the microphone …",
  lost: "Microphone disconnected; waiting for it …", dead: "No signal; is the microphone muted?",
  clipping: "Too loud: the signal is clipped",
};

export function startLive(model) {
  if (!model.service.live) {
    showText("This service does not listen to a microphone. Start it with genre-edge serve --live, or use the other tabs.", false);
    return;
  }
  const bars = new Bars(byId("live-bars"), model.labels);
  legend(byId("live-legend"), [...model.labels, "silence", "uncertain"]);
  const spectrum = new Spectrum(byId("live-spectrum"));
  let recent = [];
  const drawRibbon = () => {
    const end = recent.at(-1)?.end ?? 0;
    ribbon(byId("live-ribbon"), recent, end - HOUR, HOUR);
  };
  const source = new EventSource("api/live");
  const on = (name, act) => source.addEventListener(name, (event) => act(JSON.parse(event.data)));
  source.onerror = () => {
    showText("No connection to the service. Trying again …", true);
    byId("live-state").dataset.state = ""; // whatever comes next is shown
  };
  on("recent", (pieces) => { recent = pieces; drawRibbon(); });
  on("state", (record) => showState(record.state, record.reason));
  on("sinks", (record) => { showSinks(record.sinks, record.dropped_seconds); });
  on("spectrum", (levels) => spectrum.add(levels));
  on("window", (record) => {
    showState(record.state, "");
    byId("live-label").textContent = record.label;
    const smoothed = record.smoothed;
    const guess = smoothed && record.label !== smoothed.genre ? `most likely ${smoothed.genre}, ` : "";
    byId("live-confidence").textContent = smoothed ? guess + percent(smoothed.confidence) : "";
    bars.show(record.scores);
    showLevel(record.level_dbfs);
    recent.push({ start: record.start, end: record.end, label: record.label });
    recent = recent.filter((piece) => record.end - piece.start <= HOUR);
    drawRibbon();
  });
}

function showState(name, reason) {
  const bad = ["waiting", "lost", "dead", "clipping"].includes(name);
  const isShown = byId("live-state").dataset.state === name;
  if (isShown && !reason) return; // keeps the reason that was given with it
  const text = STATES[name] ?? name;
  showText(reason ? `${text} (${reason})` : text, bad);
  byId("live-state").dataset.state = name;
  if (name === "lost" || name === "waiting") {
    byId("live-label").textContent = "–";
    byId("live-confidence").textContent = "";
  }
}

function showText(text, bad) {
  const line = byId("live-state");
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("bad", bad);
}

function showLevel(dbfs) {
  const meter = byId("live-level");
  meter.firstElementChild.style.width = `${Math.max(0, Math.min(100, (dbfs + 90) / 0.9))}%`;
  meter.setAttribute("aria-label", `Level ${dbfs} dBFS`);
}

function showSinks(entries, dropped) {
  const lines = entries.map((entry) => {
    const line = document.createElement("li");
    const hasFailed = entry.failures > 0 || entry.dropped > 0;
    line.textContent = `${entry.name}: ${entry.written} records`;
    if (hasFailed) line.textContent += `, ${entry.dropped} lost, ${entry.failures} failures`;
    if (hasFailed && entry.trouble) line.textContent += `; the last: ${entry.trouble}`;
    line.classList.toggle("bad", hasFailed);
    return line;
  });
  if (dropped) {
    const line = document.createElement("li");
    line.className = "bad";
    line.textContent = `${dropped} s of audio dropped: the device is too slow`;
    lines.push(line);
  }
  if (!lines.length) {
    const line = document.createElement("li");
    line.textContent = "only to this page";
    lines.push(line);
  }
  byId("live-sinks").replaceChildren(...lines);
}

/** A spectrogram that moves to the left, one column for each event. */
class Spectrum {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
  }

  add(levels) {
    const { width, height } = this.canvas;
    const old = this.context.getImageData(1, 0, width - 1, height);
    this.context.putImageData(old, 0, 0);
    const column = this.context.createImageData(1, height);
    levels.forEach((value, band) => {
      const at = 4 * (height - 1 - band);
      if (at < 0) return;
      column.data.set([Math.min(255, value * 1.6), Math.max(0, value * 1.4 - 80), Math.max(0, 130 - Math.abs(value - 90)), 255], at);
    });
    this.context.putImageData(column, width - 1, 0);
  }
}
