// The rows that a lesson has taken along to train on.

import type { Examples } from "./kernels";

export class Data {
  readonly count: number;
  private readonly inputs: number;
  private readonly outputs: number; // of a row of y; 0 for labels

  constructor(X: { shape: number[]; numbers: Float64Array }, y: { shape: number[]; numbers: Float64Array }) {
    [this.count, this.inputs] = X.shape as [number, number];
    this.outputs = y.shape[1] ?? 0;
    [this.X, this.y] = [X.numbers, y.numbers];
  }

  private readonly X: Float64Array;
  private readonly y: Float64Array;

  /** Some rows, in this order. */
  rows(rows: ArrayLike<number>): Examples {
    const y = gathered(this.y, rows, Math.max(1, this.outputs));
    const labels = this.outputs === 0 ? Int32Array.from(y) : null;
    return { count: rows.length, X: gathered(this.X, rows, this.inputs), labels, target: labels ? null : y };
  }

  row(row: number): Examples {
    return this.rows([row]);
  }
}

/** t of some examples with so many outputs: of labels 0 and 1. */
export function targetOf({ count, labels, target }: Examples, outputs: number): Float64Array {
  if (target) return target;
  return Float64Array.from({ length: count * outputs }, (_, k) => Number(labels![Math.floor(k / outputs)] === k % outputs));
}

function gathered(numbers: Float64Array, rows: ArrayLike<number>, width: number): Float64Array {
  const found = new Float64Array(rows.length * width);
  for (let n = 0; n < rows.length; n++) found.set(numbers.subarray(rows[n]! * width, (rows[n]! + 1) * width), n * width);
  return found;
}
