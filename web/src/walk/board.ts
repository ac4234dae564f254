// The numbers of a slide: those of the frame, and those that came with it.

import { nameOfMark, type Letters } from "./marks";
import type { Frame, Nested, Quantity, Setup, Slide, Term } from "../protocol";

/** A term of a sum, with its numbers. */
export interface Summand {
  factors: { latex: string; mark: string; value: number | null; function: string }[];
  letters: Letters;
  negative: boolean;
  value: number | null;
  others: number; // so many terms in one: those of units that are not drawn
}

export class Board {
  constructor(
    readonly slide: Slide,
    private readonly frame: Frame,
    private readonly setup: Setup,
  ) {}

  /** The units of a layer that are drawn, by their numbers. */
  units(layer: number): number[] {
    return this.setup.drawn.units[String(layer)] ?? [];
  }

  /** The layer whose units an index of a quantity counts. */
  layerOf({ array }: Quantity, index: number): number {
    const [quantity, layer] = array.split(".");
    const own = layer ? Number(layer) : this.setup.network.sizes.length - 1;
    return quantity!.endsWith("W") ? own - index : own;
  }

  value(quantity: Quantity, letters: Letters): number | null {
    const places = quantity.at.map((letter, k) => this.units(this.layerOf(quantity, k)).indexOf(letters[letter] ?? 0));
    if (places.some((place) => place < 0)) return null;
    const own = this.slide.arrays[quantity.array];
    if (own !== undefined) {
      const found = places.reduce<Nested>((part, place) => (Array.isArray(part) ? (part[place] ?? null) : null), own);
      return typeof found === "number" ? found : null;
    }
    const numbers = this.frame.numbers.get(quantity.array);
    if (!numbers) return null;
    const [row = 0, column] = places;
    return numbers.values[column === undefined ? row : row * numbers.shape[1]! + column] ?? null;
  }

  /** The unit or weight with the largest number: what one looks at first. */
  strongest(quantity: Quantity): Letters {
    let [best, most]: [Letters, number] = [{}, -1];
    const [first, second] = quantity.at;
    for (const j of this.units(this.layerOf(quantity, 0))) {
      for (const k of second === undefined ? [0] : this.units(this.layerOf(quantity, 1))) {
        const letters: Letters = second === undefined ? { [first!]: j } : { [first!]: j, [second]: k };
        const size = Math.abs(this.value(quantity, letters) ?? 0);
        if (size > most) [best, most] = [letters, size];
      }
    }
    return best;
  }

  /** The terms of the equation of one unit or weight. */
  summands(letters: Letters): Summand[] {
    const { each } = this.slide;
    if (!each) return [];
    const total = this.value(each.left, letters);
    const only = each.terms.length === 1 ? total : null; // the value of a function is not computed here
    const found = each.terms.flatMap(({ over, ...term }) => {
      if (!over) return [this.summand(term, letters, only)];
      const drawn = this.units(over.layer).map((unit) => this.summand(term, { ...letters, [over.letter]: unit }, null));
      const left = this.setup.network.sizes[over.layer]! - drawn.length;
      if (left > 0) drawn.push({ factors: [], letters, negative: false, value: null, others: left });
      return drawn;
    });
    const others = found.find((term) => term.others > 0);
    if (others && total !== null) others.value = found.reduce((rest, { value }) => rest - (value ?? 0), total);
    return found;
  }

  private summand(term: Omit<Term, "over">, letters: Letters, known: number | null): Summand {
    const factors = term.factors.map((factor) => ({
      latex: factor.latex,
      mark: nameOfMark(factor, letters),
      value: this.value(factor, letters),
      function: factor.function,
    }));
    const plain = factors.every((factor) => factor.value !== null && !factor.function);
    const product = factors.reduce((product, factor) => product * (factor.value ?? NaN), term.negative ? -1 : 1);
    return { factors, letters, negative: term.negative, value: plain ? product : known, others: 0 };
  }
}
