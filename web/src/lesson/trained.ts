// A lesson that this page trains on: the network of the kernels, told in the formulas of the recording.

import { Values, type Block } from "../formulas/values";
import type { Configuration, Explained, Frame, Setup, Slide } from "../protocol";
import { Data } from "../wasm/data";
import { loadKernels } from "../wasm/kernels";
import { Live } from "../wasm/live";
import { Training, type Parameters, type TrainingFacts } from "../wasm/training";
import { filled } from "./open_slides";
import type { Recording } from "./recording";

const NOT_TOLD =
  "In no recorded step did this example have an output of this kind, so its formulas are not in this lesson. Other examples may have theirs, and the lab has all: backtalk lab.";

const SLICE = 0.05; // seconds of steps at a time

const CHOSEN = ["optimizer", "rate", "schedule", "epochs", "batch", "l2_penalty", "dropout"] as const;

/** The kernels of this page, which are loaded once. */
let kernels: ReturnType<typeof loadKernels> | undefined;

export class Trained {
  private constructor(
    private readonly recording: Recording,
    private readonly facts: TrainingFacts,
    private readonly live: Live,
    readonly setup: Setup,
  ) {}

  /** On from a recorded step; an error whose message is a sentence if this page or browser cannot. */
  static async from(recording: Recording, step: number): Promise<Trained> {
    const trained = await Trained.anew(recording, recording.setup.configuration);
    const { training } = trained.live;
    // The recording has no arrays of the optimizer: the steps up to here are taken again
    while (training.step < step && !training.stopped) {
      training.advance(step - training.step, SLICE);
      await new Promise((resolve) => setTimeout(resolve)); // the page stays alive
    }
    training.stand(parametersOf(recording, step));
    trained.setup.history = recording.facts.steps.slice(0, step + 1);
    return trained;
  }

  /** From the first weights on, with settings that may be others than those of the recording. */
  static async anew(recording: Recording, wanted: Configuration): Promise<Trained> {
    const { training: facts, setup: recorded } = recording.facts;
    if ("why" in facts) throw new Error(facts.why);
    kernels ??= loadKernels(document.getElementById("kernels")?.textContent ?? "");
    const data = new Data(recording.array("data.X")!, recording.array("data.y")!);
    const configuration: Configuration = { ...structuredClone(recorded.configuration), ...chosen(wanted, facts) };
    const training = new Training(await kernels, facts, data, configuration, parametersOf(recording, 0));
    const setup: Setup = { ...recorded, configuration, live: true };
    const points = { side: recording.array("surface")?.shape[1] ?? 0, along: recording.array("frame.curve")?.shape[1] ?? 0 };
    return new Trained(recording, facts, new Live(training, facts, data, setup, points), setup);
  }

  get step(): number {
    return this.live.training.step;
  }

  /** Why it cannot go on, or nothing. */
  get stopped(): string {
    return this.live.training.stopped;
  }

  advance(steps: number, seconds: number): void {
    this.live.training.advance(steps, seconds);
  }

  setRate(rate: number): void {
    this.live.training.setRate(rate);
  }

  /** The memory of the kernels is given back. */
  end(): void {
    this.live.training.net.end();
  }

  frame(row: number, running: boolean): Frame {
    return this.live.frame(this.recording.example(0, row), running);
  }

  explained(row: number, text: string): Explained | string {
    const blocks = this.live.blocks(row);
    const kind = this.kindOf(row, blocks);
    return kind === null ? NOT_TOLD : this.recording.derived(text, new Values(blocks), kind, this.step, row);
  }

  /** A slide of the walk through the next step, and how many there are; or a sentence that says why there are none. */
  slide(row: number, at: number): { slide: Slide | null; count: number } | string {
    const blocks = this.live.blocks(row);
    const kind = this.kindOf(row, blocks);
    if (kind === null) return NOT_TOLD;
    const slides = this.recording.facts.open_slides[kind]!;
    const slide = slides[at];
    return { slide: slide ? filled(slide, blocks, this.recording.sizes) : null, count: slides.length };
  }

