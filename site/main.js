// Puts the page together: loads the model, then enables the ways to be heard.
import { Classifier } from "./classifier.js";
import { FileView, makeBars } from "./file.js";
import { MicrophoneView } from "./microphone.js";
import { percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

/** The loaded model. */
export const ready = start();

async function start() {
  try {
    const classifier = await Classifier.load();
    tell(classifier.facts);
    const bars = makeBars(classifier.facts.labels);
    const file = new FileView(classifier, bars, () => microphone.stopListening && microphone.stop());
    const microphone = new MicrophoneView(classifier, bars, () => file.close());
    for (const id of ["file", "demo", "listen"]) byId(id).disabled = false;
    byId("ready").hidden = true;
    navigator.serviceWorker?.register("sw.js").catch(() => {}); // without it, all but offline works
    return classifier;
  } catch (error) {
    byId("ready").textContent = `The model cannot be loaded: ${error.message}`;
    byId("ready").classList.add("bad");
    return null;
  }
}

/** What the page says of the model. */
function tell(facts) {
  document.querySelector(".seconds").textContent = String(facts.window_seconds);
  byId("labels").textContent = facts.labels.join(", ");
  byId("uncertain").textContent = percent(facts.uncertain_below);
  byId("accuracy").textContent = accuracy(facts.valid);
  const { windows, top1 } = facts.agreement;
  byId("facts").textContent =
    `The model ${facts.name} has ${(facts.bytes / 1e6).toFixed(1)} MB. It takes ${facts.window_seconds} seconds of sound at ` +
    `${facts.sample_rate} Hz: spectrum, mel bands, network and probabilities are one TFLite file, which LiteRT runs ` +
    `in WebAssembly. It named the same genre as genre-edge on a computer for ${percent(top1)} of ${windows} windows.`;
  byId("about").textContent = `genre-edge ${facts.version}. No sound leaves this device, and nothing is recorded.`;
}

function accuracy(valid) {
  if (!valid) return "Nobody has measured this model on labelled recordings.";
  const range = ({ interval }) => (interval ? ` (95 % interval ${interval.map(percent).join(" to ")})` : "");
  const { windows, tracks } = valid;
  return `On recordings that it was not trained on it named the right genre for ${percent(windows.accuracy)} of ` +
    `${windows.count} windows${range(windows)} and ${percent(tracks.accuracy)} of ${tracks.count} tracks${range(tracks)}. ` +
    "Expect less on other music: such recordings often come from the same collections as those it learnt from.";
}
