// The kernels of native/, as WebAssembly: arrays in, arrays out. native/wasm/page.cpp is the other side.

import { inflated } from "../lesson/unpack";

const LACKS = "This browser runs no WebAssembly with SIMD, so this page plays what was recorded, and cannot train on.";

const DAMAGED =
  "The kernels in this file are damaged, or there is not enough memory for them, so this page plays what was recorded, and " +
  "cannot train on.";

// A module with one function that gives i8x16.splat(0): valid where there is SIMD
const SIMD = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 8, 1, 6, 0, 65, 0, 253, 15, 11);

const LEVELS = 65536; // of a draw of dropout

/** A network as Python describes it to the kernels. */
export interface Description {
  sizes: number[];
  activations: string[]; // the output function's is the last
  parameters: number[];
  loss: string;
  loss_parameter: number;
  levels: number[];
}

export interface Update {
  rule: string;
  momentum: number;
  beta_1: number;
  beta_2: number;
  epsilon: number;
  momentum_decay: number;
  epsilon_hat: boolean;
  corrects: boolean;
  l2_penalty: number;
  weight_decay: number;
  whole_batch: boolean;
}

/** Some examples: labels or a target, as the loss takes them. */
export interface Examples {
  count: number;
  X: Float64Array;
  labels: Int32Array | null;
  target: Float64Array | null;
}

export interface GeneratorState {
  state: string; // hexadecimal, 128 bits
  increment: string;
  half: number | null;
}

export interface Taken {
  steps: number;
  place: number;
  loss: number; // sum over the examples
  examples: number;
  diverged: boolean;
}

export interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  allocate(bytes: number): number;
  release(at: number): void;
  activation(name: number): number;
  loss(name: number): number;
  rule(name: number): number;
  make(wide: number, depth: number, sizes: number, activations: number, parameters: number, loss: number, lossParameter: number, levels: number, level: number, rule: number): number;
  end(page: number): void;
  pack(page: number, layer: number, W: number, b: number): void;
  unpack(page: number, layer: number, W: number, b: number): void;
  give(page: number, examples: number, X: number, labels: number, target: number): void;
  set_update(page: number, rule: number, momentum: number, beta1: number, beta2: number, epsilon: number, momentumDecay: number, epsilonHat: number, corrects: number, l2Penalty: number, weightDecay: number): void;
  set_dropout(page: number, levels: number, seed: bigint): void;
  stand_at(page: number, stateHigh: bigint, stateLow: bigint, incrementHigh: bigint, incrementLow: bigint, hasHalf: number, half: number): void;
  draw(page: number): bigint;
  shuffle(page: number, order: number): void;
  train(page: number, start: number, batchSize: number, rates: number, most: number, seconds: number, found: number): number;
  predict(page: number, rows: number, X: number, yhat: number): void;
  gradients(page: number, rows: number, X: number, labels: number, target: number, step: number, out: number): number;
  activate(page: number, layer: number, count: number, a: number, h: number, slope: number): void;
}

/** The module from base64 of its deflated bytes; an error whose message is a sentence for the reader if they do not run here. */
export async function loadKernels(deflated: string): Promise<Exports> {
  if (typeof WebAssembly === "undefined" || !WebAssembly.validate(SIMD)) throw new Error(LACKS);
  const memory = (): DataView => new DataView(exports.memory.buffer);
  const imports = {
    wasi_snapshot_preview1: {
      clock_time_get: (_clock: number, _precision: bigint, at: number): number => {
        memory().setBigUint64(at, BigInt(Math.round(1e6 * performance.now())), true);
        return 0;
      },
      proc_exit: (): never => {
        throw new Error("The kernels gave up: there is not enough memory.");
      },
    },
    env: { emscripten_notify_memory_growth: (): void => undefined },
  };
  let exports!: Exports; // the imports look at its memory
  try {
    const { instance } = await WebAssembly.instantiate(await inflated(deflated), imports);
    exports = instance.exports as unknown as Exports;
    exports._initialize();
  } catch {
    throw new Error(DAMAGED);
  }
  return exports;
}

