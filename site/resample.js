// Another sample rate: a low-pass filter (a sinc under a Kaiser window), evaluated only
// where samples are wanted. Passband and attenuation are close to those of soxr's "HQ".
const PASSBAND = 0.913; // share of the lower rate's half that passes
const ATTENUATION_DB = 100;
const BETA = 0.1102 * (ATTENUATION_DB - 8.7); // Kaiser's formula, for over 50 dB

const gcd = (a, b) => (b ? gcd(b, a % b) : a);

/** The modified Bessel function of order 0, by its series. */
function bessel(x) {
  let sum = 1;
  for (let term = 1, k = 1; term > 1e-12 * sum; k += 1) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

export class Resampler {
  /** `samples`: Float32Array of one channel at rate `from`, Hz; whole numbers. */
  constructor(samples, from, to) {
    this.samples = samples;
    const common = gcd(from, to);
    [this.down, this.up] = [from / common, to / common];
    this.length = Math.round((samples.length * to) / from);
    const share = Math.min(1, to / from);
    this.cutoff = (0.5 * share * (1 + PASSBAND)) / 2; // cycles a sample
    const transition = 0.5 * share * (1 - PASSBAND);
    this.half = Math.ceil((ATTENUATION_DB - 7.95) / (14.36 * transition) / 2);
    this.kernels = new Map();
  }

  /** `count` samples at the new rate from number `start` on; zeros beyond the ends. */
  slice(start, count) {
    const { samples, down, up, half } = this;
    const out = new Float32Array(count);
    if (down === up) {
      out.set(samples.subarray(start, start + count));
      return out;
    }
    for (let n = 0; n < count; n += 1) {
      const place = (start + n) * down;
      const base = Math.floor(place / up);
      const kernel = this.kernel(place % up);
      const first = base - half + 1;
      let sum = 0;
      for (let j = Math.max(0, -first), end = Math.min(2 * half, samples.length - first); j < end; j += 1) {
        sum += samples[first + j] * kernel[j];
      }
      out[n] = sum;
    }
    return out;
  }

  /** The filter for a place `phase / up` of a sample after one. */
  kernel(phase) {
    let kernel = this.kernels.get(phase);
    if (kernel) return kernel;
    const { half, cutoff } = this;
    kernel = new Float64Array(2 * half);
    let sum = 0;
    for (let j = 0; j < 2 * half; j += 1) {
      const x = j - half + 1 - phase / this.up;
      const angle = 2 * Math.PI * cutoff * x;
      const inside = Math.max(0, 1 - (x / half) ** 2);
      kernel[j] = (x === 0 ? 1 : Math.sin(angle) / angle) * bessel(BETA * Math.sqrt(inside));
      sum += kernel[j];
    }
    for (let j = 0; j < 2 * half; j += 1) kernel[j] /= sum; // a constant stays what it is
    this.kernels.set(phase, kernel);
    return kernel;
  }
}
