// Runs on the audio thread: collects samples, and posts them when a window is full.
class WindowCollector extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.length = options.processorOptions.samples;
    this.samples = new Float32Array(this.length);
    this.filled = 0;
  }

  process([input]) {
    const block = input[0];
    if (!block) return true;
    for (let from = 0; from < block.length;) {
      const take = Math.min(block.length - from, this.length - this.filled);
      this.samples.set(block.subarray(from, from + take), this.filled);
      this.filled += take;
      from += take;
      if (this.filled === this.length) {
        this.port.postMessage(this.samples.slice());
        this.filled = 0;
      }
    }
    return true;
  }
}
registerProcessor("window-collector", WindowCollector);
