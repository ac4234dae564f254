// Paints the network: weights in few strokes, one for each colour, then the units.

import { subscript, written } from "../numbers";
import type { Frame, Setup } from "../protocol";
import { css, font, LEVELS, mix, theme } from "../theme";
import { trace, type Layer, type Layout } from "./layout";
import { paintPictures, type Maps } from "./pictures";
import { level, type Scale } from "./scale";
import { cross, disc } from "./shapes";
import { isGradient, isLit, isKnown, unitsName, unitsOf, weightsName, weightsOf, type View } from "./view";

const DASHED = 300; // weights; up to so many, negative ones are dashed
export const MANY = 700; // weights; of more, those near zero would only make a haze
const HAZE = 0.15;
const DIM = 0.13;

export interface Picture {
  setup: Setup;
  frame: Frame;
  layout: Layout;
  view: View;
  scaleOf: (name: string) => Scale;
  maps: Maps;
  dimmed: boolean; // something else is lit above
}

export function paint(context: CanvasRenderingContext2D, picture: Picture): void {
  context.lineCap = "round";
  for (let layer = 1; layer < picture.layout.layers.length; layer++) paintWeights(context, picture, layer);
  context.globalAlpha = 1;
  picture.layout.layers.forEach((layer, i) => paintUnits(context, picture, layer, i));
  paintNames(context, picture);
}

function paintWeights(context: CanvasRenderingContext2D, picture: Picture, i: number): void {
  const { layout, frame, view } = picture;
  const name = weightsName(view, i);
  const numbers = weightsOf(view, frame, i);
  if (!numbers || name === null) return;
  const [to, from] = [layout.layers[i]!.units, layout.layers[i - 1]!.units];
  const { most } = picture.scaleOf(name);
  const { values } = numbers;
  // Buckets of one colour each: one stroke for all thin lines of a bucket, not one for each weight
  const buckets: number[][] = Array.from({ length: 2 * LEVELS }, () => []);
  for (let k = 0; k < values.length; k++) {
    const value = values[k]!;
    if (Number.isNaN(value)) continue;
    buckets[2 * level(value, most) + (value < 0 ? 1 : 0)]!.push(k);
  }
  const lit = isLit(view, name);
  const many = layout.weights > MANY;
  const hairline = 1 / (window.devicePixelRatio || 1); // the widest that is drawn fast in one stroke with others
  const dense = Math.min(1, Math.sqrt(150 / layout.weights)); // many lines are thinner and fainter
  const { negative, positive } = theme();
  buckets.forEach((members, bucket) => {
    if (members.length === 0) return;
    const size = bucket >> 1;
    const share = size / (LEVELS - 1);
    if (many && share < HAZE) return;
    const minus = bucket % 2 === 1;
    const width = 0.5 + (0.4 + 3.4 * dense) * share * share + 0.5 * share;
    const thin = many && (share < 0.7 || width <= hairline);
    context.strokeStyle = (minus ? negative : positive)[size]!;
    context.lineWidth = thin ? hairline : width;
    context.globalAlpha = (many ? 0.1 + 0.75 * share * share : dense + (1 - dense) * share) * (lit ? 1 : DIM) * (picture.dimmed ? 0.3 : 1);
    if (minus && layout.weights <= DASHED) context.setLineDash([4 + 2 * width, 2.5 + 1.5 * width]);
    context.beginPath();
    for (const k of members) {
      trace(context, layout, from[k % from.length]!, to[Math.floor(k / from.length)]!);
      if (thin) continue;
      context.stroke(); // wide lines that cross are slow to draw as one shape
      context.beginPath();
    }
    if (thin) context.stroke();
    context.setLineDash([]);
  });
}

