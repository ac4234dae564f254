// What a lesson holds: the steps, each with the numbers of the network and of some examples.

import { fill } from "../formulas/tree";
import { Values, type Block } from "../formulas/values";
import type { DerivationRecord, DerivationStep, Explained, Findings, Frame, FrameHead, Hello, Nested, Numbers, Setup, Slide } from "../protocol";
import type { TrainingFacts } from "../wasm/training";
import { numbersOf } from "./numbers";
import type { OpenSlide } from "./open_slides";
import { strongestPaths } from "./paths";
import { asQuantity, named, type Quantity } from "./quantity";
import { rowsThatMatter } from "./rows";
import type { Unpacked } from "./unpack";

const DIGITS = 6;
const FAMILIES = ["W", "b"]; // of the network; the other arrays are those of the examples

type Example = FrameHead["example"] & { kind: number; walk: number[] };

export interface Facts {
  hello: Hello;
  setup: Setup & { shown: number[] };
  steps: (Omit<FrameHead, "type" | "running" | "arrays" | "example"> & { examples: Example[] })[];
  slides: Omit<Slide, "arrays">[];
  findings: Findings[];
  templates: { steps: DerivationStep[]; kinds: Record<string, number[] | string>[] };
  open_slides: OpenSlide[][]; // of each kind
  training: TrainingFacts | { why: string };
  stopped: string;
}

export class Recording {
  readonly rows: number[];
  readonly sizes: number[];

  constructor(private readonly recorded: Unpacked<Facts>) {
    this.rows = recorded.facts.setup.shown;
    this.sizes = recorded.facts.setup.network.sizes;
  }

  get facts(): Facts {
    return this.recorded.facts;
  }

  get setup(): Setup {
    return { ...this.facts.setup, history: this.facts.steps };
  }

  /** The last step. */
  get last(): number {
    return this.facts.steps.length - 1;
  }

  frame(step: number, row: number, running: boolean): Frame {
    const { examples: _, ...facts } = this.facts.steps[step]!;
    const numbers = this.numbers(step, row);
    return { ...facts, type: "frame", running, arrays: [], example: this.example(step, row), numbers };
  }

  /** The derivation of a quantity, or a sentence that says why there is none. */
  explained(step: number, row: number, text: string): Explained | string {
    return this.derived(text, new Values(this.blocks(step, row)), this.example(step, row).kind, step, row);
  }

  /** The same from the values of a step, and the kind of example that they are. */
  derived(text: string, values: Values, kind: number, step: number, row: number): Explained | string {
    const asked = asQuantity(text, this.sizes);
    if (typeof asked === "string") return asked;
    const places = this.template(asked, kind);
    if (typeof places === "string") return places;
    const steps = places.map((place) => fill(this.facts.templates.steps[place]!, asked.indices));
    const derivation: DerivationRecord = {
      quantity: named(asked),
      left: steps.at(-1)!.left as DerivationRecord["left"],
      digits: DIGITS,
      rows: rowsThatMatter(values, asked, this.sizes),
      steps,
    };
    return { type: "derivation", quantity: text, step, row, derivation, values, paths: strongestPaths(values, asked, this.sizes) };
  }

  /** A slide of the walk through a step, and how many there are. */
  slide(step: number, row: number, at: number): { slide: Slide | null; count: number } {
    const { walk } = this.example(step, row);
    const slide = this.facts.slides[walk[at] ?? -1];
    if (!slide) return { slide: null, count: walk.length };
    return { slide: { ...slide, arrays: arraysOf(slide, this.blocks(step, row)) }, count: walk.length };
  }

  /** What a frame says of an example beside its numbers. */
  example(step: number, row: number): Example {
    return this.facts.steps[step]!.examples[this.rows.indexOf(row)]!;
  }

  /** An array by its name, of all steps. */
  array(name: string): { shape: number[]; numbers: Float64Array } | undefined {
    return this.recorded.arrays.get(name) as { shape: number[]; numbers: Float64Array } | undefined;
  }

  findings(step: number): Findings {
    return this.facts.findings.filter((found) => (found.step ?? 0) <= step).at(-1)!;
  }

  private template({ family, layer, indices }: Quantity, kind: number): number[] | string {
    const of = this.facts.templates.kinds[kind]!;
    const open = indices.map((index, side) => (side === 0 && layer === this.sizes.length - 1 ? index : `{${side}}`));
    return of[`${family}[${[layer, ...open].join(",")}]`]!;
  }

  /** The numbers of every symbol at a step, for an example. */
  blocks(step: number, row: number): Map<string, Block> {
    const at = this.rows.indexOf(row);
    const found = new Map<string, Block>();
    for (const [name, { shape, numbers }] of this.recorded.arrays) {
      if (!(numbers instanceof Float64Array) || name === "surface.ends" || /^(frame|data)\./.test(name)) continue;
      const own = shape.slice(FAMILIES.includes(name[0]!) ? 1 : 2);
      const count = own.reduce((product, size) => product * size, 1);
      const first = FAMILIES.includes(name[0]!) ? step : step * shape[1]! + at;
      found.set(name, { shape: own, numbers: numbers.subarray(first * count, (first + 1) * count) });
    }
    return found;
  }

  /** The arrays of a frame. */
  private numbers(step: number, row: number): Map<string, Numbers> {
    const found = numbersOf(this.blocks(step, row), this.sizes);
    const surface = this.surface(step);
    if (surface) found.set("surface", surface);
    for (const [name, { shape: [, ...shape], numbers }] of this.recorded.arrays) {
      if (!name.startsWith("frame.")) continue;
      const count = shape.reduce((product, size) => product * size, 1);
      found.set(name.slice(6), { shape, values: Float32Array.from(numbers.subarray(step * count, (step + 1) * count)) });
    }
    return found;
  }

  /** ŷ over the plane, from bytes between its two ends. */
  private surface(step: number): Numbers | null {
    const [bytes, ends] = [this.recorded.arrays.get("surface"), this.recorded.arrays.get("surface.ends")];
    if (!bytes || !ends) return null;
    const shape = bytes.shape.slice(1);
    const count = shape.reduce((product, size) => product * size, 1);
    const [least, most] = [ends.numbers[2 * step]!, ends.numbers[2 * step + 1]!];
    const values = Float32Array.from(bytes.numbers.subarray(step * count, (step + 1) * count), (byte) => least + ((most - least) * byte) / 255);
    return { shape, values };
  }
}

/** The numbers that a slide shows beside those of the frame. */
export function arraysOf(slide: Pick<Slide, "shown">, blocks: Map<string, Block>): Slide["arrays"] {
  const own = slide.shown.map(({ array }) => array).filter((name) => /^(target|slope|jacobian)/.test(name));
  return Object.fromEntries(own.map((name) => [name, nested(blocks.get(name)!)]));
}

function nested({ shape, numbers }: Block): Nested {
  const [rows, columns] = shape as [number, number?];
  if (columns === undefined) return [...numbers];
  return Array.from({ length: rows }, (_, i) => [...numbers.subarray(i * columns, (i + 1) * columns)]);
}
