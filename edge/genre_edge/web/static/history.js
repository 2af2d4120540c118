// What was heard, from the history of this service.
import { api } from "./api.js";
import { HistoryView } from "./history_view.js";
import { t } from "./text.js";

const byId = (id) => document.getElementById(id);
const LISTED = 200; // stretches that can be shown
const MOST = 10_000; // stretches that can be saved

export async function startHistory() {
  const history = new History();
  document.addEventListener("shown", (event) => { if (event.detail === "history") history.refresh(); });
}

class History {
  constructor() {
    this.view = new HistoryView(() => this.refresh(), () => api(`api/history/stretches?${this.query}&limit=${MOST}`));
    byId("history-source").addEventListener("change", () => {
      this.view.showFew();
      this.refresh();
    });
  }

  /** What is asked of the history: how far back, and which source. */
  get query() {
    const { value } = byId("history-source");
    return `since=${this.view.range}${value && `&source=${encodeURIComponent(value)}`}`;
  }

  /** Lets the reader choose one of several sources. */
  offer(names) {
    const picker = byId("history-source");
    const { value } = picker;
    picker.replaceChildren(new Option(t("history.all"), ""), ...names.map((name) => new Option(name, name, false, name === value)));
    byId("history-picker").hidden = names.length < 2;
  }

  async refresh() {
    try {
      // One after the other: the service reads its history for few at once.
      this.offer(await api("api/history/sources?since=90d"));
      const { query } = this;
      const hours = await api(`api/history?${query}&by=hour`);
      const days = await api(`api/history?${query}&by=day`);
      const all = await api(`api/history?${query}&by=genre`);
      const stretches = await api(`api/history/stretches?${query}&limit=${LISTED}`);
      if (query !== this.query) return; // another range or source was chosen meanwhile
      await this.view.draw(hours, days, all, stretches);
    } catch (error) {
      this.view.fail(error.message);
    }
  }
}
