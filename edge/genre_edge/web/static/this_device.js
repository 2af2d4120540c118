// The microphone of the device that shows the page. Sends three seconds at a time to the service.
import { api } from "./api.js";
import { paint, runnerUp, showLevel } from "./card.js";
import { named, t } from "./text.js";
import { TopBars } from "./top_bars.js";
import { labelOf } from "./verdict.js";
import { percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

export function startThisDevice(model) {
  const bars = new TopBars(byId("here-bars"), byId("here-all"), model.labels);
  let seconds = model.frontend.window_seconds;
  addEventListener("model", ({ detail }) => { seconds = detail.window_seconds; });
  let stop = null;
  byId("here-toggle").addEventListener("click", async () => {
    if (stop) {
      stop();
      stop = null;
      showState(t("here.stopped"));
    } else {
      stop = await listen(seconds, bars);
    }
    byId("here-toggle").setAttribute("aria-pressed", String(Boolean(stop)));
    byId("here-toggle").textContent = t(stop ? "here.stop" : "here.start");
  });
}

function showState(text) {
  byId("here-state").textContent = text;
}

/** Starts to listen. Returns a function that stops it; null if there is no microphone. */
async function listen(seconds, bars) {
  if (!navigator.mediaDevices) {
    showState(t("here.refused"));
    return null;
  }
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false, channelCount: 1 },
    });
  } catch (error) {
    showState(t("here.missing", { reason: error.message }));
    return null;
  }
  const context = new AudioContext();
  await context.audioWorklet.addModule("static/window_collector.js");
  const collector = new AudioWorkletNode(context, "window-collector", {
    numberOfOutputs: 0, processorOptions: { samples: Math.ceil(seconds * context.sampleRate) },
  });
  collector.port.onmessage = (event) => send(event.data, context.sampleRate, bars);
  context.createMediaStreamSource(stream).connect(collector);
  showState(t("here.listening"));
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
    byId("here-found").hidden = false;
    paint(byId("here-card"), record.genre);
    byId("here-label").textContent = named(labelOf(record));
    byId("here-confidence").textContent = record.genre ? t("sure", { percent: percent(record.confidence) }) : "";
    byId("here-second").textContent = runnerUp(record.scores, record.genre);
    showLevel("here", record.level_dbfs);
    bars.show(record.scores);
    showState(t("here.listening"));
  } catch (error) {
    showState(error.message);
  }
}
