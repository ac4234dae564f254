// Loss and accuracy of both sides over the steps, each side in its colour.

import { find, say } from "../dom";
import { drawChart, History, type ChartPlace } from "../plots/chart";
import type { PairFrame, PairSetup } from "../protocol";
import { theme } from "../theme";
import { Reached } from "./reached";
import { scoreOf } from "./side";

const HELD_OUT = [5, 3]; // dashes
const LEAST = -1; // of R², which has no least: what is worse is drawn there

export class SideCurves {
  private readonly loss = new History();
  private readonly score = new History();
  private readonly reached = new Reached();
  private names: string[] = [];
  private heldOut = false;
  private otherLoss = false; // the sides have different loss functions
  private readonly logarithmic = find<HTMLInputElement>("compare-log");
  private readonly places: Record<"loss" | "score", ChartPlace> = {
    loss: { canvas: find<HTMLCanvasElement>("compare-loss"), keys: find("compare-loss-keys"), name: "Loss" },
    score: { canvas: find<HTMLCanvasElement>("compare-score"), keys: find("compare-score-keys"), name: "Accuracy" },
  };

  constructor() {
    this.logarithmic.addEventListener("change", () => this.draw());
    for (const { canvas } of Object.values(this.places)) new ResizeObserver(() => this.draw()).observe(canvas);
  }

  /** `names`: of the sides, with what differs. `goesOn`: the curves are those of this pair, and stay. */
  begin({ sides }: PairSetup, names: string[], goesOn: boolean): void {
    if (goesOn) return;
    const [left, right] = sides;
    this.names = names;
    this.heldOut = left.held_out > 0;
    const name = left.task === "classification" ? "Accuracy" : "R²";
    this.places.score.name = name;
    find("compare-score-title").textContent = `${name} on ${this.heldOut ? "held-out rows" : "the training rows"}`;
    const colour = (k: number) => (): string => theme().sides[k]!;
    this.loss.begin([
      ...names.map((side, k) => ({ name: this.heldOut ? `${side}, mini-batches` : side, colour: colour(k), dash: [] as number[] })),
      ...(this.heldOut ? names.map((side, k) => ({ name: `${side}, held out`, colour: colour(k), dash: HELD_OUT })) : []),
    ]);
    this.score.begin(names.map((side, k) => ({ name: side, colour: colour(k), dash: [] })));
    this.otherLoss = left.network.loss !== right.network.loss;
    this.reached.begin();
    say(find("compare-loss-said"), this.otherLoss ? "The sides have different loss functions: compare how the curves run, not how high they are." : "");
  }

  /** Every frame, also of those that are not drawn. */
  follow({ step, sides }: PairFrame): void {
    this.reached.show(step, sides.map((side) => (side.step !== step ? null : this.heldOut ? side.validation_loss : side.loss)));
  }

  show({ step, sides }: PairFrame): void {
    // A side that has stopped stays where it was: its curve ends
    const of = (value: (side: PairFrame["sides"][number]) => number | null): (number | null)[] => sides.map((side) => (side.step === step ? value(side) : null));
    this.loss.show(step, [...of(({ loss }) => loss), ...(this.heldOut ? of(({ validation_loss }) => validation_loss) : [])]);
    this.score.show(step, of(scoreOf).map((score) => (score === null ? null : Math.max(score, LEAST))));
    say(find("compare-reached"), this.otherLoss ? "" : this.reached.said(this.names, this.heldOut ? "held-out rows" : "the mini-batches"));
    this.draw();
  }

  draw(): void {
    drawChart(this.places.loss, this.loss, this.logarithmic.checked);
    drawChart(this.places.score, this.score, false);
  }
}
