// The messages between page and server, as docs/lab.md has them.

import type { LossPlane } from "./compare/contours";
import type { LossLine } from "./compare/line_search";
import type { Colour } from "./page/address";
import type { Formulas, Remark } from "./formulas/equation";
import type { Rows } from "./formulas/evaluation";
import type { Leaf } from "./formulas/tree";
import { doubles, Values, type Block } from "./formulas/values";

export interface Configuration {
  data: string;
  layers: number[];
  activation: string | string[];
  loss: string; // or "auto": the one that suits the data
  output: string; // or "auto": the one that goes with the loss
  initialization: string; // or "auto": for each layer the one of its activation
  optimizer: string;
  rate: number;
  schedule: string;
  epochs: number; // of a schedule that goes over a whole run
  batch: number;
  l2_penalty: number;
  dropout: number;
  seed: number;
  noise: number;
}

export type Sent =
  | ({ type: "configure" } & Configuration)
  | { type: "rate"; rate: number }
  | { type: "run" | "pause" | "step" | "reset" | "diagnose" | "drawn" }
  | { type: "speed"; steps: number }
  | { type: "example"; row: number }
  | { type: "goto"; step: number } // of a recording
  | { type: "train" } // on from the step of a recording that is shown
  | { type: "look"; maps: boolean; histograms: boolean }
  | { type: "set"; quantity: string; value: number }
  | { type: "slide"; at: number | null }
  | { type: "explain"; quantity: string }
  | ({ type: "compare" } & Sides)
  | { type: "alone" }
  | { type: "plane"; directions: "path" | "random" }
  | { type: "exercise"; exercise: Asked }
  | { type: "mark"; exercise: Asked; answers: Record<string, Answer> };

/** Which exercise sheet; `also`: with all kinds of questions. */
export interface Asked {
  seed: number;
  sizes: number[];
  activation: string;
  also: boolean;
}

export type Answer = string | string[] | string[][];

export interface Question {
  name: string;
  latex: string;
  shape: number[]; // of the answer: none for a number, one for a vector
}

export interface Sheet {
  type: "exercise";
  exercise: Asked;
  offered: { sizes: number[][]; activations: string[] };
  blocks: (
    | { kind: "heading"; text: string }
    | { kind: "words"; parts: string[] } // every second one is a formula
    | { kind: "drawing"; said: string; size: [number, number]; svg: string } // the elements of an <svg>
    | { kind: "given"; latex: string[] }
    | { kind: "questions"; questions: Question[] }
  )[];
}

export interface Marks {
  type: "marks";
  exercise: Asked;
  right: number;
  rows: { name: string; verdict: string; said: string }[];
  mistakes: { said: string; formula: string; advice: string }[];
}

export interface DataSet {
  name: string;
  title: string;
  inputs: number;
  classes: string[];
  noise: boolean;
  network: Pick<Configuration, "layers" | "activation"> | null; // with which the network that comes with it is shown
}

export interface Hello {
  type: "hello";
  version: string;
  resumed?: boolean;
  data: DataSet[];
  activations: string[];
  losses: string[];
  outputs: string[];
  optimizers: string[];
  initializations: string[];
  schedules: string[];
  over_whole_run: string[]; // the schedules that need to know the number of epochs
  limits: { upload_bytes: number; layers: number; units: number };
  start: Configuration & { example?: number; color?: Colour; quantity?: string };
  comparisons?: Comparison[]; // that are prepared
  recorded?: { steps: number; rows: number[]; trains: boolean }; // a lesson: any step can be gone to
}

export interface Points {
  x: [number, number][];
  y: number[];
  row?: number[];
}

export interface Setup {
  type: "setup";
  configuration: Configuration;
  task: "classification" | "regression";
  rows: number;
  held_out: number;
  columns: string[];
  classes: string[];
  image: [number, number] | null;
  network: {
    sizes: number[];
    activations: string[];
    output: string;
    loss: string;
    auto: { loss: string; output: string }; // what "auto" stands for
    parameters: number;
  };
  drawn: { whole: boolean; units: Record<string, number[]>; note: string };
  points: Points | null;
  bounds: [number, number, number, number] | null;
  curve: { from: number; to: number; x: number[]; y: number[]; row: number[] } | null; // for a number over one input
  // Of a lesson:
  shown?: number[]; // the rows that are recorded; else any can be shown
  history?: Pick<FrameHead, "step" | "loss" | "validation_loss" | "flow">[]; // every step
  live?: boolean; // the page trains it on from the last of these
}

export interface FrameHead {
  type: "frame";
  step: number;
  epoch: number;
  running: boolean;
  rate: number;
  loss: number | null; // mean over the steps since the last frame, each before its step
  batch: { rows: number; before: number | null; after: number | null }; // ℒ of the last mini-batch; before: null if no step was taken
  validation_loss: number | null;
  score: number | null;
  training_score: number | null; // if no row is held out
  edits: number; // how often something was set by hand
  before_by_hand?: Record<string, number>; // what stood there, by quantity; a lesson has none
  flow: (number | null)[];
  histograms?: Record<string, { most: number; zeros: number }>; // of the arrays histogram.a.1, …, while they are shown
  example: { row: number; label: string; prediction: string; loss: number | null; edited: boolean; x?: number[]; y?: number };
  arrays: { name: string; shape: number[] }[];
}

export interface Numbers {
  shape: number[];
  values: Float32Array;
}

/** Arrays by their names, and perhaps an example: what pictures are drawn from. */
export interface Seen {
  numbers: Map<string, Numbers>;
  example?: { x?: number[]; y?: number };
}

export interface Frame extends FrameHead {
  numbers: Map<string, Numbers>;
}

/** Two networks side by side, and what they differ in. */
export interface Sides {
  left: Configuration;
  right: Configuration;
}

