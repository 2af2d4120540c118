// The settings of the service: what is in force, where it was set, and fields to change it.
import { api } from "./api.js";
import { button, el, places, send, startAgain, styled } from "./parts.js";
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
let version = "";

export async function startSettings() {
  await styled();
  await load();
  let isFresh = true;
  document.addEventListener("shown", (event) => {
    if (event.detail !== "settings") return;
    if (!isFresh && !changes().length) load();
    isFresh = false;
  });
}

async function load() {
  const view = byId("view-settings");
  try {
    show(await api("api/settings"));
  } catch (error) {
    view.replaceChildren(...head(), el("p", { class: "panel sentence", role: "alert" }, error.message));
  }
}

const head = () => [places("settings"), el("h2", { id: "settings-title" }, t("setup.settings"))];

function show(found) {
  version = found.version;
  const open = new Set([...document.querySelectorAll("#view-settings details[open]")].map((one) => one.dataset.table));
  const may = !found.refusal;
  const form = el("form", { id: "settings-form", novalidate: true, onsubmit: save, oninput: tell },
    ...found.tables.map((table) => group(table, may, open.has(table.name))));
  if (may) {
    form.append(el("div", { class: "controls bar" },
      el("button", { id: "settings-save", class: "primary", disabled: true }, t("settings.save")),
      button(t("settings.undo"), undo, { id: "settings-undo", disabled: !found.can_undo })));
  }
  byId("view-settings").replaceChildren(...head(),
    el("p", { class: "soft" }, t(found.is_first ? "settings.no_file" : "settings.file", { file: found.file })),
    el("p", { id: "settings-refusal", class: "panel sentence", hidden: may }, found.refusal),
    el("p", { id: "settings-said", role: "status" }),
    el("pre", { id: "settings-faults", role: "alert", tabindex: "0", hidden: true }), form);
}

function group(table, may, isOpen) {
  const content = table.settings.length
    ? table.settings.map((one) => row(one, may && !one.fixed))
    : [el("p", { class: "soft" }, t("settings.repeated", { count: table.count, table: table.name }))];
  const set = table.settings.filter((one) => one.set_by !== "default").length;
  const note = set ? [el("span", { class: "soft" }, ` ${t("settings.set", { count: set })}`)] : [];
  return el("details", { "data-table": table.name, open: isOpen }, el("summary", {}, table.title, ...note), el("div", { class: "fields" }, ...content));
}

function row(one, may) {
  const name = one.key.split(".")[1];
  const field = may ? input(one) : el("output", {}, shown(one) || t("settings.unset"));
  if (may) Object.assign(field.dataset, { key: one.key, kind: one.kind, was: read(field) ?? "" });
  field.id = `set-${one.key}`;
  field.setAttribute("aria-describedby", `help-${one.key} fault-${one.key}`);
  const notes = [origin(one)];
  if (may && !one.at_once) notes.push(t("settings.next_start"));
  const reset = may && one.set_by === "file" && one.kind !== "secret"
    ? [button(t("settings.default"), () => put(field, one), { "aria-label": t("settings.default_of", { name }) })] : [];
  return el("div", { class: "row" },
    el("label", { for: field.id }, name),
    el("div", { class: "controls" }, field, ...reset),
    el("p", { id: `help-${one.key}`, class: "soft" }, el("span", { lang: "en" }, `${one.help}${limits(one)}`), el("br"), notes.join(" ")),
    el("p", { id: `fault-${one.key}`, class: "bad fault", lang: "en" }));
}

function origin(one) {
  if (one.fixed === "file only") return t(one.set_by === "file" ? "settings.by_file_only" : "settings.file_only");
  if (one.fixed) return t("settings.fixed", { place: one.place });
  if (one.set_by === "file") return t("settings.by_file", { line: one.place.match(/:(\d+): /)?.[1] ?? "?" });
  return t("settings.by_default");
}

function limits({ low, high }) {
  if (low !== null && high !== null) return ` (${low} – ${high})`;
  if (low !== null) return ` (≥ ${low})`;
  return high !== null ? ` (≤ ${high})` : "";
}

