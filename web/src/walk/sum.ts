// The equation of one unit: its sum, a term with each click.

import type { Board, Summand } from "./board";
import { make } from "../dom";
import { filled, markedFormula, nameOfMark, type Letters } from "./marks";
import { written } from "../numbers";

export interface Stepping {
  letters: Letters;
  count: number; // of the terms that are added
}

/** What is shown of a sum of which so many terms are added. `move` is called with another count. */
export function sumOf(board: Board, { letters, count }: Stepping, move: (count: number) => void): HTMLElement[] {
  const { each } = board.slide;
  if (!each) return [];
  const terms = board.summands(letters);
  const total = board.value(each.left, letters);
  const head = make("div", { className: "sum-head" }, markedFormula(each.latex, letters, false));
  if (terms.length === 1) return [head, oneTerm(terms[0]!, total)];
  const now = terms[count - 1];
  return [
    head,
    buttons(count, terms.length, move),
    ...(now ? [oneTerm(now, now.value)] : []),
    added(terms.slice(0, count), count === terms.length ? total : null),
  ];
}

/** The same in a sentence, for those who do not see it. */
export function saidOf(board: Board, { letters, count }: Stepping): string {
  const { each } = board.slide;
  if (!each) return "";
  const terms = board.summands(letters);
  const total = board.value(each.left, letters);
  const name = filled(each.left.text, letters);
  if (count === 0 || terms.length === 1) return `${name} = ${written(total)}`;
  const { value } = terms[count - 1]!;
  const sum = count === terms.length ? `the sum is ${name} = ${written(total)}` : `the sum so far is ${written(sumUp(terms.slice(0, count)))}`;
  return `Term ${count} of ${terms.length}: ${written(value)}; ${sum}`;
}

/** The marks of what is computed and of the last term added, and then those of the terms before it. */
export function trailOf(board: Board, { letters, count }: Stepping): string[][] {
  const { each } = board.slide;
  if (!each) return [];
  const terms = board.summands(letters);
  const shown = terms.length === 1 ? terms : terms.slice(0, count);
  const [last = [], ...earlier] = shown.map((term) => term.factors.map((factor) => factor.mark)).reverse();
  return [[nameOfMark(each.left, letters), ...last], ...earlier];
}

function buttons(count: number, last: number, move: (count: number) => void): HTMLElement {
  const button = (id: string, text: string, to: number): HTMLElement => {
    const made = make("button", { type: "button", id, textContent: text });
    made.addEventListener("click", () => move(to));
    return made;
  };
  const text = count === 0 ? "First term" : count < last ? "Next term" : "Again";
  const next = button("term-on", text, count < last ? count + 1 : 0);
  next.setAttribute("aria-keyshortcuts", "t");
  return make(
    "div",
    { className: "sum-buttons" },
    next,
    button("term-all", "All", last),
    make("span", { className: "quiet small", textContent: `${count} of ${last} terms` }),
  );
}

/** The symbols of a term, the numbers put in, and what they come to. */
function oneTerm(term: Summand, value: number | null): HTMLElement {
  if (term.others) {
    return make("p", { className: "one-term" }, `${term.others} units that are not drawn: `, make("b", { textContent: written(value, 4) }));
  }
  const symbols: HTMLElement[] = [];
  const numbers: HTMLElement[] = [];
  term.factors.forEach((factor, k) => {
    if (k > 0) for (const parts of [symbols, numbers]) parts.push(make("span", { textContent: " · " }));
    symbols.push(markedFormula(factor.latex, term.letters, false));
    const number = make("span", { textContent: inBrackets(factor.value, k > 0, factor.function) });
    number.dataset.at = factor.mark;
    numbers.push(number);
  });
  const minus = term.negative ? "−" : "";
  const alone = term.factors.length === 1 && !term.factors[0]!.function && !term.negative;
  return make(
    "p",
    { className: "one-term" },
    minus,
    ...symbols,
    " = ",
    ...(alone ? [] : [minus, ...numbers, " = "]),
    make("b", { textContent: written(value, 4) }),
  );
}

function inBrackets(value: number | null, behind: boolean, name: string): string {
  const text = written(value, 3);
  if (name) return `${name}(${text})`;
  return behind && text.startsWith("−") ? `(${text})` : text;
}

/** The terms so far, and their sum; `total`: what the network computed, once all are there. */
function added(terms: Summand[], total: number | null): HTMLElement {
  const box = make("p", { className: "added" });
  if (terms.length === 0) return box;
  terms.forEach((term, k) => {
    const text = written(term.value, 3);
    const minus = text.startsWith("−");
    const number = make("span", { className: k === terms.length - 1 ? "chip-term now" : "chip-term", textContent: minus && k > 0 ? text.slice(1) : text });
    number.dataset.at = term.factors.map((factor) => factor.mark).join(";");
    box.append(k === 0 ? "" : minus ? " − " : " + ", number);
  });
  const sum = total ?? sumUp(terms);
  box.append(" = ", make("b", { textContent: written(sum, 4) }), total === null ? make("span", { className: "quiet", textContent: " so far" }) : "");
  return box;
}

function sumUp(terms: Summand[]): number {
  return terms.reduce((sum, { value }) => sum + (value ?? NaN), 0);
}
