// The microphone of this device: an answer to each window, and the mean of the last few.
import { mean } from "./classifier.js";
import { Resampler } from "./resample.js";
import { percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

export class MicrophoneView {
  constructor(classifier, bars, onStart) {
    Object.assign(this, { classifier, bars, onStart, stopListening: null, last: [] });
    byId("listen").addEventListener("click", () => (this.stopListening ? this.stop() : this.start()));
  }

  async start() {
    if (!navigator.mediaDevices) {
      this.say("Browsers allow a microphone only on localhost and on https pages.");
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
      });
    } catch (error) {
      this.say(`No microphone: ${error.message}`);
      return;
    }
    this.onStart();
    const context = new AudioContext();
    await context.audioWorklet.addModule("window_collector.js");
    const collector = new AudioWorkletNode(context, "window-collector", {
      numberOfOutputs: 0,
      processorOptions: { samples: Math.ceil(this.classifier.facts.window_seconds * context.sampleRate) },
    });
    collector.port.onmessage = (event) => this.hear(event.data, context.sampleRate);
    context.createMediaStreamSource(stream).connect(collector);
    this.stopListening = () => {
      collector.port.onmessage = null;
      stream.getTracks().forEach((track) => track.stop());
      context.close();
    };
    this.last = [];
    byId("answer").hidden = false;
    byId("label").textContent = "…";
    byId("confidence").textContent = "";
    this.bars.show({});
    this.show("Stop", "Listening …");
  }

  stop() {
    this.stopListening?.();
    this.stopListening = null;
    this.show("Listen", "Stopped");
  }

  show(button, state) {
    byId("listen").textContent = button;
    byId("listen").setAttribute("aria-pressed", String(Boolean(this.stopListening)));
    this.say(state);
  }

  say(text) {
    byId("listen-state").textContent = text;
  }

  /** One window at the microphone's rate. */
  async hear(samples, rate) {
    const { facts } = this.classifier;
    const heard = new Resampler(samples, rate, facts.sample_rate).slice(0, facts.window_samples);
    if (this.classifier.isSilent(heard)) {
      this.last = [];
      byId("label").textContent = "silence";
      byId("confidence").textContent = "";
      this.bars.show({});
      return;
    }
    const probabilities = await this.classifier.probabilities(heard);
    if (!this.stopListening) return; // meanwhile
    this.last = [...this.last, probabilities].slice(-facts.smooth);
    const { genre, confidence, scores } = this.classifier.named(mean(this.last));
    byId("label").textContent = confidence < facts.uncertain_below ? "uncertain" : genre;
    byId("confidence").textContent = `${genre} ${percent(confidence)} in the last ${this.last.length * facts.window_seconds} s`;
    this.bars.show(scores);
  }
}
