// The settings of both sides: a column for each, and above them what both share. What differs is marked.

import { choose, find, make, offer, say } from "../dom";
import { spoken, spokenOptimizer } from "../names";
import type { Configuration, Hello, Sides } from "../protocol";
import { shortName } from "../settings/controls";
import { SIDE_NAMES, SIDES } from "./address";
import { differing, SETTING_NAMES, type Setting } from "./difference";

const SHARED = ["data", "noise", "batch", "seed", "epochs"] as const;
const OF_SIDE = ["layers", "activation", "initialization", "output", "loss", "optimizer", "rate", "schedule", "l2_penalty", "dropout"] as const;
const AUTO = "auto";
const LAYERS = /^\s*(\d+\s*(,\s*\d+\s*)*)?$/;

type Field = HTMLSelectElement | HTMLInputElement;

export class SideSettings {
  private sides: Sides | null = null;
  private hello: Hello | null = null;
  private readonly shared = new Map<Setting, Field>();
  private readonly fields = new Map<Setting, [Field, Field]>();
  private readonly rows = new Map<Setting, HTMLElement>();
  private readonly error = find("compare-error");

  constructor(private readonly changed: (sides: Sides) => void) {
    find("compare-form").addEventListener("submit", (event) => event.preventDefault());
    const heads = SIDES.map((side) => make("span", { className: `side-chip side-${side}`, textContent: SIDE_NAMES[side] }));
    find("compare-rows").append(make("div", { className: "side-row side-heads", ariaHidden: "true" }, ...heads));
    for (const name of SHARED) find("compare-shared").append(this.sharedRow(name));
    for (const name of OF_SIDE) find("compare-rows").append(this.sideRow(name));
  }

  offer(hello: Hello): void {
    this.hello = hello;
    const { activations, losses, outputs, optimizers, initializations, schedules } = hello;
    const choices: Partial<Record<Setting, string[]>> = {
      activation: activations, loss: [AUTO, ...losses], output: [AUTO, ...outputs], initialization: [AUTO, ...initializations], optimizer: optimizers, schedule: schedules,
    };
    for (const [name, values] of Object.entries(choices) as [Setting, string[]][]) {
      for (const field of this.fields.get(name)!) offer(field as HTMLSelectElement, values, values.map(name === "optimizer" ? spokenOptimizer : spoken));
    }
  }

  /** `all`: also a field that is being written in. */
  show(sides: Sides, all = false): void {
    this.sides = structuredClone(sides);
    say(this.error, "");
    this.offerData(sides.left.data);
    const show = (field: Field, value: Configuration[Setting]): void => {
      if (all || field instanceof HTMLSelectElement || document.activeElement !== field) put(field, value);
    };
    for (const [name, field] of this.shared) show(field, sides.left[name]);
    for (const [name, fields] of this.fields) SIDES.forEach((side, k) => show(fields[k]!, sides[side][name]));
    const others = differing(sides);
    for (const [name, row] of this.rows) {
      const differs = others.includes(name);
      row.classList.toggle("differs", differs);
      row.querySelector(".visually-hidden")!.textContent = differs ? ", differs" : "";
    }
    const over = this.hello?.over_whole_run ?? [];
    this.shared.get("epochs")!.closest("label")!.hidden = !SIDES.some((side) => over.includes(sides[side].schedule.replace(/\(.*/, "")));
    this.shared.get("noise")!.closest("label")!.hidden = !this.hello?.data.find(({ name }) => name === sides.left.data)?.noise;
  }

  refuse(message: string): void {
    say(this.error, message);
  }

  /** A file of the user's own is offered if it is what is compared. */
  private offerData(chosen: string): void {
    const sets = this.hello?.data ?? [];
    const select = this.shared.get("data") as HTMLSelectElement;
    offer(select, sets.map(({ name }) => name), sets.map(shortName));
    if (chosen.startsWith("file:")) select.append(make("option", { value: chosen, textContent: "Your file" }));
  }

  private sharedRow(name: (typeof SHARED)[number]): HTMLElement {
    const field = name === "data" ? make("select") : number(name === "noise" || name === "seed" ? 0 : 1);
    field.id = `compare-${name}`;
    field.addEventListener("change", () => {
      const value = name === "data" ? field.value : Number(field.value);
      this.edit((sides) => SIDES.forEach((side) => Object.assign(sides[side], { [name]: value })));
    });
    this.shared.set(name, field);
    const row = make("label", { className: "shared-row" }, make("span", { textContent: SETTING_NAMES[name] }), field);
    row.dataset.hint = name;
    return row;
  }

  private sideRow(name: (typeof OF_SIDE)[number]): HTMLElement {
    const fields = SIDES.map((side) => {
      const field = fieldOf(name);
      field.id = `compare-${side}-${name}`;
      field.setAttribute("aria-label", `${SETTING_NAMES[name]}, ${side}`);
      field.addEventListener("change", () => this.read(name, side, field));
      return field;
    }) as [Field, Field];
    this.fields.set(name, fields);
    const cells = fields.map((field) => {
      const cell = make("span", { className: "side-cell" }, field);
      cell.dataset.hint = name;
      return cell;
    });
    const title = make("span", { className: "side-row-name" }, SETTING_NAMES[name], make("span", { className: "visually-hidden" }));
    const row = make("div", { className: "side-row" }, title, ...cells);
    this.rows.set(name, row);
    return row;
  }

  private read(name: (typeof OF_SIDE)[number], side: (typeof SIDES)[number], field: Field): void {
    if (name === "layers" && !LAYERS.test(field.value)) {
      this.refuse("Layers are the units of each hidden layer, such as 8, 8; nothing for none.");
      return;
    }
    this.edit((sides) => {
      const configuration = sides[side];
      if (name === "layers") {
        configuration.layers = field.value.split(",").filter((part) => part.trim()).map(Number);
        if (typeof configuration.activation !== "string") configuration.activation = configuration.activation[0] ?? "tanh";
      } else if (name === "activation") configuration.activation = field.value.includes(",") ? field.value.split(",") : field.value;
      else if (name === "rate" || name === "l2_penalty" || name === "dropout") configuration[name] = Number(field.value); // the server checks it
      else configuration[name] = field.value;
    });
  }

  private edit(change: (sides: Sides) => void): void {
    if (!this.sides) return;
    const next = structuredClone(this.sides);
    change(next);
    this.changed(next);
  }
}

function put(field: Field, value: Configuration[Setting]): void {
  const text = Array.isArray(value) && field.dataset.kind === "layers" ? value.join(", ") : String(value);
  if (field instanceof HTMLSelectElement) choose(field, text);
  else field.value = text;
}

function fieldOf(name: (typeof OF_SIDE)[number]): Field {
  if (name === "layers") {
    const field = make("input", { type: "text", inputMode: "numeric", spellcheck: false, placeholder: "none" });
    field.dataset.kind = "layers";
    return field;
  }
  return name === "rate" || name === "l2_penalty" || name === "dropout" ? number(0) : make("select");
}

function number(least: number): HTMLInputElement {
  return make("input", { type: "number", min: String(least), step: "any", inputMode: "decimal" });
}
