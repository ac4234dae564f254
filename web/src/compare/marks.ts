// The sides' marks beside their colours: a disc on the left, a square on the right.

import { theme } from "../theme";

export function mark(context: CanvasRenderingContext2D, side: number, x: number, y: number, size: number, fill = theme().sides[side]!): void {
  context.beginPath();
  if (side === 0) context.arc(x, y, size, 0, 2 * Math.PI);
  else context.rect(x - 0.88 * size, y - 0.88 * size, 1.76 * size, 1.76 * size);
  context.fillStyle = fill;
  context.fill();
  context.strokeStyle = theme().sides[side]!;
  context.lineWidth = 1.6;
  context.stroke();
}