/** A network in the kernels' memory, with its steps. Layers are numbered from 1, as in the formulas. */
export class Net {
  private readonly page: number;

  constructor(
    private readonly kernels: Exports,
    readonly description: Description,
    wide: boolean,
    update: Update,
  ) {
    const { sizes, activations, parameters, loss, loss_parameter, levels } = description;
    this.page = this.lend((room) => {
      const kinds = activations.map((name) => room.named("activation", name));
      const rule = room.named("rule", update.rule);
      const page = kernels.make(
        Number(wide), activations.length, room.ints(sizes), room.ints(kinds), room.doubles(parameters), room.named("loss", loss),
        loss_parameter, levels.length, room.doubles(levels), rule,
      );
      kernels.set_update(
        page, rule, update.momentum, update.beta_1, update.beta_2, update.epsilon, update.momentum_decay,
        Number(update.epsilon_hat), Number(update.corrects), update.l2_penalty, update.weight_decay,
      );
      return page;
    });
  }

  /** Gives the memory back; the net is no more. */
  end(): void {
    this.kernels.end(this.page);
  }

  get depth(): number {
    return this.description.activations.length;
  }

  pack(layer: number, W: Float64Array, b: Float64Array): void {
    this.lend((room) => this.kernels.pack(this.page, layer - 1, room.doubles(W), room.doubles(b)));
  }

  /** The network as it stands, which predictions and gradients are of from then on. */
  unpack(layer: number): { W: Float64Array; b: Float64Array } {
    const [inputs, outputs] = this.description.sizes.slice(layer - 1, layer + 1) as [number, number];
    return this.lend((room) => {
      const [W, b] = [room.empty(inputs * outputs), room.empty(outputs)];
      this.kernels.unpack(this.page, layer - 1, W, b);
      return { W: room.read(W, inputs * outputs), b: room.read(b, outputs) };
    });
  }

  /** What it is trained on. */
  give({ count, X, labels, target }: Examples): void {
    this.lend((room) => this.kernels.give(this.page, count, room.doubles(X), room.optional(labels), room.optional(target)));
  }

  /** Hidden units fall silent, in each layer at this rate; the generator draws the seed. */
  dropOut(rate: number): void {
    const levels = Array.from({ length: this.depth - 1 }, () => Math.round(rate * LEVELS));
    this.lend((room) => this.kernels.set_dropout(this.page, room.ints(levels), this.kernels.draw(this.page)));
  }

  standAt({ state, increment, half }: GeneratorState): void {
    const parts = [state, increment].flatMap((text) => [BigInt(text) >> 64n, BigInt.asUintN(64, BigInt(text))]);
    const [a, b, c, d] = parts as [bigint, bigint, bigint, bigint];
    this.kernels.stand_at(this.page, a, b, c, d, Number(half !== null), half ?? 0);
  }

  /** The order of so many examples in the next epoch. */
  shuffle(count: number): Int32Array<ArrayBuffer> {
    return this.lend((room) => {
      const order = room.bytes(4 * count);
      this.kernels.shuffle(this.page, order);
      return new Int32Array(this.kernels.memory.buffer, order, count).slice();
    });
  }

  /** Steps from a place in the order on, each at its rate. */
  train(place: number, batchSize: number, rates: Float64Array, most: number, seconds: number): Taken {
    return this.lend((room) => {
      const found = room.empty(4);
      const steps = this.kernels.train(this.page, place, batchSize, room.doubles(rates), most, seconds, found);
      const [after, loss, examples, diverged] = room.read(found, 4) as unknown as [number, number, number, number];
      return { steps, place: after, loss, examples, diverged: diverged !== 0 };
    });
  }

  /** ŷ of each row. */
  predict(X: Float64Array): Float64Array {
    const { sizes } = this.description;
    const rows = X.length / sizes[0]!;
    return this.lend((room) => {
      const yhat = room.empty(rows * sizes.at(-1)!);
      this.kernels.predict(this.page, rows, room.doubles(X), yhat);
      return room.read(yhat, rows * sizes.at(-1)!);
    });
  }

