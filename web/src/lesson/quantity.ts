// Quantities as they are written, W[1,2,3] or h[2]: as src/backtalk/teaching/derivations/quantity.py reads them.

export interface Quantity {
  family: string;
  layer: number;
  indices: number[];
}

const WRITTEN = /^\s*(x|h|a|W|b|yhat|ŷ)\s*(?:\[\s*([0-9]+(?:\s*,\s*[0-9]+)*)\s*\])?\s*$/;

/** The quantity of a network of these sizes, or a sentence that says which there are. */
export function asQuantity(text: string, sizes: number[]): Quantity | string {
  const depth = sizes.length - 1;
  const match = WRITTEN.exec(text.replaceAll("][", ","));
  const those = `There are h[0] (the input) to h[${depth}], a[1] to a[${depth}], W[1] to W[${depth}] and b[1] to b[${depth}], and their numbers, such as W[1,1,1] or h[1,1].`;
  if (!match) return `${text} is no quantity. ${those}`;
  const numbers = (match[2]?.split(",") ?? []).map(Number);
  let family = match[1]!;
  if (family === "x" || family === "yhat" || family === "ŷ") {
    numbers.unshift(family === "x" ? 0 : depth);
    family = "h";
  }
  const [layer, ...indices] = numbers;
  if (layer === undefined || layer > depth || layer < (family === "h" ? 0 : 1)) return `The network does not have ${text}. ${those}`;
  const shape = family === "W" ? [sizes[layer]!, sizes[layer - 1]!] : [sizes[layer]!];
  const fits = indices.length === 0 || (indices.length === shape.length && indices.every((index, side) => index >= 1 && index <= shape[side]!));
  return fits ? { family, layer, indices } : `The network does not have ${text}: there is ${family}[${layer}], and its numbers up to ${family}[${[layer, ...shape].join(",")}].`;
}

export function named({ family, layer, indices }: Quantity): string {
  return `${family}[${[layer, ...indices].join(",")}]`;
}
