// The drawing of the network: two canvases, the network below and what is lit above; pointer and keyboard.

import type { Colour } from "../page/address";
import { find, make, say, sharp } from "../dom";
import { placesOf, type Mark } from "../walk/marks";
import { written } from "../numbers";
import type { Frame, Paths, Setup, Slide } from "../protocol";
import { font } from "../theme";
import { moveCursor } from "./cursor";
import { Drag } from "./drag";
import { heightFor, layOut, unitAt, type Layout, type Unit } from "./layout";
import { forgetLegends, showLegend } from "./legend";
import { lightMessages, lightNeighbours, lightPaths, lightPlace, lightPlaces } from "./light";
import { MANY, paint } from "./paint";
import { Maps } from "./pictures";
import { exists, nameOf, numbersAt, placeAt, samePlace, type Place } from "./place";
import { Scale } from "./scale";
import { isGradient, isLit, titlesOf, unitsName, weightsName, weightsOf, type View } from "./view";

const TRAVEL = 900; // milliseconds that a message takes from layer to layer
const MOST_MESSAGES = 160;
const EARLIER = 0.3; // how strongly the terms before the last one are lit

export interface Asked {
  /** A unit or a weight was chosen. */
  open(place: Place): void;
  /** The choice was taken back. */
  close(): void;
  /** A weight, or a unit for its bias, is dragged: so many pixels up from where it began; null at the beginning. */
  drag(place: Place, by: number | null): void;
  /** A unit or a weight is pointed at, or none any more. */
  point(place: Place | null): void;
}

export class Drawing {
  private setup: Setup | null = null;
  private frame: Frame | null = null;
  private layout: Layout | null = null;
  private color: Colour = "value";
  private slide: Slide | null = null;
  private selected: Place | null = null;
  private hovered: Place | null = null;
  private cursor: Place = { kind: "unit", layer: 1, unit: 1 };
  private paths: Paths | null = null;
  private onlyPath: number | null = null;
  private marked: Mark[] = []; // of the term of a formula that is pointed at
  private trail: Mark[][] = []; // the terms of a sum that were added, the last one first
  private readonly maps = new Maps();
  private scales = new Map<string, Scale>();
  private travelStarted = 0;
  private readonly box = find("drawing");
  private readonly below = find<HTMLCanvasElement>("network");
  private readonly above = find<HTMLCanvasElement>("overlay");
  private readonly tip = find("tip");

  constructor(private readonly asked: Asked) {
    new ResizeObserver(() => this.arrange()).observe(this.box);
    this.above.addEventListener("pointermove", (event) => this.hover(event));
    this.above.addEventListener("pointerleave", () => this.leave());
    this.above.addEventListener("click", (event) => this.click(event));
    new Drag(this.above, (event) => this.hit(event, 9), asked.drag);
    this.above.addEventListener("keydown", (event) => this.key(event));
    this.above.addEventListener("focus", () => this.showCursor());
    this.above.addEventListener("blur", () => this.leave());
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.frame = null;
    this.paths = null;
    this.hovered = null;
    this.scales.clear();
    this.maps.forget();
    const depth = setup.network.sizes.length - 1;
    this.cursor = { kind: "unit", layer: depth, unit: setup.drawn.units[String(depth)]?.[0] ?? 1 };
    say(find("drawn-note"), setup.drawn.note);
    this.arrange();
  }

  show(frame: Frame): void {
    this.frame = frame;
    this.maps.keep(frame);
    this.draw();
  }

  colourBy(color: Colour): void {
    const otherwise = (color === "picture") !== (this.color === "picture");
    this.color = color;
    if (otherwise) this.arrange(); // pictures are larger than numbers
    else this.draw();
  }

  walk(slide: Slide | null): void {
    const moved = slide !== null && slide.at !== this.slide?.at;
    const opens = (slide === null) !== (this.slide === null);
    this.slide = slide;
    this.marked = [];
    if (opens) this.arrange(); // beside a slide it has another size
    else this.draw();
    if (moved && !matchMedia("(prefers-reduced-motion: reduce)").matches) this.travel();
  }

  select(place: Place | null): void {
    this.selected = place;
    this.paths = null;
    this.onlyPath = null;
    if (place && this.layout && exists(place, this.layout)) this.cursor = place;
    this.draw();
  }

  lightPaths(paths: Paths | null): void {
    this.paths = paths;
    this.onlyPath = null;
    this.draw();
  }

  lightOne(path: number | null): void {
    this.onlyPath = path;
    this.drawAbove();
  }

  /** Lights what a term of a formula speaks of. */
  lightTerm(marks: Mark[]): void {
    if (marks.length === 0 && this.marked.length === 0) return;
    this.marked = marks;
    this.drawAbove();
  }

