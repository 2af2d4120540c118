// All devices as tiles in the colours of what they hear. What is silent, offline or in trouble has
// a word, a sign and a pattern of its own, besides its colour.
import { colour, inkOn } from "../static/colours.js";
import { el } from "../static/parts.js";
import { named, t } from "../static/text.js";
import { legend } from "../static/widgets.js";
import { matches } from "./devices.js";
import { ago } from "./times.js";

const KINDS = ["all", "trouble", "online", "silent", "offline"];
const MANY = 120; // from so many shown on, tiles are small
const MOST_NAMED = 16; // labels whose devices are counted
const byId = (id) => document.getElementById(id);

export class Tiles {
  /** `address` makes the address of a device from its name. */
  constructor(address) {
    Object.assign(this, { address, kind: "all", words: [], tiles: new Map(), devices: null, shown: [], scrolled: 0 });
    this.list = byId("fleet-tiles");
    this.buttons = new Map(KINDS.map((kind) => {
      const figure = el("b");
      const button = el("button", { type: "button", "data-show": kind, "aria-pressed": String(kind === "all"), onclick: () => this.choose(kind) }, figure, ` ${t(`fleet.show.${kind}`)}`);
      return [kind, { button, figure }];
    }));
    byId("fleet-states").replaceChildren(...[...this.buttons.values()].map(({ button }) => button));
    byId("fleet-find").placeholder = t("fleet.find_short");
    byId("fleet-find").addEventListener("input", () => this.find(byId("fleet-find").value));
    byId("fleet-all").addEventListener("click", () => {
      byId("fleet-find").value = "";
      this.words = [];
      this.choose("all");
      byId("fleet-find").focus();
    });
    this.list.addEventListener("keydown", (event) => this.move(event));
    this.list.addEventListener("focusin", ({ target }) => this.allowTab(target.closest("a")));
  }

  choose(kind) {
    this.kind = kind;
    for (const [name, { button }] of this.buttons) button.setAttribute("aria-pressed", String(name === kind));
    this.arrange();
  }

  find(text) {
    this.words = text.toLowerCase().split(/\s+/).filter(Boolean);
    this.arrange();
  }

  /** Draws the devices that have changed, and puts all in order. */
  draw(devices, changed) {
    this.devices = devices;
    for (const name of this.tiles.keys()) if (!devices.get(name)) this.tiles.delete(name);
    for (const name of changed) {
      if (!this.tiles.has(name)) this.tiles.set(name, new Tile(this.address(name)));
      this.tiles.get(name).draw(devices.get(name));
    }
    for (const tile of this.tiles.values()) tile.age();
    this.arrange();
  }

  /** Shows the devices that match, in order, and counts. */
  arrange() {
    const { devices } = this;
    if (!devices) return;
    const counts = devices.counts();
    byId("fleet-empty").hidden = counts.all > 0;
    byId("fleet-found").hidden = counts.all === 0;
    for (const [kind, { button, figure }] of this.buttons) {
      if (figure.textContent !== String(counts[kind])) figure.textContent = counts[kind];
      button.classList.toggle("bad", kind === "trouble" && counts.trouble > 0);
    }
    const heard = devices.heard().slice(0, MOST_NAMED);
    const numbers = new Map(heard);
    legend(byId("fleet-legend"), heard.map(([label]) => label), (label) => t("fleet.label", { label: named(label), count: numbers.get(label) }));
    const found = devices.sorted().filter((one) => matches(one, this.kind, this.words));
    this.shown = found.map((one) => one.device);
    byId("fleet-none").hidden = found.length > 0;
    const words = t("fleet.shown", { count: found.length, all: counts.all });
    if (byId("fleet-shown").textContent !== words) byId("fleet-shown").textContent = words;
    this.list.classList.toggle("many", found.length > MANY);
    document.documentElement.classList.toggle("wide", found.length > MANY);
    this.place(this.shown.map((name) => this.tiles.get(name).item));
  }

