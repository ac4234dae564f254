// The strongest paths to the loss, as src/backtalk/teaching/derivations/strongest.py finds them.

import type { Matrix } from "../formulas/tree";
import type { Values } from "../formulas/values";
import type { Path, Paths } from "../protocol";
import { named, type Quantity } from "./quantity";

const STRONGEST = 10;

/** A way from a unit to the loss: the units above it, and the product of the factors on the way. */
interface Way {
  units: [number, number][];
  factors: number[];
  size: number;
}

/** Null for a whole vector or matrix: only a number is a sum over paths. */
export function strongestPaths(values: Values, asked: Quantity, sizes: number[]): Paths | null {
  const { family, layer, indices } = asked;
  const depth = sizes.length - 1;
  if (!indices.length) return null;
  const end = [...values.vector(`${family === "h" && layer === depth ? "grad_h" : "grad_a"}.${depth}`)];
  const entry = family === "W" ? values.vector(`h.${layer - 1}`)[indices[1]! - 1]! : 1;
  // From the output down: of the best ways of a unit, each leads on by one of the best ways of a unit above
  let ways: Way[][] = end.map((slope, m) => [{ units: [[depth, m + 1]], factors: [slope], size: Math.abs(slope) }]);
  let absolute = end.map(Math.abs);
  const flowAbove = [absolute];
  for (let i = depth - 1; i >= layer; i--) {
    const W = values.at({ is: "symbol", letter: "W", layer: i + 1 }) as Matrix;
    const slopes = i === 0 || (i === layer && family === "h") ? null : values.vector(`slope.${i}`);
    const factors = (m: number, j: number): number[] => (slopes ? [slopes[j]!, W.at(m, j)] : [W.at(m, j)]);
    const above = absolute;
    const best = ways;
    const units = Array.from({ length: sizes[i]! }, (_, j) => j);
    ways = units.map((j) =>
      best
        .flatMap((each, m) => each.map((way) => extended(way, [i, j + 1], factors(m, j))))
        .sort((one, other) => other.size - one.size)
        .slice(0, STRONGEST),
    );
    absolute = units.map((j) => above.reduce((total, size, m) => total + size * Math.abs(product(factors(m, j))), 0));
    flowAbove.unshift(absolute);
  }
  const start = indices[0]! - 1;
  const whole = absolute[start]! * Math.abs(entry);
  const paths: Path[] = ways[start]!
    .filter(({ size }) => size * Math.abs(entry) > 0)
    .map(({ units, factors }) => {
      const all = family === "W" ? [entry, ...factors] : factors;
      const contribution = product(all);
      return { units, factors: all, contribution, share: whole ? Math.abs(contribution) / whole : 0 };
    });
  return {
    quantity: named(asked),
    value: paths.reduce((total, { contribution }) => total + contribution, 0),
    count: String(sizes.slice(layer + 1).reduce((count, size) => count * BigInt(size), 1n)),
    share: Math.min(1, paths.reduce((total, { share }) => total + share, 0)),
    paths,
    flow: flow(values, asked, sizes, flowAbove, Math.abs(entry)),
  };
}

function extended(way: Way, unit: [number, number], factors: number[]): Way {
  return { units: [unit, ...way.units], factors: [...factors, ...way.factors], size: way.size * Math.abs(product(factors)) };
}

/** The part of the absolute flow through each unit: what reaches it times what leads from it to the loss. */
function flow(values: Values, { family, layer, indices }: Quantity, sizes: number[], above: number[][], entry: number): Record<string, number[]> {
  const found: Record<string, number[]> = {};
  let reach = Array.from({ length: sizes[layer]! }, (_, j) => (j === indices[0]! - 1 ? entry : 0));
  for (let i = layer; i < sizes.length; i++) {
    const through = reach.map((size, j) => size * above[i - layer]![j]!);
    const total = through.reduce((one, other) => one + other, 0);
    found[String(i)] = through.map((size) => (total > 0 ? size / total : size));
    if (i === sizes.length - 1) break;
    const W = values.at({ is: "symbol", letter: "W", layer: i + 1 }) as Matrix;
    const slopes = i === 0 || (i === layer && family === "h") ? null : values.vector(`slope.${i}`);
    const passed = reach.map((size, j) => size * (slopes ? Math.abs(slopes[j]!) : 1));
    reach = Array.from({ length: sizes[i + 1]! }, (_, m) => passed.reduce((sum, size, j) => sum + size * Math.abs(W.at(m, j)), 0));
  }
  return found;
}

function product(factors: number[]): number {
  return factors.reduce((one, other) => one * other, 1);
}
