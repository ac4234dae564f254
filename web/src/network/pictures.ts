// Pictures inside the units: what a unit says over the plane of two inputs, or its row of W₁ as an image.

import type { Frame, Numbers } from "../protocol";
import { theme } from "../theme";
import type { Layer } from "./layout";
import type { Picture } from "./paint";
import { level, type Scale } from "./scale";
import { disc } from "./shapes";

/** The latest maps: while training runs, not every frame has them. */
export class Maps {
  private kept = new Map<string, Numbers>();

  forget(): void {
    this.kept.clear();
  }

  keep(frame: Frame): void {
    for (const [name, numbers] of frame.numbers) if (name.startsWith("map.")) this.kept.set(name, numbers);
  }

  of(layer: number): Numbers | undefined {
    return this.kept.get(`map.${layer}`);
  }

  arrays(): Float32Array[] {
    return [...this.kept.values()].map(({ values }) => values);
  }
}

export const small = document.createElement("canvas");

/** Paints the units of a layer; false if there are no pictures yet. */
export function paintPictures(context: CanvasRenderingContext2D, { setup, frame, maps, scaleOf }: Picture, layer: Layer, i: number): boolean {
  const map = setup.bounds ? maps.of(i) : frame.numbers.get("W.1");
  if (!map) return false;
  const scale = scaleOf(setup.bounds ? `h.${i}` : "W.1");
  const [rows, columns] = setup.bounds ? (map.shape.slice(1) as [number, number]) : setup.image!;
  const side = 2 * layer.radius;
  const { card, quiet, ink } = theme();
  layer.units.forEach((unit, k) => {
    const [left, top] = [unit.x - layer.radius, unit.y - layer.radius];
    paintSmall(map.values.subarray(k * rows * columns, (k + 1) * rows * columns), rows, columns, scale, setup.bounds !== null);
    context.imageSmoothingEnabled = setup.bounds !== null; // a plane is smooth; an image has pixels
    context.imageSmoothingQuality = "high";
    context.fillStyle = card;
    context.fillRect(left - 2, top - 2, side + 4, side + 4);
    context.drawImage(small, left, top, side, side);
    context.strokeStyle = quiet;
    context.lineWidth = 1;
    context.strokeRect(left, top, side, side);
    const { x } = frame.example;
    if (!setup.bounds || !x) return;
    const [x0, x1, y0, y1] = setup.bounds;
    const at = [left + ((x[0]! - x0) / (x1 - x0)) * side, top + side - ((x[1]! - y0) / (y1 - y0)) * side] as const;
    disc(context, ...at, 3, card);
    disc(context, ...at, 1.8, ink);
  });
  return true;
}

/** One picture, onto `small`, pixel by pixel; `upwards`: its first row is the lowest. */
export function paintSmall(values: Float32Array, rows: number, columns: number, { most }: Scale, upwards: boolean): void {
  const { negativeRGB, positiveRGB, paper } = theme();
  [small.width, small.height] = [columns, rows];
  const context = small.getContext("2d")!;
  const image = context.createImageData(columns, rows);
  values.forEach((value, n) => {
    const row = Math.floor(n / columns);
    const at = 4 * ((upwards ? rows - 1 - row : row) * columns + (n % columns)); // the lowest x₂ is the lowest row
    const colour = Number.isNaN(value) ? paper : (value < 0 ? negativeRGB : positiveRGB)[level(value, most)]!;
    image.data.set([...colour, 255], at);
  });
  context.putImageData(image, 0, 0);
}
