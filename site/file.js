// A file: its waveform in the colours of its genres, and the genre at the playhead.
import { decode } from "./recording.js";
import { Bars, clock, colour, legend, percent, rows } from "./widgets.js";
import { classify } from "./windows.js";

const MOST_BYTES = 300e6;

const byId = (id) => document.getElementById(id);
const shown = (record) => record.genre ?? "silence";

export class FileView {
  constructor(classifier, bars, onStart) {
    Object.assign(this, { classifier, bars, onStart, records: [], turn: 0 });
    this.audio = byId("audio");
    const drop = byId("drop");
    for (const name of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) this.open(event.dataTransfer.files[0]);
      });
    }
    byId("file").addEventListener("change", ({ target }) => {
      if (target.files.length) this.open(target.files[0]);
    });
    byId("demo").addEventListener("click", async () => {
      const answer = await fetch("demo.flac");
      this.open(new File([await answer.blob()], "demo.flac", { type: "audio/flac" }));
    });
    for (const name of ["timeupdate", "seeking", "seeked"]) this.audio.addEventListener(name, () => this.draw());
    byId("wave").addEventListener("click", (event) => {
      this.audio.currentTime = (event.offsetX / event.target.clientWidth) * this.seconds;
    });
  }

  async open(file) {
    this.onStart();
    this.turn += 1;
    const { turn } = this;
    this.records = [];
    this.verdict = null;
    byId("answer").hidden = byId("track").hidden = false;
    this.say(`${file.name}: decoding …`);
    this.audio.pause();
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(file);
    this.audio.src = this.url;
    try {
      if (file.size > MOST_BYTES) throw new Error(`${file.name}: too large for a browser; the limit is ${MOST_BYTES / 1e6} MB.`);
      const recording = await decode(file);
      if (turn !== this.turn) return;
      this.seconds = recording.samples.length / recording.rate;
      this.peaks = peaks(recording.samples, byId("wave").width);
      for await (const record of classify(this.classifier, recording)) {
        if (turn !== this.turn) return; // another file was chosen meanwhile
        if (record.type === "window") {
          this.records.push(record);
          this.say(`${file.name}: ${percent(record.end / this.seconds)} heard …`);
        } else this.finish(file.name, record);
        this.draw();
      }
    } catch (error) {
      if (turn === this.turn) this.fail(error.message);
    }
  }

  /** Leaves the answer to the microphone. */
  close() {
    this.turn += 1;
    this.audio.pause();
    byId("track").hidden = true;
  }

  say(text) {
    byId("track-state").textContent = text;
    byId("track-state").classList.remove("bad");
  }

  fail(text) {
    this.say(text);
    byId("track-state").classList.add("bad");
    byId("label").textContent = "–";
    byId("confidence").textContent = "";
    this.bars.show({});
  }

  finish(name, verdict) {
    const silent = this.records.length - verdict.windows;
    const speed = verdict.windows ? `, ${this.classifier.speed.toFixed(1)} ms each` : "";
    this.say(`${name}: ${this.records.length} windows${silent ? `, ${silent} of them silent` : ""}${speed}`);
    this.verdict = verdict;
    legend(byId("legend"), [...new Set(this.records.map(shown))]);
    rows(byId("windows"), this.records.map((record) => [
      `${clock(record.start)} – ${clock(record.end)}`, shown(record), record.genre ? percent(record.confidence) : "",
    ]));
  }

  /** At the start of the file its verdict is shown, later the window at the playhead. */
  get current() {
    const now = this.audio.currentTime;
    if (now < 0.05) return this.verdict ?? this.records.at(-1);
    return this.records.filter(({ start }) => start <= now).at(-1);
  }

  draw() {
    const record = this.current;
    if (!record) return;
    byId("label").textContent = shown(record);
    const confidence = record.genre ? `${percent(record.confidence)} ` : "";
    const where = record === this.verdict ? `in the whole file, ${clock(this.seconds)}` : `from ${clock(record.start)} to ${clock(record.end)}`;
    byId("confidence").textContent = `${confidence}${where}`;
    this.bars.show(record.scores);
    this.drawWave();
  }

  drawWave() {
    const canvas = byId("wave");
    const pen = canvas.getContext("2d");
    const { width, height } = canvas;
    pen.clearRect(0, 0, width, height);
    this.peaks.forEach((peak, x) => {
      const at = (x / width) * this.seconds;
      const record = this.records.find(({ start, end }) => start <= at && at < end);
      pen.fillStyle = record ? colour(shown(record)) : "#8894a0";
      const tall = Math.max(2, peak * height * 0.95);
      pen.fillRect(x, (height - tall) / 2, 1, tall);
    });
    pen.fillStyle = getComputedStyle(canvas).color;
    pen.fillRect((this.audio.currentTime / this.seconds) * width - 1, 0, 2, height);
  }
}

export function makeBars(labels) {
  return new Bars(byId("bars"), labels);
}

/** The loudest sample of each of `count` pieces, the loudest of all being 1. */
function peaks(samples, count) {
  const size = samples.length / count;
  const found = Array.from({ length: count }, (_, n) => {
    let most = 0;
    for (let at = Math.floor(n * size); at < (n + 1) * size && at < samples.length; at += 1) {
      most = Math.max(most, Math.abs(samples[at]));
    }
    return most;
  });
  const loudest = Math.max(...found, 1e-6);
  return found.map((value) => value / loudest);
}
