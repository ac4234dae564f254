// The loss plane with the paths of both sides, and the loss along the last step of each: asked for when training pauses.

import { find, make, say } from "../dom";
import type { PairFrame, Planes } from "../protocol";
import { theme } from "../theme";
import { SIDE_NAMES, SIDES } from "./address";
import { ContourPlot } from "./contours";
import { LineSearchPlot } from "./line_search";

const PAUSE = 250; // milliseconds, so that single steps in a row ask once

type Directions = "path" | "random";

export class Landscape {
  private shownAt: number | null = null; // the step of what is shown
  private frame: PairFrame | null = null;
  private waits = false; // for an answer
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly box = find<HTMLDetailsElement>("compare-plane");
  private readonly directions = find<HTMLSelectElement>("plane-directions");
  private readonly planes = SIDES.map(() => new Picture("contours", (canvas, keys) => new ContourPlot(canvas, keys)));
  private readonly lines = SIDES.map(() => new Picture("chart", (canvas, keys) => new LineSearchPlot(canvas, keys)));

  constructor(private readonly ask: (directions: Directions) => boolean) {
    find("planes").append(...this.planes.map(({ element }) => element));
    find("plane-lines").append(...this.lines.map(({ element }) => element));
    this.box.addEventListener("toggle", () => this.request());
    this.directions.addEventListener("change", () => {
      this.shownAt = null;
      this.request();
    });
  }

  open(open: boolean): void {
    this.box.open = open;
  }

  /** Other networks: what is shown is not of them. */
  begin(): void {
    this.frame = null;
    this.shownAt = null;
    this.waits = false;
    say(find("plane-said"), "");
    find("plane-at").textContent = "";
    for (const { element } of [...this.planes, ...this.lines]) element.hidden = true;
    find("plane-lines-title").hidden = true;
  }

  /** The networks of a frame; the plane follows once training pauses. */
  follow(frame: PairFrame): void {
    this.frame = frame;
    if (!frame.running) this.request();
    this.tell();
  }

  show({ planes, lines, rows, said }: Planes): void {
    this.waits = false;
    say(find("plane-said"), said || `ℒ over ${rows} of the rows that are trained on, without penalty and dropout.`);
    this.planes.forEach(({ element, title, plot }, k) => {
      const plane = planes[k];
      element.hidden = !plane;
      if (!plane) return;
      title.textContent = planes.length > 1 ? SIDE_NAMES[plane.sides[0]!] : "";
      title.className = planes.length > 1 ? `side-chip side-${plane.sides[0]}` : "";
      const looks = plane.sides.map((side) => ({ colour: () => theme().sides[SIDES.indexOf(side)]! }));
      plot.begin(plane, looks);
    });
    find("planes").classList.toggle("one", planes.length === 1);
    this.lines.forEach(({ element, title, plot }, k) => {
      const line = lines[k];
      element.hidden = !line;
      title.textContent = SIDE_NAMES[SIDES[k]!];
      title.className = `side-chip side-${SIDES[k]}`;
      plot.show(line ?? null, () => theme().sides[k]!);
    });
    find("plane-lines-title").hidden = !lines.some(Boolean);
    this.tell();
    this.request(); // steps may have been taken, or taken back, meanwhile
  }

  refuse(message: string): void {
    this.waits = false;
    say(find("plane-said"), message);
    this.tell();
    this.request();
  }

  draw(): void {
    for (const { plot } of [...this.planes, ...this.lines]) plot.draw();
  }

  private request(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      const { frame } = this;
      if (!this.box.open || !frame || frame.running || this.waits || this.shownAt === frame.step) return;
      this.waits = this.ask(this.directions.value as Directions);
      if (this.waits) this.shownAt = frame.step;
      this.tell();
    }, PAUSE);
  }

  private tell(): void {
    const { frame, shownAt } = this;
    const old = frame && shownAt !== null && frame.step !== shownAt;
    const text = this.waits ? "computing…" : old ? `of step ${shownAt}; drawn anew at a pause` : "";
    if (find("plane-at").textContent !== text) find("plane-at").textContent = text;
  }
}

/** A canvas with its title, and with words below it. */
class Picture<Plot> {
  readonly element: HTMLElement;
  readonly title = make("span");
  readonly plot: Plot;

  constructor(kind: string, plot: (canvas: HTMLCanvasElement, keys: HTMLElement) => Plot) {
    const canvas = make("canvas", { className: kind });
    const keys = make("div", { className: "keys" });
    this.element = make("figure", { hidden: true }, make("figcaption", {}, this.title), canvas, keys);
    this.plot = plot(canvas, keys);
  }
}
