// What a term of a formula speaks of, and where that is in the drawing.

import katex from "katex";
import { make } from "../dom";
import type { Layout } from "../network/layout";
import type { Place } from "../network/place";
import type { Quantity } from "../protocol";

/** A quantity by the name of its array, and its indices; null for all. */
export interface Mark {
  quantity: string;
  layer: number | null; // null: the output
  indices: (number | null)[];
}

export type Letters = Record<string, number>;

/** From `grad_a.3 2`, as formulas have it; a letter stands for all. */
export function readMark(text: string): Mark {
  const [array = "", ...indices] = text.split(" ");
  const [quantity = "", layer] = array.split(".");
  return { quantity, layer: layer ? Number(layer) : null, indices: indices.map((index) => Number(index) || null) };
}

/** How a quantity is marked when numbers stand for its letters. */
export function nameOfMark({ array, at }: Pick<Quantity, "array" | "at">, letters: Letters): string {
  return [array, ...at.map((letter) => letters[letter] ?? letter)].join(" ");
}

export function isOfWeights({ quantity }: Mark): boolean {
  return quantity === "W" || quantity === "grad_W";
}

/** All units or weights of a drawing that a mark speaks of. */
export function placesOf(mark: Mark, layout: Layout): Place[] {
  const layer = mark.layer ?? layout.layers.length - 1;
  const chosen = (index: number | null | undefined, of: number): number[] =>
    (layout.layers[of]?.units ?? []).map((unit) => unit.number).filter((number) => index == null || number === index);
  const units = chosen(mark.indices[0], layer);
  if (!isOfWeights(mark)) return units.map((unit) => ({ kind: "unit", layer, unit }));
  const heards = chosen(mark.indices[1], layer - 1);
  return units.flatMap((unit) => heards.map((heard): Place => ({ kind: "weight", layer, unit, heard })));
}

export function speaksOf(mark: Mark, place: Place, depth: number): boolean {
  if (isOfWeights(mark) !== (place.kind === "weight") || (mark.layer ?? depth) !== place.layer) return false;
  const [unit, heard] = mark.indices;
  if (unit != null && unit !== place.unit) return false;
  return place.kind === "unit" || heard == null || heard === place.heard;
}

/** A formula whose quantities carry their marks, as `data-at`, with numbers for letters. */
export function markedFormula(latex: string, letters: Letters, display: boolean): HTMLElement {
  const box = make("span", { className: display ? "formula" : "formula inline" });
  katex.render(filled(latex, letters), box, {
    displayMode: display,
    throwOnError: false,
    strict: "ignore",
    trust: ({ command }) => command === "\\htmlData",
  });
  return box;
}

export function filled(text: string, letters: Letters): string {
  return text.replace(/§([a-z])/g, (_, letter: string) => String(letters[letter] ?? letter));
}
