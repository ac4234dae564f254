// Where each unit stands in the drawing, in CSS pixels.

import { fitted } from "../names";
import { readable } from "../numbers";
import type { Setup } from "../protocol";
import { theme } from "../theme";

export interface Unit {
  layer: number;
  number: number; // as in the formulas, from 1
  x: number;
  y: number;
}

export interface Layer {
  units: Unit[];
  radius: number;
  image: { x: number; y: number; width: number; height: number; rows: number; columns: number } | null;
  pictured: boolean; // each unit is a square with a picture
  x: number; // the middle
}

export interface Layout {
  width: number;
  height: number;
  layers: Layer[];
  labels: string[]; // of the inputs, where there is room
  classes: string[]; // names of the output units, cut
  curved: boolean;
  weights: number; // how many are drawn
}

const TOP = 16;
const BOTTOM = 40;
const TALL = 430; // pixels: room for larger units
const NARROWEST = 7; // pixels from one unit to the next in a column
const MOST_MAPS = 32; // units of a layer, as the server has it
const PICTURE = 26; // pixels from one picture to the next, at least if there is room
const MOST_CURVED = 700; // weights; more are drawn as straight lines

/** Whether the units of a layer have pictures. */
export function isPictured(setup: Setup, layer: number): boolean {
  const units = (index: number): number => setup.drawn.units[String(index)]?.length ?? 0;
  if (setup.bounds) return units(layer) <= MOST_MAPS;
  return layer === 1 && setup.image !== null && units(0) === setup.image[0] * setup.image[1];
}

/** The height that suits a network: small ones need less. */
export function heightFor(setup: Setup, width: number): number {
  const most = Math.max(...Object.values(setup.drawn.units).map((units) => units.length));
  const least = width < 500 ? 300 : 340;
  return theme().type * Math.max(least, Math.min(width < 500 ? 380 : 460, TOP + BOTTOM + most * 40));
}

export function layOut(setup: Setup, width: number, height: number, measure: (text: string) => number, pictures: boolean): Layout {
  const numbers = setup.network.sizes.map((_, layer) => setup.drawn.units[String(layer)] ?? []);
  const asImage = setup.image !== null && numbers[0]!.length === setup.image[0] * setup.image[1];
  const { type } = theme();
  const inside = height - TOP - BOTTOM * type;
  const narrow = width < 500;
  const columns = !asImage && numbers[0]!.length <= 20 ? numbers[0]!.map((n) => readable(setup.columns[n - 1] ?? `x_${n}`)) : [];
  const labels = fitted(columns, 40, (name) => measure(name) <= (narrow ? 56 : 130) * type);
  const labelWidth = Math.max(0, ...labels.map(measure));
  const bold = (name: string): number => 1.1 * measure(name); // as the label of the example is written
  const classes = fitted(setup.classes, 14, (name) => bold(name) <= (narrow ? 56 : 92) * type);
  const imageSize = asImage ? Math.min(inside, narrow ? 84 : 168) : 0;
  const left = 14 + (asImage ? imageSize / 2 : labelWidth + (labels.length ? 18 : 8));
  const named = Math.max(0, ...classes.map(bold));
  const right = width - 20 - (setup.classes.length ? named + (narrow ? 56 : 90) * type : 54 * type);
  const last = numbers.length - 1;
  const firstGap = asImage ? imageSize / 2 : 0; // the layer after an image stands as far from its edge as from the next
  const gap = (right - left - firstGap) / Math.max(1, last);

  const layers = numbers.map((units, layer): Layer => {
    const x = layer === 0 ? left : left + firstGap + layer * gap;
    if (layer === 0 && asImage) {
      const [rows, columns] = setup.image!;
      const pixel = Math.floor(imageSize / Math.max(rows, columns));
      const image = {
        x: Math.round(x - (pixel * columns) / 2),
        y: Math.round(TOP + (inside - pixel * rows) / 2),
        width: pixel * columns,
        height: pixel * rows,
        rows,
        columns,
      };
      const placed = units.map((number, k) => ({
        layer,
        number,
        x: image.x + ((k % columns) + 0.5) * pixel,
        y: image.y + (Math.floor(k / columns) + 0.5) * pixel,
      }));
      return { units: placed, radius: pixel / 2, image, pictured: false, x };
    }
    const pictured = pictures && isPictured(setup, layer);
    const widest = Math.max(1, Math.floor((gap - 24) / (PICTURE * type))); // columns that leave room for the weights
    const wanted = Math.ceil((units.length * (pictured ? PICTURE * type : NARROWEST)) / inside);
    const abreast = Math.max(1, pictured ? Math.min(wanted, widest) : wanted);
    const rows = Math.ceil(units.length / abreast);
    const tall = inside > TALL * type;
    const spacing = Math.min(inside / rows, (tall ? 74 : 54) * type);
    const usual = Math.min((tall ? 23 : 17) * type, spacing * 0.39, gap * 0.3);
    const beside = layer === 0 || layer === last; // text stands there
    const large = Math.min((narrow || beside ? 18 : 26) * type, spacing * 0.46, (0.6 * gap) / (abreast + 0.5));
    const radius = Math.max(2.4, pictured ? large : usual);
    const top = TOP + inside / 2 - (spacing * (rows - 1)) / 2;
    const placed = units.map((number, k) => ({
      layer,
      number,
      x: x + ((k % abreast) - (abreast - 1) / 2) * (2 * radius + 3),
      y: top + Math.floor(k / abreast) * spacing + (pictured ? 0 : (spacing / abreast) * (k % abreast) * 0.5),
    }));
    return { units: placed, radius, image: null, pictured, x };
  });
  let weights = 0;
  for (let layer = 1; layer < numbers.length; layer++) weights += numbers[layer]!.length * numbers[layer - 1]!.length;
  return { width, height, layers, labels, classes, curved: weights <= MOST_CURVED, weights };
}

/** The point at a share of the way along a weight's line. */
export function along(layout: Layout, from: Unit, to: Unit, share: number): [number, number] {
  if (!layout.curved) return [from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share];
  const rest = 1 - share;
  const middle = 3 * rest * share; // of a Bézier curve whose handles are horizontal and end in the middle
  const x = rest ** 3 * from.x + middle * ((from.x + to.x) / 2) + share ** 3 * to.x;
  const y = (rest ** 3 + middle * rest) * from.y + (share ** 3 + middle * share) * to.y;
  return [x, y];
}

export function trace(context: CanvasRenderingContext2D, layout: Layout, from: Unit, to: Unit): void {
  context.moveTo(from.x, from.y);
  if (layout.curved) {
    const middle = (from.x + to.x) / 2;
    context.bezierCurveTo(middle, from.y, middle, to.y, to.x, to.y);
  } else {
    context.lineTo(to.x, to.y);
  }
}

export function unitAt(layout: Layout, layer: number, number: number): Unit | null {
  return layout.layers[layer]?.units.find((unit) => unit.number === number) ?? null;
}