  /** Lights the terms of a sum: the last one added first. */
  lightSum(trail: Mark[][]): void {
    this.trail = trail;
    this.drawAbove();
  }

  redraw(): void {
    this.arrange();
  }

  private get view(): View | null {
    const { color, slide, setup } = this;
    return setup && { color, slide, depth: setup.network.sizes.length - 1 };
  }

  /** Whether units show pictures and not numbers. */
  private get pictures(): boolean {
    return this.color === "picture" && this.slide === null;
  }

  private arrange(): void {
    if (!this.setup) return;
    const width = this.box.clientWidth;
    if (width === 0) return;
    // Beside a slide the drawing is as high as there is room
    this.box.style.height = this.slide ? "" : `${heightFor(this.setup, width)}px`;
    const height = this.box.clientHeight;
    const context = this.below.getContext("2d");
    if (!context) return;
    context.font = font(12);
    forgetLegends(); // their widths may have changed too
    this.layout = layOut(this.setup, width, height, (text) => context.measureText(text).width, this.pictures);
    this.draw();
  }

  private draw(): void {
    const { setup, frame, layout, view } = this;
    if (!setup || !frame || !layout || !view) return;
    const canvas = sharp(this.below);
    if (!canvas) return;
    const dimmed = this.paths !== null || (this.selected !== null && exists(this.selected, layout));
    paint(canvas.context, { setup, frame, layout, view, scaleOf: this.scalesOf(view, frame, layout), maps: this.maps, dimmed });
    const titles = titlesOf(view, setup);
    const [units, weights] = [unitsName(view, 1), weightsName(view, 1)].map((name) => this.scale(scaleName(view, name ?? "")).most);
    showLegend("units", titles.units, units!);
    const faint = layout.weights > MANY ? ", the faintest left out" : "";
    showLegend("weights", titles.weights + faint, weights!);
    this.drawAbove();
    this.showSelection();
  }

  /** One line below the drawing, so that the numbers of the selected place are seen without the derivation. */
  private showSelection(): void {
    const { setup, layout, frame, selected, view } = this;
    const box = find("selection");
    if (!setup || !layout || !frame || !view || !selected || !exists(selected, layout)) {
      const drag = make("span", { className: "drag-said", textContent: " Drag it up or down to change it." });
      if (setup) box.replaceChildren("Click a unit or a weight to see where its gradient comes from.", drag);
      return;
    }
    const name = document.createElement("b");
    name.textContent = nameOf(selected, setup);
    const numbers = numbersAt(selected, layout, frame, view).map(({ name, value }) => line(`${name} = ${written(value)}`));
    const below = document.createElement("button");
    below.textContent = "to its derivation";
    below.addEventListener("click", () => find("explain-title").scrollIntoView());
    box.replaceChildren(name, ...numbers.flatMap((number) => [" ", number]), " ", below);
  }

  /** Values share a scale, and so do gradients, and the weights: that of what is lit. */
  private scalesOf(view: View, frame: Frame, layout: Layout): (name: string) => Scale {
    const groups = new Map<string, Float32Array[]>();
    layout.layers.forEach((layer, i) => {
      for (const name of [unitsName(view, i), i > 0 ? weightsName(view, i) : null]) {
        // An image of inputs has a scale of its own, grey
        if (name === null || !isLit(view, name) || (layer.image && name === "h.0")) continue;
        const group = scaleName(view, name);
        groups.set(group, [...(groups.get(group) ?? []), frame.numbers.get(name)?.values ?? new Float32Array()]);
      }
    });
    if (this.pictures) groups.get("values")?.push(...this.maps.arrays());
    for (const [group, arrays] of groups) this.scale(group).follow(arrays);
    return (name) => this.scale(scaleName(view, name));
  }

  private scale(name: string): Scale {
    const scale = this.scales.get(name) ?? new Scale();
    this.scales.set(name, scale);
    return scale;
  }

  private drawAbove(): void {
    const { layout } = this;
    if (!layout) return;
    const canvas = sharp(this.above);
    if (!canvas) return;
    const { context } = canvas;
    [...this.trail].reverse().forEach((marks, k, all) => this.lightMarks(context, layout, marks, k === all.length - 1 ? 1 : EARLIER));
    this.lightMarks(context, layout, this.marked, 1);
    if (this.paths) lightPaths(context, layout, this.paths, this.onlyPath);
    if (this.selected) lightPlace(context, layout, this.selected, true);
    if (this.hovered) {
      lightNeighbours(context, layout, this.hovered);
      lightPlace(context, layout, this.hovered, false);
    }
    const share = (performance.now() - this.travelStarted) / TRAVEL;
    if (share < 1 && this.slide) lightMessages(context, layout, this.messages(), share, this.slide.talk !== "forward");
  }

