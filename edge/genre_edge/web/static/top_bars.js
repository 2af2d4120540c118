// The three most probable labels as bars, or all of them.
import { t } from "./text.js";
import { Bars } from "./widgets.js";

const FEW = 3;

export class TopBars {
  /** `button` changes between few and all. The labels become those of a model that hears later. */
  constructor(list, button, labels) {
    Object.assign(this, { list, button, isWhole: false });
    this.relabel(labels);
    addEventListener("model", ({ detail }) => {
      if (detail.labels.join() !== this.labels.join()) this.relabel(detail.labels);
    });
    button.addEventListener("click", () => {
      this.isWhole = !this.isWhole;
      this.cut();
    });
  }

  relabel(labels) {
    Object.assign(this, { labels, order: "", bars: new Bars(this.list, labels) });
    this.button.hidden = labels.length <= FEW;
    this.cut();
  }

  show(scores) {
    this.bars.show(scores);
    const sorted = this.labels.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0));
    if (sorted.join() !== this.order) { // rows that stay where they are go on moving their bars
      this.order = sorted.join();
      this.list.append(...sorted.map((label) => this.bars.rows.get(label)[2]));
    }
    this.cut();
  }

  cut() {
    [...this.list.children].forEach((row, at) => { row.hidden = !this.isWhole && at >= FEW; });
    this.button.textContent = t(this.isWhole ? "bars.few" : "bars.all");
    this.button.setAttribute("aria-expanded", String(this.isWhole));
  }
}
