// A network in training, as src/backtalk/apps/lab/trainer.py trains it: the same rows in the same order, step by step.

import type { Configuration } from "../protocol";
import type { Data } from "./data";
import { Net, type Description, type Examples, type Exports, type GeneratorState, type Update } from "./kernels";
import { afterEpoch, factors, FRESH, type Schedule } from "./schedules";

/** What a lesson says of its training: src/backtalk/apps/lab/lesson/training.py. */
export interface TrainingFacts {
  network: Description;
  wide: boolean; // its numbers are of 64 bits
  updates: Record<string, Update>;
  generator: GeneratorState; // before anything is drawn
  schedules: Record<string, Schedule>;
  held_out: number[];
  training: number[];
  judged: number; // rows at the most, if none is held out
  outputs: number[]; // the units, from 0, whose ŷ is what an example should have
  divides: [boolean, boolean]; // whether ∂ℒ/∂ŷ divides by ŷ, and by 1 − ŷ
  smallest: number; // that these may be
  binary: boolean; // each output says yes or no
  mean: number; // numbers were scaled: (number − mean) / scale
  scale: number;
}

export interface Parameters {
  W: Float64Array[]; // of layers 1 … L
  b: Float64Array[];
}

export const ENDLESS = 2 ** 31 - 1;

export class Training {
  step = 0;
  loss = NaN; // mean over the steps of the last call, each before its step
  before = NaN; // of the mini-batch of the last step
  stopped = ""; // why, if training diverged
  parameters: Parameters;
  readonly heldOut: Examples | null;
  readonly judged: Examples;
  readonly net: Net;
  private readonly batchSize: number;
  private rates = new Float64Array();
  private order = new Int32Array();
  private place = 0;
  private epochs = 0;
  private schedule = FRESH;
  private sum = { loss: 0, examples: 0 }; // of this epoch
  private batch: ArrayLike<number>;

  constructor(
    kernels: Exports,
    private readonly facts: TrainingFacts,
    private readonly data: Data,
    private readonly configuration: Configuration,
    first: Parameters,
  ) {
    const { network, wide, updates, generator, training, held_out, judged } = facts;
    const update = { ...updates[configuration.optimizer]!, l2_penalty: configuration.l2_penalty };
    this.net = new Net(kernels, network, wide, update);
    this.batchSize = update.whole_batch ? training.length : Math.min(configuration.batch, training.length);
    this.net.give(data.rows(training));
    this.net.standAt(generator);
    if (configuration.dropout) this.net.dropOut(configuration.dropout);
    this.heldOut = held_out.length ? data.rows(held_out) : null;
    this.judged = this.heldOut ?? data.rows(training.slice(0, judged));
    this.parameters = first;
    this.stand(first);
    this.beginEpoch();
    this.batch = this.nextRows();
  }

  /** At these weights, with the optimizer's arrays as they are. */
  stand(at: Parameters): void {
    at.W.forEach((W, k) => this.net.pack(k + 1, W, at.b[k]!));
    this.read();
  }

  /** How many times the rows were gone through. */
  get epoch(): number {
    return this.epochs + this.place / this.order.length;
  }

  /** The learning rate of the next step. */
  get rate(): number {
    return this.rates[Math.min(Math.floor(this.place / this.batchSize), this.rates.length - 1)]!;
  }

  /** Another learning rate, from the next step on. */
  setRate(rate: number): void {
    this.configuration.rate = rate;
    this.rates = this.ratesOfEpoch();
  }

  /** The mini-batch of the last step, or before the first step that of the first one. */
  get lastBatch(): Examples {
    return this.data.rows(this.batch);
  }

  /** Takes so many steps, or as many as there is time for: at least one of them, unless training diverges. */
  advance(count: number, seconds = Infinity): void {
    if (this.stopped || count === 0) return;
    const until = performance.now() + 1000 * seconds;
    let [left, loss, examples] = [count, 0, 0];
    const take = (most: number): void => {
      const taken = this.take(most, (until - performance.now()) / 1000);
      left -= taken.steps;
      [loss, examples] = [loss + taken.loss, examples + taken.examples];
    };
    while (left > 1 && !this.stopped && (left === count || performance.now() < until)) take(left - 1);
    const before = { loss, examples };
    if (!this.stopped) take(1); // alone, so that its mini-batch and its loss are known
    if (examples > before.examples) this.before = (loss - before.loss) / (examples - before.examples);
    if (examples > 0) this.loss = loss / examples;
    this.read();
  }

  private take(most: number, seconds: number): { steps: number; loss: number; examples: number } {
    const at = Math.floor(this.place / this.batchSize);
    const taken = this.net.train(this.place, this.batchSize, this.rates.subarray(at), Math.min(most, ENDLESS), Math.max(seconds, 0));
    const { steps, place, loss, examples, diverged } = taken;
    if (steps > 0) {
      const last = this.place + (steps - 1) * this.batchSize;
      this.batch = this.rowsFrom(last);
    }
    this.step += steps;
    this.place = place;
    this.sum = { loss: this.sum.loss + loss, examples: this.sum.examples + examples };
    if (diverged || !Number.isFinite(loss)) {
      this.stopped = `Training diverged at step ${this.step + 1}: use a smaller learning rate. The last good network is shown.`;
    } else if (place === this.order.length) this.closeEpoch();
    return taken;
  }

  private closeEpoch(): void {
    this.epochs += 1;
    const mean = this.sum.loss / this.sum.examples;
    const loss = (): number => {
      this.read();
      return this.heldOut ? this.net.loss(this.heldOut) : mean;
    };
    this.schedule = afterEpoch(this.facts.schedules[this.configuration.schedule]!, loss, this.schedule);
    this.beginEpoch();
  }

  private beginEpoch(): void {
    this.order = this.net.shuffle(this.facts.training.length);
    this.place = 0;
    this.sum = { loss: 0, examples: 0 };
    this.rates = this.ratesOfEpoch();
  }

  /** A schedule that is over stays at its last rate. */
  private ratesOfEpoch(): Float64Array<ArrayBuffer> {
    const inEpoch = Math.ceil(this.order.length / this.batchSize);
    const place = { number: this.epochs + 1, step: this.epochs * inEpoch, inEpoch, total: this.configuration.epochs * inEpoch };
    return factors(this.facts.schedules[this.configuration.schedule]!, place, this.schedule).map((factor) => this.configuration.rate * factor);
  }

  private nextRows(): ArrayLike<number> {
    return this.rowsFrom(this.place);
  }

  private rowsFrom(place: number): ArrayLike<number> {
    return Array.from(this.order.subarray(place, place + this.batchSize), (n) => this.facts.training[n]!);
  }

  /** The weights from the kernels: what is shown is of these from then on. */
  private read(): void {
    const layers = Array.from({ length: this.net.depth }, (_, k) => this.net.unpack(k + 1));
    this.parameters = { W: layers.map(({ W }) => W), b: layers.map(({ b }) => b) };
  }
}
