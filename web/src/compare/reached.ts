// Which side reached a loss first, in words.

import { written } from "../numbers";

const LEVELS = [...Array(12).keys()].flatMap((power) => [5, 2, 1].map((factor) => factor * 10 ** (5 - power))); // falling

interface Way {
  first: number | null; // the loss that the side began with
  steps: number[]; // by which step each level was reached, of those that were
}

export class Reached {
  private ways: Way[] = [];
  private last = 0;

  begin(): void {
    this.ways = [0, 1].map(() => ({ first: null, steps: [] }));
    this.last = 0;
  }

  /** The losses of both sides at a step; null for a side that has stopped. */
  show(step: number, losses: (number | null)[]): void {
    if (step < this.last) this.begin();
    this.last = step;
    losses.forEach((loss, k) => {
      const way = this.ways[k];
      if (!way || loss === null) return;
      way.first ??= loss;
      while (way.steps.length < LEVELS.length && loss <= LEVELS[way.steps.length]!) way.steps.push(step);
    });
  }

  /** Of the least level that both reached, or if there is none that one did. Levels that a side began below say nothing. */
  said(names: readonly string[], rows: string): string {
    const [one, other] = this.ways;
    if (one?.first == null || other?.first == null) return "";
    const below = Math.min(one.first, other.first);
    const counts = [Math.min(one.steps.length, other.steps.length), Math.max(one.steps.length, other.steps.length)];
    const at = counts.map((count) => count - 1).find((level) => level >= 0 && LEVELS[level]! < below);
    if (at === undefined) return "";
    const by = this.ways.map(({ steps }) => steps[at]);
    const loss = `a loss of ${written(LEVELS[at]!, 1)} on ${rows}`;
    if (by[0] === by[1]) return `Both reached ${loss} by step ${by[0]}.`;
    const first = (by[0] ?? Infinity) < (by[1] ?? Infinity) ? 0 : 1;
    const later = by[1 - first];
    const [name, slower] = [names[first]!, names[1 - first]!].map((each) => each.replace(/: (.*)/, " ($1)"));
    return `${name![0]!.toUpperCase()}${name!.slice(1)} reached ${loss} by step ${by[first]}, ${slower} ${later === undefined ? "has not yet" : `by step ${later}`}.`;
  }
}
