// What lies above the network: the place under the pointer, the selected one, its strongest paths, messages that travel.

import type { Paths } from "../protocol";
import { theme } from "../theme";
import { along, trace, unitAt, type Layout, type Unit } from "./layout";
import type { Place } from "./place";

const FEW = 40; // places, of which each is drawn strongly

export function lightPlace(context: CanvasRenderingContext2D, layout: Layout, place: Place, strong: boolean): void {
  const { accent, card } = theme();
  const unit = unitAt(layout, place.layer, place.unit);
  if (!unit) return;
  if (place.kind === "weight") {
    const heard = unitAt(layout, place.layer - 1, place.heard);
    if (!heard) return;
    line(context, layout, heard, unit, card, strong ? 7 : 5);
    line(context, layout, heard, unit, accent, strong ? 3.2 : 2);
    for (const end of [heard, unit]) ring(context, layout, end, accent, strong ? 2 : 1.2);
    return;
  }
  ring(context, layout, unit, accent, strong ? 3 : 1.8);
}

/** Several places at once, such as a layer or a column of its weights. */
export function lightPlaces(context: CanvasRenderingContext2D, layout: Layout, places: Place[], strength: number): void {
  const many = places.length > FEW;
  context.globalAlpha = strength * (many ? 0.6 : 1);
  for (const place of places) {
    const unit = unitAt(layout, place.layer, place.unit);
    if (!unit) continue;
    if (place.kind === "unit") {
      ring(context, layout, unit, theme().accent, 2.4);
      continue;
    }
    const heard = unitAt(layout, place.layer - 1, place.heard);
    if (heard) line(context, layout, heard, unit, theme().accent, many ? 1 : 3);
  }
  context.globalAlpha = 1;
}

/** All weights of a unit, faintly: what it hears and who hears it. */
export function lightNeighbours(context: CanvasRenderingContext2D, layout: Layout, place: Place): void {
  const unit = unitAt(layout, place.layer, place.unit);
  if (place.kind !== "unit" || !unit) return;
  context.globalAlpha = 0.45;
  const before = layout.layers[place.layer - 1]?.units ?? [];
  const after = layout.layers[place.layer + 1]?.units ?? [];
  context.beginPath();
  for (const other of before) trace(context, layout, ...between(layout, other, unit, true));
  for (const other of after) trace(context, layout, ...between(layout, unit, other, false));
  context.strokeStyle = theme().accent;
  context.lineWidth = 1;
  context.stroke();
  context.globalAlpha = 1;
}

/** The strongest paths, as wide as their share; `only` lights one of them alone. */
export function lightPaths(context: CanvasRenderingContext2D, layout: Layout, paths: Paths, only: number | null): void {
  const { accent, card } = theme();
  const most = Math.max(...paths.paths.map((path) => path.share), 1e-12);
  const shown = only === null ? paths.paths.map((_, k) => k).reverse() : [only];
  for (const k of shown) {
    const path = paths.paths[k];
    if (!path) continue;
    const share = only === null ? path.share / most : 1;
    context.globalAlpha = 0.35 + 0.65 * share;
    for (let n = 1; n < path.units.length; n++) {
      const [from, to] = [path.units[n - 1]!, path.units[n]!].map(([layer, number]) => unitAt(layout, layer, number));
      if (!from || !to) continue;
      line(context, layout, from, to, card, 3.5 + 4 * share);
      line(context, layout, from, to, accent, 1 + 3 * share);
    }
    for (const [layer, number] of path.units) {
      const unit = unitAt(layout, layer, number);
      if (unit) ring(context, layout, unit, accent, 1 + 1.5 * share);
    }
  }
  context.globalAlpha = 1;
}

/** Dots that travel along weights once, as a message does; `share` of the way. */
export function lightMessages(
  context: CanvasRenderingContext2D,
  layout: Layout,
  lines: [Unit, Unit][],
  share: number,
  back: boolean,
): void {
  const eased = share < 0.5 ? 2 * share * share : 1 - 2 * (1 - share) ** 2;
  const at = back ? 1 - eased : eased;
  context.fillStyle = theme().accent;
  context.globalAlpha = Math.min(1, 4 * Math.min(share, 1 - share));
  context.beginPath();
  for (const [from, to] of lines) {
    const [x, y] = along(layout, from, to, at);
    context.moveTo(x + 2.6, y);
    context.arc(x, y, 2.6, 0, 2 * Math.PI);
  }
  context.fill();
  context.globalAlpha = 1;
}

/** From edge to edge, so that the numbers in the units can still be read, and on request an image. */
function between(layout: Layout, from: Unit, to: Unit, besideImage: boolean): [Unit, Unit] {
  const { image, radius } = layout.layers[from.layer]!;
  const end = { ...to, x: to.x - layout.layers[to.layer]!.radius - 1 };
  if (!image) return [{ ...from, x: from.x + radius + 1 }, end];
  if (!besideImage) return [from, end];
  const edge = image.x + image.width + 2;
  const share = (edge - from.x) / (to.x - from.x);
  return [{ ...from, x: edge, y: from.y + (to.y - from.y) * share }, end];
}

function line(context: CanvasRenderingContext2D, layout: Layout, from: Unit, to: Unit, colour: string, width: number): void {
  context.beginPath();
  trace(context, layout, ...between(layout, from, to, false));
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.lineCap = "round";
  context.stroke();
}

function ring(context: CanvasRenderingContext2D, layout: Layout, unit: Unit, colour: string, width: number): void {
  const layer = layout.layers[unit.layer]!;
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  if (layer.pictured) context.rect(unit.x - layer.radius - 2, unit.y - layer.radius - 2, 2 * layer.radius + 4, 2 * layer.radius + 4);
  else if (layer.image) context.rect(unit.x - layer.radius, unit.y - layer.radius, 2 * layer.radius, 2 * layer.radius);
  else context.arc(unit.x, unit.y, layer.radius + 2 + width / 2, 0, 2 * Math.PI);
  context.stroke();
}
