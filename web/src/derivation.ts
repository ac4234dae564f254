// The derivation of a gradient with its numbers, and its strongest paths.

import { find, make, say } from "./dom";
import { Equation, formula } from "./formula";
import { linesOf, reasonOf } from "./formulas/equation";
import { latexOf, piecesOf, type View } from "./formulas/latex";
import type { Tree } from "./formulas/tree";
import type { Values } from "./formulas/values";
import { shortened } from "./names";
import { placeOf, quantitiesAt, type Place } from "./network/place";
import { percent, subscript, written } from "./numbers";
import type { DerivationStep, Explained, Path, Paths, Setup, Talk } from "./protocol";

const TALKS: Record<Talk, string> = {
  forward: "forward",
  output: "to the output units",
  hidden: "to the hidden units",
  weights: "to the weights",
  update: "the step",
};

export interface Asked {
  explain(quantity: string): void;
  close(): void;
  lightPath(path: number | null): void;
}

export class DerivationPanel {
  private readonly box = find("derivation");
  private readonly field = find<HTMLInputElement>("quantity");
  private readonly error = find("explain-error");
  private readonly stage = find("stage");
  private equations: Equation[] = [];
  private readonly folded = new Set<Talk>(["forward"]);
  private readonly closeButton = find<HTMLButtonElement>("explain-close");

  constructor(private readonly asked: Asked) {
    find("explain-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const quantity = this.field.value.trim();
      if (quantity) asked.explain(quantity);
    });
    this.closeButton.addEventListener("click", () => asked.close());
    addEventListener("resize", () => this.fit());
    this.clear();
  }

  clear(): void {
    this.field.value = "";
    this.closeButton.hidden = true;
    this.stage.classList.remove("explaining"); // open, it stands right below the drawing
    say(this.error, "");
    delete this.box.dataset.quantity;
    const hint = "Click a unit or a weight in the drawing, or write one: W[1,1,1], b[1,2], h[1,2], a[2] or x[1].";
    this.box.replaceChildren(make("p", { className: "quiet small", textContent: hint }));
  }

  /** What was asked for, before the answer is there. */
  expect(quantity: string): void {
    this.field.value = quantity;
    this.closeButton.hidden = false;
    this.stage.classList.add("explaining");
    say(this.error, "");
  }

  refuse(message: string): void {
    say(this.error, message);
    delete this.box.dataset.quantity;
    this.box.replaceChildren();
  }

  /** `stale`: training went on since. */
  stale(step: number): void {
    const note = this.box.querySelector<HTMLElement>(".as-of");
    if (note) say(note, `As of step ${step}; a pause brings it up to date.`);
  }

  show(explained: Explained, place: Place | null, setup: Setup): void {
    say(this.error, "");
    this.closeButton.hidden = false;
    const { derivation, values, paths } = explained;
    const depth = setup.network.sizes.length - 1;
    const value = values.at(derivation.left);
    const heading = make("div", { className: "result" }, formula(latexOf(derivation.left), false));
    if (typeof value === "number") {
      const shown = make("data", { id: "derivation-value", value: String(value), textContent: `= ${written(value, 6)}` });
      heading.append(shown);
    }
    const about = explained.row === undefined ? "" : `Example ${explained.row + 1}, `;
    heading.append(make("span", { className: "quiet small", textContent: `${about}ℒ = ${written(values.vector("loss")[0])}` }));
    this.box.dataset.quantity = derivation.quantity;
    this.equations = [];
    this.box.replaceChildren(
      heading,
      ...(place ? [this.others(place, depth, derivation.quantity)] : []),
      make("p", { className: "as-of quiet small", hidden: true }),
      ...(paths && paths.paths.length ? [this.paths(paths, setup)] : []),
      ...this.groups(explained),
    );
    this.fit();
  }

  private fit(): void {
    for (const equation of this.equations) equation.fit();
  }

  /** The other quantities of the same unit or weight. */
  private others(place: Place, depth: number, now: string): HTMLElement {
    const choices = quantitiesAt(place, depth).map(([quantity, name]) => {
      const button = make("button", { type: "button", className: "chip", textContent: `∂ℒ/∂ ${name}` });
      if (name.startsWith("all of ")) button.textContent = `∇ ${name.slice(7)}`;
      button.setAttribute("aria-pressed", String(quantity === now));
      button.addEventListener("click", () => this.asked.explain(quantity));
      return button;
    });
    return make("div", { className: "chips" }, ...choices);
  }

  /** The steps of each talk together; what was folded stays folded when the numbers change. */
  private groups({ derivation, values }: Explained): HTMLElement[] {
    const groups: DerivationStep[][] = [];
    for (const step of derivation.steps) {
      if (groups.at(-1)?.[0]?.talk === step.talk) groups.at(-1)!.push(step);
      else groups.push([step]);
    }
    return groups.map((group) => {
      const { talk } = group[0]!;
      const count = group.length === 1 ? "1 step" : `${group.length} steps`;
      const box = make(
        "details",
        { className: "talk-group", open: !this.folded.has(talk) },
        make(
          "summary",
          {},
          make("span", { className: `talk talk-${talk}`, textContent: TALKS[talk] }),
          make("span", { className: "quiet small", textContent: count }),
        ),
        make("ol", { className: "steps" }, ...group.map((step) => this.step(step, values, derivation))),
      );
      box.addEventListener("toggle", () => {
        if (box.open) this.folded.delete(talk);
        else this.folded.add(talk);
        this.fit();
      });
      return box;
    });
  }

  private step(step: DerivationStep, values: Values, view: View): HTMLElement {
    const { symbols, numbers, value } = linesOf(step, values, view);
    const write = (tree: Tree): string => latexOf(tree, view);
    const pieces = (tree: Tree): string[] => piecesOf(tree, view).map((piece, k) => (k === 0 ? `= ${piece}` : piece));
    const lines = [new Equation([step.left, ...symbols].map(write).join(" = "), () => [write(step.left), ...symbols.flatMap(pieces)])];
    for (const tree of [numbers, value]) if (tree) lines.push(new Equation(`{}= ${write(tree)}`, () => pieces(tree)));
    lines.at(-1)?.box.classList.add("value");
    this.equations.push(...lines);
    return make(
      "li",
      {},
      make("h3", { textContent: step.title }),
      make("p", { className: "reason", textContent: reasonOf(step.reason, step.remarks, values) }),
      make("div", { className: "formulas" }, ...lines.map(({ box }) => box)),
    );
  }

  private paths(paths: Paths, setup: Setup): HTMLElement {
    const most = Math.max(...paths.paths.map((path) => path.share), 1e-12);
    const rows = paths.paths.map((path, k) => {
      const meter = make("meter", { min: 0, max: 1, value: path.share / most });
      meter.setAttribute("aria-hidden", "true");
      const button = make(
        "button",
        { type: "button", className: "path" },
        make("span", { className: "route", textContent: path.units.map((unit) => this.unitName(unit, setup)).join(" → ") }),
        make("span", { className: "amount", textContent: written(path.contribution, 3) }),
        meter,
        make("span", { className: "quiet", textContent: percent(path.share) }),
        make("span", { className: "factors quiet", textContent: productOf(path, paths.quantity, setup.network.sizes.length - 1) }),
      );
      for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => this.asked.lightPath(k));
      for (const name of ["pointerleave", "blur"]) button.addEventListener(name, () => this.asked.lightPath(null));
      return make("li", {}, button);
    });
    const many = paths.count === "1" ? "1 path" : `${grouped(paths.count)} paths`;
    const listed = paths.paths.length === 1 ? "this one carries" : `the ${paths.paths.length} strongest carry`;
    const said = `${many} to the loss; ${listed} ${percent(paths.share)} of the absolute flow.`;
    return make(
      "details",
      { className: "paths", open: true },
      make("summary", {}, make("span", { textContent: "Strongest paths " }), make("span", { className: "quiet small", textContent: said })),
      make("ol", {}, ...rows),
    );
  }

  private unitName([layer, unit]: [number, number], setup: Setup): string {
    const depth = setup.network.sizes.length - 1;
    if (layer === 0) return `x${subscript(unit)}`;
    if (layer < depth) return `h${subscript(layer, unit)}`;
    const name = setup.classes.length === setup.network.sizes[depth] ? ` (${shortened(setup.classes[unit - 1]!, 40)})` : "";
    return `ŷ${subscript(unit)}${name}`;
  }
}

