// Formulas by KaTeX, built as nodes: the page's security policy refuses style attributes in markup.

import katex from "katex";
import { make } from "./dom";

export function formula(latex: string, display = true): HTMLElement {
  const box = make("span", { className: display ? "formula" : "formula inline" });
  box.dataset.latex = latex;
  try {
    katex.render(latex, box, { displayMode: display, throwOnError: true, strict: "ignore", trust: false });
  } catch {
    box.textContent = latex;
    box.classList.add("plain");
  }
  return box;
}

/** A formula that goes on in further lines if it is too wide for one: once it is in the page, `fit` sees to that. */
export class Equation {
  readonly box: HTMLElement;

  constructor(latex: string, private readonly pieces: () => string[]) {
    this.box = formula(latex);
  }

  fit(): void {
    const { box } = this;
    if (box.scrollWidth <= box.clientWidth || box.classList.contains("broken")) return;
    const pieces = this.pieces();
    if (pieces.length < 2) return; // it scrolls in its box
    box.classList.add("broken");
    box.replaceChildren(...pieces.map((piece) => formula(`\\displaystyle {}${piece}`, false)));
    for (const piece of box.querySelectorAll<HTMLElement>(":scope > .formula")) {
      if (piece.scrollWidth > piece.clientWidth) piece.tabIndex = 0; // the keyboard can scroll it as well
    }
  }
}
