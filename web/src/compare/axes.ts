// The frame of a plot with two axes of numbers, and the places in it.

import { written } from "../numbers";
import { steps } from "../plots/chart";
import { font, theme } from "../theme";

export interface Frame {
  left: number;
  right: number;
  top: number;
  bottom: number;
  x: (value: number) => number;
  y: (value: number) => number;
}

export type Range = readonly [number, number];

/** The frame within a canvas, with room for the numbers beside it. */
export function frameOf(width: number, height: number, across: Range, up: Range): Frame {
  const { type } = theme();
  const box = { left: 46 * type, right: width - 8, top: 18 * type, bottom: height - 20 * type };
  return {
    ...box,
    x: (value) => box.left + ((value - across[0]) / (across[1] - across[0])) * (box.right - box.left),
    y: (value) => box.bottom - ((value - up[0]) / (up[1] - up[0])) * (box.bottom - box.top),
  };
}

/** Numbers beside both axes, and what the axes are; `grid`: with lines across. */
export function drawAxes(context: CanvasRenderingContext2D, frame: Frame, across: Range, up: Range, names: readonly [string, string], grid: boolean): void {
  const { quiet, line, type } = theme();
  const { left, right, top, bottom } = frame;
  context.font = font(11);
  context.fillStyle = quiet;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.textAlign = "right";
  const ups = steps(...up, 5);
  for (const tick of ups) {
    const at = Math.round(frame.y(tick)) + 0.5;
    if (grid) {
      context.beginPath();
      context.moveTo(left, at);
      context.lineTo(right, at);
      context.stroke();
    }
    context.fillText(written(tick, digitsFor(ups)), left - 6, at + 3.5);
  }
  context.textAlign = "left";
  context.fillText(names[1], 4, top - 7 * type);
  const name = context.measureText(names[0]).width;
  context.textAlign = "center";
  for (const tick of steps(...across, 6)) {
    if (frame.x(tick) < right - name - 18) context.fillText(written(tick, 2), frame.x(tick), bottom + 14 * type);
  }
  context.textAlign = "right";
  context.fillText(names[0], right, bottom + 14 * type);
}

/** As few digits as tell the ticks apart. */
function digitsFor(ticks: number[]): number {
  return [2, 3, 4, 5].find((digits) => new Set(ticks.map((tick) => written(tick, digits))).size === ticks.length) ?? 6;
}
