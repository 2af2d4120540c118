// What was heard: over time, by weekday and hour, in total, and one after the other.
import { api } from "./api.js";
import { drawChart } from "./chart.js";
import { drawHeatmap } from "./heatmap.js";
import { csv, save } from "./save.js";
import { locale, named, t } from "./text.js";
import { marked } from "./verdict.js";
import { duration, legend, percent, rows } from "./widgets.js";

const byId = (id) => document.getElementById(id);
const DAYS = { "24h": 1, "7d": 7, "30d": 30, "90d": 90 };
const FEW = 12; // stretches that are shown at first
const LISTED = 200; // stretches that can be shown
const MOST = 10_000; // stretches that can be saved

export async function startHistory() {
  const view = new History();
  document.addEventListener("shown", (event) => { if (event.detail === "history") view.refresh(); });
}

class History {
  constructor() {
    this.range = "7d";
    this.stretches = [];
    this.shown = FEW;
    for (const button of byId("history-range").children) {
      button.addEventListener("click", () => {
        this.range = button.dataset.range;
        this.shown = FEW;
        this.refresh();
      });
    }
    byId("history-more").addEventListener("click", () => {
      this.shown *= 4;
      this.drawStretches();
    });
    byId("history-csv").addEventListener("click", () => this.saveCsv());
    byId("history-source").addEventListener("change", () => {
      this.shown = FEW;
      this.refresh();
    });
  }

  async saveCsv() {
    try {
      const all = await api(`api/history/stretches?${this.query}&limit=${MOST}`);
      save(`history-${this.range}.csv`, "text/csv", csv([
        ["start", "end", "label", "confidence", "source"],
        ...all.map((one) => [one.start, one.end, one.label, one.confidence, one.source]),
      ]));
    } catch (error) {
      byId("history-state").textContent = error.message;
    }
  }

  /** What is asked of the history: how far back, and which source. */
  get query() {
    const { value } = byId("history-source");
    return `since=${this.range}${value && `&source=${encodeURIComponent(value)}`}`;
  }

  /** Lets the reader choose one of several sources. */
  offer(names) {
    const picker = byId("history-source");
    const { value } = picker;
    picker.replaceChildren(new Option(t("history.all"), ""), ...names.map((name) => new Option(name, name, false, name === value)));
    byId("history-picker").hidden = names.length < 2;
  }

  async refresh() {
    const { range } = this;
    for (const button of byId("history-range").children) button.setAttribute("aria-pressed", String(button.dataset.range === range));
    try {
      // One after the other: the service reads its history for few at once.
      this.offer(await api("api/history/sources?since=90d"));
      const { query } = this;
      const hours = await api(`api/history?${query}&by=hour`);
      const days = await api(`api/history?${query}&by=day`);
      const all = await api(`api/history?${query}&by=genre`);
      const stretches = await api(`api/history/stretches?${query}&limit=${LISTED}`);
      if (query !== this.query) return; // another range or source was chosen meanwhile
      byId("history-found").hidden = false;
      byId("history-state").textContent = all.length ? "" : t("history.empty");
      this.stretches = stretches;
      await this.draw(hours, days, all);
    } catch (error) {
      byId("history-found").hidden = true;
      byId("history-state").textContent = error.message;
    }
  }

  async draw(hours, days, all) {
    const count = DAYS[this.range];
    const music = all.map((row) => row.label).filter((label) => label !== "silence");
    const labels = [...music, ...(all.length > music.length ? ["silence"] : [])]; // on top of the music
    const whole = all.reduce((sum, row) => sum + row.seconds, 0);
    legend(byId("history-legend"), labels, named);
    rows(byId("history-table"), all.map((row) => [
      marked(row.label), duration(row.seconds), percent(row.seconds / whole), row.confidence === null ? "" : percent(row.confidence),
    ]));
    drawHeatmap(byId("history-heatmap"), hours, Math.max(1, count / 7), (words) => { byId("history-details").textContent = words; });
    byId("history-details").textContent = t("history.hint");
    this.drawStretches();
    const chart = byId("history-chart");
    await drawChart(chart, count === 1 ? hours : days, labels, count === 1, count === 1 ? 24 : count);
    chart.setAttribute("role", "img");
    chart.setAttribute("aria-label", t("history.chart", { labels: labels.map(named).join(", ") || t("history.empty") }));
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
