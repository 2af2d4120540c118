// Plays the file that is shown: button, slider, keys.
import { t } from "./text.js";
import { clock } from "./widgets.js";

const STEP = 5; // seconds that an arrow key moves by
const byId = (id) => document.getElementById(id);

export class Player {
  /** `follow` is called whenever the playhead moves. */
  constructor(audio, follow) {
    Object.assign(this, { audio, follow });
    byId("play").addEventListener("click", () => this.toggle());
    for (const name of ["play", "pause", "ended"]) {
      audio.addEventListener(name, () => { byId("play").textContent = t(audio.paused ? "player.play" : "player.pause"); });
    }
    byId("seek").addEventListener("input", (event) => this.seek(Number(event.target.value)));
    audio.addEventListener("loadedmetadata", () => { byId("seek").max = audio.duration; });
    for (const name of ["timeupdate", "seeking", "seeked", "loadedmetadata"]) audio.addEventListener(name, () => this.moved());
    document.addEventListener("keydown", (event) => this.key(event));
    const tick = () => {
      if (!audio.paused) this.moved();
      requestAnimationFrame(tick);
    };
    tick();
  }

  open(url, plays) {
    this.audio.pause();
    this.audio.src = url;
    if (plays) this.audio.play().catch(() => {}); // browsers may refuse to play by themselves
  }

  toggle() {
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  seek(seconds) {
    this.audio.currentTime = Math.max(0, Math.min(this.audio.duration || 0, seconds));
  }

  moved() {
    byId("seek").value = this.audio.currentTime;
    byId("track-time").textContent = t("player.time", { now: clock(this.audio.currentTime), length: clock(this.audio.duration || 0) });
    this.follow(this.audio.currentTime);
  }

  /** Space, arrows and digits, unless what has the focus uses them itself. */
  key(event) {
    const { key, target } = event;
    if (byId("view-track").hidden || byId("track-found").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
    const uses = target.closest("input:not(#seek), select, textarea, [role=tab]") || (target.closest("button") && key === " ");
    if (uses) return;
    if (key === " ") this.toggle();
    else if (key === "ArrowRight") this.seek(this.audio.currentTime + STEP);
    else if (key === "ArrowLeft") this.seek(this.audio.currentTime - STEP);
    else if (/^[0-9]$/.test(key)) this.seek((Number(key) / 10) * this.audio.duration);
    else return;
    event.preventDefault();
  }
}
