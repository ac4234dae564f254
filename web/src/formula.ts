// Formulas by KaTeX, built as nodes: the page's security policy refuses style attributes in markup.

import katex from "katex";
import { make } from "./dom";

export function formula(latex: string, display = true): HTMLElement {
  const box = make("span", { className: display ? "formula" : "formula inline" });
  try {
    katex.render(latex, box, { displayMode: display, throwOnError: true, strict: "ignore", trust: false });
  } catch {
    box.textContent = latex;
    box.classList.add("plain");
  }
  return box;
}
