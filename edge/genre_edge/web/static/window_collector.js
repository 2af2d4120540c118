// Runs on the audio thread: gathers windows of samples and hands them over.
class Collector extends AudioWorkletProcessor {
  constructor(options) {
    super();
    this.length = options.processorOptions.samples;
    this.held = new Float32Array(this.length);
    this.at = 0;
  }

  process([input]) {
    const block = input[0];
    if (!block) return true;
    for (let from = 0; from < block.length;) {
      const take = Math.min(block.length - from, this.length - this.at);
      this.held.set(block.subarray(from, from + take), this.at);
      this.at += take;
      from += take;
      if (this.at === this.length) {
        this.port.postMessage(this.held.slice());
        this.at = 0;
      }
    }
    return true;
  }
}
registerProcessor("collector", Collector);
