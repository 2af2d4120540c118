// The colour of each label. They were chosen as far apart as possible for eyes that see all
// colours and for each kind of colour blindness; a test holds the distance.

export const COLOURS = {
  blues: "#6180fe", classical: "#660fb3", country: "#e58212", disco: "#c740c0", hiphop: "#82c38f",
  jazz: "#bb4717", metal: "#39456e", pop: "#f6c835", reggae: "#34766a", rock: "#7f1f29",
  silence: "#d0cadf", uncertain: "#a38e9b",
};
export const SILENCE_AT_NIGHT = "#2b2b50"; // in dark mode, where the other would glare
const OTHER_COLOURS = ["#7a5195", "#00876c", "#bc5090", "#ff7c43", "#3d5a80"];

export function colour(label) {
  if (label === "silence" && matchMedia("(prefers-color-scheme: dark)").matches) return SILENCE_AT_NIGHT;
  if (Object.hasOwn(COLOURS, label)) return COLOURS[label];
  let sum = 0;
  for (const letter of label) sum += letter.codePointAt(0);
  return OTHER_COLOURS[sum % OTHER_COLOURS.length];
}

/** A colour with a share of another in it. */
export function mixed(one, other, share) {
  const parts = [1, 3, 5].map((at) => {
    const [a, b] = [one, other].map((hex) => parseInt(hex.slice(at, at + 2), 16));
    return Math.round(a + (b - a) * share).toString(16).padStart(2, "0");
  });
  return `#${parts.join("")}`;
}

/** Black or white: whichever is easier to read on a colour. */
export function inkOn(background) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = parseInt(background.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
  return luminance > 0.179 ? "#000" : "#fff"; // where both have the same contrast
}
