// A few numbers of both sides, beside each other.

import { make, withSubscripts } from "../dom";
import { written } from "../numbers";
import type { PairSetup, SideFrame } from "../protocol";
import { SIDE_NAMES, SIDES } from "./address";
import { scoreText } from "./side";

interface Row {
  name: string;
  hint: string;
  text: (frame: SideFrame, k: number) => string;
}

export class SideNumbers {
  private rows: Row[] = [];

  constructor(private readonly table: HTMLElement) {}

  begin({ sides }: PairSetup, told: string[]): void {
    const [setup] = sides;
    const rows = setup.held_out > 0 ? "held-out rows" : "the training rows";
    const score = setup.task === "classification" ? "Accuracy" : "R²";
    this.rows = [
      { name: "Loss of mini-batches", hint: "side-loss", text: ({ loss }) => written(loss, 3) },
      ...(setup.held_out > 0 ? [{ name: "Loss on held-out rows", hint: "held-out-loss", text: ({ validation_loss }: SideFrame) => written(validation_loss, 3) }] : []),
      { name: `${score} on ${rows}`, hint: "side-score", text: (frame, k) => scoreText(frame, sides[k]!).replace("R² ", "") },
      { name: "‖∇_a‖, first ÷ last layer", hint: "flow-ratio", text: ({ flow }) => ratio(flow) },
      { name: "Dead units", hint: "dead-units", text: ({ units }) => `${units.dead} of ${units.count}` },
      { name: "Different units", hint: "different-units", text: ({ units }) => `${units.different} of ${units.count}` },
    ];
    const head = make("tr", {}, make("td"), ...SIDES.map((side, k) => make("th", { scope: "col" }, make("span", { className: `side-chip side-${side}`, textContent: SIDE_NAMES[side] }), make("div", { className: "quiet", textContent: told[k]! }))));
    this.table.replaceChildren(
      make("thead", {}, head),
      make("tbody", {}, ...this.rows.map(({ name, hint }) => {
        const said = make("span", { className: "term", tabIndex: 0 }, ...withSubscripts(name));
        said.dataset.hint = hint;
        return make("tr", {}, make("th", { scope: "row" }, said), make("td"), make("td"));
      })),
    );
  }

  show(frames: [SideFrame, SideFrame]): void {
    this.rows.forEach(({ text }, n) => {
      const cells = this.table.querySelectorAll(`tbody tr:nth-child(${n + 1}) td`);
      frames.forEach((frame, k) => {
        const said = text(frame, k);
        if (cells[k]!.textContent !== said) cells[k]!.textContent = said;
      });
    });
  }
}

function ratio(flow: (number | null)[]): string {
  const [first, last] = [flow[0], flow.at(-1)];
  return first == null || last == null || last === 0 ? "–" : written(first / last, 2);
}
