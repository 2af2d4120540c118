// A file as one channel of samples at its own rate.
const USUAL_RATE = 44100;
const LOWEST_RATE = 8000; // what every browser can decode to
const HIGHEST_RATE = 96000;
const BLOCK_SECONDS = 0.1; // channels are compared over this time
const CANCELLED = 1e-3; // power of the mean, as a share of the loudest channel's

/** Decodes a file: { samples, rate }. Throws an Error that says what is wrong. */
export async function decode(file) {
  const bytes = await file.arrayBuffer();
  if (!bytes.byteLength) throw new Error(`${file.name} is empty.`);
  const found = rateOf(new DataView(bytes));
  const rate = found >= LOWEST_RATE && found <= HIGHEST_RATE ? found : USUAL_RATE;
  const context = new OfflineAudioContext(1, 1, rate); // decodes to this rate
  let buffer;
  try {
    buffer = await context.decodeAudioData(bytes);
  } catch {
    throw new Error(`${file.name}: this browser cannot decode it. Try MP3, FLAC, Ogg or WAV.`);
  }
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, n) => buffer.getChannelData(n));
  return { samples: mixed(channels, rate), rate };
}

/** The sample rate that a WAV or FLAC file names; 0 for other files. */
function rateOf(view) {
  const name = (at) => (at + 4 <= view.byteLength ? String.fromCharCode(...[0, 1, 2, 3].map((n) => view.getUint8(at + n))) : "");
  if (name(0) === "fLaC" && view.byteLength > 21) return view.getUint32(18) >>> 12;
  if (name(0) !== "RIFF") return 0;
  for (let at = 12; at + 16 <= view.byteLength; at += 8 + view.getUint32(at + 4, true)) {
    if (name(at) === "fmt ") return view.getUint32(at + 12, true);
  }
  return 0;
}

/** The mean of the channels; where they cancel each other out, the loudest of them. */
function mixed(channels, rate) {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  const block = Math.max(1, Math.round(rate * BLOCK_SECONDS));
  for (let from = 0; from < mean.length; from += block) {
    const to = Math.min(mean.length, from + block);
    const powers = channels.map(() => 0);
    let power = 0;
    for (let n = from; n < to; n += 1) {
      let sum = 0;
      for (let c = 0; c < channels.length; c += 1) {
        const value = channels[c][n];
        sum += value;
        powers[c] += value * value;
      }
      mean[n] = sum / channels.length;
      power += mean[n] * mean[n];
    }
    const most = Math.max(...powers);
    if (power < CANCELLED * most) mean.set(channels[powers.indexOf(most)].subarray(from, to), from);
  }
  return mean;
}
