// The loss along the line on which an optimizer searched: its tangent at 0, what was tried, and what was taken.
//
//   const plot = new LineSearchPlot(canvas, keys); // a canvas with a size of its own, and an element for the words below it
//   plot.show(line, () => theme().sides[0]); // a line of `backtalk.loss_line`, and the colour of its optimizer; or null
//   plot.draw(); // again: after a change of theme. A change of size is seen by the plot itself

import { make, namePicture, sharp } from "../dom";
import { written } from "../numbers";
import { css, font, mix, theme } from "../theme";
import { drawAxes, frameOf, type Frame } from "./axes";

/** What `backtalk.LossLine.to_dict()` gives. null: not finite. */
export interface LossLine {
  search: string | null; // such as: iteration 3 of lbfgs
  steps: number[];
  losses: (number | null)[];
  loss: number | null; // at 0
  slope: number | null; // at 0
  best: Tried;
  armijo: number;
  accepted: [number, number][];
  tried: Tried[]; // in order; the last one was taken
}

interface Tried {
  step: number | null;
  loss: number | null;
}

const BELOW = 0.12; // room for the tangent, of the range of the losses
const SHADE = 0.09;

export class LineSearchPlot {
  private line: LossLine | null = null;
  private colour: () => string = () => theme().ink;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly keys: HTMLElement,
  ) {
    namePicture(canvas, "The loss along a line");
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(line: LossLine | null, colour: () => string): void {
    this.line = line;
    this.colour = colour;
    this.draw();
  }

  draw(): void {
    this.tell();
    const { line } = this;
    const made = sharp(this.canvas);
    if (!line || !made) return;
    const { context, width, height } = made;
    const across = [line.steps[0]!, line.steps[line.steps.length - 1]!] as const;
    const up = heights(line);
    const frame = frameOf(width, height, across, up);
    const { paper, inkRGB, ink, quiet } = theme();
    context.fillStyle = css(mix(paper, inkRGB, SHADE));
    for (const [from, to] of line.accepted) context.fillRect(frame.x(from), frame.top, frame.x(to) - frame.x(from), frame.bottom - frame.top);
    drawAxes(context, frame, across, up, ["step", "ℒ"], true);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top - 12, frame.right - frame.left, frame.bottom - frame.top + 12);
    context.clip();
    ray(context, frame, line, 1, across[1], ink, [6, 4]);
    if (descends(line)) ray(context, frame, line, line.armijo, across[1], quiet, [1.5, 3]);
    curve(context, frame, line, ink);
    this.tried(context, frame, line);
    context.restore();
  }

  private tried(context: CanvasRenderingContext2D, frame: Frame, { tried }: LossLine): void {
    const { card, ink } = theme();
    const colour = this.colour();
    context.font = font(11, 600);
    context.textAlign = "center";
    tried.forEach(({ step, loss }, k) => {
      if (step === null || loss === null) return;
      const [x, y] = [frame.x(step), frame.y(loss)];
      context.beginPath();
      context.arc(x, y, 5, 0, 2 * Math.PI);
      context.fillStyle = k === tried.length - 1 ? colour : card;
      context.strokeStyle = colour;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
      context.strokeStyle = card;
      context.lineWidth = 3;
      context.strokeText(String(k + 1), x, y - 10);
      context.fillStyle = ink;
      context.fillText(String(k + 1), x, y - 10);
    });
  }

  private tell(): void {
    const { line } = this;
    if (!line) {
      this.keys.replaceChildren();
      this.canvas.setAttribute("aria-label", "The loss along a line: nothing to show");
      return;
    }
    const { ink, quiet } = theme();
    const taken = line.tried.at(-1);
    const times = line.tried.length === 1 ? "once" : `${line.tried.length} times`;
    const took = taken && !line.search ? ` The step that was taken ends at ${written(taken.step, 3)}, with ℒ = ${written(taken.loss, 3)}.` : "";
    const searched = line.search && taken ? ` It tried ${times} and took the step ${written(taken.step, 3)}, with ℒ = ${written(taken.loss, 3)}.` : took;
    const words = `At 0 ℒ = ${written(line.loss, 3)} with the slope ${written(line.slope, 3)}.${searched} The lowest point is at ${written(line.best.step, 3)}, with ℒ = ${written(line.best.loss, 3)}.`;
    const keys = [stroke("tangent at 0", "dashed", ink)];
    if (descends(line)) keys.push(stroke("to fall below (Armijo)", "dotted", quiet));
    if (line.accepted.length) keys.push(key("shaded: the strong Wolfe conditions hold"));
    if (taken) keys.push(key(line.search ? "○ tried, ● taken" : "● where the step ended"));
    this.keys.replaceChildren(...keys, make("span", { className: "said", textContent: words }));
    this.canvas.setAttribute("aria-label", `The loss along the line${line.search ? ` of ${line.search}` : ""}. ${words}`);
  }
}

function descends({ slope }: LossLine): boolean {
  return slope !== null && slope < 0;
}

function key(text: string): HTMLElement {
  return make("span", { className: "key", textContent: text });
}

function stroke(text: string, kind: "dashed" | "dotted", colour: string): HTMLElement {
  const swatch = make("i");
  swatch.style.borderTopStyle = kind;
  swatch.style.borderTopColor = colour;
  return make("span", { className: "key" }, swatch, text);
}

function heights({ losses, tried }: LossLine): [number, number] {
  const shown = [...losses, ...tried.map(({ loss }) => loss)].filter((loss) => loss !== null);
  const [low, high] = shown.reduce(([least, most], loss) => [Math.min(least, loss), Math.max(most, loss)], [Infinity, -Infinity]);
  if (low > high) return [0, 1];
  const room = high - low || Math.abs(high) || 1;
  return [low - BELOW * room, high + 0.04 * room];
}

/** From ℒ(0) with a share of the slope. */
function ray(context: CanvasRenderingContext2D, frame: Frame, { loss, slope }: LossLine, share: number, end: number, colour: string, dash: number[]): void {
  if (loss === null || slope === null) return;
  context.beginPath();
  context.moveTo(frame.x(0), frame.y(loss));
  context.lineTo(frame.x(end), frame.y(loss + share * slope * end));
  context.strokeStyle = colour;
  context.lineWidth = 1.4;
  context.setLineDash(dash);
  context.stroke();
  context.setLineDash([]);
}

function curve(context: CanvasRenderingContext2D, frame: Frame, { steps, losses }: LossLine, colour: string): void {
  context.beginPath();
  let open = false;
  losses.forEach((loss, k) => {
    if (loss !== null && open) context.lineTo(frame.x(steps[k]!), frame.y(loss));
    else if (loss !== null) context.moveTo(frame.x(steps[k]!), frame.y(loss));
    open = loss !== null;
  });
  context.strokeStyle = colour;
  context.lineWidth = 2;
  context.stroke();
}
