// The numbers of a frame, from those of every symbol for one example.

import type { Block } from "../formulas/values";
import type { Numbers } from "../protocol";

/** They are drawn in float32; ∇_W and ∇_b of one example are products. */
export function numbersOf(blocks: Map<string, Block>, sizes: number[]): Map<string, Numbers> {
  const found = new Map<string, Numbers>();
  for (const [name, { shape, numbers }] of blocks) found.set(name, { shape, values: Float32Array.from(numbers) });
  for (let i = 1; i < sizes.length; i++) {
    const [talks, heard] = [blocks.get(`grad_a.${i}`)!.numbers, blocks.get(`h.${i - 1}`)!.numbers];
    const values = Float32Array.from({ length: talks.length * heard.length }, (_, n) => talks[Math.floor(n / heard.length)]! * heard[n % heard.length]!);
    found.set(`grad_W.${i}`, { shape: [talks.length, heard.length], values });
    found.set(`grad_b.${i}`, { shape: [talks.length], values: Float32Array.from(talks) });
  }
  return found;
}
