// What the network decides on the plane of its two inputs, with the training points.

import { make, namePicture, sharp } from "../dom";
import { shortened, toldApart } from "../names";
import { readable, written } from "../numbers";
import type { Numbers, Seen, Setup } from "../protocol";
import { CLASSES, css, font, mix, theme } from "../theme";

const FINER = 4; // pixels of the picture for one of the grid
const SHAPES = ["●", "◆", "▲", "■", "▼", "★"];

export class Surface {
  private setup: Setup | null = null;
  private frame: Seen | null = null;
  private surface: Numbers | null = null;
  private readonly picture = document.createElement("canvas");

  /** `card`: is hidden if there is no plane; `choose`: a row whose point is clicked. */
  constructor(
    private readonly card: HTMLElement,
    private readonly canvas: HTMLCanvasElement,
    private readonly choose?: (row: number) => void,
  ) {
    namePicture(canvas, "What it decides"); // until a frame says more
    if (choose) canvas.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.surface = null;
    this.card.hidden = setup.bounds === null;
  }

  /** The classes, with their marks. */
  static legend(setup: Setup): HTMLElement[] {
    const most = setup.classes.length > CLASSES ? 14 : 30; // letters: of many classes, two stand beside each other
    const names = toldApart(setup.classes, most).map((name) => shortened(name, most));
    return setup.classes.map((name, k) => {
      const mark = make("span", { className: "shape", textContent: SHAPES[formOf(k)]! });
      return make("span", { className: `key class-${k % CLASSES}`, title: name }, mark, names[k]!);
    });
  }

  show(frame: Seen): void {
    if (!this.setup?.bounds) return;
    this.frame = frame;
    const surface = frame.numbers.get("surface");
    if (surface) {
      this.surface = surface;
      this.paintPicture(surface);
    }
    this.draw();
  }

  redraw(): void {
    if (this.surface) this.paintPicture(this.surface);
    this.draw();
  }

