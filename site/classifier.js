// The model: one window of samples in, one probability for each label out.
import { loadLiteRt, loadAndCompile, Tensor } from "./litert/index.js";

const GZIP = 0x8b1f; // the first two bytes
const CONSTANT = 1e-6; // samples that differ by less are silence

export class Classifier {
  /** Loads the runtime and the model. */
  static async load() {
    const facts = await (await get("model.json")).json();
    globalThis.Module = { wasmBinary: await unpacked("litert/litert.wasm.gz") };
    await loadLiteRt("litert/litert.js");
    const bytes = new Uint8Array(await (await get("model.tflite")).arrayBuffer());
    const compiled = await loadAndCompile(bytes, { accelerator: "wasm" });
    return new Classifier(facts, compiled);
  }

  constructor(facts, compiled) {
    this.facts = facts;
    this.compiled = compiled;
    this.milliseconds = [];
  }

  /** Probabilities, in the order of `facts.labels`, of `facts.window_samples` samples. */
  async probabilities(samples) {
    const began = performance.now();
    const input = new Tensor(samples, [1, samples.length]);
    const outputs = await this.compiled.run([input]);
    const found = Float32Array.from(await outputs[0].data());
    for (const tensor of [input, ...outputs]) tensor.delete();
    this.milliseconds.push(performance.now() - began);
    return found;
  }

  /** Median time of a window so far, ms. */
  get speed() {
    const sorted = [...this.milliseconds].sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)];
  }

  /** Whether samples are silence, as genre-edge sees it. */
  isSilent(samples) {
    let power = 0;
    let [low, high] = [Infinity, -Infinity];
    for (const value of samples) {
      power += value * value;
      if (value < low) low = value;
      if (value > high) high = value;
    }
    const level = 10 * Math.log10(Math.max(power / samples.length, 1e-24));
    return level < this.facts.silence_dbfs || high - low < CONSTANT;
  }

  /** The genre with the highest probability, and all of them by name. */
  named(probabilities) {
    if (!probabilities) return { genre: null, confidence: null, scores: {} };
    const best = probabilities.indexOf(Math.max(...probabilities));
    const scores = Object.fromEntries(this.facts.labels.map((label, n) => [label, probabilities[n]]));
    return { genre: this.facts.labels[best], confidence: probabilities[best], scores };
  }
}

/** The mean of several rows of probabilities; null of none. */
export function mean(rows) {
  if (!rows.length) return null;
  return rows[0].map((_, n) => rows.reduce((sum, row) => sum + row[n], 0) / rows.length);
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
  return answer;
}

/** A gzip file's content. Some servers unpack it on the way. */
async function unpacked(path) {
  const bytes = await (await get(path)).arrayBuffer();
  if (new DataView(bytes).getUint16(0, true) !== GZIP) return bytes;
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).arrayBuffer();
}
