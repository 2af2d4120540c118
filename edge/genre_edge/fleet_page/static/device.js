// One device: what is known of it, what it heard, and what has changed.
import { api } from "../static/api.js";
import { paint } from "../static/card.js";
import { HistoryView } from "../static/history_view.js";
import { el } from "../static/parts.js";
import { showInTab } from "../static/tab_icon.js";
import { locale, named, t, timeOfDay } from "../static/text.js";
import { Timeline } from "../static/timeline.js";
import { Bars, duration, percent, rows } from "../static/widgets.js";
import { ago, moment, now } from "./times.js";
import { inState, inWord } from "./tiles.js";

const HOUR = 3600;
const LISTED = 5000; // stretches that are drawn, the latest
const FEW = 200; // and listed, where hours are drawn
const MOST = 10_000; // stretches that can be saved
const OLD = 60; // what was read is read again after so long, s
const NARROW = 6; // pieces that are narrower on average have no edges, CSS pixels
const byId = (id) => document.getElementById(id);

export class DeviceView {
  constructor() {
    Object.assign(this, { name: null, facts: null, seen: "", times: 0, readAt: 0, hasFailed: false });
    this.history = new FleetHistory(() => this.load(), async () => (await this.ask(MOST)).stretches);
    this.history.choose("24h");
  }

  /** Shows a device, from its beginning. */
  open(name) {
    if (name === this.name) return;
    Object.assign(this, { name, facts: null, seen: "" });
    this.history.forget();
    byId("device-name").textContent = name;
    byId("device-found").hidden = true;
    byId("device-state").textContent = "…";
    scrollTo(0, 0);
    byId("device-name").focus({ preventScroll: true });
    showInTab(name, "");
    this.load();
  }

  /** Nothing is shown any more; returns the name of what was. */
  close() {
    const { name } = this;
    this.name = null;
    this.times += 1;
    return name;
  }

  ask(limit) {
    return api(`api/device?name=${encodeURIComponent(this.name)}&since=${this.history.range}&limit=${limit}`);
  }

  async load() {
    if (this.name === null) return;
    this.times += 1;
    const { times } = this;
    Object.assign(this, { readAt: now(), hasFailed: false });
    try {
      const found = await this.ask(this.history.days === 1 ? LISTED : FEW);
      if (times !== this.times) return; // another device or range was chosen meanwhile
      byId("device-state").textContent = "";
      byId("device-found").hidden = false;
      this.show(found.device);
      showChanges(found.changes);
      await this.history.take(found);
    } catch (error) {
      if (times !== this.times) return;
      this.hasFailed = true;
      byId("device-state").textContent = error.message;
      byId("device-found").hidden = byId("device-found").hidden || error.status === 404;
    }
  }

  /** Loads it again if the list of all devices says that it has changed. */
  follow(one) {
    if (!one || this.name === null) return;
    const seen = JSON.stringify({ ...one, last_seen: "" });
    const hasChanged = this.seen && seen !== this.seen;
    this.seen = seen;
    if (hasChanged || this.hasFailed || now() - this.readAt > OLD) this.load();
    if (this.facts) this.show({ ...this.facts, ...one });
  }

  show(one) {
    this.facts = one;
    const label = byId("device-label");
    paint(byId("device-card"), one.hears);
    label.textContent = one.hears === null ? inWord(one) : named(one.hears);
    byId("device-since").textContent = one.hears !== null ? t("device.hears") : one.label === null ? t("device.nothing") : `${named(one.label)}: ${t("device.last", { time: moment(one.heard_until) })}`;
    showSign(one);
    showFacts(one);
    showInTab(one.device, one.hears ?? "");
  }
}

/** What is wrong, and what to do. */
function showSign(one) {
  const why = one.presence === "silent" ? t("device.silent", { time: one.last_seen ? moment(one.last_seen) : t("fleet.never") }) : one.presence === "offline" ? t("device.offline") : "";
  byId("device-sign").hidden = !why && !one.trouble;
  byId("device-sign").classList.toggle("calm", !one.trouble);
  byId("device-sign-title").textContent = one.trouble || why;
  const remedies = [one.trouble && t("device.trouble_remedy"), one.trouble && why && `${why}.`, why && t(`device.${one.presence}_remedy`)];
  byId("device-sign-remedy").textContent = remedies.filter(Boolean).join(" ");
}

function showFacts(one) {
  const number = (value) => (value === null ? t("device.unknown") : value.toLocaleString(locale()));
  const text = (value) => value ?? t("device.unknown");
  const facts = {
    presence: t(`fleet.show.${one.presence}`),
    state: one.state === null ? t("device.unknown") : inState(one.state),
    trouble: one.trouble || t("device.none"),
    last_seen: one.last_seen === null ? t("fleet.never") : `${ago(one.last_seen)} (${moment(one.last_seen)})`,
    first_seen: moment(one.first_seen),
    model: text(one.model),
    version: text(one.version),
    clock: clock(one.clock_ahead),
    windows: number(one.windows),
    dropped: one.dropped_seconds === null ? t("device.unknown") : duration(one.dropped_seconds),
    waiting: number(one.waiting),
  };
  byId("device-facts").replaceChildren(...Object.entries(facts).flatMap(([key, value]) => [
    el("dt", {}, t(`device.fact.${key}`)),
    el("dd", { dir: "auto", class: key === "trouble" && one.trouble ? "bad" : null }, value),
  ]));
}