/** A comparison that is prepared. */
export interface Comparison extends Sides {
  name: string;
  title: string;
  said: string;
  look: string[]; // the parts of the page that show it
  speed: number; // steps a frame
}

export interface PairSetup {
  type: "pair";
  sides: [Setup, Setup];
}

export interface SideFrame extends Seen {
  step: number;
  epoch: number;
  rate: number;
  loss: number | null; // mean over the steps since the last frame, each before its step
  validation_loss: number | null;
  score: number | null;
  training_score: number | null;
  flow: (number | null)[]; // ‖∇_a‖ of each layer
  units: { count: number; dead: number; different: number };
  stopped: string; // why it takes no further step
}

/** The loss over a plane with the paths of one side or of both, and along the last step of each. */
export interface Planes {
  type: "plane";
  rows: number; // over which ℒ is the mean
  planes: (LossPlane & { sides: Side[] })[];
  lines: (LossLine | null)[]; // null: no step was taken
  said: string; // why there is no plane
}

export type Side = "left" | "right";

export interface PairFrame {
  type: "pair_frame";
  step: number;
  running: boolean;
  sides: [SideFrame, SideFrame];
}

export type Talk = "forward" | "output" | "hidden" | "weights" | "update";
/** What is drawn of a layer: its units by h, a, grad_h or grad_a, or the weights that come into it, W or grad_W. */
export interface Light {
  quantity: string;
  layer: number;
}

/** A number of a formula: the entry of an array at letters, for which `latex` and `text` have § before them. */
export interface Quantity {
  array: string; // of the frame or of the slide
  at: string[];
  latex: string;
  text: string;
}

/** A summand: a product of numbers, or one for each unit of a layer. */
export interface Term {
  over: { letter: string; layer: number } | null;
  negative: boolean;
  factors: (Quantity & { function: string })[]; // with a function, the number is what it is taken of
}

export interface Slide {
  type: "slide";
  at: number;
  count: number;
  talk: Talk;
  title: string;
  statements: { reason: string; latex: string[] }[];
  light: Light[];
  faint: Light[]; // known, but not what the slide is about
  known: string[]; // arrays
  shown: (Quantity & { along: string })[]; // vectors, each along one of its letters
  each: { latex: string; left: Quantity; terms: Term[] } | null; // the equation of one unit or weight
  about: string | null; // the mark of the weight whose update is told
  arrays: Record<string, Nested>; // that the frame does not hold
}

export interface DerivationStep extends Formulas {
  talk: Talk;
  layer: number;
  title: string;
  reason: string;
  remarks: Remark[];
}

export interface DerivationRecord {
  quantity: string;
  left: Leaf;
  digits: number;
  rows: Rows;
  steps: DerivationStep[];
}

export interface Path {
  units: [number, number][];
  factors: number[];
  contribution: number;
  share: number;
}

export interface Paths {
  quantity: string;
  value: number;
  count: string;
  share: number;
  paths: Path[];
  flow: Record<string, number[]>;
}

export type Nested = number | null | Nested[];

export interface Explained {
  type: "derivation";
  quantity: string;
  step?: number;
  row?: number;
  derivation: DerivationRecord;
  values: Values;
  paths: Paths | null;
}

export interface Finding {
  severity: "severe" | "warning" | "note";
  kind: string;
  title: string;
  said: string;
  advice: string;
  layer: number | null;
}

export interface Findings {
  type: "findings";
  step?: number;
  healthy: boolean;
  findings: Finding[];
  said?: string; // instead of findings: nobody looked for any
}

export type Received =
  | Hello
  | Setup
  | PairSetup
  | Planes
  | Slide
  | { type: "slide"; at: null }
  | Explained
  | Findings
  | Sheet
  | Marks
  | { type: "error"; message: string; about: string }
  | { type: "stopped"; message: string };

export interface Uploaded {
  data: string;
  name: string;
  rows: number;
  columns: string[];
  target: string;
  said: string[];
}

/** The message of a derivation, whose arrays are base64 of float64. */
export type SentExplained = Omit<Explained, "values"> & {
  derivation: { arrays: Record<string, Omit<Block, "numbers"> & { base64: string }> };
};

export function readExplained(message: SentExplained): Explained {
  const blocks = Object.entries(message.derivation.arrays).map(
    ([name, { base64, ...block }]): [string, Block] => [name, { ...block, numbers: doubles(base64) }],
  );
  return { ...message, values: new Values(new Map(blocks)) };
}

/** uint32 n, n bytes of JSON, then the float32 arrays that the JSON lists: all little-endian. */
export function readFrame(buffer: ArrayBuffer): Frame | PairFrame {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as FrameHead | PairHead;
  const numbers = new Map<string, Numbers>();
  let offset = 4 + length;
  for (const { name, shape } of head.arrays) {
    const count = shape.reduce((product, size) => product * size, 1);
    numbers.set(name, { shape, values: new Float32Array(buffer, offset, count) });
    offset += 4 * count;
  }
  return head.type === "frame" ? { ...head, numbers } : { ...head, sides: sidesOf(head, numbers) };
}

type PairHead = Omit<PairFrame, "sides"> & { sides: Omit<SideFrame, "numbers">[]; arrays: FrameHead["arrays"] };

/** Each side with its own arrays: `left.surface` is the `surface` of the left one. */
function sidesOf(head: PairHead, numbers: Map<string, Numbers>): [SideFrame, SideFrame] {
  return ["left.", "right."].map((side, k) => {
    const own = [...numbers].filter(([name]) => name.startsWith(side));
    return { ...head.sides[k]!, numbers: new Map(own.map(([name, array]) => [name.slice(side.length), array])) };
  }) as [SideFrame, SideFrame];
}