  /** ℒ of some rows; of step so and so of training, as it has silent units. */
  loss({ count, X, labels, target }: Examples, step = 0): number {
    return this.lend((room) =>
      this.kernels.gradients(this.page, count, room.doubles(X), room.optional(labels), room.optional(target), step, 0),
    );
  }

  /** ℒ, and every quantity of some rows by its name: h.1, a.1, grad_h.1, grad_a.1, grad_W.1, grad_b.1, …, grad_h.0. */
  gradients({ count, X, labels, target }: Examples): { loss: number; arrays: Map<string, Float64Array> } {
    const { sizes } = this.description;
    const parts: [string, number][] = [];
    for (let i = 1; i <= this.depth; i++) {
      for (const name of ["h", "a", "grad_h", "grad_a"]) parts.push([`${name}.${i}`, count * sizes[i]!]);
      parts.push([`grad_W.${i}`, sizes[i - 1]! * sizes[i]!], [`grad_b.${i}`, sizes[i]!]);
    }
    parts.push(["grad_h.0", count * sizes[0]!]);
    const size = parts.reduce((total, [, length]) => total + length, 0);
    return this.lend((room) => {
      const out = room.empty(size);
      const loss = this.kernels.gradients(this.page, count, room.doubles(X), room.optional(labels), room.optional(target), 0, out);
      const numbers = room.read(out, size);
      let first = 0;
      const arrays = parts.map(([name, length]): [string, Float64Array] => [name, numbers.subarray(first, (first += length))]);
      return { loss, arrays: new Map(arrays) };
    });
  }

  /** h = g(a) and g′(a); of the last layer O and O′, unless that is softmax. */
  activate(layer: number, a: Float64Array): { h: Float64Array; slope: Float64Array } {
    return this.lend((room) => {
      const [h, slope] = [room.empty(a.length), room.empty(a.length)];
      this.kernels.activate(this.page, layer - 1, a.length, room.doubles(a), h, slope);
      return { h: room.read(h, a.length), slope: room.read(slope, a.length) };
    });
  }

  /** Memory for one call. */
  private lend<T>(use: (room: Room) => T): T {
    const room = new Room(this.kernels);
    try {
      return use(room);
    } finally {
      room.giveBack();
    }
  }
}

class Room {
  private readonly places: number[] = [];

  constructor(private readonly kernels: Exports) {}

  bytes(count: number): number {
    const at = this.kernels.allocate(Math.max(8, count));
    if (at === 0) throw new Error("There is not enough memory to train on.");
    this.places.push(at);
    return at;
  }

  empty(count: number): number {
    return this.bytes(8 * count);
  }

  doubles(numbers: ArrayLike<number>): number {
    const at = this.empty(numbers.length);
    new Float64Array(this.kernels.memory.buffer, at, numbers.length).set(numbers);
    return at;
  }

  ints(numbers: ArrayLike<number>): number {
    const at = this.bytes(4 * numbers.length);
    new Int32Array(this.kernels.memory.buffer, at, numbers.length).set(numbers);
    return at;
  }

  optional(numbers: Int32Array | Float64Array | null): number {
    return numbers === null ? 0 : numbers instanceof Int32Array ? this.ints(numbers) : this.doubles(numbers);
  }

  /** The number of a name in one of the kernels' tables. */
  named(table: "activation" | "loss" | "rule", name: string): number {
    const text = new TextEncoder().encode(`${name}\0`);
    const at = this.bytes(text.length);
    new Uint8Array(this.kernels.memory.buffer, at, text.length).set(text);
    const found = this.kernels[table](at);
    if (found < 0) throw new Error(`The kernels know no ${table} ${name}.`);
    return found;
  }

  read(at: number, count: number): Float64Array {
    return new Float64Array(this.kernels.memory.buffer, at, count).slice();
  }

  giveBack(): void {
    for (const at of this.places) this.kernels.release(at);
  }
}
