// The comparisons that are prepared, one click each, and one's own.

import { find, make } from "../dom";
import type { Comparison } from "../protocol";
import { withTerms } from "../terms";
import { OWN } from "./address";

const ROOM = 60; // pixels before the chosen one
const OWN_TITLE = "Your own";
const OWN_SAID = "Both sides begin as the network of the lab. Change what you like on one of them; what differs is marked.";

export class Prepared {
  private comparisons: Comparison[] = [];
  private readonly box = find("compare-prepared");

  constructor(private readonly chosen: (name: string) => void) {}

  offer(comparisons: Comparison[]): void {
    this.comparisons = comparisons;
    const tiles = [...comparisons, { name: OWN, title: OWN_TITLE }].map(({ name, title }) => {
      const input = make("input", { type: "radio", name: "comparison", value: name });
      input.addEventListener("change", () => this.chosen(name));
      return make("label", { className: "tile" }, input, make("span", { textContent: title }));
    });
    this.box.replaceChildren(...tiles);
  }

  show(name: string): void {
    for (const input of this.box.querySelectorAll("input")) {
      input.checked = input.value === name;
      if (input.checked) this.box.scrollLeft = input.closest("label")!.offsetLeft - this.box.offsetLeft - ROOM; // on a phone the row is longer than the page
    }
    const comparison = this.comparisons.find((each) => each.name === name);
    find("compare-said").replaceChildren(...withTerms(comparison?.said ?? OWN_SAID));
    for (const part of document.querySelectorAll<HTMLElement>("#compare [data-part]")) {
      part.classList.toggle("looked-at", comparison?.look.includes(part.dataset.part!) ?? false);
    }
  }
}
