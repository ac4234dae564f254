// A formula with numbers for its symbols, as src/backtalk/teaching/derivations/evaluation.py puts them in.

import { exactSum } from "./numbers";
import { put, type Apply, type Axes, type Axis, type SumOver, type SymbolNode, type Tree } from "./tree";
import type { Values } from "./values";

const MOST = 8; // terms of a sum that are shown

export type Rows = Record<string, number[]>; // of each large layer the units, from 0, that are shown

const FUNCTIONS: Record<string, (x: number, detail: number) => number> = {
  log: (x) => (x > 0 ? Math.log(x) : 0), // beside log 0 stands a factor 0
  exp: Math.exp,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  absolute: Math.abs,
  sign: Math.sign,
  H: (x) => (x > 0 ? 1 : 0),
  power: (x, exponent) => Math.max(x, 0) ** exponent,
  clip: (x, limit) => Math.min(Math.max(x, -limit), limit),
  rho: (x, limit) => (Math.abs(x) <= limit ? (x * x) / 2 : limit * (Math.abs(x) - limit / 2)),
};

/** The number that a formula of numbers comes to. */
export function evaluate(tree: Tree, values: Values): number {
  const value = (part: Tree): number => evaluate(part, values);
  switch (tree.is) {
    case "symbol":
    case "derivative":
    case "partial": {
      const found = values.at(tree);
      if (typeof found === "number") return found;
      break;
    }
    case "number":
      if (typeof tree.value === "number") return tree.value;
      break;
    case "others":
      return tree.value;
    case "sum":
      return tree.terms.map(value).reduce((total, term) => total + term);
    case "sumover":
      return termsOf(tree).map(value).reduce((total, term) => total + term);
    case "product":
      return tree.factors.map(value).reduce((product, factor) => product * factor);
    case "negative":
      return -value(tree.of);
    case "elementwise":
      if (!tree.divide) return value(tree.left) * value(tree.right);
      return value(tree.left) === 0 ? 0 : value(tree.left) / value(tree.right);
    case "apply": {
      const function_ = FUNCTIONS[tree.name];
      if (function_) return function_(value(tree.of), Number(tree.detail));
      const found = applied(tree, values);
      if (typeof found === "number") return found;
      break;
    }
    case "larger":
      return Math.max(value(tree.left), value(tree.right));
    case "indicator":
      return tree.left === tree.right ? 1 : 0;
    case "braced":
      return value(tree.of);
  }
  throw new Error(`a ${tree.is} is no number`);
}

/** g or g′ of a symbol: the activation itself is not here, but what it gives is among the values. */
function applied({ name, of, layer }: Apply, values: Values) {
  if (of.is !== "symbol" || (name !== "g" && name !== "g′") || layer === undefined) throw new Error(`${name} is not known here`);
  const indices = of.indices ?? (name === "g" ? [] : ["j"]);
  const h: SymbolNode = { is: "symbol", letter: "h", layer, indices };
  return values.at(name === "g" ? h : { is: "partial", above: h, below: { ...h, letter: "a" } });
}

/** The terms of a sum, each with its number for the letter. */
function termsOf({ index, last, term }: SumOver): Tree[] {
  return Array.from({ length: Number(last) }, (_, m) => put(term, index, m + 1));
}

/** Whose units the rows and the columns of what a formula comes to are. */
export function axesOf(tree: Tree): Axes {
  switch (tree.is) {
    case "symbol": {
      const { letter, layer = null, indices } = tree;
      if (indices) return letter === "W" && indices[0] === "·" ? [layer, null] : [null, null];
      if (letter === "W") return [layer, Number(layer) - 1];
      if (["yhat", "target", "complement"].includes(letter)) return ["yhat", null];
      return ["a", "h", "b"].includes(letter) ? [layer, null] : [null, null];
    }
    case "partial": {
      const { above, below } = tree;
      if (above.indices && String(above.indices) === String(below.indices ?? "")) return axesOf(without(above));
      if (above.letter === "loss") return [null, axesOf(below)[0]];
      return [axesOf(above)[0], axesOf(below)[0]];
    }
    case "derivative":
    case "apply":
    case "transposed":
    case "negative":
      return axesOf(tree.of);
    case "grid":
      return tree.axes;
    case "number":
      return tree.axes ?? [null, null];
  }
  return [null, null];
}

function without({ indices: _, ...symbol }: SymbolNode): SymbolNode {
  return symbol;
}

/** The same formula with numbers for its symbols; of a sum over an index, the terms that matter and what the others come to. */
export function withNumbers(tree: Tree, values: Values, rows: Rows): Tree {
  const into = (part: Tree): Tree => withNumbers(part, values, rows);
  switch (tree.is) {
    case "symbol":
    case "derivative":
    case "partial":
      return { is: "number", value: values.at(tree), axes: axesOf(tree) };
    case "grid": {
      const cells = tree.cells.map((row) => row.map(into));
      if (cells[0]?.[0]?.is !== "number") return { ...tree, cells };
      const at = (i: number, k: number): number => evaluate(cells[tree.rows.indexOf(i)]![tree.columns.indexOf(k)]!, values);
      return { is: "number", value: { rows: tree.shape[0], columns: tree.shape[1], at }, axes: tree.axes };
    }
    case "larger":
    case "dot":
    case "elementwise":
      return { ...tree, left: into(tree.left), right: into(tree.right) };
    case "braced":
      return into(tree.of);
    case "sum":
      return { is: "sum", terms: tree.terms.map(into) };
    case "sumover":
      return someTerms(tree, values, rows);
    case "product":
      return { is: "product", factors: tree.factors.map(into) };
    case "negative":
    case "transposed":
    case "diagonal":
      return { is: tree.is, of: into(tree.of) };
    case "apply":
      if (tree.value) return { is: "number", value: applied(tree, values), axes: axesOf(tree) };
      return { ...tree, of: into(tree.of) };
    case "listed":
      return { is: "listed", parts: tree.parts.map(into) };
    case "indicator":
      return { is: "number", value: evaluate(tree, values) };
  }
  return tree;
}

function someTerms(total: SumOver, values: Values, rows: Rows): Tree {
  const terms = termsOf(total);
  const sizes = terms.map((term) => evaluate(term, values));
  const kept = termsThatMatter(sizes, shownOf(total.axis, rows));
  const shown = kept.map((m) => withNumbers(terms[m]!, values, rows));
  if (shown.length < terms.length) {
    const others = sizes.filter((_, m) => !kept.includes(m));
    shown.push({ is: "others", count: others.length, value: exactSum(others) });
  }
  return shown.length === 1 ? shown[0]! : { is: "sum", terms: shown };
}

/** Of those shown of a layer, those that say something; else, of many, the largest. */
function termsThatMatter(sizes: number[], named: number[] | undefined): number[] {
  if (named) {
    const heard = named.filter((m) => sizes[m] !== 0);
    return heard.length ? heard : named.slice(0, 1);
  }
  let order = sizes.map((_, m) => m).sort((one, other) => Math.abs(sizes[other]!) - Math.abs(sizes[one]!));
  const heard = sizes.filter((size) => size !== 0).length;
  if (sizes.length - heard > 2) order = order.slice(0, Math.max(heard, 1)); // many terms of 0 say nothing
  return (order.length <= MOST ? order : order.slice(0, MOST - 1)).sort((one, other) => one - other);
}

export function shownOf(axis: Axis | undefined, rows: Rows): number[] | undefined {
  return axis === null || axis === undefined ? undefined : rows[String(axis)];
}
