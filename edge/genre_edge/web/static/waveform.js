// The waveform of a file in the colours of its genres. Its library may be missing.
import { colour, mixed } from "./colours.js";

const RATE = 22050; // what is drawn is decoded at this rate, Hz

export class Waveform {
  constructor(place, audio) {
    Object.assign(this, { place, audio, wave: null, turn: 0 });
  }

  /** Draws the file that `audio` plays; false if the library is missing. */
  async draw() {
    this.turn += 1;
    const { turn } = this;
    let WaveSurfer, Spectrogram;
    try {
      [{ default: WaveSurfer }, { default: Spectrogram }] = await Promise.all([
        import("../vendor/wavesurfer.esm.js"), import("../vendor/spectrogram.esm.js"),
      ]);
    } catch {
      return false;
    }
    if (turn !== this.turn) return true; // another file was chosen meanwhile
    this.wave?.destroy();
    this.place.replaceChildren();
    this.wave = WaveSurfer.create({
      cspNonce: document.querySelector("meta[name=style-nonce]").content,
      container: this.place, media: this.audio, sampleRate: RATE, height: 72, normalize: true, cursorWidth: 2,
      cursorColor: getComputedStyle(document.body).color, waveColor: "#8894a0", progressColor: "#8894a0",
      plugins: [Spectrogram.create({ labels: false, height: 96, scale: "mel", frequencyMax: RATE / 2, fftSamples: 512, useWebWorker: false, colorMap: COLOUR_MAP })],
    });
    this.wave.on("ready", () => this.tint(this.pieces ?? [], this.length ?? 1));
    return true;
  }

  /** Colours it; what was played is full, what comes is pale. */
  tint(pieces, length) {
    Object.assign(this, { pieces, length });
    if (!this.wave || !pieces.length) return;
    this.wave.setOptions({ waveColor: this.gradient(0.5), progressColor: this.gradient(0) });
  }

  gradient(paleness) {
    const ground = matchMedia("(prefers-color-scheme: dark)").matches ? "#14171a" : "#f6f6f3";
    const width = this.place.clientWidth * devicePixelRatio;
    const fill = document.createElement("canvas").getContext("2d").createLinearGradient(0, 0, width, 0);
    for (const piece of this.pieces) {
      for (const time of [piece.start, piece.end]) {
        fill.addColorStop(Math.max(0, Math.min(1, time / this.length)), mixed(colour(piece.label), ground, paleness));
      }
    }
    return fill;
  }
}

/** From the ground of a dark picture to the bright tones; the same in light and dark. */
const COLOUR_MAP = Array.from({ length: 256 }, (_, k) => {
  const value = k / 255;
  return [Math.min(1, value * 1.6), Math.max(0, value * 1.4 - 0.3), 0.03 + Math.max(0, 0.45 - Math.abs(value - 0.35)), 1];
});
