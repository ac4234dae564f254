// Where a key leads from a place in the drawing.

import type { Layout } from "./layout";
import type { Place } from "./place";

/** The place after a key; the same where there is none further, and null for a key that does not move. */
export function moveCursor(layout: Layout, from: Place, key: string, shift: boolean): Place | null {
  switch (key) {
    case "ArrowLeft":
      return toLayer(layout, from, -1);
    case "ArrowRight":
      return toLayer(layout, from, 1);
    case "ArrowUp":
      return toUnit(layout, from, -1);
    case "ArrowDown":
      return toUnit(layout, from, 1);
    case "w":
    case "W":
      return toWeight(layout, from, shift ? -1 : 1);
    default:
      return null;
  }
}

/** The unit at about the same height in the layer beside. */
function toLayer(layout: Layout, from: Place, by: number): Place {
  const next = layout.layers[from.layer + by];
  if (!next) return from;
  const height = layout.layers[from.layer]!.units.find((unit) => unit.number === from.unit)?.y ?? 0;
  const nearest = next.units.reduce((best, unit) => (Math.abs(unit.y - height) < Math.abs(best.y - height) ? unit : best));
  return { kind: "unit", layer: from.layer + by, unit: nearest.number };
}

function toUnit(layout: Layout, { layer, unit }: Place, by: number): Place {
  const numbers = layout.layers[layer]!.units.map((each) => each.number);
  return { kind: "unit", layer, unit: around(numbers, unit, by) };
}

/** The next of the weights that come into the unit; nobody talks to the inputs. */
function toWeight(layout: Layout, from: Place, by: number): Place {
  const { layer, unit } = from;
  if (layer === 0) return from;
  const numbers = layout.layers[layer - 1]!.units.map((each) => each.number);
  const first = by > 0 ? numbers[0]! : numbers.at(-1)!;
  return { kind: "weight", layer, unit, heard: from.kind === "weight" ? around(numbers, from.heard, by) : first };
}

function around(numbers: number[], from: number, by: number): number {
  const at = numbers.indexOf(from);
  return numbers[(at + by + numbers.length) % numbers.length]!;
}
