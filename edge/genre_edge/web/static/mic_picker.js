// The microphones, one of them chosen, and its level as it moves. The view and the guide share it.
import { api } from "./api.js";
import { el } from "./parts.js";
import { t } from "./text.js";

const LOWEST = -90; // left end of the level, dBFS

export class MicPicker {
  /** @param onLevel is told each state of the microphone that is watched */
  constructor(place, onLevel = () => {}) {
    this.onLevel = onLevel;
    this.list = el("div", { role: "radiogroup", class: "choices", "aria-label": t("mic.title") });
    this.bar = el("span");
    this.meter = el("div", { class: "meter wide", role: "meter", "aria-label": t("live.level_name"), "aria-valuemin": LOWEST, "aria-valuemax": 0, "aria-valuenow": LOWEST }, this.bar);
    this.figure = el("span", { class: "figure" });
    this.word = el("p", { class: "state", role: "status" });
    this.remedy = el("p", { class: "soft" });
    place.replaceChildren(this.list, el("div", { class: "hearing" }, this.meter, this.figure), this.word, this.remedy);
  }

  async load() {
    this.tell("", t("mic.looking"));
    const found = await api("api/microphones");
    this.used = found.used;
    this.tokens = found.devices.map((one) => one.token);
    const used = found.devices.find((one) => one.token === found.used) ?? found.devices.find((one) => one.default);
    this.list.replaceChildren(...found.devices.map((one) => this.choice(one, one === used)));
    if (used) this.watch(used.token);
    else this.tell("bad", found.trouble || t("mic.none"));
    return found;
  }

  choice(one, isChosen) {
    const box = el("input", { type: "radio", name: "microphone", value: one.token, checked: isChosen, onchange: () => this.watch(one.token) });
    const notes = [one.token, t("mic.channels", { count: one.channels })];
    if (one.token === this.used) notes.push(t("mic.used"));
    else if (one.default) notes.push(t("mic.default"));
    return el("label", { class: "choice" }, box, el("span", {}, one.name, el("br"), el("small", {}, notes.join(" · "))));
  }

  watch(token) {
    this.close();
    this.chosen = token;
    this.tell("", t("mic.state.waiting"));
    this.events = new EventSource(`api/microphones/level?device=${encodeURIComponent(token)}`);
    this.events.addEventListener("level", (event) => this.level(JSON.parse(event.data)));
    this.events.addEventListener("trouble", (event) => {
      this.close();
      this.tell("bad", JSON.parse(event.data).detail);
    });
  }

  level({ dbfs, state }) {
    const now = dbfs ?? LOWEST;
    this.bar.style.width = `${Math.max(0, Math.min(100, (1 - now / LOWEST) * 100))}%`;
    this.meter.setAttribute("aria-valuenow", Math.max(LOWEST, now));
    this.meter.setAttribute("aria-valuetext", t("live.level", { dbfs: now }));
    this.figure.textContent = dbfs === null ? "" : `${dbfs.toFixed(0)} dBFS`;
    this.tell(state === "good" || state === "waiting" ? "" : "bad", t(`mic.state.${state}`), state === "waiting" ? "" : t(`mic.remedy.${state}`));
    this.onLevel(state);
  }

  /** A state stays as it is until it changes: a screen reader would read it again. */
  tell(kind, word, remedy = "") {
    if (this.word.textContent !== word) this.word.textContent = word;
    if (this.remedy.textContent !== remedy) this.remedy.textContent = remedy;
    this.word.classList.toggle("bad", kind === "bad");
  }

  /** The name of the chosen one that lasts: without the port of a USB device that is the only one of its kind. */
  get lasting() {
    const short = (token) => token.replace(/@[^,]+/, "");
    const same = this.tokens.filter((one) => short(one) === short(this.chosen));
    return same.length === 1 ? short(this.chosen) : this.chosen;
  }

  close() {
    this.events?.close();
    this.events = null;
  }
}
