// Times as people read them, by the clock of the service: this device's own may be wrong.
import { locale, t } from "../static/text.js";

const UNITS = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]];
let ahead = 0; // how far this device's clock is ahead of the service's, ms
let writer = null;

/** Takes the service's time. */
export function asOf(time) {
  ahead = Date.now() - Date.parse(time);
}

/** "16 min ago"; a time is in ISO 8601, or null. */
export function ago(time) {
  if (time === null) return t("fleet.never");
  writer ??= new Intl.RelativeTimeFormat(locale(), { style: "narrow" });
  const seconds = Math.max(0, Math.round((Date.now() - ahead - Date.parse(time)) / 1000));
  const [unit, length] = UNITS.find(([, one]) => seconds >= 2 * one) ?? UNITS.at(-1);
  return writer.format(-Math.floor(seconds / length), unit);
}

/** Day and time of day; a time is in ISO 8601 or s since 1970. */
export function moment(time) {
  const when = new Date(typeof time === "number" ? time * 1000 : time);
  return when.toLocaleString(locale(), { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
}

/** Now by the service's clock, s since 1970. */
export const now = () => (Date.now() - ahead) / 1000;