  private paintPicture({ shape, values }: Numbers): void {
    const [rows, columns, outputs] = shape as [number, number, number];
    const context = this.picture.getContext("2d");
    if (!context) return;
    const [across, down] = [FINER * (columns - 1), FINER * (rows - 1)];
    [this.picture.width, this.picture.height] = [across, down];
    const image = context.createImageData(across, down);
    const most = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-12);
    const output = new Float32Array(outputs);
    for (let y = 0; y < down; y++) {
      for (let x = 0; x < across; x++) {
        // Between the points of the grid the output is interpolated, and then coloured: borders stay sharp
        const [column, row] = [Math.floor(x / FINER), Math.floor(y / FINER)];
        const [right, up] = [(x % FINER) / FINER, (y % FINER) / FINER];
        const at = (row * columns + column) * outputs;
        for (let k = 0; k < outputs; k++) {
          const low = values[at + k]! * (1 - right) + values[at + outputs + k]! * right;
          const above = at + columns * outputs + k;
          const high = values[above]! * (1 - right) + values[above + outputs]! * right;
          output[k] = low * (1 - up) + high * up;
        }
        this.colour(output, most, image.data, 4 * ((down - 1 - y) * across + x)); // the lowest x₂ is the lowest row
      }
    }
    context.putImageData(image, 0, 0);
  }

  /** Writes a pixel: the classes' colours, mixed as the probabilities say; numbers by sign and size. */
  private colour(output: Float32Array, most: number, pixels: Uint8ClampedArray, pixel: number): void {
    const { paper, classes, negativeEnd, positiveEnd } = theme();
    const labels = this.setup?.task === "classification";
    if (labels && output.length > 1 && this.setup?.network.output !== "softmax") choice(output);
    const single = output.length === 1;
    const first = output[0]!;
    const end = first < 0 ? negativeEnd : positiveEnd;
    let largest = single ? Math.max(first, 1 - first) : 0;
    for (const share of output) largest = Math.max(largest, share);
    const least = single ? 0.5 : 1 / output.length;
    const amount = labels ? 0.12 + (0.38 * (largest - least)) / (1 - least) : 0.6 * Math.min(1, Math.abs(first) / most);
    for (let k = 0; k < 3; k++) {
      let mixed = 0;
      if (!labels) mixed = end[k]!;
      else if (single) mixed = (1 - first) * classes[0]![k]! + first * classes[1]![k]!;
      else for (let j = 0; j < output.length; j++) mixed += output[j]! * classes[j % CLASSES]![k]!;
      const value = paper[k]! + (mixed - paper[k]!) * amount;
      pixels[pixel + k] = Number.isNaN(value) ? paper[k]! : value;
    }
    pixels[pixel + 3] = 255;
  }

  private draw(): void {
    const { setup, frame } = this;
    if (!setup?.bounds || !setup.points || !frame) return;
    const canvas = sharp(this.canvas);
    if (!canvas) return;
    const { context, width, height } = canvas;
    const { card, ink, quiet, classes, negativeEnd, positiveEnd } = theme();
    context.imageSmoothingEnabled = true;
    context.imageSmoothingQuality = "high";
    if (this.surface) context.drawImage(this.picture, 0, 0, width, height);
    const [x0, x1, y0, y1] = setup.bounds;
    const most = setup.points.y.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-12);
    setup.points.x.forEach((point, k) => {
      const [x, y] = this.place(point, width, height);
      const label = setup.points!.y[k]!;
      const number = setup.task === "regression";
      const value = mix(theme().paper, label < 0 ? negativeEnd : positiveEnd, Math.abs(label) / most);
      context.fillStyle = css(number ? value : classes[label % CLASSES]!);
      context.strokeStyle = number ? quiet : card;
      shape(context, number ? 0 : formOf(label), x, y, setup.points!.x.length > 250 ? 3 : 3.6);
    });
    const shown = frame.example?.x;
    if (shown) {
      const [x, y] = this.place(shown as [number, number], width, height);
      for (const [radius, colour, line] of [[8, card, 5], [8, ink, 2.2]] as const) {
        context.beginPath();
        context.arc(x, y, radius, 0, 2 * Math.PI);
        context.strokeStyle = colour;
        context.lineWidth = line;
        context.stroke();
      }
    }
    context.font = font(11);
    context.fillStyle = quiet;
    const corner = (text: string, x: number, y: number, align: CanvasTextAlign): void => {
      context.textAlign = align;
      context.strokeStyle = card;
      context.lineWidth = 3;
      context.strokeText(text, x, y);
      context.fillText(text, x, y);
    };
    const [across, up] = toldApart(setup.columns, 24).map((name) => shortened(readable(name), 24)) as [string, string];
    corner(written(x0, 2), 5, height - 5, "left");
    corner(`${across}  ${written(x1, 2)}`, width - 5, height - 5, "right");
    corner(`${written(y1, 2)}  ${up}`, 5, 14, "left");
    namePicture(
      this.canvas,
      `The plane of ${across} and ${up} from ${written(x0, 2)}, ${written(y0, 2)} to ${written(x1, 2)}, ${written(y1, 2)}, coloured by the output, with the training points.${this.choose ? " Click a point to show that example." : ""}`,
    );
  }

  private place([x, y]: [number, number], width: number, height: number): [number, number] {
    const [x0, x1, y0, y1] = this.setup!.bounds!;
    return [((x - x0) / (x1 - x0)) * width, height - ((y - y0) / (y1 - y0)) * height];
  }

  private click(event: MouseEvent): void {
    const points = this.setup?.points;
    if (!points) return;
    const box = this.canvas.getBoundingClientRect();
    let [best, nearest] = [-1, 16];
    points.x.forEach((point, k) => {
      if (this.setup?.shown && !this.setup.shown.includes(points.row?.[k] ?? k)) return;
      const [x, y] = this.place(point, box.width, box.height);
      const distance = Math.hypot(x - (event.clientX - box.left), y - (event.clientY - box.top));
      if (distance < nearest) [best, nearest] = [k, distance];
    });
    if (best >= 0) this.choose?.(points.row?.[best] ?? best);
  }
}

/** Outputs that are no probabilities: all for the largest. */
function choice(output: Float32Array): void {
  const winner = output.indexOf(Math.max(...output));
  if (winner < 0) return; // of numbers that are not numbers
  output.fill(0);
  output[winner] = 1;
}

/** A form beside the colour, so that few classes need no colour, and many share a form only where colours differ. */
function formOf(label: number): number {
  return ((label % CLASSES) + Math.floor(label / CLASSES)) % SHAPES.length;
}

function shape(context: CanvasRenderingContext2D, kind: number, x: number, y: number, size: number): void {
  context.beginPath();
  if (kind === 0) context.arc(x, y, size, 0, 2 * Math.PI);
  else {
    const star = kind === 5;
    const turns = [0, 36, 72, 108, 144, 180, 216, 252, 288, 324].map((degrees) => degrees - 90);
    const corners = [[], [0, 90, 180, 270], [270, 30, 150], [45, 135, 225, 315], [90, 210, 330], turns][kind]!;
    corners.forEach((degrees, k) => {
      const angle = (degrees * Math.PI) / 180;
      const reach = size * (!star ? 1.35 : k % 2 ? 0.75 : 1.7); // every other corner of a star is an inner one
      const [across, down] = [x + reach * Math.cos(angle), y + reach * Math.sin(angle)];
      if (k === 0) context.moveTo(across, down);
      else context.lineTo(across, down);
    });
    context.closePath();
  }
  context.lineWidth = 1.2;
  context.stroke();
  context.fill();
}
