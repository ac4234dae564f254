// The numbers of the symbols, from the arrays of one example: those of src/backtalk/teaching/derivations/records.py.

import { EVERY, type Leaf, type Matrix, type SymbolNode, type Value } from "./tree";

export interface Block {
  shape: number[];
  columns?: number[]; // the places of those that are there, if not all of them are
  numbers: Float64Array;
}
export type Blocks = Map<string, Block>;

export class Values {
  private readonly depth: number;

  constructor(private readonly blocks: Blocks) {
    this.depth = [...blocks.keys()].filter((name) => name.startsWith("W.")).length;
  }

  at(leaf: Leaf): Value {
    if (leaf.is === "partial") return this.slope(leaf.above, leaf.below);
    const of = leaf.is === "derivative" ? leaf.of : leaf;
    const { letter, indices = [] } = of;
    if (letter === "unit") return column(this.block("target").shape[0]!, (i) => (i + 1 === indices[0] ? 1 : 0));
    const whole = leaf.is === "derivative" ? this.gradient(of) : this.array(of);
    if (typeof whole === "number") return whole;
    if (indices[0] === EVERY) return column(whole.rows, (i) => whole.at(i, Number(indices[1]) - 1));
    return indices.length ? whole.at(Number(indices[0]) - 1, indices.length > 1 ? Number(indices[1]) - 1 : 0) : whole;
  }

  /** A vector by its name, such as grad_a.2. */
  vector(name: string): Float64Array {
    return this.block(name).numbers;
  }

  private array({ letter, layer }: SymbolNode): Value {
    if (letter === "loss") return this.vector("loss")[0]!;
    return this.matrix(letter === "yhat" ? `h.${this.depth}` : layer === undefined ? letter : `${letter}.${layer}`);
  }

  private gradient({ letter, layer }: SymbolNode): Matrix {
    if (letter === "yhat") return this.matrix(`grad_h.${this.depth}`);
    if (letter === "b") return this.matrix(`grad_a.${layer}`);
    if (letter !== "W") return this.matrix(`grad_${letter}.${layer}`);
    const [talks, heard] = [this.vector(`grad_a.${layer}`), this.vector(`h.${Number(layer) - 1}`)];
    return { rows: talks.length, columns: heard.length, at: (j, k) => talks[j]! * heard[k]! };
  }

  /** ∂above/∂below: a column for the letter j; and a number, a column, a row or a Jacobian else. */
  private slope(above: SymbolNode, below: SymbolNode): Value {
    if (above.letter === "loss") {
      const gradient = this.at({ is: "derivative", of: below });
      return typeof gradient === "number" ? gradient : { rows: gradient.columns, columns: gradient.rows, at: (i, k) => gradient.at(k, i) };
    }
    const [row, from] = [above.indices?.[0], below.indices?.[0]];
    if (typeof row === "string") return column(this.width(above), (j) => this.entry(above, below, j, j));
    if (row !== undefined) return this.entry(above, below, row - 1, Number(below.indices?.at(-1)) - 1);
    const at = (i: number, k: number): number => this.entry(above, below, i, from === undefined ? k : Number(below.indices!.at(-1)) - 1);
    return { rows: this.width(above), columns: from === undefined ? this.width(below) : 1, at };
  }

  private entry(above: SymbolNode, below: SymbolNode, i: number, k: number): number {
    if (above.letter === "a" && below.letter === "h") return this.matrix(`W.${above.layer}`).at(i, k);
    if (above.letter === "a" && below.letter === "b") return i === k ? 1 : 0;
    if (above.letter === "a" && below.letter === "W") {
      const heard = this.vector(`h.${Number(above.layer) - 1}`);
      const [own, of] = below.indices ? [Number(below.indices[0]) - 1, k] : [Math.floor(k / heard.length), k % heard.length];
      return i === own ? heard[of]! : 0;
    }
    if (above.letter === "yhat" && this.blocks.has("jacobian")) return this.matrix("jacobian").at(i, k);
    return i === k ? this.vector(`slope.${above.letter === "yhat" ? this.depth : above.layer}`)[i]! : 0;
  }

  private width({ letter, layer }: SymbolNode): number {
    const { shape } = this.block(letter === "yhat" ? `h.${this.depth}` : `${letter}.${layer}`);
    return shape.reduce((product, length) => product * length, 1);
  }

  private matrix(name: string): Matrix {
    const { shape, columns, numbers } = this.block(name);
    const [rows, width = 1] = shape as [number, number?];
    if (!columns) return { rows, columns: width, at: (i, k) => numbers[i * width + k]! };
    return { rows, columns: width, at: (i, k) => numbers[i * columns.length + columns.indexOf(k)]! };
  }

  private block(name: string): Block {
    const found = this.blocks.get(name);
    if (!found) throw new Error(`the numbers of ${name} are not there`);
    return found;
  }
}

function column(rows: number, entry: (i: number) => number): Matrix {
  return { rows, columns: 1, at: entry };
}

/** base64 of float64, little-endian. */
export function doubles(base64: string): Float64Array {
  return new Float64Array(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)).buffer);
}
