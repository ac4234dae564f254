// Formulas as trees, as src/backtalk/teaching/derivations/trees.py writes them, and what is written instead of a letter.

export type Index = number | string; // a number, or the letter of a sum
export type Axis = number | string | null; // whose units a row or a column is for
export type Axes = [Axis, Axis];

export interface SymbolNode {
  is: "symbol";
  letter: string;
  layer?: Index;
  indices?: Index[];
  written?: string; // in LaTeX, where a letter is not written as it is named
}
export type Leaf = SymbolNode | { is: "derivative"; of: SymbolNode } | { is: "partial"; above: SymbolNode; below: SymbolNode };

export interface Matrix {
  rows: number;
  columns: number;
  at(i: number, k: number): number; // from 0
}
export type Value = number | Matrix;

export interface SumOver {
  is: "sumover";
  index: string;
  last: Index;
  term: Tree;
  axis?: Axis;
}
export interface Grid {
  is: "grid";
  shape: [number, number];
  axes: Axes;
  rows: number[]; // from 0, those whose entries are in cells
  columns: number[];
  cells: Tree[][];
}
export interface Apply {
  is: "apply";
  name: string;
  of: Tree;
  layer?: Index;
  detail?: string;
  value?: boolean; // its value stands instead of it when numbers are put in
}
export interface Elementwise {
  is: "elementwise";
  left: Tree;
  right: Tree;
  divide?: boolean;
}

export type Tree =
  | Leaf
  | { is: "number"; value: Value; axes?: Axes }
  | { is: "others"; count: number; value: number }
  | { is: "sum"; terms: Tree[] }
  | SumOver
  | { is: "product"; factors: Tree[] }
  | { is: "negative" | "transposed" | "diagonal" | "ofexample"; of: Tree }
  | Elementwise
  | Apply
  | { is: "larger" | "dot"; left: Tree; right: Tree }
  | { is: "indicator"; left: Index; right: Index }
  | Grid
  | { is: "braced"; of: Tree; notes: (string | Tree)[] }
  | { is: "listed"; parts: Tree[] }
  | { is: "call"; of: SymbolNode; arguments: Tree[] };

export const EVERY = "·"; // as an index: all of them

const INDEXED = new Set(["indices", "layer", "left", "right"]); // where an index stands

/** The same with a number for a letter among the indices; '2+j' becomes the sum. */
export function put<Part>(part: Part, letter: string, number: number): Part {
  return walked(part, (text, key) => {
    if (!INDEXED.has(key)) return text;
    return text === letter ? number : text.endsWith(`+${letter}`) ? parseInt(text, 10) + number : text;
  });
}

/** The same with numbers for {0} and {1}, among the indices and in what is said. */
export function fill<Part>(part: Part, numbers: number[]): Part {
  return walked(part, (text) => {
    const [, place] = /^\{([01])\}$/.exec(text) ?? [];
    if (place) return numbers[Number(place)] ?? text;
    return text.replaceAll(/\{([01])\}/g, (open, k: string) => String(numbers[Number(k)] ?? open));
  });
}

/** The same with other texts; the entries of a list have the key of the list. */
function walked<Part>(part: Part, change: (text: string, key: string) => Index): Part {
  const walk = (each: unknown, key: string): unknown => {
    if (Array.isArray(each)) return each.map((one) => walk(one, key));
    if (typeof each === "string") return change(each, key);
    if (each === null || typeof each !== "object") return each;
    return Object.fromEntries(Object.entries(each).map(([name, one]) => [name, walk(one, name)]));
  };
  return walk(part, "") as Part;
}
