// The windows of a recording, as `genre-edge classify` takes them.
import { mean } from "./classifier.js";
import { Resampler } from "./resample.js";

const SHORTEST_SECONDS = 0.5;

/**
 * Classifies a recording window by window. Yields a record for each, and at the end the
 * verdict: the mean of all windows that are not silent.
 */
export async function* classify(classifier, { samples, rate }) {
  const { facts } = classifier;
  const seconds = samples.length / rate;
  if (seconds < SHORTEST_SECONDS) throw new Error(`Too short: ${seconds.toFixed(2)} s; half a second is needed.`);
  const rows = [];
  for (const { start, end, early, heard } of windows(facts, new Resampler(samples, rate, facts.sample_rate), seconds)) {
    const silent = classifier.isSilent(heard.subarray(early));
    const found = silent ? null : await classifier.probabilities(heard.slice(0, facts.window_samples));
    if (found) rows.push(found);
    yield { type: "window", start, end, ...classifier.named(found) };
    await new Promise((resolve) => { setTimeout(resolve); }); // let the page draw
  }
  yield { type: "file", seconds, windows: rows.length, ...classifier.named(mean(rows)) };
}

/**
 * Frames lie on a grid of `frame_grid` samples, so a window's first frame may begin `early`
 * samples before the window. `heard` begins with that frame.
 */
function* windows(facts, resampler, seconds) {
  const { window_samples: length, window_seconds: step, sample_rate: rate, frame_grid: grid } = facts;
  if (resampler.length < length) {
    const whole = resampler.slice(0, resampler.length);
    const heard = Float32Array.from({ length }, (_, n) => whole[n % whole.length]);
    yield { start: 0, end: seconds, early: 0, heard };
    return;
  }
  for (let number = 0; ; number += 1) {
    const from = Math.round(number * step * rate);
    if (from + length > resampler.length) return;
    const early = from % grid;
    yield { start: number * step, end: (number + 1) * step, early, heard: resampler.slice(from - early, length + early) };
  }
}
