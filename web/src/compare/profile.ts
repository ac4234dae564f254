// The gradient flow by layer: ‖∇_a‖ of every layer of both sides, as it is passed back from right to left.

import { make, sharp } from "../dom";
import { subscript, written } from "../numbers";
import { drawLevels, powers } from "../plots/chart";
import type { SideFrame } from "../protocol";
import { font, theme } from "../theme";
import { SIDES } from "./address";
import { mark } from "./marks";

export class Profile {
  private flows: (number | null)[][] = [];

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly keys: HTMLElement,
  ) {
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(names: string[]): void {
    this.keys.replaceChildren(...SIDES.map((side, k) => make("span", { className: `key side-${side}` }, make("i"), `${names[k]} `, make("b"))));
  }

  show(sides: [SideFrame, SideFrame]): void {
    this.flows = sides.map(({ flow }) => flow);
    this.draw();
  }

  draw(): void {
    const { canvas, flows } = this;
    const sizes = flows.flat().filter((size): size is number => size !== null && size > 0);
    const texts = flows.map((flow) => `first layer ${written(flow[0], 2)}, last ${written(flow.at(-1), 2)}`);
    this.keys.querySelectorAll("b").forEach((box, k) => (box.textContent = flows[k]?.length ? `${written(flows[k]![0], 2)} … ${written(flows[k]!.at(-1), 2)}` : ""));
    canvas.setAttribute("aria-label", `Norm of the gradient by a, for each layer: ${SIDES.map((side, k) => `${side}: ${texts[k] ?? ""}`).join("; ")}`);
    const made = flows.length ? sharp(canvas) : null;
    if (!made) return;
    const { context, width, height } = made;
    const { type, sides, card } = theme();
    const box = { left: 48 * type, right: width - 14, top: 8, bottom: height - 20 * type };
    // Whole powers of ten, two at least, so that the picture stands still while the numbers move
    const high = Math.ceil(Math.log10(sizes.length ? Math.max(...sizes) : 1) + 0.05);
    const low = Math.min(high - 2, Math.floor(Math.log10(sizes.length ? Math.min(...sizes) : 0.1) - 0.05));
    const y = (size: number): number => box.bottom - ((Math.log10(size) - low) / (high - low)) * (box.bottom - box.top);
    const most = Math.max(...flows.map((flow) => flow.length));
    const x = (layer: number): number => box.left + 14 + ((layer - 1) / Math.max(1, most - 1)) * (box.right - box.left - 28);
    context.font = font(11);
    const powersOfTen = powers(10 ** low, 10 ** high).filter((tick) => Number.isInteger(Math.round(1e6 * Math.log10(tick)) / 1e6));
    drawLevels(context, powersOfTen, box, y);
    context.textAlign = "center";
    for (let layer = 1; layer <= most; layer++) context.fillText(`a${subscript(layer)}`, x(layer), height - 5);
    flows.forEach((flow, k) => {
      const at = flow.map((size, n): [number, number] | null => (size === null ? null : [x(n + 1), size > 0 ? Math.max(box.top, y(size)) : box.bottom]));
      context.strokeStyle = context.fillStyle = sides[k]!;
      context.lineWidth = 2;
      context.beginPath();
      for (const place of at) if (place) context.lineTo(...place);
      context.stroke();
      at.forEach((place, n) => place && mark(context, k, ...place, 4.5, flow[n] === 0 ? card : sides[k]!)); // a hollow one is 0
    });
  }
}
