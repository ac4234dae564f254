// Where brackets and dots stand: as src/backtalk/teaching/derivations/notation.py has it, for a writer of fractions.

import { asWritten } from "./numbers";
import { EVERY, type SymbolNode, type Tree } from "./tree";

// How tightly the parts of a formula hold together
export const SUM = 0;
const SIGN = 1;
const OVER = 2;
const PRODUCT = 3;
const ATOM = 4;
const SCALARS = ["loss", "p", "q", "z"];

/** Whether a formula comes to one number, and not to a column or a matrix. */
export function isScalar(tree: Tree): boolean {
  switch (tree.is) {
    case "symbol": {
      const { letter, indices = [] } = tree;
      const one = indices.length > 0 && letter !== "unit" && !indices.includes(EVERY);
      return SCALARS.includes(letter) || tree.written !== undefined || one;
    }
    case "partial":
      return isScalar(tree.above) && isScalar(tree.below) && byLetter(tree.above, tree.below) === null;
    case "number":
      return typeof tree.value === "number";
    case "sum":
      return tree.terms.every(isScalar);
    case "product":
      return tree.factors.every(isScalar);
    case "sumover":
      return isScalar(tree.term);
    case "elementwise":
      return isScalar(tree.left) && isScalar(tree.right);
    case "derivative":
    case "negative":
    case "transposed":
    case "apply":
    case "ofexample":
    case "braced":
    case "call":
      return isScalar(tree.of);
    case "diagonal":
    case "grid":
    case "listed":
      return false;
  }
  return true;
}

/** The letter j, if a slope stands for the column of ∂above_j/∂below_j for each j. */
export function byLetter(above: SymbolNode, below: SymbolNode): string | null {
  const first = above.indices?.[0];
  return typeof first === "string" && String(above.indices) === String(below.indices ?? "") ? first : null;
}

/** Whether a dot stands between two factors: not if both are columns or matrices. */
export function hasDot(left: Tree, right: Tree): boolean {
  return isScalar(left) || isScalar(right);
}

function binding(tree: Tree): number {
  switch (tree.is) {
    case "sum":
      return tree.terms.length === 1 ? binding(tree.terms[0]!) : SUM;
    case "product":
      return tree.factors.length === 1 ? binding(tree.factors[0]!) : PRODUCT;
    case "symbol":
      return tree.letter === "complement" ? SUM : ATOM;
    case "negative":
      return SIGN;
    case "sumover":
      return OVER;
    case "elementwise":
      return tree.divide && isScalar(tree) ? ATOM : PRODUCT;
    case "dot":
      return PRODUCT;
    case "apply":
      return tree.name === "square" || tree.name === "power" ? PRODUCT : ATOM;
    case "listed":
      return SUM;
    case "number": {
      if (typeof tree.value !== "number") return ATOM;
      const { negative, power } = asWritten(tree.value);
      return negative ? SIGN : power !== null ? PRODUCT : ATOM;
    }
  }
  return ATOM;
}

/** Whether a formula stands in brackets as a part of `place`. */
export function needsBrackets(tree: Tree, place: Tree): boolean {
  const own = binding(tree);
  switch (place.is) {
    case "product": {
      const atEnd = own === OVER && tree === place.factors.at(-1);
      return (own < PRODUCT && !atEnd) || (tree.is === "elementwise" && own < ATOM);
    }
    case "elementwise": {
      if (place.divide && isScalar(place)) return false; // above or below the line of a fraction
      const chained = tree.is === "elementwise" && tree === place.left && !place.divide && !tree.divide;
      return own < ATOM && !chained;
    }
    case "dot":
      return own < PRODUCT;
    case "sum":
    case "sumover":
    case "negative":
      return own < OVER;
  }
  return own < ATOM || ["derivative", "partial", "apply", "ofexample"].includes(tree.is); // a power, or a transpose
}
