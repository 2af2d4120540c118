// One file: its waveform, and the genre at the playhead.
import { classify } from "./api.js";
import { Bars, clock, percent, ribbon, rows } from "./widgets.js";

const byId = (id) => document.getElementById(id);

/** The genre; in silence there is none. */
const shownLabel = (record) => record.genre ?? "silence";

export function startTrack(model) {
  new Track(model);
}

class Track {
  constructor(model) {
    this.labels = model.labels;
    this.maxMegabytes = model.service.upload_mb;
    this.uploads = 0;
    this.windows = [];
    this.bars = new Bars(byId("track-bars"), model.labels);
    this.audio = byId("audio");
    this.head = document.createElement("span");
    this.head.className = "head";
    this.wireInput();
    this.wirePlayer();
  }

  wireInput() {
    const drop = byId("drop");
    for (const name of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragover");
        if (name === "drop" && event.dataTransfer.files.length) this.classify(event.dataTransfer.files[0]);
      });
    }
    byId("file").addEventListener("change", (event) => {
      if (event.target.files.length) this.classify(event.target.files[0]);
    });
    byId("demo").addEventListener("click", async () => {
      const answer = await fetch("api/demo.flac");
      this.classify(new File([await answer.blob()], "demo.flac", { type: "audio/flac" }));
    });
  }

  wirePlayer() {
    const { audio } = this;
    byId("play").addEventListener("click", () => (audio.paused ? audio.play() : audio.pause()));
    for (const name of ["play", "pause", "ended"]) {
      audio.addEventListener(name, () => { byId("play").textContent = audio.paused ? "Play" : "Pause"; });
    }
    byId("seek").addEventListener("input", (event) => { audio.currentTime = Number(event.target.value); });
    audio.addEventListener("loadedmetadata", () => { byId("seek").max = audio.duration; });
    for (const name of ["timeupdate", "seeking", "seeked"]) audio.addEventListener(name, () => this.follow());
    const tick = () => {
      if (!audio.paused) this.follow();
      requestAnimationFrame(tick);
    };
    tick();
  }

  async classify(file) {
    this.uploads += 1;
    const upload = this.uploads;
    if (file.size > this.maxMegabytes * 1e6) {
      byId("track-state").textContent = `${file.name}: too large; the limit is ${this.maxMegabytes} MB`;
      return;
    }
    this.audio.pause();
    this.windows = [];
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(file);
    this.audio.src = this.url;
    byId("track-found").hidden = false;
    byId("track-state").textContent = `${file.name}: classifying …`;
    const progress = byId("track-progress");
    progress.hidden = false;
    progress.removeAttribute("value");
    this.drawWaveform();
    try {
      for await (const record of classify(file, file.name)) {
        if (upload !== this.uploads) return; // another file was chosen meanwhile
        if (record.type === "window") {
          this.windows.push(record);
          if (this.audio.duration) progress.value = record.end / this.audio.duration;
          this.drawRibbon();
          this.follow();
        } else this.showVerdict(record);
      }
    } catch (error) {
      byId("track-state").textContent = error.message;
      byId("track-found").hidden = this.windows.length === 0;
    } finally {
      progress.hidden = true;
    }
  }

  /** Draws the waveform, with a library that may be missing. */
  async drawWaveform() {
    const place = byId("wave");
    place.replaceChildren();
    try {
      const [{ default: WaveSurfer }, { default: Spectrogram }] = await Promise.all([
        import("../vendor/wavesurfer.esm.js"), import("../vendor/spectrogram.esm.js"),
      ]);
      this.wave?.destroy();
      const accent = getComputedStyle(document.documentElement).getPropertyValue("--accent");
      this.wave = WaveSurfer.create({
        cspNonce: document.querySelector("meta[name=style-nonce]").content,
        container: place, media: this.audio, height: 72, waveColor: accent, progressColor: "#8894a0", normalize: true,
        plugins: [Spectrogram.create({ labels: false, height: 96, scale: "mel", frequencyMax: 11025, fftSamples: 512, useWebWorker: false })],
      });
    } catch {
      place.textContent = "No waveform: its library is missing. Run script/web to download it.";
    }
  }

  get length() {
    return Math.max(this.audio.duration || 0, this.windows.at(-1)?.end ?? 1);
  }

  drawRibbon() {
    ribbon(byId("track-ribbon"), this.windows.map((w) => ({ start: w.start, end: w.end, label: shownLabel(w) })), 0, this.length);
    byId("track-ribbon").append(this.head);
  }

  /** Shows the window at the playhead; after the last window, the last one. */
  follow() {
    const now = this.audio.currentTime;
    byId("seek").value = now;
    byId("track-time").textContent = `${clock(now)} of ${clock(this.length)}`;
    this.head.style.left = `${(now / this.length) * 100}%`;
    const heard = this.windows.filter((w) => w.start <= now + 1e-6);
    const record = heard.at(-1) ?? this.windows[0];
    if (!record) return;
    byId("track-label").textContent = shownLabel(record);
    const confidence = record.genre ? `${percent(record.confidence)} ` : "";
    byId("track-confidence").textContent = `${confidence}from ${clock(record.start)} to ${clock(record.end)}`;
    byId("track-label").dataset.start = record.start;
    this.bars.show(record.scores);
  }

  showVerdict(record) {
    const confidence = record.genre ? `, ${percent(record.confidence)}` : "";
    byId("track-state").textContent =
      `${record.file}: ${shownLabel(record)}${confidence} (${record.windows} windows, ${record.seconds.toFixed(1)} s)`;
    const count = {};
    for (const { genre } of this.windows) if (genre) count[genre] = (count[genre] ?? 0) + 1;
    const sorted = [...this.labels].sort((a, b) => (record.scores[b] ?? 0) - (record.scores[a] ?? 0));
    rows(byId("track-table"), sorted.map((label) => [label, String(count[label] ?? 0), percent(record.scores[label] ?? 0)]));
  }
}
