// Files: each is classified; one is shown and played, with the genre at the playhead.
import { classify } from "./api.js";
import { paint, runnerUp } from "./card.js";
import { Player } from "./player.js";
import { csv, save } from "./save.js";
import { showInTab } from "./tab_icon.js";
import { named, t } from "./text.js";
import { Timeline } from "./timeline.js";
import { TopBars } from "./top_bars.js";
import { fillTable, inWords, labelOf, pieces } from "./verdict.js";
import { Waveform } from "./waveform.js";
import { clock, percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

export function startTrack(model) {
  new Track(model);
}

class Track {
  constructor(model) {
    this.isAlone = !model.service.live; // else the browser's tab shows what is heard
    this.maxMegabytes = model.service.upload_mb;
    this.entries = []; // files, with what was found in them
    this.shown = null; // the entry that is shown
    this.bars = new TopBars(byId("track-bars"), byId("track-all"), model.labels);
    this.audio = byId("audio");
    this.wave = new Waveform(byId("wave"), this.audio);
    this.player = new Player(this.audio, (now) => this.follow(now));
    this.timeline = new Timeline(byId("track-ribbon"), { choose: (_, time) => this.player.seek(time), tick: clock });
    this.wireInput();
    byId("track-csv").addEventListener("click", () => this.saveCsv());
    byId("track-json").addEventListener("click", () => this.saveJson());
  }

  wireInput() {
    const drop = byId("drop");
    for (const name of ["dragover", "dragleave", "drop"]) {
      drop.addEventListener(name, (event) => {
        event.preventDefault();
        drop.classList.toggle("over", name === "dragover");
        if (name === "drop") this.add([...event.dataTransfer.files], false);
      });
    }
    byId("file").addEventListener("change", (event) => this.add([...event.target.files], false));
    for (const button of document.querySelectorAll("[data-example]")) {
      button.addEventListener("click", async () => {
        const name = button.dataset.example;
        const answer = await fetch(`static/examples/${name}`);
        this.add([new File([await answer.blob()], name, { type: "audio/ogg" })], true);
      });
    }
  }

  /** Classifies files one after the other; the first is shown. */
  async add(files, plays) {
    const added = files.map((file) => ({ file, name: file.name, windows: [], verdict: null, error: "", isWorking: false }));
    if (!added.length) return;
    this.entries.push(...added);
    byId("drop").classList.add("small");
    this.show(added[0], plays);
    for (const entry of added) await this.classify(entry);
  }

  async classify(entry) {
    entry.isWorking = true;
    this.drawFiles();
    this.refresh(entry);
    try {
      if (entry.file.size > this.maxMegabytes * 1e6) throw new Error(t("track.large", { file: entry.name, limit: this.maxMegabytes }));
      for await (const record of classify(entry.file, entry.name)) {
        if (record.type === "window") entry.windows.push(record);
        else entry.verdict = record;
        this.refresh(entry);
      }
    } catch (error) {
      entry.error = error.message;
    }
    entry.isWorking = false;
    this.drawFiles();
    this.refresh(entry);
  }

  drawFiles() {
    byId("track-files").hidden = this.entries.length < 2;
    byId("track-files").replaceChildren(...this.entries.map((entry) => {
      const [line, button, name, verdict] = ["li", "button", "span", "span"].map((tag) => document.createElement(tag));
      button.type = "button";
      button.setAttribute("aria-current", String(entry === this.shown));
      name.textContent = entry.name;
      verdict.textContent = entry.error || (entry.verdict ? inWords(entry.verdict) : t(entry.isWorking ? "verdict.working" : "verdict.waiting"));
      verdict.classList.toggle("bad", Boolean(entry.error));
      button.append(name, verdict);
      button.addEventListener("click", () => this.show(entry, false));
      line.append(button);
      return line;
    }));
  }

  async show(entry, plays) {
    this.shown = entry;
    if (this.url) URL.revokeObjectURL(this.url);
    this.url = URL.createObjectURL(entry.file);
    byId("track-found").hidden = false;
    this.player.open(this.url, plays);
    this.drawFiles();
    this.refresh(entry);
    if (!(await this.wave.draw())) byId("wave").textContent = t("track.no_wave");
  }

  get length() {
    return Math.max(this.audio.duration || 0, this.shown?.windows.at(-1)?.end ?? 1);
  }

  /** Draws what is known of an entry, if it is the one that is shown. */
  refresh(entry) {
    if (entry !== this.shown) return;
    const { windows, verdict } = entry;
    const progress = byId("track-progress");
    progress.hidden = !entry.isWorking;
    if (windows.length && this.audio.duration) progress.value = windows.at(-1).end / this.audio.duration;
    else progress.removeAttribute("value");
    byId("track-state").textContent = entry.error || (verdict ? t("track.done", {
      file: entry.name, verdict: inWords(verdict), windows: verdict.windows, seconds: verdict.seconds.toFixed(1),
    }) : t("track.working", { file: entry.name }));
    byId("track-found").hidden = Boolean(entry.error) && windows.length === 0;
    for (const id of ["track-csv", "track-json"]) byId(id).disabled = !verdict;
    byId("track-verdict").textContent = verdict ? inWords(verdict) : "";
    fillTable(byId("track-table"), verdict ? windows : [], verdict, (time) => this.player.seek(time));
    this.follow(this.audio.currentTime);
  }

  /** Shows the window at the playhead; after the last window, the last one. */
  follow(now) {
    if (!this.shown) return;
    const { windows } = this.shown;
    this.timeline.moveTo(now);
    if (this.drawn !== `${windows.length} ${this.length}` || this.drawnOf !== this.shown) {
      this.drawn = `${windows.length} ${this.length}`;
      this.drawnOf = this.shown;
      this.timeline.show(pieces(windows), 0, this.length);
      this.timeline.moveTo(now);
      this.wave.tint(pieces(windows), this.length);
    }
    const record = windows.findLast((w) => w.start <= now + 1e-6) ?? windows[0];
    if (record === this.record) return;
    this.record = record;
    const label = record ? labelOf(record) : "";
    paint(byId("track-card"), record?.genre ?? "");
    byId("track-label").textContent = label ? named(label) : "–";
    if (this.isAlone) showInTab(label && named(label), record?.genre ?? "");
    const span = record ? t("track.span", { from: clock(record.start), to: clock(record.end) }) : "";
    byId("track-confidence").textContent = record?.genre ? `${t("sure", { percent: percent(record.confidence) })}, ${span}` : span;
    byId("track-second").textContent = runnerUp(record?.scores, record?.genre);
    byId("track-label").dataset.start = record?.start ?? "";
    this.bars.show(record?.scores ?? {});
  }

  get stem() {
    return this.shown.name.replace(/\.[^.]*$/, "");
  }

  saveCsv() {
    const lines = this.shown.windows.map((w) => [w.start, w.end, labelOf(w), w.confidence]);
    save(`${this.stem}.csv`, "text/csv", csv([["start", "end", "genre", "confidence"], ...lines]));
  }

  saveJson() {
    const { windows, verdict } = this.shown;
    save(`${this.stem}.json`, "application/json", JSON.stringify({ windows, verdict }, null, 1));
  }
}
