// Each hidden unit of a side as a small picture: what it says over the plane of the two inputs, layer by layer; or if the
// inputs are an image, its row of W₁.

import { sharp } from "../dom";
import { isPictured } from "../network/layout";
import { paintSmall, small } from "../network/pictures";
import { Scale } from "../network/scale";
import { font, theme } from "../theme";
import type { Numbers, Setup, SideFrame } from "../protocol";

const GAP = 4;
const LARGEST = 46; // pixels of a picture
const NAME = 22; // pixels for the name of a layer, of the usual type

/** Whether there are pictures of hidden units. */
export function hasPictures(setup: Setup): boolean {
  return setup.network.sizes.slice(1, -1).some((_, k) => isPictured(setup, k + 1));
}

export class Units {
  private setup: Setup | null = null;
  private maps: [number, Numbers][] = [];
  private units: SideFrame["units"] | null = null;
  private scale = new Scale();

  constructor(
    private readonly canvas: HTMLCanvasElement,
    private readonly side: string,
  ) {
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.canvas.hidden = !hasPictures(setup);
    this.maps = [];
    this.scale = new Scale();
  }

  show(frame: SideFrame): void {
    const inside = this.setup ? picturesOf(frame, this.setup) : [];
    this.units = frame.units;
    this.tell();
    if (!inside.length) return; // while training runs, not every frame has pictures
    this.maps = inside;
    this.scale.follow(inside.map(([, { values }]) => values));
    this.draw();
  }

  draw(): void {
    const { canvas, maps, setup } = this;
    if (!setup || canvas.hidden || !maps.length) return;
    const { type, quiet, line } = theme();
    const left = NAME * type;
    const rows = maps.map(([layer, { shape }]) => ({ layer, count: shape[0]! }));
    const most = Math.max(...rows.map(({ count }) => count));
    const least = setup.bounds ? (most > 16 ? 18 : 24) : 32; // pixels of a picture; of many there are several lines
    const fit = Math.max(1, Math.min(most, Math.floor((canvas.clientWidth - left + GAP) / (least + GAP))));
    const across = Math.ceil(most / Math.ceil(most / fit)); // lines of equal length
    const side = Math.min(LARGEST, Math.floor((canvas.clientWidth - left + GAP) / across) - GAP);
    const height = rows.reduce((sum, { count }) => sum + Math.ceil(count / across) * (side + GAP), 0);
    canvas.style.height = `${height}px`;
    const made = sharp(canvas);
    if (!made) return;
    const { context } = made;
    let top = 0;
    maps.forEach(([layer, map]) => {
      const [count, down, over] = map.shape as [number, number, number];
      context.font = font(12);
      context.fillStyle = quiet;
      context.textAlign = "left";
      context.fillText(`h${"₀₁₂₃₄₅₆₇₈₉"[layer] ?? layer}`, 0, top + side / 2 + 4 * type);
      for (let k = 0; k < count; k++) {
        const x = left + (k % across) * (side + GAP);
        const y = top + Math.floor(k / across) * (side + GAP);
        paintSmall(map.values.subarray(k * down * over, (k + 1) * down * over), down, over, this.scale, setup.bounds !== null);
        context.imageSmoothingEnabled = setup.bounds !== null; // a plane is smooth; an image has pixels
        context.drawImage(small, x, y, side, side);
        context.strokeStyle = line;
        context.lineWidth = 1;
        context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
      }
      top += Math.ceil(count / across) * (side + GAP);
    });
  }

  private tell(): void {
    const { count, dead, different } = this.units ?? { count: 0, dead: 0, different: 0 };
    this.canvas.setAttribute("aria-label", `Each hidden unit on the ${this.side} as a picture: ${count} units, ${different} of them different, ${dead} dead.`);
  }
}

/** Of each hidden layer all its units, (units, height, width); the other maps are of inputs and outputs. */
function picturesOf({ numbers }: SideFrame, { image, network }: Setup): [number, Numbers][] {
  const rows = numbers.get("W.1");
  if (image && rows) return [[1, { ...rows, shape: [rows.shape[0]!, ...image] }]];
  const maps = [...numbers].filter(([name]) => name.startsWith("map.")).map(([name, map]): [number, Numbers] => [Number(name.slice(4)), map]);
  return maps.filter(([layer]) => layer > 0 && layer < network.sizes.length - 1);
}
