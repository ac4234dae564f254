// The vectors of a slide, every number in a cell of its own.

import type { Board } from "./board";
import { make } from "../dom";
import { filled, markedFormula, nameOfMark, type Letters } from "./marks";
import { level } from "../network/scale";
import { roundedUp, written } from "../numbers";
import type { Slide } from "../protocol";
import { theme } from "../theme";

export type Vector = Slide["shown"][number];

/** A row of cells. `now`: the marks of the term that was added last; `choose` is called with a cell's letter and number. */
export function vectorRow(
  board: Board,
  vector: Vector,
  letters: Letters,
  now: string[],
  isResult: boolean,
  choose: (letter: string, number: number) => void,
): HTMLElement {
  const { along } = vector;
  const units = board.units(board.layerOf(vector, vector.at.indexOf(along)));
  const values = units.map((unit) => board.value(vector, { ...letters, [along]: unit }));
  const most = roundedUp(Math.max(1e-30, ...values.map((value) => Math.abs(value ?? 0)).filter(Number.isFinite)));
  const { negative, positive } = theme();
  const chosen = letters[along];
  const cells = units.map((unit, k) => {
    const value = values[k]!;
    const cell = make("button", { type: "button", className: "cell", textContent: written(value, 3) });
    cell.dataset.at = nameOfMark(vector, { ...letters, [along]: unit });
    cell.classList.toggle("now", now.includes(cell.dataset.at));
    cell.tabIndex = unit === (chosen ?? units[0]) ? 0 : -1;
    cell.setAttribute("aria-label", `${unit}: ${written(value, 3)}`);
    if (chosen !== undefined) cell.setAttribute("aria-pressed", String(unit === chosen));
    if (value !== null) cell.style.borderBottomColor = (value < 0 ? negative : positive)[level(value, most)]!;
    cell.addEventListener("click", () => choose(along, unit));
    return cell;
  });
  const label = make("span", { className: "vector-name" }, markedFormula(vector.latex, letters, false));
  const row = make("div", { className: "cells" }, ...cells);
  row.setAttribute("role", "group");
  row.setAttribute("aria-label", filled(vector.text, letters));
  row.dataset.vector = vector.array;
  row.addEventListener("keydown", (event) => moveFocus(event, cells));
  return make("div", { className: isResult ? "vector result-vector" : "vector" }, label, row);
}

/** Where a row or the sum is too long for the page, it is moved to what is looked at. */
export function reveal(box: HTMLElement): void {
  for (const line of box.querySelectorAll<HTMLElement>(".one-term, .added")) {
    if (line.scrollWidth > line.clientWidth || line.scrollHeight > line.clientHeight) line.tabIndex = 0; // the keyboard can scroll it as well
    if (line.className === "added") line.scrollTo(line.scrollWidth, line.scrollHeight);
  }
  for (const row of box.querySelectorAll<HTMLElement>(".cells")) {
    const cell = row.querySelector<HTMLElement>(".now, [aria-pressed=true]");
    if (cell) row.scrollTo(cell.offsetLeft - row.offsetLeft - row.clientWidth / 2, cell.offsetTop - row.offsetTop - row.clientHeight / 2);
  }
}

/** The arrow keys move along a row, so that it is one stop of the Tab key. */
function moveFocus(event: KeyboardEvent, cells: HTMLElement[]): void {
  const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
  const at = cells.indexOf(event.target as HTMLElement);
  if (by === undefined || at < 0) return;
  event.preventDefault();
  const next = cells[Math.max(0, Math.min(cells.length - 1, at + by))]!;
  for (const cell of cells) cell.tabIndex = cell === next ? 0 : -1;
  next.focus();
}
