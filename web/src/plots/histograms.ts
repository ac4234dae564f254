// How a and ∇_a of each layer are spread over the units and the rows of a mini-batch.

import { find, make, namePicture, sharp } from "../dom";
import { level } from "../network/scale";
import { percent, subscript, written } from "../numbers";
import type { Frame, Setup } from "../protocol";
import { font, theme } from "../theme";

export class Histograms {
  private frame: Frame | null = null;
  private readonly card = find("histograms");
  private readonly box = find("histogram-rows");

  constructor() {
    new ResizeObserver(() => this.draw()).observe(this.box);
  }

  begin(setup: Setup): void {
    this.frame = null;
    this.card.hidden = setup.history !== undefined; // of a lesson: it has none
    const layers = setup.network.sizes.slice(1).map((_, k) => k + 1);
    this.box.replaceChildren(
      ...layers.map((layer) => make("section", { className: "spread" }, make("h3", { textContent: `Layer ${layer}` }), figure(`a.${layer}`), figure(`grad_a.${layer}`))),
    );
  }

  /** Frames have histograms only while they are shown. */
  show(frame: Frame): void {
    if (!frame.histograms) return;
    this.frame = frame;
    this.draw();
  }

  draw(): void {
    const { frame } = this;
    if (!frame?.histograms) return;
    for (const canvas of this.box.querySelectorAll("canvas")) {
      const name = canvas.dataset.array!;
      const [facts, counts] = [frame.histograms[name], frame.numbers.get(`histogram.${name}`)?.values];
      if (!facts || !counts) continue;
      const [quantity, layer] = name.split(".");
      const symbol = `${quantity === "a" ? "" : "∇"}a${subscript(Number(layer))}`;
      const zeros = facts.zeros > 0 ? `, ${percent(facts.zeros)} are 0` : "";
      const said = `${symbol} within ±${written(facts.most, 2)}${zeros}`;
      canvas.nextElementSibling!.textContent = said;
      canvas.setAttribute("aria-label", `Histogram of ${said}`);
      paint(canvas, counts);
    }
  }
}

function figure(array: string): HTMLElement {
  const canvas = make("canvas", {});
  canvas.dataset.array = array;
  namePicture(canvas, "Histogram");
  return make("figure", {}, canvas, make("figcaption", {}));
}

/** Bars by their square roots, so that few numbers far out are still seen; the one in the middle is around 0. */
function paint(element: HTMLCanvasElement, counts: Float32Array): void {
  const canvas = sharp(element);
  if (!canvas) return;
  const { context, width, height } = canvas;
  const { negative, positive, quiet, line, type } = theme();
  const bottom = height - 13 * type;
  const most = Math.max(1, ...counts);
  const [piece, middle] = [width / counts.length, (counts.length - 1) / 2];
  counts.forEach((count, k) => {
    const tall = Math.sqrt(count / most) * (bottom - 2);
    context.fillStyle = k === middle ? quiet : (k < middle ? negative : positive)[level(k - middle, middle)]!;
    context.fillRect(k * piece, bottom - tall, Math.max(1, piece - 1), tall);
  });
  context.fillStyle = line;
  context.fillRect(0, bottom, width, 1);
  context.fillStyle = quiet;
  context.font = font(10.5);
  context.textAlign = "center";
  context.fillText("0", width / 2, height - 2);
}