  /** The kind of the recorded steps of an example whose formulas hold for these numbers too; null if there is none. */
  private kindOf(row: number, blocks: Map<string, Block>): number | null {
    const now = this.signature(blocks);
    if (now === null) return null;
    for (let step = 0; step <= this.recording.last; step++) {
      if (this.signature(this.recording.blocks(step, row)) === now) return this.recording.example(step, row).kind;
    }
    return null;
  }

  /** What the formulas of an example depend on; null if ŷ has rounded to an end of its range. */
  private signature(blocks: Map<string, Block>): number | null {
    const { divides, smallest, network } = this.facts;
    const [yhat, target, rest] = [`h.${network.activations.length}`, "target", "complement"].map((name) => blocks.get(name)!.numbers) as [
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    const [byYhat, byRest] = divides;
    if (byYhat && yhat.some((each, j) => target[j]! > 0 && !(each >= smallest))) return null;
    if (byRest && rest.some((each, j) => target[j]! < 1 && !(each >= smallest))) return null;
    if (network.loss !== "categorical_hinge") return 0;
    // Which of the other outputs is the largest
    return yhat.reduce((best, each, j) => (target[j] !== 1 && (best < 0 || each > yhat[best]!) ? j : best), -1);
  }
}

/** Whether settings are those of the recording, as far as others can be chosen. */
export function isRecorded({ facts: { setup } }: Recording, wanted: Configuration): boolean {
  return CHOSEN.every((name) => String(wanted[name]) === String(setup.configuration[name]));
}

/** What this page can choose of the settings, checked: an error is a sentence. */
function chosen(wanted: Configuration, { updates, schedules, training }: TrainingFacts): Pick<Configuration, (typeof CHOSEN)[number]> {
  const { optimizer, rate, schedule, epochs, batch, l2_penalty, dropout } = wanted;
  const known = (name: string, value: string, offered: string[]): void => {
    if (!offered.includes(value)) throw new Error(`This lesson has no ${name} ${value}: choose one of ${offered.join(", ")}.`);
  };
  const within = (name: string, value: number, fits: boolean, expected: string): void => {
    if (!fits) throw new Error(`${name} is ${value}, expected ${expected}.`);
  };
  known("optimizer", optimizer, Object.keys(updates));
  known("schedule", schedule, Object.keys(schedules));
  within("Learning rate", rate, rate > 0 && rate <= 1e6, "a number above 0, and at most 1000000");
  within("Batch size", batch, Number.isInteger(batch) && batch >= 1 && batch <= 4096, "a whole number from 1 to 4096");
  within("Epochs", epochs, Number.isInteger(epochs) && epochs >= 1 && epochs <= 100_000, "a whole number from 1 to 100000");
  within("L2 penalty", l2_penalty, l2_penalty >= 0 && l2_penalty <= 1e6, "a number from 0 to 1000000");
  within("Dropout", dropout, dropout >= 0 && dropout <= 0.99, "a number from 0 to 0.99");
  const steps = epochs * Math.ceil(training.length / (updates[optimizer]!.whole_batch ? training.length : Math.min(batch, training.length)));
  const { name, rise, warm_up } = schedules[schedule]!;
  if (name === "one_cycle" && Number(rise) * steps <= 1) throw new Error(`The run has ${steps} steps, too few for ${schedule}: choose more epochs.`);
  if (Number(warm_up) > steps) throw new Error(`The run has ${steps} steps, fewer than the warm-up of ${schedule}: choose more epochs.`);
  return { optimizer, rate, schedule, epochs, batch, l2_penalty, dropout };
}

function parametersOf(recording: Recording, step: number): Parameters {
  const layers = recording.sizes.slice(1).map((_, k) => k + 1);
  const at = (name: string): Float64Array => {
    const { shape, numbers } = recording.array(name)!;
    const count = numbers.length / shape[0]!;
    return numbers.slice(step * count, (step + 1) * count);
  };
  return { W: layers.map((i) => at(`W.${i}`)), b: layers.map((i) => at(`b.${i}`)) };
}
