// The scale of the colours, below the drawing.

import { find, sharp } from "../dom";
import { written } from "../numbers";
import { LEVELS, theme } from "../theme";

const shown = new Map<string, string>();

export function forgetLegends(): void {
  shown.clear();
}

export function showLegend(kind: "units" | "weights", title: string, most: number): void {
  const said = `${title} ${most}`;
  if (shown.get(kind) === said) return; // most frames change nothing here
  const canvas = sharp(find<HTMLCanvasElement>(`legend-${kind}`));
  if (!canvas) return;
  shown.set(kind, said);
  find(`legend-${kind}-title`).textContent = title;
  const ends = [-most, -most / 4, 0, most / 4, most];
  find(`legend-${kind}-scale`).replaceChildren(
    ...ends.map((value) => {
      const tick = document.createElement("span");
      tick.textContent = written(value, 3);
      return tick;
    }),
  );
  const { context, width, height } = canvas;
  const { negative, positive } = theme();
  const middle = width / 2;
  const piece = middle / LEVELS;
  for (let k = 0; k < LEVELS; k++) {
    // As the lines of weights do, the bar also grows with the size
    const tall = height * (0.35 + 0.65 * (k / (LEVELS - 1)));
    context.fillStyle = negative[k]!;
    context.fillRect(middle - (k + 1) * piece, (height - tall) / 2, piece + 0.5, tall);
    context.fillStyle = positive[k]!;
    context.fillRect(middle + k * piece, (height - tall) / 2, piece + 0.5, tall);
  }
}
