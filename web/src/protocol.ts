// The messages between page and server, as docs/lab.md has them.

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
  | { type: "set"; quantity: string; value: number }
  | { type: "slide"; at: number | null }
  | { type: "explain"; quantity: string };

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
  start: Configuration;
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
  flow: (number | null)[];
  example: { row: number; label: string; prediction: string; loss: number | null; edited: boolean; x?: number[]; y?: number };
  arrays: { name: string; shape: number[] }[];
}

export interface Numbers {
  shape: number[];
  values: Float32Array;
}

export interface Frame extends FrameHead {
  numbers: Map<string, Numbers>;
}

export type Talk = "forward" | "output" | "hidden" | "weights" | "update";
export type Family = "h" | "a" | "grad_a" | "grad_h" | "grad_W";

export interface Slide {
  type: "slide";
  at: number;
  count: number;
  talk: Talk;
  title: string;
  reason: string;
  latex: string[];
  light: { units: number[]; weights: number[] };
  family: Family;
}

export interface Written {
  text: string;
  latex: string;
}

export interface DerivationStep {
  talk: Talk;
  layer: number;
  quantity: string;
  title: string;
  reason: string;
  formula: Written;
  numbers: Written | null;
  value: Written;
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

type Nested = number | null | Nested[];

export interface Explained {
  type: "derivation";
  quantity: string;
  step?: number;
  row?: number;
  derivation: { quantity: string; latex: string; value: Nested; loss: number; steps: DerivationStep[] };
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
}

export type Received =
  | Hello
  | Setup
  | Slide
  | { type: "slide"; at: null }
  | Explained
  | Findings
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

/** uint32 n, n bytes of JSON, then the float32 arrays that the JSON lists: all little-endian. */
export function readFrame(buffer: ArrayBuffer): Frame {
  const length = new DataView(buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length))) as FrameHead;
  const numbers = new Map<string, Numbers>();
  let offset = 4 + length;
  for (const { name, shape } of head.arrays) {
    const count = shape.reduce((product, size) => product * size, 1);
    numbers.set(name, { shape, values: new Float32Array(buffer, offset, count) });
    offset += 4 * count;
  }
  return { ...head, numbers };
}
