// The loss over a plane through the space of parameters, as filled contours, with the paths of optimizers on it.
//
//   const plot = new ContourPlot(canvas, keys); // a canvas with a size of its own, and an element for the words below it
//   plot.begin(plane, looks); // a plane of `backtalk.loss_plane`, and how each of its paths looks; null: nothing is drawn
//   plot.show([12, 40]); // the point of each path, from 0, at which its optimizer stands; before that it is the last one
//   plot.draw(); // again: after a change of theme. A change of size is seen by the plot itself
//
// A plane comes as JSON from its `to_dict()`, with null for losses that are not finite.

import { contours } from "d3-contour";
import { make, namePicture, sharp } from "../dom";
import { percent, written } from "../numbers";
import { css, font, mix, theme } from "../theme";
import { drawAxes, frameOf, type Frame } from "./axes";
import { placeLabels, type Label, type Ring } from "./labels";

/** What `backtalk.LossPlane.to_dict()` gives. */
export interface LossPlane {
  kind: "random" | "path" | "exact" | "own";
  axes: [string, string];
  x: number[]; // of the columns
  y: number[]; // of the rows, the lowest first
  losses: (number | null)[][]; // a list for each row
  levels: number[];
  explained: [number, number] | null;
  paths: PathOnPlane[];
}

export interface PathOnPlane {
  name: string;
  x: number[];
  y: number[];
  losses: (number | null)[]; // of the networks themselves
  share_outside: number;
}

export interface Look {
  colour: () => string; // as the theme has it now
  dash?: number[];
}

const STRONGEST = 0.32; // of the ink, in the highest band: text on it keeps a contrast of 4.5
const KINDS = {
  random: "two random directions",
  path: "the plane nearest to the paths",
  exact: "the two parameters",
  own: "two directions",
};

