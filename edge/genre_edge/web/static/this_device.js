// The microphone of the device that shows the page. Sends three seconds at a time to the service.
import { api } from "./api.js";
import { Bars, percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

export function startThisDevice(model) {
  const bars = new Bars(byId("here-bars"), model.labels);
  const seconds = model.frontend.window_seconds;
  let stop = null;
  byId("here-toggle").addEventListener("click", async () => {
    if (stop) {
      stop();
      stop = null;
      showState("Stopped");
    } else {
      stop = await listen(seconds, bars);
    }
    byId("here-toggle").setAttribute("aria-pressed", String(Boolean(stop)));
    byId("here-toggle").textContent = stop ? "Stop" : "Listen with this device";
  });
}

function showState(text) {
  byId("here-state").textContent = text;
}

/** Starts to listen. Returns a function that stops it; null if there is no microphone. */
async function listen(seconds, bars) {
  if (!navigator.mediaDevices) {
    showState("Browsers allow a microphone only on localhost and on https pages.");
    return null;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
    });
  } catch (error) {
    showState(`No microphone: ${error.message}`);
    return null;
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule("static/window_collector.js");
  const collector = new AudioWorkletNode(context, "window-collector", {
    numberOfOutputs: 0, processorOptions: { samples: Math.ceil(seconds * context.sampleRate) },
  });
  collector.port.onmessage = (event) => send(event.data, context.sampleRate, bars);
  context.createMediaStreamSource(stream).connect(collector);
  showState("Listening …");
  return () => {
    stream.getTracks().forEach((track) => track.stop());
    context.close();
  };
}

async function send(samples, rate, bars) {
  try {
    const record = await api(`api/window?rate=${rate}&format=float32`, {
      method: "POST", headers: { "Content-Type": "application/octet-stream" }, body: samples,
    });
    byId("here-label").textContent = record.genre;
    byId("here-confidence").textContent = `${percent(record.confidence)}, ${record.level_dbfs} dBFS`;
    bars.show(record.scores);
    showState("Listening …");
  } catch (error) {
    showState(error.message);
  }
}
