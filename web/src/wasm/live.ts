// A network that this page trains: what it shows of it, with the names that a recording has.

import { Values, type Block } from "../formulas/values";
import { numbersOf } from "../lesson/numbers";
import type { Frame, FrameHead, Numbers, Setup } from "../protocol";
import { targetOf, type Data } from "./data";
import type { Examples } from "./kernels";
import type { Training, TrainingFacts } from "./training";

/** How many points the picture over the inputs has: those of a side of the surface, and those of the curve. */
export interface Points {
  side: number;
  along: number;
}

export class Live {
  constructor(
    readonly training: Training,
    private readonly facts: TrainingFacts,
    private readonly data: Data,
    private readonly setup: Setup,
    private readonly points: Points,
  ) {}

  /** `recorded`: what a frame of the recording says of the example. */
  frame(recorded: FrameHead["example"], running: boolean): Frame {
    const { training } = this;
    const { step, epoch, rate, net, lastBatch, heldOut } = training;
    const found = net.gradients(lastBatch);
    const after = this.lossAfter(found.loss, lastBatch);
    const blocks = this.blocks(recorded.row);
    const yhat = blocks.get(`h.${net.depth}`)!.numbers;
    const score = this.score();
    return {
      type: "frame",
      step,
      epoch,
      running,
      rate,
      loss: Number.isNaN(training.loss) ? after : training.loss,
      batch: { rows: lastBatch.count, before: Number.isNaN(training.before) ? null : training.before, after },
      validation_loss: heldOut ? net.loss(heldOut) : null,
      score: heldOut ? score : null,
      training_score: heldOut ? null : score,
      edits: 0,
      flow: Array.from({ length: net.depth }, (_, k) => Math.sqrt(squares(found.arrays.get(`grad_W.${k + 1}`)!))),
      example: { ...recorded, prediction: this.said(yhat), loss: blocks.get("loss")!.numbers[0]! },
      arrays: [],
      numbers: this.numbers(blocks),
    };
  }

  values(row: number): Values {
    return new Values(this.blocks(row));
  }

  /** The numbers of every symbol for an example, as a recording has them. */
  blocks(row: number): Map<string, Block> {
    const { net, parameters } = this.training;
    const { sizes, activations } = net.description;
    const example = this.data.row(row);
    const { loss, arrays } = net.gradients(example);
    const found = new Map<string, Block>();
    const put = (name: string, numbers: Float64Array, shape = [numbers.length]): void => void found.set(name, { shape, numbers });
    put("h.0", example.X);
    for (const [name, numbers] of arrays) if (!/^grad_[Wb]/.test(name)) put(name, numbers);
    for (let i = 1; i <= net.depth; i++) {
      put(`W.${i}`, parameters.W[i - 1]!, [sizes[i]!, sizes[i - 1]!]);
      put(`b.${i}`, parameters.b[i - 1]!);
      if (activations[i - 1] !== "softmax") put(`slope.${i}`, net.activate(i, arrays.get(`a.${i}`)!).slope);
    }
    const [a, yhat] = [arrays.get(`a.${net.depth}`)!, arrays.get(`h.${net.depth}`)!];
    const k = yhat.length;
    if (activations.at(-1) === "softmax") {
      const entry = (i: number, j: number): number => yhat[i]! * (Number(i === j) - yhat[j]!);
      put("jacobian", Float64Array.from({ length: k * k }, (_, n) => entry(Math.floor(n / k), n % k)), [k, k]);
    }
    put("target", targetOf(example, k));
    // 1 − ŷ; of the sigmoid σ(−a), which keeps the digits that ŷ near 1 has rounded away
    put("complement", activations.at(-1) === "sigmoid" ? net.activate(net.depth, a.map((each) => -each)).h : yhat.map((each) => 1 - each));
    put("loss", Float64Array.of(loss));
    return found;
  }

  /** ℒ on the last mini-batch of the network as it stands, as its step had it: with the penalty, and the silent units. */
  private lossAfter(plain: number, batch: Examples): number {
    const { net, parameters, step } = this.training;
    const loss = this.setup.configuration.dropout ? net.loss(batch, Math.max(step, 1)) : plain;
    return loss + (this.setup.configuration.l2_penalty / 2) * parameters.W.reduce((total, W) => total + squares(W), 0);
  }