  /** Puts tiles into the list; those that stay where they are are not touched. */
  place(items) {
    const focused = this.list.contains(document.activeElement) ? document.activeElement : null;
    const wanted = new Set(items);
    for (const item of [...this.list.children]) if (!wanted.has(item)) item.remove();
    let next = this.list.firstElementChild;
    for (const item of items) {
      if (item === next) next = next.nextElementSibling;
      else this.list.insertBefore(item, next);
    }
    if (focused && focused !== document.activeElement && focused.isConnected) focused.focus({ preventScroll: true });
    const links = items.map((item) => item.firstElementChild);
    if (links.length && !links.some((link) => link.tabIndex === 0)) links[0].tabIndex = 0;
    if (links.filter((link) => link.tabIndex === 0).length > 1) this.allowTab(links.find((link) => link === focused) ?? links[0]);
  }

  /** The tab key goes to one tile, arrows from there to the others. */
  allowTab(link) {
    for (const tile of this.tiles.values()) tile.link.tabIndex = tile.link === link ? 0 : -1;
  }

  move(event) {
    const links = this.shown.map((name) => this.tiles.get(name).link);
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    const top = links[0].offsetTop;
    const columns = Math.max(1, links.findIndex((link) => link.offsetTop > top) < 0 ? links.length : links.findIndex((link) => link.offsetTop > top));
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, Home: -at, End: links.length - 1 - at };
    if (!(event.key in steps)) return;
    event.preventDefault();
    links[at + steps[event.key]]?.focus();
  }

  leave() {
    this.scrolled = scrollY;
  }

  /** Shows the tiles as they were left, at the device that was looked at. */
  comeBack(name) {
    scrollTo(0, this.scrolled);
    if (this.shown.includes(name)) this.tiles.get(name).link.focus({ preventScroll: true });
  }
}

class Tile {
  constructor(address) {
    this.name = el("span", { class: "name", dir: "auto" });
    this.sign = sign("");
    this.what = el("span", { class: "what", dir: "auto" });
    this.when = el("span", { class: "when" });
    this.fault = el("span", { class: "fault", dir: "auto" });
    this.link = el("a", { class: "tile", href: address, tabindex: "-1" }, this.name, el("span", { class: "line" }, this.sign, this.what), this.when, this.fault);
    this.item = el("li", {}, this.link);
    this.one = null;
  }

  draw(one) {
    this.one = one;
    const { dataset, style } = this.link;
    dataset.is = one.presence;
    this.link.toggleAttribute("data-trouble", Boolean(one.trouble));
    this.link.title = [one.device, one.trouble].filter(Boolean).join("\n");
    this.name.textContent = one.device;
    this.what.textContent = inWord(one);
    use(this.sign, one.presence === "online" ? "" : one.presence);
    style.background = one.hears === null ? "" : colour(one.hears);
    style.color = one.hears === null ? "" : inkOn(colour(one.hears));
    this.fault.replaceChildren(...(one.trouble ? [sign("trouble"), el("span", {}, one.trouble)] : []));
  }

  /** How long ago it was seen grows. */
  age() {
    const words = ago(this.one.last_seen);
    if (this.when.textContent !== words) this.when.textContent = words;
  }
}

/** What a device hears, or why it does not. */
export function inWord(one) {
  if (one.presence !== "online") return t(`fleet.show.${one.presence}`);
  if (one.hears !== null) return named(one.hears);
  return one.state === null || one.state === "listening" ? t("fleet.nothing") : inState(one.state);
}

/** A state of a microphone in words; of several sources each by its name. */
export function inState(state) {
  const key = `state.short.${state}`;
  return t(key) === key ? state : t(key);
}

const SVG = "http://www.w3.org/2000/svg";

function sign(name) {
  const made = document.createElementNS(SVG, "svg");
  made.setAttribute("class", "icon");
  made.ariaHidden = "true";
  made.append(document.createElementNS(SVG, "use"));
  use(made, name);
  return made;
}

function use(svg, name) {
  svg.toggleAttribute("hidden", !name);
  svg.firstElementChild.setAttribute("href", name ? `#icon-${name}` : "");
}
