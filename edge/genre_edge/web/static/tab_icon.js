// The genre in the browser's tab: in the title, and as the colour of the icon.
import { colour, inkOn } from "./colours.js";

const icon = document.querySelector("link[rel=icon]");
const plain = icon.href;

/** Shows a label; none: the page's own name and icon. */
export function showInTab(name, label) {
  document.title = name ? `${name} · genre-edge` : "genre-edge";
  if (!label) {
    icon.href = plain;
    return;
  }
  const ground = colour(label);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3" fill="${ground}"/>` +
    `<path fill="${inkOn(ground)}" d="M3 7h2v6H3zM7 3h2v10H7zM11 5h2v8h-2z"/></svg>`;
  icon.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
