// What is known of all devices: the service tells what has changed.

export const RANKS = ["trouble", "offline", "silent", "online"]; // what needs a person comes first
const collator = new Intl.Collator(undefined, { numeric: true });

export class Devices {
  constructor() {
    this.mark = "";
    this.known = new Map();
  }

  /** Takes an answer of the service; returns the names of the devices that have changed. */
  take({ mark, whole, devices }) {
    this.mark = mark;
    if (whole) this.known = new Map();
    for (const one of devices) this.known.set(one.device, one);
    return devices.map((one) => one.device);
  }

  get(name) {
    return this.known.get(name);
  }

  names() {
    return [...this.known.keys()];
  }

  /** All devices, those with trouble first. */
  sorted() {
    return [...this.known.values()].sort((a, b) => rank(a) - rank(b) || collator.compare(a.device, b.device));
  }

  /** How many there are of each kind; one with trouble is of two kinds. */
  counts() {
    const found = { all: this.known.size, trouble: 0, online: 0, silent: 0, offline: 0 };
    for (const one of this.known.values()) {
      found[one.presence] += 1;
      if (one.trouble) found.trouble += 1;
    }
    return found;
  }

  /** How many hear each label now, the most frequent first. */
  heard() {
    const found = new Map();
    for (const { hears } of this.known.values()) if (hears !== null) found.set(hears, (found.get(hears) ?? 0) + 1);
    return [...found].sort((a, b) => b[1] - a[1] || collator.compare(a[0], b[0]));
  }
}

const rank = (one) => RANKS.indexOf(one.trouble ? "trouble" : one.presence);

/** Whether a device is of a kind, and has all words in what is known of it. */
export function matches(one, kind, words) {
  if (kind === "trouble" && !one.trouble) return false;
  if (kind !== "all" && kind !== "trouble" && one.presence !== kind) return false;
  const text = [one.device, one.hears, one.trouble, one.state, one.model, one.version, one.presence].join("\n").toLowerCase();
  return words.every((word) => text.includes(word));
}