  private lightMarks(context: CanvasRenderingContext2D, layout: Layout, marks: Mark[], strength: number): void {
    for (const mark of marks) lightPlaces(context, layout, placesOf(mark, layout), strength);
  }

  /** The lines of the lit weights along which messages travel: the strongest, if there are many. */
  private messages(): [Unit, Unit][] {
    const { layout, frame, slide, view } = this;
    if (!layout || !frame || !slide || !view || slide.talk === "update") return [];
    const found: { line: [Unit, Unit]; size: number }[] = [];
    for (const { quantity, layer: i } of slide.light) {
      if (!quantity.endsWith("W")) continue;
      const [to, from] = [layout.layers[i]?.units ?? [], layout.layers[i - 1]?.units ?? []];
      weightsOf(view, frame, i)?.values.forEach((value, k) => {
        found.push({ line: [from[k % from.length]!, to[Math.floor(k / from.length)]!], size: Math.abs(value) });
      });
    }
    found.sort((one, other) => other.size - one.size);
    return found.slice(0, MOST_MESSAGES).map(({ line }) => line);
  }

  private travel(): void {
    this.travelStarted = performance.now();
    const next = (): void => {
      this.drawAbove();
      if (performance.now() - this.travelStarted < TRAVEL) requestAnimationFrame(next);
      else this.drawAbove();
    };
    requestAnimationFrame(next);
  }

  private hit(event: MouseEvent, near: number): Place | null {
    const { layout, frame, view } = this;
    if (!layout || !frame || !view) return null;
    const box = this.above.getBoundingClientRect();
    return placeAt(layout, frame, view, event.clientX - box.left, event.clientY - box.top, near);
  }

  private hover(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    const place = this.hit(event, 5);
    const box = this.above.getBoundingClientRect();
    this.above.classList.toggle("over", place !== null);
    this.showTip(place, event.clientX - box.left, event.clientY - box.top);
    if (!samePlace(place, this.hovered)) this.lightHovered(place);
  }

  private leave(): void {
    this.showTip(null, 0, 0);
    this.lightHovered(null);
  }

  private lightHovered(place: Place | null): void {
    this.hovered = place;
    this.asked.point(place);
    this.drawAbove();
  }

  private click(event: MouseEvent): void {
    const place = this.hit(event, 9);
    if (place) {
      this.cursor = place;
      this.showTip(null, 0, 0);
      this.asked.open(place);
    } else if (this.selected) {
      this.asked.close();
    }
  }

  private showTip(place: Place | null, x: number, y: number): void {
    const { setup, layout, frame, view } = this;
    if (!place || !setup || !layout || !frame || !view) {
      this.tip.hidden = true;
      return;
    }
    const numbers = numbersAt(place, layout, frame, view).slice(0, 4);
    this.tip.replaceChildren(nameOf(place, setup), ...numbers.map(({ name, value }) => line(`${name} = ${written(value)}`)));
    this.tip.hidden = false;
    const left = Math.max(4, Math.min(x + 14, layout.width - this.tip.offsetWidth - 4));
    const below = y + 18 + this.tip.offsetHeight < layout.height;
    this.tip.style.transform = `translate(${left}px, ${below ? y + 18 : Math.max(0, y - this.tip.offsetHeight - 12)}px)`;
  }

  private key(event: KeyboardEvent): void {
    const { layout } = this;
    if (!layout || event.ctrlKey || event.metaKey || event.altKey) return;
    const moved = moveCursor(layout, this.cursor, event.key, event.shiftKey);
    if (moved) this.cursor = moved;
    else if (event.key === "Enter") {
      this.leave(); // the selected place has a mark of its own
      this.asked.open(this.cursor);
    } else return;
    event.preventDefault();
    event.stopPropagation();
    if (moved) this.showCursor();
  }

  /** Shows and says where the keyboard is; only after a key, so that a click leaves no second mark. */
  private showCursor(): void {
    const { setup, layout, frame, view } = this;
    if (!setup || !layout || !frame || !view || !this.above.matches(":focus-visible")) return;
    this.lightHovered(this.cursor);
    const numbers = numbersAt(this.cursor, layout, frame, view).map(({ name, value }) => `${name} = ${written(value)}`);
    find("selected").textContent = `${nameOf(this.cursor, setup)}: ${numbers.join(", ")}`;
    const unit = unitAt(layout, this.cursor.layer, this.cursor.unit);
    if (unit) this.showTip(this.cursor, unit.x, unit.y);
  }
}

/** Which numbers have one scale: on each slide its own, so that what it lights is seen. */
function scaleName({ slide }: View, array: string): string {
  const kind = (isGradient(array) ? "gradients" : "values") + (array.split(".")[0]!.endsWith("W") ? " of weights" : "");
  return isGradient(array) && slide ? `${kind} ${slide.at}` : kind;
}

function line(text: string): HTMLElement {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}
