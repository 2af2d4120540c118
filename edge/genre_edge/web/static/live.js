// What the microphone of the service hears.
import { Bars, legend, percent, ribbon } from "./widgets.js";

const HOUR = 3600;
const byId = (id) => document.getElementById(id);
const STATES = {
  listening: "listening", starting: "starting …", waiting: "The microphone is not there; waiting for it.",
  lost: "The microphone is gone; waiting for it to come back.", dead: "The microphone is mute: every sample is the same.",
  clipping: "Too loud: the signal is cut off.",
};

export function startLive(model) {
  if (!model.service.live) {
    state("This service has no microphone. Start it with genre-edge serve --live, or use the other views.", false);
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
  source.onerror = () => state("The service does not answer; trying again …", true);
  on("recent", (pieces) => { recent = pieces; drawRibbon(); });
  on("state", (record) => said(record.state, record.reason));
  on("sinks", (record) => { sinks(record.sinks, record.dropped_seconds); });
  on("spectrum", (levels) => spectrum.add(levels));
  on("window", (record) => {
    said(record.state, "");
    byId("live-label").textContent = record.label;
    const smoothed = record.smoothed;
    const guess = smoothed && record.label !== smoothed.genre ? `most like ${smoothed.genre}, ` : "";
    byId("live-confidence").textContent = smoothed ? guess + percent(smoothed.confidence) : "";
    bars.show(record.scores);
    level(record.level_dbfs);
    recent.push({ start: record.start, end: record.end, label: record.label });
    recent = recent.filter((piece) => record.end - piece.start <= HOUR);
    drawRibbon();
  });
}

function said(name, reason) {
  const bad = ["waiting", "lost", "dead", "clipping"].includes(name);
  if (!bad && !reason && byId("live-state").dataset.state === name) return;
  state([STATES[name] ?? name, reason].filter(Boolean).join(bad ? " " : ": "), bad);
  byId("live-state").dataset.state = name;
  if (name === "lost" || name === "waiting") {
    byId("live-label").textContent = "–";
    byId("live-confidence").textContent = "";
  }
}

function state(text, bad) {
  const line = byId("live-state");
  if (line.textContent !== text) line.textContent = text;
  line.classList.toggle("bad", bad);
}

function level(dbfs) {
  const meter = byId("live-level");
  meter.firstElementChild.style.width = `${Math.max(0, Math.min(100, (dbfs + 90) / 0.9))}%`;
  meter.setAttribute("aria-label", `level ${dbfs} dBFS`);
}

function sinks(entries, dropped) {
  const lines = entries.map((entry) => {
    const line = document.createElement("li");
    const well = !entry.trouble || entry.written > 0 && !entry.dropped && !entry.failures;
    line.textContent = well
      ? `${entry.name}: ${entry.written} records`
      : `${entry.name}: ${entry.failures} failures, ${entry.dropped} lost; last: ${entry.trouble}`;
    line.classList.toggle("bad", !well);
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
    line.textContent = "nowhere else";
    lines.push(line);
  }
  byId("live-sinks").replaceChildren(...lines);
}

/** A picture that moves to the left, one column for each event. */
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
