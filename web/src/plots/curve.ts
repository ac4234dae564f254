// What the network says over its one input, with the training points: the curve that it fits.

import { steps } from "./chart";
import { namePicture, sharp } from "../dom";
import { readable, written } from "../numbers";
import type { Seen, Setup } from "../protocol";
import { css, font, theme } from "../theme";

const ROOM = 0.08; // above and below the points, of their extent
const NEAR = 16; // pixels from a point that is clicked
const LEFT = 36; // pixels for the numbers beside the picture, of the usual type

type Places = (x: number, y: number) => [number, number];

export class Curve {
  private setup: Setup | null = null;
  private frame: Seen | null = null;
  private values: Float32Array | null = null;

  /** `card`: is hidden if there is no curve; `choose`: a row whose point is clicked. */
  constructor(
    private readonly card: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly choose?: (row: number) => void,
  ) {
    namePicture(canvas, "The fitted curve"); // until a frame says more
    if (choose) canvas.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.values = null;
    this.card.hidden = setup.curve === null;
  }

  show(frame: Seen): void {
    if (!this.setup?.curve) return;
    this.frame = frame;
    this.values = frame.numbers.get("curve")?.values ?? this.values;
    this.draw();
  }

  draw(): void {
    const curve = this.setup?.curve;
    const canvas = curve ? sharp(this.canvas) : null;
    if (!curve || !canvas) return;
    const { context, width, height } = canvas;
    const { ink, quiet, line, card, classes, type } = theme();
    const left = LEFT * type;
    const place = this.places(width, height);
    context.font = font(11);
    context.strokeStyle = line;
    context.lineWidth = 1;
    context.fillStyle = quiet;
    context.textAlign = "right";
    for (const tick of steps(...this.range(), 5)) {
      const [, y] = place(curve.from, tick);
      context.beginPath();
      context.moveTo(left, Math.round(y) + 0.5);
      context.lineTo(width, Math.round(y) + 0.5);
      context.stroke();
      context.fillText(written(tick, 2), left - 6, y + 3.5);
    }
    context.textAlign = "center";
    for (const tick of steps(curve.from, curve.to, 6)) context.fillText(written(tick, 2), place(tick, 0)[0], height - 4);
    context.fillStyle = css(classes[0]!);
    context.globalAlpha = 0.5;
    curve.x.forEach((x, k) => dot(context, ...place(x, curve.y[k]!), 2.4));
    context.globalAlpha = 1;
    this.line(context, place, ink);
    this.describe();
    const { x, y } = this.frame?.example ?? {};
    if (x === undefined || y === undefined) return;
    const [across, up] = place(x[0]!, y);
    const at = this.at(x[0]!);
    context.strokeStyle = ink;
    context.lineWidth = 1.6;
    if (at !== null) {
      context.beginPath(); // how far ŷ is from y
      context.moveTo(across, up);
      context.lineTo(across, place(x[0]!, at)[1]);
      context.stroke();
    }
    context.fillStyle = card;
    dot(context, across, up, 5);
    context.stroke();
  }

  private line(context: CanvasRenderingContext2D, place: Places, colour: string): void {
    const { values } = this;
    const curve = this.setup!.curve!;
    if (!values) return;
    context.beginPath();
    values.forEach((value, k) => {
      if (Number.isFinite(value)) context.lineTo(...place(curve.from + (k / (values.length - 1)) * (curve.to - curve.from), value));
    });
    context.strokeStyle = colour;
    context.lineWidth = 2.4;
    context.stroke();
  }

  /** The curve at x, between its points. */
  private at(x: number): number | null {
    const { values } = this;
    const curve = this.setup!.curve!;
    if (!values) return null;
    const share = ((x - curve.from) / (curve.to - curve.from)) * (values.length - 1);
    const k = Math.max(0, Math.min(values.length - 2, Math.floor(share)));
    return values[k]! + (share - k) * (values[k + 1]! - values[k]!);
  }

  private describe(): void {
    const { setup } = this;
    const { from, to } = setup!.curve!;
    const name = readable(setup!.columns[0] ?? "x");
    namePicture(
      this.canvas,
      `What the network says for ${name} from ${written(from, 2)} to ${written(to, 2)}, as a curve, with the rows as points.${this.choose ? " Click a point to show that example." : ""}`,
    );
  }

  private range(): [number, number] {
    const { y } = this.setup!.curve!;
    const [low, high] = [Math.min(...y), Math.max(...y)];
    const room = ROOM * (high - low || 1);
    return [low - room, high + room];
  }

  private places(width: number, height: number): Places {
    const { from, to } = this.setup!.curve!;
    const [low, high] = this.range();
    const left = LEFT * theme().type;
    const bottom = height - 18 * theme().type;
    return (x, y) => [left + ((x - from) / (to - from)) * (width - left - 4), bottom - ((y - low) / (high - low)) * (bottom - 4)];
  }

  private click(event: MouseEvent): void {
    const curve = this.setup?.curve;
    if (!curve) return;
    const box = this.canvas.getBoundingClientRect();
    const place = this.places(box.width, box.height);
    let [best, nearest] = [-1, NEAR];
    curve.x.forEach((x, k) => {
      const [across, down] = place(x, curve.y[k]!);
      const distance = Math.hypot(across - (event.clientX - box.left), down - (event.clientY - box.top));
      if (distance < nearest) [best, nearest] = [k, distance];
    });
    if (best >= 0) this.choose?.(curve.row[best]!);
  }
}

function dot(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