function paintUnits(context: CanvasRenderingContext2D, picture: Picture, layer: Layer, i: number): void {
  const { view, frame } = picture;
  const name = unitsName(view, i);
  const values = unitsOf(view, frame, i)?.values;
  if (!values || name === null) {
    paintBlank(context, layer);
    return;
  }
  const lit = isLit(view, name);
  if (layer.image) {
    paintImage(context, picture, layer, values, name, lit);
    return;
  }
  if (layer.pictured && paintPictures(context, picture, layer, i)) return;
  const { negative, positive, card, ink, negativeEnd, positiveEnd, onNegative, onPositive } = theme();
  const { most } = picture.scaleOf(name);
  const shown = layer.radius >= 13 * theme().type;
  layer.units.forEach((unit, k) => {
    const value = values[k]!;
    const share = level(value, most);
    // Paper below, so that no weight shines through a dimmed unit
    disc(context, unit.x, unit.y, layer.radius + 1.2, card);
    context.globalAlpha = lit ? 1 : 0.25;
    if (Number.isNaN(value)) {
      cross(context, unit.x, unit.y, layer.radius * 0.7, ink);
    } else {
      disc(context, unit.x, unit.y, layer.radius, (value < 0 ? negative : positive)[share]!);
      context.lineWidth = 1;
      context.strokeStyle = css(mix(mix(theme().paper, theme().inkRGB, 0.25), value < 0 ? negativeEnd : positiveEnd, 0.6));
      context.stroke();
      if (shown) {
        context.globalAlpha = 1;
        context.fillStyle = lit ? (value < 0 ? onNegative : onPositive)[share]! : ink; // a faint unit is almost paper
        const text = brief(value);
        const radius = layer.radius / theme().type;
        const size = radius >= 20 ? 13 : radius >= 15.5 ? 10 : 9;
        context.font = font(text.length > 4 ? size - 2 : size, 500);
        context.textAlign = "center";
        context.fillText(text, unit.x, unit.y + 0.34 * size * theme().type);
      } else if (value < 0 && share > 1 && layer.radius > 3.5) {
        context.fillStyle = onNegative[share]!; // a minus sign: the colour is not needed to see the sign
        context.fillRect(unit.x - layer.radius * 0.5, unit.y - 0.75, layer.radius, 1.5);
      }
    }
    context.globalAlpha = 1;
  });
}

/** Units of which nothing is known yet: circles without a number. */
function paintBlank(context: CanvasRenderingContext2D, layer: Layer): void {
  const { card, line } = theme();
  for (const unit of layer.units) {
    disc(context, unit.x, unit.y, layer.radius, card);
    context.lineWidth = 1;
    context.strokeStyle = line;
    context.stroke();
  }
}

/** A number in a circle: a few characters. */
function brief(value: number): string {
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === 0) return "0";
  if (size < 0.005) return sign + size.toExponential(0).replace("-", "−");
  if (size < 0.995) return sign + size.toFixed(2).slice(1);
  return sign + (size < 9.95 ? size.toFixed(1) : size < 999.5 ? size.toFixed(0) : "≫");
}

function paintImage(
  context: CanvasRenderingContext2D,
  picture: Picture,
  layer: Layer,
  values: Float32Array,
  name: string,
  lit: boolean,
): void {
  const image = layer.image!;
  const { negative, positive, paper, inkRGB, line, card } = theme();
  const asInk = !isGradient(name);
  const pixel = 2 * layer.radius;
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  context.fillStyle = card;
  context.fillRect(image.x - 3, image.y - 3, image.width + 6, image.height + 6);
  context.globalAlpha = lit ? 1 : 0.35;
  layer.units.forEach((unit, k) => {
    const value = values[k]!;
    const share = high > low ? (value - low) / (high - low) : 0;
    context.fillStyle = asInk
      ? css(mix(mix(paper, inkRGB, 0.04), inkRGB, 0.92 * share))
      : (value < 0 ? negative : positive)[level(value, picture.scaleOf(name).most)]!;
    context.fillRect(unit.x - layer.radius, unit.y - layer.radius, pixel, pixel);
  });
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.strokeRect(image.x - 1.5, image.y - 1.5, image.width + 3, image.height + 3);
  context.globalAlpha = 1;
}

