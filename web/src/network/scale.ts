// From numbers to colours: sign by hue, size by lightness and by the width of lines.

import { roundedUp } from "../numbers";
import { LEVELS } from "../theme";

/** The largest size of a family of numbers, rounded; it follows slowly, so that the legend does not flicker. */
export class Scale {
  most = 1;

  follow(arrays: Iterable<Float32Array>): void {
    let largest = 0;
    for (const values of arrays) {
      for (const value of values) {
        const size = Math.abs(value);
        if (size > largest && size < Infinity) largest = size;
      }
    }
    if (largest === 0) return;
    if (largest > this.most || largest < 0.3 * this.most) this.most = roundedUp(largest);
  }
}

/** 0 … 1, by the square root: a hundredth of the largest still shows. */
export function intensity(value: number, most: number): number {
  return Math.sqrt(Math.min(1, Math.abs(value) / most));
}

export function level(value: number, most: number): number {
  return Math.round(intensity(value, most) * (LEVELS - 1));
}
