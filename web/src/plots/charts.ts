// The loss and the gradient flow over the steps.

import { find } from "../dom";
import type { Frame, Setup } from "../protocol";
import { layerColour, theme } from "../theme";
import { drawChart, History } from "./chart";
import { RunBefore } from "./run_before";

const MOST_PLAIN = 4; // layers; of more, every other one is dashed

export class Charts {
  private readonly loss = new History();
  private readonly flow = new History();
  private readonly before = new RunBefore();
  private readonly logarithmic = find<HTMLInputElement>("loss-log");
  private readonly places = {
    loss: { canvas: find<HTMLCanvasElement>("loss"), keys: find("loss-keys"), name: "Loss" },
    flow: { canvas: find<HTMLCanvasElement>("flow"), keys: find("flow-keys"), name: "Norm of the gradient" },
  };

  constructor() {
    this.logarithmic.addEventListener("change", () => this.draw());
  }

  begin(setup: Setup): void {
    this.before.begin(setup, this.loss.steps, this.loss.series.at(-1)?.values ?? []);
    this.loss.begin([
      { name: "mini-batch, before its step", colour: () => theme().miniBatch, dash: [] },
      ...(setup.held_out > 0 ? [{ name: "held-out rows", colour: () => theme().heldOut, dash: [5, 3] }] : []),
    ]);
    const layers = setup.network.sizes.slice(1).map((_, k) => k + 1);
    this.flow.begin(
      layers.map((layer) => ({
        name: `layer ${layer}`,
        colour: () => layerColour(layer, layers.length),
        dash: layers.length > MOST_PLAIN && layer % 2 === 0 ? [4, 2] : [],
      })),
    );
    this.loss.whole = this.flow.whole = setup.history !== undefined && !setup.live;
    for (const { step, loss, validation_loss, flow } of setup.history ?? []) {
      this.loss.add(step, [loss, validation_loss]);
      this.flow.add(step, flow);
    }
    this.draw();
  }

  /** The next frame; of a lesson, whose curves are whole from the beginning, the one that is looked at. */
  add(frame: Frame): void {
    this.loss.show(frame.step, [frame.loss, frame.validation_loss]);
    if (frame.flow.some((value) => value !== null)) this.flow.show(frame.step, frame.flow);
    else if (frame.step === 0) this.flow.begin(this.flow.series);
    this.draw();
  }

  draw(): void {
    drawChart(this.places.loss, this.loss, this.logarithmic.checked, this.before);
    this.before.tell(this.loss.steps.at(-1) ?? 0);
    drawChart(this.places.flow, this.flow, true);
  }
}
