// Draws what was heard: over time, by weekday and hour, in total, and one after the other.
import { drawChart } from "./chart.js";
import { drawHeatmap } from "./heatmap.js";
import { csv, save } from "./save.js";
import { locale, named, t } from "./text.js";
import { marked } from "./verdict.js";
import { duration, legend, percent, rows } from "./widgets.js";

const byId = (id) => document.getElementById(id);
const DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 };
const FEW = 12; // stretches that are shown at first

export class HistoryView {
  /** `refresh` is called when another range is chosen; `all` gets every stretch, to be saved. */
  constructor(refresh, all) {
    Object.assign(this, { range: "7d", stretches: [], shown: FEW });
    for (const button of byId("history-range").children) {
      button.addEventListener("click", () => {
        this.choose(button.dataset.range);
        refresh();
      });
    }
    byId("history-more").addEventListener("click", () => {
      this.shown *= 4;
      this.drawStretches();
    });
    byId("history-csv").addEventListener("click", () => this.saveCsv(all));
  }

  /** Days of the range. */
  get days() {
    return DAYS[this.range];
  }

  choose(range) {
    this.range = range;
    this.showFew();
    for (const button of byId("history-range").children) button.setAttribute("aria-pressed", String(button.dataset.range === range));
  }

  showFew() {
    this.shown = FEW;
  }

  async saveCsv(all) {
    try {
      save(`history-${this.range}.csv`, "text/csv", csv([
        ["start", "end", "label", "confidence", "source"],
        ...(await all()).map((one) => [one.start, one.end, one.label, one.confidence, one.source]),
      ]));
    } catch (error) {
      byId("history-state").textContent = error.message;
    }
  }

  /** `hours` and `days` have a row (when, label, seconds) for each label in each of them, `all` one for each label. */
  async draw(hours, days, all, stretches) {
    const count = this.days;
    const music = all.map((row) => row.label).filter((label) => label !== "silence");
    const labels = [...music, ...(all.length > music.length ? ["silence"] : [])]; // on top of the music
    byId("history-found").hidden = false;
    byId("history-state").textContent = all.length ? "" : t("history.empty");
    legend(byId("history-legend"), labels, named);
    this.drawTotals(all);
    drawHeatmap(byId("history-heatmap"), hours, Math.max(1, count / 7), (words) => { byId("history-details").textContent = words; });
    byId("history-details").textContent = t("history.hint");
    this.stretches = stretches;
    this.drawStretches();
    const chart = byId("history-chart");
    await drawChart(chart, count === 1 ? hours : days, labels, count === 1, count === 1 ? 24 : count);
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", t("history.chart", { labels: labels.map(named).join(", ") || t("history.empty") }));
  }

  drawTotals(all) {
    const whole = all.reduce((sum, row) => sum + row.seconds, 0);
    rows(byId("history-table"), all.map((row) => [
      marked(row.label), duration(row.seconds), percent(row.seconds / whole), row.confidence === null ? "" : percent(row.confidence),
    ]));
  }

  /** Says why nothing is drawn. */
  fail(text) {
    byId("history-found").hidden = true;
    byId("history-state").textContent = text;
  }

  drawStretches() {
    rows(byId("history-stretches"), this.stretches.slice(0, this.shown).map((one) => {
      const start = new Date(one.start);
      return [
        start.toLocaleString(locale(), { weekday: "short", day: "numeric", hour: "2-digit", minute: "2-digit" }),
        marked(one.label), duration((new Date(one.end) - start) / 1000), one.confidence === null ? "" : percent(one.confidence),
      ];
    }));
    byId("history-more").hidden = this.stretches.length <= this.shown;
    byId("history-csv").disabled = !this.stretches.length;
  }
}