function paintNames(context: CanvasRenderingContext2D, picture: Picture): void {
  const { setup, layout, frame } = picture;
  const { ink, quiet, accent, type } = theme();
  const narrow = layout.width < 500;
  const depth = setup.network.sizes.length - 1;
  context.textAlign = "right";
  context.font = font(12);
  context.fillStyle = quiet;
  const [first, last] = [layout.layers[0]!, layout.layers.at(-1)!];
  layout.labels.forEach((name, k) => {
    const unit = first.units[k]!;
    context.fillText(name, unit.x - first.radius - 7, unit.y + 4);
  });
  const output = isKnown(picture.view, `h.${depth}`) ? frame.numbers.get(`h.${depth}`)?.values : undefined;
  context.textAlign = "left";
  last.units.forEach((unit, k) => {
    const name = setup.classes.length === setup.network.sizes.at(-1) ? layout.classes[unit.number - 1]! : "";
    const x = unit.x + last.radius + 8;
    const right = name !== "" && setup.classes[unit.number - 1] === frame.example.label;
    context.font = font(12, right ? 650 : 400);
    context.fillStyle = right ? ink : quiet;
    const share = setup.network.output === "softmax" || setup.network.output === "sigmoid";
    const value = output?.[k];
    if (value === undefined) {
      context.fillText(name, x, unit.y + 4); // not computed yet
      return;
    }
    const shown = Number.isNaN(value) ? "NaN" : share ? value.toFixed(value > 0.9995 ? 1 : 2) : written(value, 3);
    const start = x + (share && !narrow ? 26 : 0);
    if (share && !narrow && !Number.isNaN(value)) {
      context.globalAlpha = 0.25;
      context.fillRect(x, unit.y - 2, 20, 4);
      context.globalAlpha = 1;
      context.fillRect(x, unit.y - 2, 20 * value, 4);
    }
    context.fillText(shown, start, unit.y + 4);
    const after = start + context.measureText(share ? "0.00 " : `${shown} `).width + 2;
    context.fillText(name, after, unit.y + 4);
    if (right) {
      context.fillStyle = accent; // the label of the example, whatever the network says
      context.fillText("←", after + context.measureText(name).width + 4, unit.y + 4);
    }
  });
  context.textAlign = "center";
  const gaps = layout.layers.slice(1).map((layer, i) => layer.x - layout.layers[i]!.x);
  const many = Math.min(...gaps) < 66 * type; // then their names would run into one another
  layout.layers.forEach((layer, i) => {
    const { sizes, activations, output: outputName } = setup.network;
    const array = unitsName(picture.view, i);
    const lit = picture.view.slide !== null && isLit(picture.view, array);
    const name = nameOfUnits(array ?? `h.${i}`, depth);
    const function_ = i === 0 ? (sizes[0] === 1 ? "input" : "inputs") : i === sizes.length - 1 ? outputName : activations[i - 1]!;
    context.fillStyle = lit ? accent : array === null ? quiet : ink;
    context.font = font(12, 600);
    context.fillText(name, layer.x, layout.height - 19 * type);
    context.fillStyle = quiet;
    context.font = font(11);
    context.fillText(many ? String(sizes[i]) : `${sizes[i]} ${function_}`, layer.x, layout.height - 5 * type);
  });
}

/** What the circles of a layer show: ∇a₃, h₂, ŷ. */
function nameOfUnits(array: string, depth: number): string {
  const [quantity = "", layer = "0"] = array.split(".");
  const letter = quantity.replace("grad_", "");
  const name = letter === "h" && Number(layer) === 0 ? "x" : letter === "h" && Number(layer) === depth ? "ŷ" : letter + subscript(Number(layer));
  return quantity.startsWith("grad_") ? `∇${name}` : name;
}
