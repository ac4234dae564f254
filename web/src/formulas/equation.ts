// The lines of an equation: left = the formulas = the numbers put in = the value.

import { axesOf, withNumbers } from "./evaluation";
import { latexOf, type View } from "./latex";
import { DIGITS } from "./numbers";
import type { Leaf, Tree } from "./tree";
import type { Values } from "./values";

export interface Formulas {
  left: Tree;
  forms: Tree[]; // each equal to left; numbers are put into the last
  rule?: boolean; // it is in symbols alone, for any numbers
}

/** A sentence that follows a reason if a symbol, or one of its numbers, is `at`. */
export interface Remark {
  of: Leaf;
  at: number;
  said: string;
}

export interface Lines {
  symbols: Tree[];
  numbers: Tree | null; // null if they say no more than a formula or the value
  value: Tree | null;
}

export function linesOf({ left, forms, rule }: Formulas, values: Values, view: View): Lines {
  const last = forms.at(-1);
  if (rule || !last) return { symbols: forms, numbers: null, value: null };
  const numbers = withNumbers(last, values, view.rows);
  const value: Tree = { is: "number", value: values.at(left as Leaf), axes: axesOf(left) };
  const plain = (tree: Tree): string => latexOf(tree, { ...view, digits: DIGITS });
  const told = [...forms, value].map(plain).includes(plain(numbers));
  return { symbols: forms, numbers: told ? null : numbers, value };
}

/** Why, with the remarks that these numbers call for. */
export function reasonOf(reason: string, remarks: Remark[], values: Values): string {
  return [reason, ...remarks.filter((remark) => holds(remark, values)).map(({ said }) => said)].join(" ");
}

function holds({ of, at }: Remark, values: Values): boolean {
  const found = values.at(of);
  if (typeof found === "number") return found === at;
  for (let i = 0; i < found.rows; i++) if (found.at(i, 0) === at) return true;
  return false;
}