export class ContourPlot {
  private plane: LossPlane | null = null;
  private looks: Look[] = [];
  private at: number[] = [];
  private rings: Ring[][] = []; // of each level, in columns and rows
  private labels: { width: number; height: number; placed: Label[] } | null = null;

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly keys: HTMLElement,
  ) {
    namePicture(canvas, "Contours of the loss");
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(plane: LossPlane | null, looks: Look[]): void {
    this.plane = plane;
    this.looks = looks;
    this.labels = null;
    this.rings = plane ? ringsOf(plane) : [];
    this.at = plane?.paths.map(({ x }) => x.length - 1) ?? [];
    this.draw();
  }

  show(at: number[]): void {
    this.at = this.plane?.paths.map(({ x }, k) => Math.max(0, Math.min(x.length - 1, at[k] ?? x.length - 1))) ?? [];
    this.draw();
  }

  draw(): void {
    this.tell();
    const { plane } = this;
    const made = sharp(this.canvas);
    if (!plane || !made) return;
    const { context, width, height } = made;
    const [across, up] = [ends(plane.x), ends(plane.y)];
    const frame = frameOf(width, height, across, up);
    const { paper, inkRGB } = theme();
    const count = plane.levels.length;
    const bands = Array.from({ length: count + 1 }, (_, k) => css(mix(paper, inkRGB, (STRONGEST * k) / Math.max(1, count))));
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.clip();
    this.fill(context, frame, plane, bands);
    this.write(context, frame, plane, bands, width, height);
    plane.paths.forEach((path, k) => this.path(context, frame, path, k));
    context.restore();
    const { quiet } = theme();
    context.strokeStyle = quiet;
    context.lineWidth = 1;
    context.strokeRect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    drawAxes(context, frame, across, up, plane.axes, false);
  }

  private fill(context: CanvasRenderingContext2D, frame: Frame, plane: LossPlane, bands: string[]): void {
    const { quiet, card } = theme();
    const place = placer(frame, plane);
    context.fillStyle = bands[0]!;
    context.fillRect(frame.left, frame.top, frame.right - frame.left, frame.bottom - frame.top);
    context.strokeStyle = quiet;
    context.lineWidth = 0.8;
    this.rings.forEach((rings, k) => {
      context.beginPath(); // all that is higher than the level: what is higher still is painted over it
      for (const ring of rings) ring.forEach((point, n) => (n ? context.lineTo(...place(point)) : context.moveTo(...place(point))));
      context.fillStyle = bands[k + 1]!;
      context.fill("evenodd");
      context.stroke();
    });
    context.fillStyle = card;
    plane.losses.forEach((losses, row) => losses.forEach((loss, column) => {
      if (loss !== null) return;
      const [[left, bottom], [right, top]] = [place([column - 0.5, row - 0.5]), place([column + 0.5, row + 0.5])];
      const corner = [Math.floor(left), Math.floor(top)] as const; // whole pixels, so that no seam is seen
      context.fillRect(...corner, Math.ceil(right) - corner[0], Math.ceil(bottom) - corner[1]);
    }));
  }

  /** The level on each line. */
  private write(context: CanvasRenderingContext2D, frame: Frame, plane: LossPlane, bands: string[], width: number, height: number): void {
    if (this.labels?.width !== width || this.labels.height !== height) {
      const place = placer(frame, plane);
      const lines = this.rings.map((rings) => rings.map((ring) => ring.map(place)));
      const taken = plane.paths.flatMap(({ x, y }) => x.map((value, k): [number, number] => [frame.x(value), frame.y(y[k]!)]));
      this.labels = { width, height, placed: placeLabels(lines, frame, taken) };
    }
    context.font = font(10);
    context.textAlign = "center";
    context.lineWidth = 4;
    context.lineJoin = "round";
    for (const { level, x, y, turn } of this.labels.placed) {
      context.save();
      context.translate(x, y);
      context.rotate(turn);
      context.strokeStyle = bands[level]!;
      context.fillStyle = theme().ink;
      context.strokeText(written(plane.levels[level], 3), 0, 3.5);
      context.fillText(written(plane.levels[level], 3), 0, 3.5);
      context.restore();
    }
  }

  /** Strong up to where the optimizer stands, and faint from there. */
  private path(context: CanvasRenderingContext2D, frame: Frame, path: PathOnPlane, k: number): void {
    const { card } = theme();
    const colour = this.looks[k]?.colour() ?? theme().ink;
    const at = this.at[k]!;
    const points = path.x.map((x, n): [number, number] => [frame.x(x), frame.y(path.y[n]!)]);
    const line = (some: [number, number][], stroke: string, wide: number): void => {
      context.beginPath();
      some.forEach((point, n) => (n ? context.lineTo(...point) : context.moveTo(...point)));
      context.strokeStyle = stroke;
      context.lineWidth = wide;
      context.stroke();
    };
    context.lineJoin = context.lineCap = "round";
    context.globalAlpha = 0.4;
    line(points.slice(at), colour, 1.6);
    context.globalAlpha = 1;
    line(points.slice(0, at + 1), card, 4.4);
    context.setLineDash(this.looks[k]?.dash ?? []);
    line(points.slice(0, at + 1), colour, 2.2);
    context.setLineDash([]);
    const dot = ([x, y]: [number, number], radius: number, fill: string, stroke: string): void => {
      context.beginPath();
      context.arc(x, y, radius, 0, 2 * Math.PI);
      context.fillStyle = fill;
      context.strokeStyle = stroke;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    };
    if (!points.length) return;
    dot(points[0]!, 4.5, card, colour);
    context.globalAlpha = 0.5;
    dot(points.at(-1)!, 2.5, colour, colour);
    context.globalAlpha = 1;
    dot(points[at]!, 5.5, colour, card);
  }

  private tell(): void {
    const { plane } = this;
    if (!plane) {
      this.keys.replaceChildren();
      this.canvas.setAttribute("aria-label", "Contours of the loss: nothing to show");
      return;
    }
    const paths = plane.paths.map(({ name, losses, share_outside }, k) => ({
      name,
      now: `ℒ = ${written(losses[this.at[k]!], 3)}`,
      aside: plane.kind === "exact" ? "" : `, ${percent(share_outside)} outside the plane`,
    }));
    const known = knownOf(plane);
    const range = known.length ? `ℒ from ${written(smallest(known), 3)} to ${written(-smallest(known.map((loss) => -loss)), 3)}` : "no finite loss";
    const blank = known.length < plane.x.length * plane.y.length ? " Blank: ℒ is not finite." : "";
    const explained = plane.explained ? ` It holds ${percent(plane.explained[0] + plane.explained[1])} of the paths.` : "";
    const words = `${KINDS[plane.kind][0]!.toUpperCase()}${KINDS[plane.kind].slice(1)}: ${range}, the stronger the grey, the higher.${explained}${blank}`;
    const swatches = paths.map(({ name, now, aside }, k) => {
      const key = make("span", { className: `key${this.looks[k]?.dash?.length ? " dashed" : ""}` }, make("i"), `${name} `, make("b", { textContent: now }), aside);
      key.style.setProperty("--tone", this.looks[k]?.colour() ?? theme().ink);
      return key;
    });
    const marks = paths.length ? [make("span", { className: "key", textContent: "○ start, ● now" })] : [];
    this.keys.replaceChildren(...swatches, ...marks, make("span", { className: "said", textContent: words }));
    const told = paths.map(({ name, now }, k) => `${name} at point ${this.at[k]} of ${plane.paths[k]!.x.length - 1}, ${now}`);
    this.canvas.setAttribute("aria-label", `Contours of the loss. ${words}${told.length ? ` Paths: ${told.join("; ")}.` : ""}`);
  }
}

function knownOf({ losses }: LossPlane): number[] {
  return losses.flat().filter((loss) => loss !== null);
}

function smallest(values: number[]): number {
  return values.reduce((least, value) => Math.min(least, value), Infinity);
}

function ends(values: number[]): [number, number] {
  return [values[0]!, values[values.length - 1]!];
}

/** From columns and rows to pixels. */
function placer(frame: Frame, { x, y }: LossPlane): (point: readonly [number, number]) => [number, number] {
  const [wide, tall] = [(frame.right - frame.left) / (x.length - 1), (frame.bottom - frame.top) / (y.length - 1)];
  return ([column, row]) => [frame.left + column * wide, frame.bottom - row * tall];
}

/** The borders of what is higher than each level, interpolated by factors if all losses are above 0. */
function ringsOf(plane: LossPlane): Ring[][] {
  const { x, y, losses, levels } = plane;
  const known = knownOf(plane);
  const byFactors = smallest(known) > 0;
  const height = (loss: number): number => (byFactors ? Math.log(loss) : loss);
  const most = -smallest(known.map((loss) => -height(loss)));
  const heights = losses.flat().map((loss) => (loss === null ? most : height(loss)));
  const found = contours().size([x.length, y.length]).thresholds(levels.map(height))(heights);
  // d3 has the value of a column in its middle, half a column behind its border
  return found.map(({ coordinates }) => coordinates.flat().map((ring) => ring.map(([column, row]): [number, number] => [column! - 0.5, row! - 0.5])));
}