/** The product of a path in symbols and numbers: x₁ · g′(a₁,₂) · W₂,₁,₂ · ∂ℒ/∂a₂,₁ = 2 · 0.25 · 1 · (−0.75). */
function productOf({ units, factors }: Path, quantity: string, depth: number): string {
  const place = placeOf(quantity, depth);
  const symbols: string[] = [];
  if (place?.kind === "weight") symbols.push(place.layer === 1 ? `x${subscript(place.heard)}` : `h${subscript(place.layer - 1, place.heard)}`);
  units.forEach(([layer, unit], k) => {
    const next = units[k + 1];
    if (!next) symbols.push(`∂ℒ/∂a${subscript(layer, unit)}`);
    else {
      const begins = k === 0 && quantity.startsWith("h"); // at h itself, above its g′
      if (layer > 0 && !begins) symbols.push(`g′(a${subscript(layer, unit)})`);
      symbols.push(`W${subscript(layer + 1, next[1], unit)}`);
    }
  });
  const numbers = factors.map((factor, k) => (factor < 0 && k > 0 ? `(${written(factor, 3)})` : written(factor, 3)));
  return `${symbols.join(" · ")} = ${numbers.join(" · ")}`;
}

/** 1000000 as 1 000 000, and counts beyond that as a power of ten. */
function grouped(count: string): string {
  return count.length > 12 ? `about 10${[...String(count.length - 1)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}` : count.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
