// The derivation of a gradient with its numbers, and its strongest paths.

import { find, make, say, wide, withSubscripts } from "../dom";
import { Equation, formula } from "../formula";
import { linesOf, reasonOf } from "../formulas/equation";
import { latexOf, piecesOf, type View } from "../formulas/latex";
import type { Tree } from "../formulas/tree";
import type { Values } from "../formulas/values";
import { quantitiesAt, type Place } from "../network/place";
import { written } from "../numbers";
import type { DerivationStep, Explained, Setup, Talk } from "../protocol";
import { meaningOf } from "./meaning";
import { pathList } from "./paths";

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
  private readonly folded = new Set<Talk>(wide.matches ? ["forward"] : (Object.keys(TALKS) as Talk[]));
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
      ...this.inShort(explained, place, depth),
      ...(place ? [this.others(place, depth, derivation.quantity)] : []),
      make("p", { className: "as-of quiet small", hidden: true }),
      ...(paths && paths.paths.length ? [pathList(paths, setup, (path) => this.asked.lightPath(path))] : []),
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
    const answered = typeof values.at(derivation.left) === "number"; // above, in short
    return groups.map((group, k) => {
      const { talk } = group[0]!;
      const count = group.length === 1 ? "1 step" : `${group.length} steps`;
      const box = make(
        "details",
        { className: "talk-group", open: !this.folded.has(talk) || (!answered && k === groups.length - 1) },
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

  /** The last step, which is the answer, and what it means; how its numbers come about follows below. */
  private inShort({ derivation, values }: Explained, place: Place | null, depth: number): HTMLElement[] {
    const value = values.at(derivation.left);
    const last = derivation.steps.at(-1);
    if (typeof value !== "number" || !last) return [];
    const lines = this.lines(last, values, derivation).map(({ box }) => box);
    const meaning = place ? meaningOf(derivation.quantity, value, place, depth) : "";
    return [make("div", { className: "in-short" }, make("p", { textContent: meaning }), make("div", { className: "formulas" }, ...lines))];
  }

  private step(step: DerivationStep, values: Values, view: View): HTMLElement {
    return make(
      "li",
      {},
      make("h3", {}, ...withSubscripts(step.title)),
      make("p", { className: "reason" }, ...withSubscripts(reasonOf(step.reason, step.remarks, values))),
      make("div", { className: "formulas" }, ...this.lines(step, values, view).map(({ box }) => box)),
    );
  }

  /** The equation of a step: in symbols, with numbers, and its value. */
  private lines(step: DerivationStep, values: Values, view: View): Equation[] {
    const { symbols, numbers, value } = linesOf(step, values, view);
    const write = (tree: Tree): string => latexOf(tree, view);
    const pieces = (tree: Tree): string[] => piecesOf(tree, view).map((piece, k) => (k === 0 ? `= ${piece}` : piece));
    const lines = [new Equation([step.left, ...symbols].map(write).join(" = "), () => [write(step.left), ...symbols.flatMap(pieces)])];
    for (const tree of [numbers, value]) if (tree) lines.push(new Equation(`{}= ${write(tree)}`, () => pieces(tree)));
    lines.at(-1)?.box.classList.add("value");
    this.equations.push(...lines);
    return lines;
  }
}
