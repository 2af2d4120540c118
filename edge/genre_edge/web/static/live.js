// What the microphone, or one of the sources of the service, hears now.
import { api } from "./api.js";
import { startTeaching } from "./teach.js";
import { Bars, legend, percent, ribbon } from "./widgets.js";

const HOUR = 3600;
const byId = (id) => document.getElementById(id);
const STATES = {
  listening: "Listening", starting: "Starting …", waiting: "Waiting for the microphone …",
  lost: "Microphone disconnected; waiting for it …", dead: "No signal; is the microphone muted?",
  clipping: "Too loud: the signal is clipped",
};
const STATES_OF_SOURCE = {
  ...STATES, waiting: "Waiting for the source …", lost: "Source lost; waiting for it …", dead: "No signal",
};
let states = STATES;

export async function startLive(model) {
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
  const showWindow = (record) => {
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
  };
  let events = null;
  const listenTo = (source) => {
    events?.close();
    spectrum.clear();
    forgetState();
    showNothing();
    events = new EventSource(source === undefined ? "api/live" : `api/live?source=${encodeURIComponent(source)}`);
    const on = (name, act) => events.addEventListener(name, (event) => act(JSON.parse(event.data)));
    events.onerror = () => {
      showText("No connection to the service. Trying again …", true);
      forgetState();
    };
    on("recent", (pieces) => { recent = pieces; drawRibbon(); });
    on("state", (record) => showState(record.state, record.reason));
    on("sinks", (record) => { showState(record.state, ""); showSinks(record.sinks, record.dropped_seconds); });
    on("spectrum", (levels) => spectrum.add(levels));
    on("window", showWindow);
  };
  const names = (await api("api/sources")).map((source) => source.name);
  if (names.length) states = STATES_OF_SOURCE;
  listenTo(offer(names, listenTo));
  if (model.service.teach) await startTeaching(() => (names.length > 1 ? byId("live-source").value : ""));
}

/** Lets the user choose one of several sources; returns the first. */
function offer(names, choose) {
  const picker = byId("live-source");
  picker.replaceChildren(...names.map((name) => new Option(name)));
  picker.onchange = () => choose(picker.value);
  byId("live-picker").hidden = names.length < 2;
  return names[0];
}

/** Whatever state comes next is shown. */
function forgetState() {
  byId("live-state").dataset.state = "";
}

function showNothing() {
  byId("live-label").textContent = "–";
  byId("live-confidence").textContent = "";
}

function showState(name, reason) {
  const bad = ["waiting", "lost", "dead", "clipping"].includes(name);
  const isShown = byId("live-state").dataset.state === name;
  if (isShown && !reason) return; // keeps the reason that was given with it
  const text = states[name] ?? name;
  showText(reason ? `${text} (${reason})` : text, bad);
  byId("live-state").dataset.state = name;
  if (name === "lost" || name === "waiting") showNothing();
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

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
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
