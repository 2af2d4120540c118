// Teaching labels of the user's own from what is heard now.
import { api } from "./api.js";
import { colour } from "./colours.js";
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
let heardFrom = () => "";

/** Shows the part of the live view that teaches; `source` gives the source that is looked at. */
export async function startTeaching(source) {
  heardFrom = source;
  byId("teach").hidden = false;
  byId("teach-new").addEventListener("submit", (event) => {
    event.preventDefault();
    const label = byId("teach-label").value;
    act(() => teach(label, false)).then((done) => { if (done) byId("teach-label").value = ""; });
  });
  byId("teach-wrong").addEventListener("click", () => act(() => teach(byId("live-card").dataset.label, true)));
  byId("teach-fit").addEventListener("click", () => act(fit));
  await act(async () => show((await api("api/teach")).examples));
}

const send = (path, method, body) => api(path, {
  method, headers: { "Content-Type": "application/json" }, body: body && JSON.stringify(body),
});

async function teach(label, isWrong) {
  const seconds = Number(byId("teach-seconds").value);
  const found = await send("api/teach", "POST", { label, not: isWrong, seconds, source: heardFrom() });
  show(found.examples);
  const last = found.examples.at(-1);
  say(t("teach.learnt", { label: labelled(last), windows: last.windows }));
}

async function fit() {
  say(t("teach.fitting"));
  const found = await send("api/teach/fit", "POST");
  byId("teach-report").textContent = found.report.join("\n");
  byId("teach-report").hidden = false;
  say(t("teach.fitted", { labels: found.labels.join(", "), name: found.name }));
}

/** Does something; an error becomes the line. Returns whether it was done. */
async function act(what) {
  try {
    await what();
    return true;
  } catch (error) {
    say(error.message);
    return false;
  }
}

function say(text) {
  byId("teach-state").textContent = text;
}

/** How loud an example was over time, as bars from -60 dBFS up. There is no audio to draw or play. */
function picture({ name, label, curve: { seconds, levels_dbfs: levels } }) {
  const [svg, path] = ["svg", "path"].map((tag) => document.createElementNS("http://www.w3.org/2000/svg", tag));
  const text = t("teach.level", { name, low: Math.min(...levels), high: Math.max(...levels), seconds: Math.round(seconds * levels.length) });
  const attributes = { class: "curve", role: "img", "aria-label": text, viewBox: `0 0 ${levels.length} 60`, preserveAspectRatio: "none" };
  for (const [key, value] of Object.entries(attributes)) svg.setAttribute(key, value);
  path.setAttribute("d", levels.map((level, at) => `M${at} 60V${Math.min(58, -level)}h.8V60z`).join(""));
  path.setAttribute("fill", colour(label));
  svg.append(path);
  return svg;
}

/** The label of an example, also one that it has not. */
const labelled = ({ label, not }) => (not ? t("teach.not", { label }) : label);

function show(examples) {
  const labels = [...new Set(examples.map((one) => one.label))];
  byId("teach-labels").replaceChildren(...labels.map((label) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = t("teach.is", { label });
    button.addEventListener("click", () => act(() => teach(label, false)));
    return button;
  }));
  byId("teach-examples").replaceChildren(...examples.map((one) => {
    const line = document.createElement("li");
    const undo = document.createElement("button");
    undo.type = "button";
    undo.textContent = t("teach.forget");
    undo.setAttribute("aria-label", t("teach.forget_one", one));
    undo.addEventListener("click", () => act(async () => {
      show((await send(`api/teach?number=${one.number}`, "DELETE")).examples);
      say(t("teach.forgot", one));
    }));
    if (one.curve) line.append(picture(one));
    line.append(`${t("teach.example", { ...one, label: labelled(one) })} `, undo);
    return line;
  }));
  byId("teach-fit").disabled = !examples.some((one) => !one.not);
}
