// Frames come as fast as they are drawn: each is drawn when the screen is ready, and then the next one is asked for.

import { Charts } from "./plots/charts";
import { Curve } from "./plots/curve";
import { find } from "./dom";
import { toldApart } from "./names";
import type { Drawing } from "./network/drawing";
import { Histograms } from "./plots/histograms";
import type { Frame, Setup } from "./protocol";
import { showExample, showReadouts } from "./bar/readouts";
import { Surface } from "./plots/surface";

export class Screen {
  frame: Frame | null = null;
  private setup: Setup | null = null;
  private short = new Map<string, string>();
  private waits = false; // a frame waits for the screen
  private readonly charts = new Charts();
  private readonly histograms = new Histograms();
  private readonly surface: Surface;
  private readonly curve: Curve;

  constructor(
    private readonly drawing: Drawing,
    chooseRow: (row: number) => void,
    private readonly drawn: () => void,
  ) {
    this.surface = new Surface(find("surface-card"), find<HTMLCanvasElement>("surface"), chooseRow);
    this.curve = new Curve(find("curve-card"), find<HTMLCanvasElement>("curve"), chooseRow);
    document.addEventListener("visibilitychange", () => {
      if (this.frame) this.show(this.frame);
    });
  }

  /** `goesOn`: the connection dropped and came back to the same training, whose curves go on. */
  begin(setup: Setup, goesOn: boolean): void {
    this.setup = setup;
    this.frame = null; // one of the network before may still wait: it does not fit this one
    const cut = toldApart(setup.classes, 30);
    this.short = new Map(setup.classes.map((name, k) => [name, cut[k]!]));
    if (!goesOn) this.charts.begin(setup);
    this.surface.begin(setup);
    find("surface-title").textContent = setup.task === "regression" ? "What it says" : "What it decides";
    find("surface-legend").replaceChildren(...Surface.legend(setup));
    this.curve.begin(setup);
    this.histograms.begin(setup);
    this.drawing.begin(setup);
  }

  show(frame: Frame): void {
    this.frame = frame;
    if (this.waits) return;
    if (document.hidden) {
      this.drawn(); // nobody looks: training goes on without a picture
      return;
    }
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      this.draw();
    });
  }

  repaint(): void {
    this.drawing.redraw();
    this.surface.redraw();
    this.curve.draw();
    this.charts.draw();
    this.histograms.draw();
  }

  private draw(): void {
    const { frame, setup } = this;
    if (frame && setup) this.paint(frame, setup);
    this.drawn(); // also of a frame that was given up, or the server would wait for ever
  }

  private paint(frame: Frame, setup: Setup): void {
    this.drawing.show(frame);
    this.surface.show(frame);
    this.curve.show(frame);
    this.charts.add(frame);
    this.histograms.show(frame);
    showReadouts(frame, setup);
    showExample(frame, setup, this.short);
    document.documentElement.dataset.step = String(frame.step);
  }
}
