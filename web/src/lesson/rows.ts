// Which units are shown of layers that are too large: as src/backtalk/teaching/derivations/rows.py chooses them.

import type { Rows } from "../formulas/evaluation";
import type { Matrix } from "../formulas/tree";
import type { Values } from "../formulas/values";
import type { Quantity } from "./quantity";

const WHOLE = 6; // units of a layer that is shown whole
const KEPT = 3; // units of a larger one

/** The quantity and the label come first; then the units that talk most to those shown below, or are heard most above. */
export function rowsThatMatter(values: Values, { family, layer, indices }: Quantity, sizes: number[]): Rows {
  const depth = sizes.length - 1;
  const wanted: number[][] = sizes.map(() => []);
  if (indices.length) wanted[layer]!.push(indices[0]! - 1);
  if (family === "W" && indices.length) wanted[layer - 1]!.push(indices[1]! - 1);
  const atEnd = sizesOf(values.vector(`grad_a.${depth}`));
  wanted[depth]!.push(atEnd.indexOf(Math.max(...atEnd)));
  const kept: number[][] = [];
  kept[layer] = choice(sizes[layer]!, wanted[layer]!, sizesOf(values.vector(`grad_${family === "h" ? "h" : "a"}.${layer}`)));
  for (let i = layer + 1; i <= depth; i++) {
    const talks = sizesOf(values.vector(`grad_a.${i}`));
    const W = weights(values, i);
    const scores = talks.map((size, m) => size * sum(kept[i - 1]!.map((j) => Math.abs(W.at(m, j)))));
    kept[i] = choice(sizes[i]!, wanted[i]!, scores);
  }
  for (let i = layer - 1; i >= 0; i--) {
    const W = weights(values, i + 1);
    const scores = sizesOf(values.vector(`h.${i}`)).map((size, k) => size * sum(kept[i + 1]!.map((m) => Math.abs(W.at(m, k)))));
    kept[i] = choice(sizes[i]!, wanted[i]!, scores);
  }
  const rows: Rows = {};
  kept.forEach((units, i) => {
    if (units.length < sizes[i]!) rows[String(i)] = units;
  });
  if (rows[String(depth)]) rows.yhat = rows[String(depth)]!;
  return rows;
}

function choice(size: number, wanted: number[], scores: number[]): number[] {
  if (size <= WHOLE) return scores.map((_, k) => k);
  const order = scores.map((_, k) => k).sort((one, other) => scores[other]! - scores[one]!);
  return [...new Set([...wanted, ...order])].slice(0, KEPT).sort((one, other) => one - other);
}

function weights(values: Values, i: number): Matrix {
  return values.at({ is: "symbol", letter: "W", layer: i }) as Matrix;
}

function sizesOf(vector: Float64Array): number[] {
  return [...vector].map(Math.abs);
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