  /** Accuracy, or R². */
  private score(): number | null {
    const { net, judged } = this.training;
    const { binary } = this.facts;
    const width = net.description.sizes.at(-1)!;
    const yhat = columns(net.predict(judged.X), width, this.facts.outputs);
    const target = columns(targetOf(judged, width), width, this.facts.outputs);
    const k = yhat.length / judged.count;
    const rows = Array.from({ length: judged.count }, (_, n) => [yhat.subarray(n * k, (n + 1) * k), target.subarray(n * k, (n + 1) * k)] as const);
    if (this.setup.classes.length) return rows.filter(([said, wanted]) => largest(said) === largest(wanted)).length / judged.count;
    if (binary) return yhat.reduce((right, each, n) => right + Number(each > 0.5 === target[n]! > 0.5), 0) / yhat.length;
    const means = Array.from({ length: k }, (_, j) => rows.reduce((total, [, wanted]) => total + wanted[j]!, 0) / judged.count);
    const spread = target.reduce((total, each, n) => total + (each - means[n % k]!) ** 2, 0);
    const left = target.reduce((total, each, n) => total + (yhat[n]! - each) ** 2, 0);
    return spread > 0 ? 1 - left / spread : null;
  }

  /** ŷ as people write it: the class, or the numbers. */
  private said(yhat: Float64Array): string {
    const said = columns(yhat, yhat.length, this.facts.outputs);
    const { classes, task } = this.setup;
    if (classes.length) return classes[largest(said)] ?? String(largest(said));
    if (task === "classification") return Array.from(said, (share) => general(share, 3)).join(", ");
    return Array.from(said, (each) => general(each * this.facts.scale + this.facts.mean, 6)).join(", ");
  }

  private numbers(blocks: Map<string, Block>): Map<string, Numbers> {
    const { net } = this.training;
    const found = numbersOf(blocks, net.description.sizes);
    const width = net.description.sizes.at(-1)!;
    const { bounds, curve } = this.setup;
    if (curve) {
      const { along } = this.points;
      const x = Float64Array.from({ length: along }, (_, n) => between(curve.from, curve.to, n, along));
      const yhat = columns(net.predict(x), width, this.facts.outputs);
      found.set("curve", { shape: [along], values: Float32Array.from(yhat, (each) => each * this.facts.scale + this.facts.mean) });
    } else if (bounds) {
      const { side } = this.points;
      const [x0, x1, y0, y1] = bounds;
      const X = new Float64Array(2 * side * side);
      for (let n = 0; n < side * side; n++) X.set([between(x0, x1, n % side, side), between(y0, y1, Math.floor(n / side), side)], 2 * n);
      const values = Float32Array.from(columns(net.predict(X), width, this.facts.outputs));
      found.set("surface", { shape: [side, side, this.facts.outputs.length], values });
    }
    return found;
  }
}

function between(first: number, last: number, n: number, count: number): number {
  return first + ((last - first) * n) / (count - 1);
}

/** Some columns of row-major numbers. */
function columns(numbers: Float64Array, width: number, kept: number[]): Float64Array {
  if (kept.length === width) return numbers;
  return Float64Array.from({ length: (numbers.length / width) * kept.length }, (_, n) => numbers[Math.floor(n / kept.length) * width + kept[n % kept.length]!]!);
}

function largest(numbers: Float64Array): number {
  return numbers.reduce((best, each, k) => (each > numbers[best]! ? k : best), 0);
}

function squares(numbers: Float64Array): number {
  return numbers.reduce((total, each) => total + each * each, 0);
}

/** As Python writes a number with so many significant digits: f"{value:.6g}". */
function general(value: number, digits: number): string {
  const power = value === 0 ? 0 : Number(value.toExponential(digits - 1).split("e")[1]);
  if (power >= -4 && power < digits) return String(Number(value.toPrecision(digits)));
  const [factor] = value.toExponential(digits - 1).split("e");
  return `${Number(factor)}e${power < 0 ? "-" : "+"}${String(Math.abs(power)).padStart(2, "0")}`;
}
