// The settings: data, network, training.

import { choose, find, make, offer, say } from "../dom";
import { spoken, spokenOptimizer } from "../names";
import { subscript, written } from "../numbers";
import type { Configuration, DataSet, Frame, Hello, Setup, Uploaded } from "../protocol";
import { term } from "../terms";

const PER_LAYER = "per layer";
const AUTO = "auto";
const DATA_NAMES: Record<string, string> = { xor: "XOR", and: "AND", worked: "By hand", sine: "Sine" };
/** The settings that stand under More, and what they are if nobody asked. */
const MORE = {
  "network-more": { loss: AUTO, output: AUTO, initialization: AUTO },
  "training-more": { schedule: "constant", l2_penalty: 0, dropout: 0, seed: 0 },
} as const;
const RATES = [1, 3].flatMap((factor) => [-5, -4, -3, -2, -1, 0].map((power) => factor * 10 ** power)).sort((a, b) => a - b);

export class Controls {
  private hello: Hello | null = null;
  private data: DataSet[] = [];
  private configuration: Configuration | null = null;
  private perLayer = false; // whether each layer has an activation of its own to choose
  private readonly layers = find("layers");
  private readonly activation = find<HTMLSelectElement>("activation");
  private readonly ends = { loss: find<HTMLSelectElement>("loss-function"), output: find<HTMLSelectElement>("output-function") };
  private auto = { loss: "", output: "" }; // what "auto" stands for
  private readonly selects = {
    optimizer: find<HTMLSelectElement>("optimizer"),
    initialization: find<HTMLSelectElement>("initialization"),
    schedule: find<HTMLSelectElement>("schedule"),
  };
  private readonly error = find("configure-error");

  /** `changed`: something that begins training anew; `rated`: the learning rate alone. */
  constructor(
    private readonly changed: (configuration: Configuration) => void,
    private readonly rated: (rate: number) => void,
  ) {
    find("controls").addEventListener("submit", (event) => event.preventDefault());
    find("layer-add").addEventListener("click", () => this.edit((next) => addLayer(next)));
    this.activation.addEventListener("change", () => this.edit((next) => this.chooseActivation(next)));
    for (const [name, select] of Object.entries(this.selects)) {
      select.addEventListener("change", () => this.edit((next) => (next[name as keyof typeof this.selects] = select.value)));
    }
    this.ends.loss.addEventListener("change", () => this.edit((next) => (next.loss = this.ends.loss.value)));
    this.ends.output.addEventListener("change", () => this.edit((next) => (next.output = this.ends.output.value)));
    for (const name of ["batch", "epochs", "seed"] as const) {
      const field = find<HTMLInputElement>(name);
      field.addEventListener("change", () => this.edit((next) => (next[name] = whole(field, name === "seed" ? 0 : 1))));
    }
    for (const name of ["l2_penalty", "dropout"] as const) {
      const field = find<HTMLInputElement>(name);
      field.addEventListener("change", () => this.edit((next) => (next[name] = Number(field.value)))); // the server checks it
    }
    const noise = find<HTMLInputElement>("noise");
    noise.addEventListener("input", () => (find("noise-shown").textContent = noise.value));
    noise.addEventListener("change", () => this.edit((next) => (next.noise = Number(noise.value))));
    const rate = find<HTMLInputElement>("rate");
    rate.addEventListener("change", () => this.writtenRate(rate));
    find("rate-down").addEventListener("click", () => this.rate(RATES.filter((each) => each < 0.99 * this.now.rate).at(-1)));
    find("rate-up").addEventListener("click", () => this.rate(RATES.find((each) => each > 1.01 * this.now.rate)));
  }

  /** What the server offers. */
  offer(hello: Hello): void {
    this.hello = hello;
    this.data = hello.data;
    offer(this.selects.optimizer, hello.optimizers, hello.optimizers.map(spokenOptimizer));
    const initializations = [AUTO, ...hello.initializations];
    offer(this.selects.initialization, initializations, initializations.map(spoken));
    offer(this.selects.schedule, hello.schedules, hello.schedules.map(spoken));
    offer(this.activation, [...hello.activations, PER_LAYER]);
    this.offerEnds();
    this.showData();
  }

  has(data: string): boolean {
    return this.data.some(({ name }) => name === data);
  }

  /** The user's file becomes one of the choices. */
  addFile(uploaded: Uploaded): void {
    const inputs = uploaded.columns.length - 1;
    const file = { name: uploaded.data, title: uploaded.name, inputs, classes: [], noise: false, network: null };
    this.data = [...this.data.filter(({ name }) => !name.startsWith("file:")), file];
    this.showData();
  }

