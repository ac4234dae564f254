// One of the two networks: what it decides, its hidden units, how good it is, and why it stopped if it did.

import { make, namePicture, say } from "../dom";
import { percent, written } from "../numbers";
import { Curve } from "../plots/curve";
import { Surface } from "../plots/surface";
import type { Setup, SideFrame } from "../protocol";
import { SIDE_NAMES } from "./address";
import { hasPictures, Units } from "./units";

export class Side {
  readonly element: HTMLElement;
  private setup: Setup | null = null;
  private readonly surface: Surface;
  private readonly curve: Curve;
  private readonly units: Units;
  private readonly told = make("span", { className: "side-told" });
  private readonly score = make("output", { className: "side-score" });
  private readonly sizes = make("p", { className: "quiet small side-sizes" });
  private readonly stopped = make("p", { className: "error", hidden: true });
  private readonly unitsCard = make("figure", { className: "side-units" });
  private readonly unitsTitle = make("figcaption", { className: "quiet small" });

  constructor(name: keyof typeof SIDE_NAMES) {
    const plane = make("figure", { className: "surface" });
    const line = make("figure");
    const canvases = [make("canvas"), make("canvas", { className: "curve" }), make("canvas", { className: "units" })] as const;
    namePicture(canvases[2], "Hidden units");
    this.stopped.setAttribute("role", "status");
    plane.append(canvases[0]);
    plane.dataset.part = "surface";
    line.append(canvases[1]);
    line.dataset.part = "surface";
    this.unitsCard.append(this.unitsTitle, canvases[2]);
    this.unitsCard.dataset.part = "units";
    const head = make("h3", {}, make("span", { className: `side-chip side-${name}`, textContent: SIDE_NAMES[name] }), this.told);
    this.element = make(
      "section",
      { className: `card one-side side-${name}`, id: `compare-${name}` },
      make("div", { className: "side-head" }, head, this.score),
      this.sizes,
      this.stopped,
      plane,
      line,
      this.unitsCard,
    );
    this.element.setAttribute("aria-label", `The network on the ${name}`);
    this.surface = new Surface(plane, canvases[0]);
    this.curve = new Curve(line, canvases[1]);
    this.units = new Units(canvases[2], name);
  }

  /** `told`: in what it differs from the other side. */
  begin(setup: Setup, told: string): void {
    this.setup = setup;
    this.told.textContent = told;
    this.score.textContent = "";
    const { sizes, output, loss } = setup.network;
    this.sizes.textContent = `${sizes.join(" → ")}, ${output.replaceAll("_", " ")} with ${loss.replaceAll("_", " ")}`;
    say(this.stopped, "");
    this.surface.begin(setup);
    this.curve.begin(setup);
    this.unitsCard.hidden = !hasPictures(setup);
    this.unitsTitle.textContent = setup.bounds ? "Hidden units over the plane" : "Rows of W₁: what each unit of layer 1 looks for";
    this.units.begin(setup);
  }

  show(frame: SideFrame): void {
    const { setup } = this;
    if (!setup) return;
    if (frame.numbers.has("surface")) this.surface.show(frame); // while training runs, not every frame has one
    this.curve.show(frame);
    this.units.show(frame);
    this.score.textContent = scoreText(frame, setup);
    say(this.stopped, frame.stopped.replace(/^[a-z]/, (letter) => letter.toUpperCase()));
  }

  redraw(): void {
    this.surface.redraw();
    this.curve.draw();
    this.units.draw();
  }
}

/** The accuracy or R² on held-out rows, or if there are none on those that are trained on. */
export function scoreOf(frame: SideFrame): number | null {
  return frame.score ?? frame.training_score;
}

export function scoreText(frame: SideFrame, setup: Setup): string {
  const score = scoreOf(frame);
  if (score === null) return "–";
  return setup.task === "classification" ? percent(score) : `R² ${written(score, 3)}`;
}
