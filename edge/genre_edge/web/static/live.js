// What the microphone, or one of the sources of the service, hears now.
import { api } from "./api.js";
import { showLevel } from "./card.js";
import { showNothing, showWindow } from "./live_card.js";
import { showState, showSinks, showSign, ofSources } from "./live_state.js";
import { Spectrum } from "./spectrum.js";
import { startTeaching } from "./teach.js";
import { named, t, timeOfDay } from "./text.js";
import { Timeline } from "./timeline.js";
import { TopBars } from "./top_bars.js";
import { duration, percent } from "./widgets.js";

const HOUR = 3600;
const RETRY = 2000; // pause before the service is asked again, ms
const byId = (id) => document.getElementById(id);

export async function startLive(model) {
  byId("live-absent").hidden = model.service.live;
  byId("live-heard").hidden = !model.service.live;
  if (!model.service.live) return;
  const names = (await api("api/sources")).map((source) => source.name);
  ofSources(names.length > 0);
  const view = new Live(model);
  view.listenTo(offer(names, (name) => view.listenTo(name)));
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

class Live {
  constructor(model) {
    this.bars = new TopBars(byId("live-bars"), byId("live-all"), model.labels);
    this.spectrum = new Spectrum(byId("live-spectrum"));
    this.timeline = new Timeline(byId("live-ribbon"), { choose: tell, tick: timeOfDay });
    this.hasHistory = model.service.history;
  }

  listenTo(source) {
    this.events?.close();
    this.spectrum.clear();
    this.before = []; // from the history
    this.heard = []; // from the service itself
    showState("", "");
    showNothing();
    this.bars.show({});
    const query = source === undefined ? "" : `?source=${encodeURIComponent(source)}`;
    this.events = new EventSource(`api/live${query}`);
    const on = (name, act) => this.events.addEventListener(name, (event) => act(JSON.parse(event.data)));
    this.events.onerror = () => {
      showSign("offline");
      showState("", "");
      // The browser tries again by itself, unless the service has refused.
      const { events } = this;
      if (events.readyState === EventSource.CLOSED) setTimeout(() => this.again(source, events), RETRY);
    };
    on("recent", (pieces) => {
      this.heard = pieces.map(piece);
      this.draw();
      if (this.hasHistory) this.remember(source);
    });
    on("model", (model) => dispatchEvent(new CustomEvent("model", { detail: model })));
    on("state", (record) => this.state(record.state, record.reason));
    on("sinks", (record) => {
      this.state(record.state, "");
      showSinks(record.sinks, record.dropped_seconds);
    });
    on("spectra", (spectra) => this.spectrum.fill(spectra));
    on("spectrum", (levels) => this.spectrum.add(levels));
    on("window", (record) => this.window(record));
  }

  /** Listens again, unless another source was chosen or the access token is needed first. */
  async again(source, events) {
    const isRefused = await api("api/sources").then(() => false, (error) => error.status === 401);
    if (this.events === events && !isRefused) this.listenTo(source);
  }

  state(name, reason) {
    showState(name, reason);
    if (name === "lost" || name === "waiting" || name === "paused") {
      showNothing();
      this.bars.show({});
    }
  }

  window(record) {
    showState(record.state, "");
    const now = piece(record);
    if (now.end > (this.heard.at(-1)?.end ?? 0)) this.heard.push(now);
    this.heard = this.heard.filter((one) => now.end - one.start <= HOUR);
    showWindow(record, this.pieces);
    this.bars.show(record.smoothed.scores);
    showLevel("live", record.level_dbfs);
    this.draw();
  }

  /** What was heard before the service started is in its history. */
  async remember(source) {
    const query = source === undefined ? "" : `&source=${encodeURIComponent(source)}`;
    try {
      this.before = (await api(`api/history/stretches?since=1h${query}`)).reverse().map(stretch);
      this.draw();
    } catch { /* nothing of this source yet: the last hour begins now */ }
  }

  get pieces() {
    const first = this.heard[0]?.start ?? Infinity;
    const before = this.before.filter((one) => one.start < first);
    return [...before.map((one) => ({ ...one, end: Math.min(one.end, first) })), ...this.heard];
  }

  draw() {
    const end = Math.max(Date.now() / 1000, this.heard.at(-1)?.end ?? 0);
    this.timeline.show(this.pieces, end - HOUR, HOUR);
  }
}

/** A window on the calendar: start and end in s since 1970. */
function piece(record) {
  const start = Date.parse(record.time) / 1000;
  return { start, end: start + record.end - record.start, label: record.label, confidence: record.smoothed?.confidence ?? record.confidence };
}

const stretch = (row) => ({ ...row, start: Date.parse(row.start) / 1000, end: Date.parse(row.end) / 1000 });

/** Details of what was tapped in the last hour. */
function tell(piece) {
  byId("live-details").textContent = piece ? t("live.details", {
    label: named(piece.label), from: timeOfDay(piece.start), to: timeOfDay(piece.end), time: duration(piece.end - piece.start),
    sure: piece.sum ? t("sure", { percent: percent(piece.sum / (piece.end - piece.start)) }) : "",
  }) : "";
}