const shown = (one) => (one.kind === "secret" ? t(one.value ? "settings.secret_set" : "settings.unset")
  : Array.isArray(one.value) ? one.value.join(", ") : String(one.value ?? ""));

function input(one) {
  if (one.kind === "switch") {
    const box = el("input", { type: "checkbox" });
    box.checked = one.value;
    return box;
  }
  if (one.kind === "choice") {
    const options = one.default === null ? ["", ...one.choices] : one.choices;
    return el("select", {}, ...options.map((name) => new Option(name || t("settings.unset"), name, false, name === (one.value ?? ""))));
  }
  const isHidden = one.is_hidden || one.kind === "secret";
  return el("input", {
    type: one.kind === "secret" ? "password" : "text", autocomplete: one.kind === "secret" ? "new-password" : "off",
    inputmode: one.kind === "integer" ? "numeric" : one.kind === "number" ? "decimal" : null, spellcheck: "false",
    value: isHidden ? "" : shown(one), placeholder: isHidden ? shown(one) : String(one.default ?? t("settings.unset")),
  });
}

/** What a field holds, as JSON: what is no number is sent as it is, for the service to judge. */
function read(field) {
  const { kind } = field.dataset;
  if (field.type === "checkbox") return field.checked;
  const text = field.value.trim();
  if (text === "") return null;
  if (kind === "list") return text.split(",").map((part) => part.trim()).filter(Boolean);
  return (kind === "integer" || kind === "number") && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** Takes a setting out of the file: its default holds. */
function put(field, one) {
  if (field.type === "checkbox") field.checked = one.default;
  else field.value = Array.isArray(one.default) ? one.default.join(", ") : one.default ?? "";
  field.dataset.unset = "yes";
  tell();
}

function changes() {
  const fields = [...document.querySelectorAll("#settings-form [data-key]")];
  return fields.filter((one) => String(read(one) ?? "") !== one.dataset.was || one.dataset.unset);
}

function tell(event) {
  if (event?.target.dataset.unset) delete event.target.dataset.unset;
  byId("settings-save").disabled = !changes().length;
}

function save(event) {
  event.preventDefault();
  const fields = changes();
  if (!fields.length) return undefined;
  const wanted = fields.map((one) => [one.dataset.key, one.dataset.unset ? null : read(one)]);
  return act("api/settings", { changes: Object.fromEntries(wanted) }, "settings.saved");
}

const undo = () => act("api/settings/undo", {}, "settings.undone");

async function act(path, data, done) {
  complain("");
  try {
    const found = await send(path, data, version);
    show(found.settings);
    const said = [t(done)];
    if (found.now.length) said.push(t("settings.now", { keys: found.now.join(", ") }));
    if (found.later.length) said.push(t("settings.later", { keys: found.later.join(", ") }));
    byId("settings-said").textContent = said.join(" ");
    if (found.later.length) byId("settings-said").append(" ", button(t("setup.start_again"), restart, { id: "settings-start" }));
  } catch (error) {
    complain(error.message);
    if (error.status === 412) byId("settings-faults").after(button(t("settings.load_again"), load, { id: "settings-reload" }));
  }
}

async function restart() {
  try {
    await startAgain((text) => { byId("settings-said").textContent = text; });
  } catch (error) {
    complain(error.message);
  }
}

/** Shows the words of the service, each beside its field too. */
function complain(text) {
  const faults = byId("settings-faults");
  faults.textContent = text;
  faults.hidden = !text;
  const lines = text.split("\n");
  for (const field of document.querySelectorAll("#settings-form [data-key]")) {
    const found = lines.find((line) => line.includes(` ${field.dataset.key}: `) || line.startsWith(`${field.dataset.key}: `));
    byId(`fault-${field.dataset.key}`).textContent = found ?? "";
    field.toggleAttribute("aria-invalid", Boolean(found));
    if (found) field.setAttribute("aria-invalid", "true");
  }
  if (text) faults.scrollIntoView({ block: "center" });
}