  /** The same with one activation, where the layers have the same and none of them was asked for. */
  simplified(configuration: Configuration): Configuration {
    const { activation } = configuration;
    if (typeof activation === "string") return configuration;
    const [first] = activation;
    const same = activation.every((each) => each === first);
    if (!same) this.perLayer = true;
    return same && !this.perLayer ? { ...configuration, activation: first ?? "tanh" } : configuration;
  }

  /** `all`: also a field that is being written in. */
  show(configuration: Configuration, all = false): void {
    this.configuration = structuredClone(this.simplified(configuration));
    say(this.error, "");
    this.showData();
    this.showLayers();
    const { activation, loss, output, rate, epochs, batch, l2_penalty, dropout, seed, noise } = this.configuration;
    choose(this.ends.loss, loss);
    choose(this.ends.output, output);
    choose(this.activation, typeof activation === "string" ? activation : PER_LAYER);
    for (const [name, select] of Object.entries(this.selects)) {
      choose(select, this.configuration[name as keyof typeof this.selects]);
    }
    for (const [name, value] of Object.entries({ rate, epochs, batch, l2_penalty, dropout, seed, noise })) {
      const field = find<HTMLInputElement>(name);
      if (all || document.activeElement !== field || name === "noise") field.value = String(value);
    }
    find("noise-shown").textContent = String(noise);
    find("epochs-row").hidden = !this.hello?.over_whole_run.includes(this.configuration.schedule.replace(/\(.*/, ""));
    for (const [id, usual] of Object.entries(MORE)) {
      const { configuration } = this;
      const said = Object.entries(usual).some(([name, value]) => configuration[name as keyof Configuration] !== value);
      if (said) find<HTMLDetailsElement>(id).open = true;
    }
  }

  /** The learning rate of the next step, if a schedule changes it. */
  showRate(frame: Frame): void {
    const changes = this.now.schedule !== "constant";
    say(find("rate-now"), changes ? `The next step has the learning rate ${written(frame.rate, 3)}.` : "");
  }

  describe(setup: Setup): void {
    this.describeData(setup);
    const { sizes, parameters, output, loss, auto } = setup.network;
    this.auto = auto;
    this.offerEnds();
    find("network-said").textContent =
      `${sizes.join(" → ")}, ${parameters.toLocaleString("en").replaceAll(",", "\u202f")} parameters; ` +
      `output ${spoken(output)} with ${spoken(loss)}.`;
    const { data } = setup.configuration;
    const set = this.data.find(({ name }) => name === data);
    find("settings-summary").textContent = `Settings: ${set ? shortName(set) : data}, ${sizes.join("–")}`;
  }

  private describeData({ configuration, rows, held_out }: Setup): void {
    const count = (n: number): string => (n === 1 ? "1 row" : `${n.toLocaleString("en").replaceAll(",", "\u202f")} rows`);
    const why = configuration.data === "given" ? "nobody can say which rows the network was trained on" : "there are too few";
    const nodes = held_out > 0 ? [`${count(rows)}, ${held_out} of them `, term("held out", "held-out"), "."] : [`${count(rows)}, none `, term("held out", "held-out"), ` because ${why}.`];
    find("data-said").replaceChildren(...nodes);
  }

  /** Losses and output functions, the natural ones first. */
  private offerEnds(): void {
    if (!this.hello) return;
    const { losses, outputs } = this.hello;
    for (const [name, known] of [["loss", losses], ["output", outputs]] as const) {
      const natural = this.auto[name] ? `${spoken(this.auto[name])} (auto)` : AUTO;
      const chosen = this.configuration?.[name] ?? AUTO; // may have parameters, and is then no entry of the list
      offer(this.ends[name], [AUTO, ...known], [natural, ...known.map(spoken)]);
      choose(this.ends[name], chosen);
    }
  }

  refuse(message: string): void {
    say(this.error, message);
  }

  private get now(): Configuration {
    return this.configuration ?? this.hello!.start;
  }

  private edit(change: (next: Configuration) => void): void {
    if (!this.hello) return;
    const next = structuredClone(this.now);
    change(next);
    this.show(next);
    this.changed(next);
  }

  private writtenRate(field: HTMLInputElement): void {
    const { value } = field;
    if (Number(value) > 0) {
      this.rate(Number(value));
      return;
    }
    field.value = String(this.now.rate);
    this.refuse(`The learning rate stays at ${field.value}: ${value === "" ? "what was written is no number" : `${value} is not above 0`}.`);
  }

  private rate(value: number | undefined): void {
    this.refuse(""); // what was said of the rate before
    if (value === undefined) return; // there is none beyond
    const rate = Number(value.toPrecision(6));
    this.configuration = { ...this.now, rate };
    find<HTMLInputElement>("rate").value = String(rate);
    this.rated(rate);
  }

  private chooseActivation(next: Configuration): void {
    const { value } = this.activation;
    this.perLayer = value === PER_LAYER;
    const one = typeof next.activation === "string" ? next.activation : (next.activation[0] ?? "tanh");
    next.activation = value === PER_LAYER ? next.layers.map((_, k) => activationOf(next, k) || one) : value;
    if (value === PER_LAYER && next.layers.length === 0) next.activation = one;
  }

  private showData(): void {
    const box = find("data");
    const chosen = this.configuration?.data;
    const said = JSON.stringify(this.data);
    if (box.dataset.said !== said) {
      box.dataset.said = said;
      box.replaceChildren(
        ...this.data.map((set) => {
          const { name, title } = set;
          const input = make("input", { type: "radio", name: "data", value: name });
          input.addEventListener("change", () => this.edit((next) => Object.assign(next, { data: name }, set.network)));
          return make("label", { className: isOurs(set) ? "tile" : "tile wide", title }, input, make("span", { textContent: shortName(set) }));
        }),
      );
    }
    for (const input of box.querySelectorAll("input")) input.checked = input.value === chosen;
    find("noise-row").hidden = !this.data.find(({ name }) => name === chosen)?.noise;
  }

  private showLayers(): void {
    const { now } = this;
    const limits = this.hello?.limits;
    find<HTMLButtonElement>("layer-add").disabled = now.layers.length >= (limits?.layers ?? 8);
    const focused = document.activeElement instanceof HTMLElement ? document.activeElement.id : "";
    this.layers.replaceChildren(...now.layers.map((size, k) => this.layer(size, k, limits?.units ?? 512)));
    if (focused.startsWith("layer-")) document.getElementById(focused)?.focus();
  }

  private layer(size: number, k: number, most: number): HTMLElement {
    const set = (units: number): void => this.edit((next) => (next.layers[k] = Math.max(1, Math.min(most, units))));
    const field = make("input", { type: "number", id: `layer-${k}`, min: "1", max: String(most), value: String(size) });
    field.setAttribute("aria-label", `Units of hidden layer ${k + 1}`);
    field.addEventListener("change", () => set(Math.round(Number(field.value)) || size));
    const button = (id: string, text: string, label: string, press: () => void): HTMLButtonElement => {
      const made = make("button", { type: "button", className: "round", id: `layer-${k}-${id}`, textContent: text });
      made.setAttribute("aria-label", label);
      made.addEventListener("click", press);
      return made;
    };
    const row = make(
      "li",
      {},
      make("span", { className: "layer-name", textContent: `h${subscript(k + 1)}` }),
      button("fewer", "−", `Fewer units in hidden layer ${k + 1}`, () => set(size - 1)),
      field,
      button("more", "+", `More units in hidden layer ${k + 1}`, () => set(size + 1)),
      button("remove", "×", `Remove hidden layer ${k + 1}`, () => this.edit((next) => removeLayer(next, k))),
    );
    if (typeof this.now.activation !== "string") {
      const select = make("select", { id: `layer-${k}-activation` });
      offer(select, this.hello?.activations ?? []);
      choose(select, activationOf(this.now, k));
      select.setAttribute("aria-label", `Activation of hidden layer ${k + 1}`);
      select.addEventListener("change", () =>
        this.edit((next) => (next.activation = next.layers.map((_, n) => (n === k ? select.value : activationOf(next, n))))),
      );
      row.append(select);
    }
    return row;
  }
}

function isOurs({ name }: DataSet): boolean {
  return /^[a-z]+$/.test(name) && name !== "given";
}

/** Ours by their names, the user's by the title that they came with. */
export function shortName(set: DataSet): string {
  return isOurs(set) ? (DATA_NAMES[set.name] ?? set.name[0]!.toUpperCase() + set.name.slice(1)) : set.title;
}

function addLayer(next: Configuration): void {
  next.layers.push(next.layers.at(-1) ?? 8);
  if (typeof next.activation !== "string") next.activation = [...next.activation, next.activation.at(-1) ?? "tanh"];
}

function removeLayer(next: Configuration, k: number): void {
  next.layers.splice(k, 1);
  if (typeof next.activation === "string") return;
  const left = next.activation.filter((_, n) => n !== k);
  next.activation = left.length ? left : (next.activation[0] ?? "tanh");
}

function activationOf(configuration: Configuration, k: number): string {
  const { activation } = configuration;
  return typeof activation === "string" ? activation : (activation[k] ?? activation.at(-1) ?? "tanh");
}

function whole(field: HTMLInputElement, least: number): number {
  const value = Math.max(least, Math.round(Number(field.value)) || least);
  field.value = String(value);
  return value;
}
