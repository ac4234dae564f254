// What a gradient means, in a sentence for those who meet it for the first time.

import { quantitiesAt, type Place } from "../network/place";
import { written } from "../numbers";

const LITTLE = 0.01;

/** What a small change would do to the loss; empty for the gradient of a whole layer. */
export function meaningOf(quantity: string, value: number, place: Place, depth: number): string {
  const name = quantitiesAt(place, depth).find(([each]) => each === quantity)?.[1];
  if (!name || !Number.isFinite(value)) return "";
  if (value === 0) return `A small change of ${name} would leave ℒ as it is.`;
  const change = written(LITTLE * Math.abs(value), 2);
  return `If ${name} were ${LITTLE} larger and nothing else set otherwise, ℒ would be about ${change} ${value > 0 ? "larger" : "smaller"}.`;
}
