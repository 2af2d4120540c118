// What the page says, in the language of its reader. Each language is one file of the folder
// languages; the service lists them in the page, so a new one needs nothing else.

const KEY = "genre-edge language"; // other pages of the same site have keys of their own
let texts = {};

const offered = JSON.parse(document.querySelector("meta[name=languages]").content); // {code: name}

function chosen() {
  const wanted = [localStorage.getItem(KEY), ...navigator.languages];
  const codes = wanted.filter(Boolean).map((code) => code.split("-")[0]);
  return codes.find((code) => code in offered) ?? "en";
}

const fetched = async (code) => (await fetch(`static/languages/${code}.json`)).json();

/** Loads the texts, and puts them into the page, which is written in English. */
export async function loadTexts() {
  const code = chosen();
  const [english, own] = await Promise.all([fetched("en"), code === "en" ? {} : fetched(code)]);
  texts = { ...english, ...own };
  document.documentElement.lang = code;
  for (const element of document.querySelectorAll("[data-t]")) element.textContent = t(element.dataset.t);
  for (const element of document.querySelectorAll("[data-t-label]")) element.setAttribute("aria-label", t(element.dataset.tLabel));
}

/** Lets the reader choose; the page starts again in the chosen language. */
export function offerLanguages(select) {
  select.replaceChildren(...Object.entries(offered).map(([code, name]) => new Option(name, code, false, code === language())));
  select.addEventListener("change", () => {
    localStorage.setItem(KEY, select.value);
    location.reload();
  });
}

export const language = () => document.documentElement.lang;

/** The reader's own way to write times, if it is one of the language that is shown. */
export const locale = () => navigator.languages.find((code) => code.startsWith(language())) ?? language();

/** A text; each {name} in it is replaced by the value of that name. */
export function t(key, values = {}) {
  return (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

/** How a label is called: those that are no genre have names in each language. */
export const named = (label) => (label === "silence" ? t("label.silence") : label === "uncertain" ? t("label.uncertain") : label);

/** The time of day of a Date or of seconds since 1970. */
export function timeOfDay(when) {
  return new Date(typeof when === "number" ? when * 1000 : when).toLocaleTimeString(locale(), { hour: "2-digit", minute: "2-digit" });
}
