// What can be selected in the drawing: units, weights, biases, whole layers; and what lies under a pointer.

import { shortened } from "../names";
import { subscript } from "../numbers";
import type { Frame, Setup } from "../protocol";
import { along, unitAt, type Layout, type Unit } from "./layout";
import { isKnown, weightsOf, type View } from "./view";

export type Place = { kind: "unit"; layer: number; unit: number } | { kind: "weight"; layer: number; unit: number; heard: number };

export function samePlace(one: Place | null, other: Place | null): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** How the formulas write the gradient that a click asks for. */
export function quantityOf(place: Place, depth: number): string {
  if (place.kind === "weight") return `W[${place.layer},${place.unit},${place.heard}]`;
  return place.layer === depth ? `a[${place.layer},${place.unit}]` : `h[${place.layer},${place.unit}]`;
}

/** Where a quantity stands in the drawing, if it has one place there. */
export function placeOf(quantity: string, depth: number): Place | null {
  const match = /^\s*(x|h|a|W|b|yhat|ŷ)\s*\[([\d,\s]+)\]\s*$/.exec(quantity);
  if (!match) return null;
  const numbers = match[2]!.split(",").map(Number);
  if (match[1] === "x") numbers.unshift(0);
  if (match[1] === "yhat" || match[1] === "ŷ") numbers.unshift(depth);
  const [layer, unit, heard] = numbers;
  if (layer === undefined || unit === undefined) return null;
  if (match[1] !== "W") return { kind: "unit", layer, unit };
  return heard === undefined ? null : { kind: "weight", layer, unit, heard };
}

/** The quantities that belong to a place: what else one may want to explain there. */
export function quantitiesAt(place: Place, depth: number): [quantity: string, name: string][] {
  const { layer, unit } = place;
  if (place.kind === "weight") {
    return [
      [quantityOf(place, depth), `W${subscript(layer, unit, place.heard)}`],
      [`b[${layer},${unit}]`, `b${subscript(layer, unit)}`],
      [`W[${layer}]`, `all of W${subscript(layer)}`],
    ];
  }
  if (layer === 0) {
    return [
      [`h[0,${unit}]`, `x${subscript(unit)}`],
      ["h[0]", "all of x"],
    ];
  }
  const name = layer === depth ? "ŷ" : `h${subscript(layer)}`;
  return [
    [`h[${layer},${unit}]`, layer === depth ? `ŷ${subscript(unit)}` : `h${subscript(layer, unit)}`],
    [`a[${layer},${unit}]`, `a${subscript(layer, unit)}`],
    [`b[${layer},${unit}]`, `b${subscript(layer, unit)}`],
    [`h[${layer}]`, `all of ${name}`],
    [`a[${layer}]`, `all of a${subscript(layer)}`],
  ];
}

/** The unit under a point, or else the weight whose line passes close by, the strongest of several. */
export function placeAt(layout: Layout, frame: Frame, view: View, x: number, y: number, near: number): Place | null {
  let best: Unit | null = null;
  let nearest = Infinity;
  for (const layer of layout.layers) {
    const reach = layer.radius + (layer.image ? 0 : Math.min(5, near));
    for (const unit of layer.units) {
      const distance = Math.hypot(unit.x - x, unit.y - y);
      if (distance <= reach * (layer.image ? 1.42 : 1) && distance < nearest) [best, nearest] = [unit, distance];
    }
  }
  if (best) return { kind: "unit", layer: best.layer, unit: best.number };
  return weightAt(layout, frame, view, x, y, near);
}

function weightAt(layout: Layout, frame: Frame, view: View, x: number, y: number, near: number): Place | null {
  const pieces = layout.curved ? 16 : 1;
  let found: Place | null = null;
  let best = Infinity;
  for (let i = 1; i < layout.layers.length; i++) {
    const [to, from] = [layout.layers[i]!.units, layout.layers[i - 1]!.units];
    const values = weightsOf(view, frame, i)?.values;
    const largest = values ? values.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30) : 1;
    to.forEach((unit, j) =>
      from.forEach((heard, k) => {
        if (x < Math.min(unit.x, heard.x) || x > Math.max(unit.x, heard.x)) return;
        const distance = distanceTo(layout, heard, unit, x, y, pieces);
        if (distance > near) return;
        const cost = distance - near * Math.sqrt(Math.abs(values?.[j * from.length + k] ?? 0) / largest);
        if (cost < best) [found, best] = [{ kind: "weight", layer: i, unit: unit.number, heard: heard.number }, cost];
      }),
    );
  }
  return found;
}

function distanceTo(layout: Layout, from: Unit, to: Unit, x: number, y: number, pieces: number): number {
  let least = Infinity;
  let [x0, y0] = [from.x, from.y];
  for (let piece = 1; piece <= pieces; piece++) {
    const [x1, y1] = along(layout, from, to, piece / pieces);
    const [dx, dy] = [x1 - x0, y1 - y0];
    const share = Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy || 1)));
    least = Math.min(least, Math.hypot(x - x0 - share * dx, y - y0 - share * dy));
    [x0, y0] = [x1, y1];
  }
  return least;
}

/** The numbers of a place that are known, by name, from the frame. */
export function numbersAt(place: Place, layout: Layout, frame: Frame, view: View): { name: string; value: number }[] {
  const index = (layer: number, number: number): number => layout.layers[layer]?.units.findIndex((unit) => unit.number === number) ?? -1;
  const j = index(place.layer, place.unit);
  if (j < 0) return [];
  const entry = (name: string, array: string, k: number): { name: string; value: number }[] => {
    const value = frame.numbers.get(`${array}.${place.layer}`)?.values[k];
    return value === undefined || !isKnown(view, `${array}.${place.layer}`) ? [] : [{ name, value }];
  };
  if (place.kind === "weight") {
    const heard = index(place.layer - 1, place.heard);
    if (heard < 0) return [];
    const k = j * layout.layers[place.layer - 1]!.units.length + heard;
    return [...entry("W", "W", k), ...entry("∂ℒ/∂W", "grad_W", k)];
  }
  const depth = layout.layers.length - 1;
  if (place.layer === 0) return [...entry("x", "h", j), ...entry("∂ℒ/∂x", "grad_h", j)];
  const name = place.layer === depth ? "ŷ" : "h";
  return [
    ...entry(name, "h", j),
    ...entry(`∂ℒ/∂${name}`, "grad_h", j),
    ...entry("a", "a", j),
    ...entry("∂ℒ/∂a", "grad_a", j),
    ...entry("b", "b", j),
    ...entry("∂ℒ/∂b", "grad_b", j),
  ];
}

export function nameOf(place: Place, setup: Setup): string {
  const depth = setup.network.sizes.length - 1;
  if (place.kind === "weight") {
    const from = place.layer === 1 ? `input ${place.heard}` : `unit ${place.heard} of layer ${place.layer - 1}`;
    return `Weight W${subscript(place.layer, place.unit, place.heard)}, from ${from} to unit ${place.unit} of layer ${place.layer}`;
  }
  if (place.layer === 0) return `Input ${place.unit}${named(setup.columns[place.unit - 1])}`;
  if (place.layer === depth) return `Output unit ${place.unit}${named(setup.classes[place.unit - 1])}`;
  return `Hidden unit ${place.unit} of layer ${place.layer}`;
}

function named(name: string | undefined): string {
  return name ? ` (${shortened(name, 40)})` : "";
}

export function exists(place: Place, layout: Layout): boolean {
  if (place.kind === "weight" && !unitAt(layout, place.layer - 1, place.heard)) return false;
  return unitAt(layout, place.layer, place.unit) !== null;
}
