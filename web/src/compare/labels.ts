// Where the lines of a contour plot have their labels: on the line, in the frame, and away from each other.

import type { Frame } from "./axes";

export type Ring = [number, number][];

export interface Label {
  level: number; // its number, from 0
  x: number;
  y: number;
  turn: number; // radians
}

const MARGIN = 22; // pixels from the frame
const APART = 30; // from each other, at least
const SPAN = 3; // points before and behind, by which a line's direction is told
const FAR = 90; // pixels; farther is no better

/** A label for each level that has room for one; `taken`: points that are better not written over. */
export function placeLabels(lines: Ring[][], frame: Frame, taken: Ring): Label[] {
  const placed: Label[] = [];
  lines.forEach((rings, level) => {
    let [best, most] = [null as Label | null, APART];
    for (const ring of rings) {
      for (let k = SPAN; k < ring.length - SPAN; k++) {
        const [x, y] = ring[k]!;
        if (x < frame.left + MARGIN || x > frame.right - MARGIN || y < frame.top + MARGIN / 2 || y > frame.bottom - MARGIN / 2) continue;
        const room = Math.min(FAR, distance(x, y, placed), 2 * nearest(x, y, taken));
        if (room <= most) continue;
        const [[x0, y0], [x1, y1]] = [ring[k - SPAN]!, ring[k + SPAN]!];
        const turn = Math.atan((y1 - y0) / (x1 - x0 || 1e-9)); // never upside down
        [best, most] = [{ level, x, y, turn }, room];
      }
    }
    if (best) placed.push(best);
  });
  return placed;
}

function distance(x: number, y: number, placed: Label[]): number {
  return placed.reduce((least, label) => Math.min(least, Math.hypot(label.x - x, label.y - y)), Infinity);
}

function nearest(x: number, y: number, points: Ring): number {
  let least = Infinity;
  for (const [px, py] of points) least = Math.min(least, Math.hypot(px - x, py - y));
  return least;
}