function clock(ahead) {
  if (ahead === null) return t("device.unknown");
  const seconds = Math.round(Math.abs(ahead));
  if (seconds === 0) return t("device.clock_right");
  return t(ahead > 0 ? "device.clock_ahead" : "device.clock_behind", { seconds });
}

function showChanges(changes) {
  const says = { yes: t("device.yes"), no: t("device.no") };
  byId("device-calm").hidden = changes.length > 0;
  byId("device-changes").hidden = changes.length === 0;
  rows(byId("device-changes"), changes.map(({ time, what, value }) => [
    moment(time), t(`device.change.${what}`),
    what === "online" ? says[value] ?? value : what === "state" ? inState(value) : value || t("device.none"),
  ]));
}

/** What one device heard: the strip of time, and what the history of any device has. */
class FleetHistory extends HistoryView {
  constructor(refresh, all) {
    super(refresh, all);
    const tick = (time) => (this.days === 1 ? timeOfDay(time) : new Date(time * 1000).toLocaleDateString(locale(), this.days > 7 ? { day: "numeric", month: "short" } : { weekday: "short", day: "numeric" }));
    this.timeline = new Timeline(byId("device-timeline"), { choose: (piece, time) => this.tell(piece, time), tick });
  }

  choose(range) {
    super.choose(range);
    this.forget();
  }

  /** What was chosen in the strip is chosen no more. */
  forget() {
    this.timeline.chosen = -1;
  }

  async take({ labels, hours, stretches }) {
    if (byId("history-heatmap").contains(document.activeElement)) return; // somebody reads it by the keyboard
    this.hours = hours.map((row) => ({ ...row, start: Date.parse(row.when) / 1000 }));
    this.end = now();
    this.from = this.end - this.days * 24 * HOUR;
    this.timeline.show(this.pieces(stretches), this.from, this.end - this.from);
    const { strip, pieces } = this.timeline;
    strip.classList.toggle("fine", pieces.length * NARROW > strip.clientWidth);
    if (this.timeline.chosen < 0) byId("device-details").textContent = t(this.days === 1 ? "device.timeline_hint" : "device.timeline_hours");
    const local = this.hours.map((row) => ({ ...row, when: hourOf(new Date(row.when)) }));
    await this.draw(local, byDay(local), labels.map((row) => ({ ...row, confidence: null })), stretches);
    byId("device-week").hidden = this.days === 1;
    byId("history-found").hidden = labels.length === 0;
    byId("history-state").textContent = labels.length ? "" : t("device.empty");
  }

  /** Stretches of one day; of more days, and before the first stretch that was told, whole hours. */
  pieces(stretches) {
    const told = this.days === 1 ? stretches.map((row) => ({ ...row, start: Date.parse(row.start) / 1000, end: Date.parse(row.end) / 1000 })).reverse() : [];
    const first = told.length < LISTED && this.days === 1 ? -Infinity : told[0]?.start ?? Infinity;
    const before = longest(this.hours).map((row) => ({ label: row.label, start: row.start, end: Math.min(row.start + HOUR, first, this.end) }));
    return [...before.filter((one) => one.start < one.end), ...told];
  }

  drawTotals(all) {
    const most = all[0]?.seconds || 1;
    const bars = new Bars(byId("device-bars"), all.map((row) => row.label), named);
    const whole = all.reduce((sum, row) => sum + row.seconds, 0) || 1;
    bars.show(Object.fromEntries(all.map((row) => [row.label, row.seconds / most])), (score) => `${duration(score * most)} · ${percent((score * most) / whole)}`);
  }

  tell(piece, time) {
    const line = byId("device-details");
    if (!piece) {
      line.textContent = "";
    } else if (this.days === 1) {
      line.textContent = t("live.details", {
        label: named(piece.label), from: timeOfDay(piece.start), to: timeOfDay(piece.end), time: duration(piece.end - piece.start),
        sure: piece.sum ? t("sure", { percent: percent(piece.sum / (piece.end - piece.start)) }) : "",
      });
    } else {
      const found = Object.create(null);
      for (const row of this.hours) if (row.start >= piece.start - 1 && row.start < piece.end) found[row.label] = (found[row.label] ?? 0) + row.seconds;
      const labels = Object.entries(found).sort((a, b) => b[1] - a[1]).map(([label, seconds]) => `${named(label)} ${duration(seconds)}`);
      line.textContent = t("device.hour", { from: moment(piece.start), to: moment(piece.end), labels: labels.join(", ") });
    }
  }
}

/** Of each hour the label that was heard longest. */
function longest(hours) {
  const found = new Map();
  for (const row of hours) if (row.seconds > (found.get(row.start)?.seconds ?? 0)) found.set(row.start, row);
  return [...found.values()];
}

const two = (value) => String(value).padStart(2, "0");
const dayOf = (when) => `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}`;
/** The hour of this reader that a time is in. */
const hourOf = (when) => `${dayOf(when)}T${two(when.getHours())}:00`;

/** Rows by hour as rows by day. */
function byDay(hours) {
  const sums = new Map();
  for (const { when, label, seconds } of hours) {
    const key = JSON.stringify([when.slice(0, 10), label]);
    sums.set(key, (sums.get(key) ?? 0) + seconds);
  }
  return [...sums].map(([key, seconds]) => {
    const [when, label] = JSON.parse(key);
    return { when, label, seconds };
  });
}
