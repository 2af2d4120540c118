// What a view shows of what it hears: a card in the colour of the genre, and the level.
import { colour, inkOn } from "./colours.js";
import { t } from "./text.js";
import { percent } from "./widgets.js";

const byId = (id) => document.getElementById(id);

/** Puts the templates of the page where they belong; ids begin with the name of the view. */
export function fillTemplates() {
  for (const place of document.querySelectorAll("[data-template]")) {
    const { template, name } = place.dataset;
    place.prepend(byId(template).content.cloneNode(true));
    for (const part of place.querySelectorAll("[data-part]")) part.id = `${name}-${part.dataset.part}`;
  }
}

/** Paints a card in the colour of a label; without a label it is plain. */
export function paint(card, label) {
  card.toggleAttribute("data-coloured", Boolean(label));
  card.style.background = label ? colour(label) : "";
  card.style.color = label ? inkOn(colour(label)) : "";
}

/** The most probable label but the first, in words. */
export function runnerUp(scores, first) {
  const [second] = Object.entries(scores ?? {}).filter(([label]) => label !== first).sort((a, b) => b[1] - a[1]);
  return second ? t("live.second", { label: second[0], percent: percent(second[1]) }) : "";
}

export function showLevel(name, dbfs) {
  const meter = byId(`${name}-level`);
  meter.firstElementChild.style.width = `${Math.max(0, Math.min(100, (dbfs + 90) / 0.9))}%`;
  meter.setAttribute("aria-label", t("live.level", { dbfs }));
}
