// A card that takes the colour of the genre it names.
import { colour, inkOn } from "./colours.js";

/** Paints a card in the colour of a label; without a label it is plain. */
export function paint(card, label) {
  card.toggleAttribute("data-coloured", Boolean(label));
  card.style.background = label ? colour(label) : "";
  card.style.color = label ? inkOn(colour(label)) : "";
}
