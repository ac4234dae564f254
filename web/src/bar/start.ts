// The start card: three doors, each into a prepared example that is already under way.

import { configurationOf, isDoor, type Door, type Start, type State } from "../page/address";
import { find } from "../dom";
import type { Configuration } from "../protocol";

const WORKED: Partial<Configuration> = {
  data: "worked", layers: [2], activation: "sigmoid", optimizer: "sgd(momentum=0.0)", rate: 1, batch: 1,
};
const PREPARED: Record<Door, Partial<State>> = {
  learn: { data: "moons", layers: [8, 8], activation: "tanh", optimizer: "adam", rate: 0.03, batch: 32 },
  walk: WORKED,
  explain: { ...WORKED, quantity: "W[1,1,1]" },
};

/** The state behind a door, from what the page begins with. */
export function behind(door: Door, state: State): State {
  const plain = { ...configurationOf(state), loss: "auto", output: "auto", initialization: "auto", schedule: "constant", l2_penalty: 0, dropout: 0, seed: 0 };
  return { ...plain, example: 0, color: "value", quantity: "", ...PREPARED[door], start: door };
}

export class StartCard {
  private readonly card = find("start");
  private readonly button = find("start-open");

  constructor(chosen: (start: Start) => void) {
    for (const door of this.card.querySelectorAll<HTMLButtonElement>("button[data-door]")) {
      const name = door.dataset.door ?? "";
      if (isDoor(name)) door.addEventListener("click", () => chosen(name));
    }
    find("start-close").addEventListener("click", () => {
      chosen("");
      this.button.focus();
    });
    this.button.addEventListener("click", () => {
      chosen(this.card.checkVisibility() ? "" : "open"); // the walk hides a card that is open
      if (!this.card.hidden) this.card.querySelector<HTMLButtonElement>("button[data-door]")?.focus();
    });
  }

  show(start: Start): void {
    this.card.hidden = start !== "open";
    this.button.setAttribute("aria-expanded", String(!this.card.hidden));
  }
}
