// A spectrogram that moves to the left, one column for each spectrum.

export class Spectrum {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
  }

  clear() {
    this.context.clearRect(0, 0, this.canvas.width, this.canvas.height);
  }

  /** Draws what was there before, the newest at the right. */
  fill(spectra) {
    this.clear();
    const { width } = this.canvas;
    const seen = spectra.slice(-width);
    seen.forEach((levels, at) => this.column(levels, width - seen.length + at));
  }

  add(levels) {
    const { width, height } = this.canvas;
    this.context.putImageData(this.context.getImageData(1, 0, width - 1, height), 0, 0);
    this.column(levels, width - 1);
  }

  column(levels, x) {
    const { height } = this.canvas;
    const column = this.context.createImageData(1, height);
    levels.forEach((value, band) => {
      const at = 4 * (height - 1 - band);
      if (at >= 0) column.data.set([Math.min(255, value * 1.6), Math.max(0, value * 1.4 - 80), Math.max(0, 130 - Math.abs(value - 90)), 255], at);
    });
    this.context.putImageData(column, x, 0);
  }
}
