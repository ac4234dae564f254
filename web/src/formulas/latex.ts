// Formulas as LaTeX in one line: as src/backtalk/teaching/derivations/latex.py writes them, letter for letter.

import { byLetter, hasDot, isScalar, needsBrackets } from "./brackets";
import { shownOf, type Rows } from "./evaluation";
import { asWritten, DIGITS } from "./numbers";
import { EVERY, type Apply, type Axis, type Grid, type Index, type Matrix, type SymbolNode, type Tree } from "./tree";

const LETTERS: Record<string, string> = { yhat: "\\hat{y}", target: "t", loss: "\\mathcal{L}", unit: "e", "…": "\\ldots" };
const FUNCTIONS: Record<string, string> = { sigmoid: "\\sigma", log: "\\log", exp: "\\exp", ℓ: "\\ell", O: "O", "O′": "O^{\\prime}" };
const SPECIAL: Record<string, string> = { "∞": "\\infty", NaN: "\\mathrm{NaN}" };
const WHOLE = 6; // entries: a row or column of so many is shown whole
const LONG = 4; // rows: in a longer column, fractions would be too tall
const APART = " \\\\[9pt] "; // between rows of a matrix that hold fractions or raised letters
const SLOPE = /\\frac\{(\\partial \\mathcal\{L\})\}\{(\\partial \w_\{[0-9,]+\})\}/;
const TALL = ["\\frac", "\\begin", "\\sum", "\\left", "\\underbrace"];

/** How much is shown: the digits of numbers, and of each large layer the units, from 0. */
export interface View {
  digits: number;
  rows: Rows;
}
export const PLAIN: View = { digits: DIGITS, rows: {} };

export function numberLatex(value: number, digits = DIGITS): string {
  const { negative, digits: written, power } = asWritten(value, digits);
  return `${negative ? "-" : ""}${SPECIAL[written] ?? written}${power === null ? "" : ` \\times 10^{${power}}`}`;
}

export function latexOf(tree: Tree, view: View = PLAIN): string {
  return new Writer(view).write(tree);
}

/** A formula, cut where a line may end: before each term of its sum, or each factor, also between two matrices. */
export function piecesOf(tree: Tree, view: View = PLAIN): string[] {
  return new Writer(view, true).pieces(tree);
}

class Writer {
  /** `breaks`: a line may end between two matrices. */
  constructor(
    private readonly view: View,
    private readonly breaks = false,
  ) {}

  write(tree: Tree): string {
    return this.pieces(tree).join(" ");
  }

  pieces(tree: Tree): string[] {
    switch (tree.is) {
      case "symbol":
        if (tree.letter !== "complement") break;
        return this.pieces({ is: "sum", terms: [{ is: "number", value: 1 }, { is: "negative", of: { ...tree, letter: "yhat" } }] });
      case "sum":
        if (tree.terms.length === 1) return this.pieces(tree.terms[0]!);
        return tree.terms.flatMap((term, k) => this.termPieces(tree, term, k === 0));
      case "negative":
        if (isLongSum(tree.of) && isScalar(tree.of)) return this.enclosed(tree.of, "-");
        return [`-${this.within(tree.of, tree)}`];
      case "product": {
        const { factors } = tree;
        const [first, second] = factors;
        if (factors.length === 2 && first!.is === "number" && isLongSum(second!) && isScalar(tree)) {
          return [this.within(first!, tree), ...this.enclosed(second!, "\\cdot ")];
        }
        const written = factors.map((factor) => this.within(factor, tree));
        const pieces = written.map((each, k) => (k === 0 ? each : `${hasDot(factors[k - 1]!, factors[k]!) ? "\\cdot " : "\\, "}${each}`));
        return this.breaks || isScalar(tree) || factors.some(({ is }) => is === "braced") ? pieces : [pieces.join(" ")];
      }
      case "number":
        return [typeof tree.value === "number" ? this.number(tree.value) : this.numbers(tree.value, tree.axes ?? [null, null])];
      case "grid":
        return [this.grid(tree)];
      case "dot":
        return [`${this.within(tree.left, tree)} \\cdot ${this.within(tree.right, tree)}`];
    }
    return [this.atom(tree)];
  }

  private number(value: number): string {
    return numberLatex(value, this.view.digits);
  }

  private within(tree: Tree, place: Tree): string {
    const written = this.write(tree);
    return needsBrackets(tree, place) ? enclose(written) : written;
  }

  private termPieces(total: Tree, term: Tree, first: boolean): string[] {
    if (!this.breaks || term.is !== "product" || isScalar(term)) return [this.term(total, term, first)];
    const [begin = "", ...others] = this.pieces(term);
    return [first ? begin : `+ ${begin}`, ...others];
  }

  private term(total: Tree, term: Tree, first: boolean): string {
    if (term.is === "negative") return (first ? "-" : "- ") + this.within(term.of, term);
    if (first && term.is !== "sum") return this.write(term);
    return (first ? "" : "+ ") + this.within(term, total);
  }

  /** A sum in brackets, behind a sign or a factor; \left cannot be closed by a \right in another line. */
  private enclosed(total: Tree, before: string): string[] {
    const pieces = this.pieces(total);
    const size = pieces.some((piece) => piece.includes("\\frac")) ? "bigg" : "big";
    return pieces.map((piece, k) => (k === 0 ? `${before}\\${size}l(${piece}` : k === pieces.length - 1 ? `${piece}\\${size}r)` : piece));
  }

  private atom(tree: Tree): string {
    switch (tree.is) {
      case "symbol":
        return symbol(tree);
      case "derivative":
        return gradient(symbol(tree.of), isScalar(tree.of));
      case "partial": {
        const slope = `\\frac{\\partial ${symbol(tree.above)}}{\\partial ${symbol(tree.below)}}`;
        const letter = byLetter(tree.above, tree.below);
        return letter === null ? slope : `\\left(${slope}\\right)_{${letter}}`;
      }
      case "others":
        return `\\underbrace{${this.number(tree.value)}}_{\\text{${tree.count} other${tree.count > 1 ? "s" : ""}}}`;
      case "braced":
        return `\\underbrace{${this.write(tree.of)}}_{${this.below(tree.notes)}}`;
      case "listed":
        return tree.parts.map((part) => this.write(part)).join(", \\quad ");
      case "call":
        return `${this.write(tree.of)}(${tree.arguments.map((part) => this.write(part)).join(", ")})`;
      case "ofexample":
        if (tree.of.is === "derivative") return gradient(`${symbol(tree.of.of)}^{(n)}`, isScalar(tree.of));
        return `${this.write(tree.of)}^{(n)}`;
      case "sumover":
        return `\\sum_{${tree.index}=1}^{${tree.last}} ${this.within(tree.term, tree)}`;
      case "elementwise":
        if (tree.divide && isScalar(tree)) return `\\frac{${this.write(tree.left)}}{${this.write(tree.right)}}`;
        return `${this.within(tree.left, tree)} ${tree.divide ? "\\oslash" : "\\odot"} ${this.within(tree.right, tree)}`;
      case "transposed":
        return `${this.within(tree.of, tree)}^{\\top}`;
      case "diagonal":
        return `\\mathrm{diag}${this.argument(tree.of)}`;
      case "apply":
        return this.applied(tree);
      case "larger":
        return `\\max\\left(${this.write(tree.left)}, ${this.write(tree.right)}\\right)`;
      case "indicator":
        return `\\mathbf{1}[${tree.left} = ${tree.right}]`;
    }
    throw new Error(`a ${tree.is} is no atom of a formula`);
  }

  private applied(tree: Apply): string {
    const { name, of, layer, detail = "" } = tree;
    switch (name) {
      case "square":
        return `${this.within(of, tree)}^2`;
      case "power":
        return `${this.within(of, tree)}^${index(detail)}`;
      case "sqrt":
        return `\\sqrt{${this.write(of)}}`;
      case "absolute":
        return `\\left|${this.write(of)}\\right|`;
      case "g":
        return `g_${index(layer!)}${this.argument(of)}`;
      case "g′":
        return `g_${index(layer!)}^{\\prime}${this.argument(of)}`;
      case "ℓ′":
        return `\\ell^{\\prime}${layer === undefined ? "" : `_${index(layer)}`}${this.argument(of)}`;
      case "clip":
        return `\\mathrm{clip}\\left(${this.write(of)}, -${numberLatex(Number(detail))}, ${numberLatex(Number(detail))}\\right)`;
      case "rho":
        return `\\rho_{${numberLatex(Number(detail))}}${this.argument(of)}`;
    }
    return (FUNCTIONS[name] ?? `\\mathrm{${name}}`) + this.argument(of);
  }

  /** In brackets, as what a function is taken of. */
  private argument(of: Tree): string {
    return enclose(of.is === "listed" ? of.parts.map((part) => this.write(part)).join(",\\, ") : this.write(of));
  }

  /** What is said under a brace, one below the other. */
  private below(notes: (string | Tree)[]): string {
    const said = notes.flatMap((note) => {
      if (typeof note === "string") return note.split("\n").map((line) => `\\text{${line}}`);
      if (note.is === "partial") return [`\\partial ${symbol(note.above)} / \\partial ${symbol(note.below)}`];
      return [this.write(note)];
    });
    return said.length === 1 ? said[0]! : `\\substack{${said.join(" \\\\ ")}}`;
  }

  private numbers({ rows, columns, at }: Matrix, axes: [Axis, Axis]): string {
    return this.array([rows, columns], axes, false, (i, k) => this.number(at(i, k)));
  }

  private grid({ shape, axes, rows, columns, cells }: Grid): string {
    return this.array(shape, axes, true, (i, k) => this.write(cells[rows.indexOf(i)]![columns.indexOf(k)]!));
  }

  /** A column or matrix in brackets, its size below it if a part is shown. */
  private array(shape: [number, number], axes: [Axis, Axis], ofFormulas: boolean, cell: (i: number, k: number) => string): string {
    const [rows, columns] = [0, 1].map((side) => places(shape[side]!, axes[side]!, this.view.rows)) as [Places, Places];
    const cut = rows.includes(null) || columns.includes(null);
    const dots = (i: number | null, k: number | null): string => (i !== null ? "\\cdots" : k !== null ? "\\vdots" : "\\ddots");
    let lines = rows.map((i) => columns.map((k) => (i === null || k === null ? dots(i, k) : cell(i, k))).join(" & "));
    const long = cut || lines.length > LONG;
    if (long) lines = lines.map((line) => line.replaceAll(new RegExp(SLOPE, "g"), "$1 / $2"));
    const tall = !long && ofFormulas && (lines.at(-1)!.includes("\\frac") || lines.at(-1)!.includes("\\top"));
    const size = cut ? `_{${shape[0]} \\times ${shape[1]}}` : "";
    return `\\begin{bmatrix} ${lines.join(tall ? APART : " \\\\ ")} \\end{bmatrix}${size}`;
  }
}

type Places = (number | null)[];

/** The entries of a row or column that are shown, from 0; null for dots. */
function places(length: number, axis: Axis, rows: Rows): Places {
  const named = shownOf(axis, rows);
  const shown = named ? [...named].sort((one, other) => one - other) : length <= WHOLE ? [...Array(length).keys()] : [0, 1, 2, 3, 4, length - 1];
  const found: Places = [];
  let before = -1;
  for (const place of [...shown, length]) {
    if (place - before > 1) found.push(null);
    if (place < length) found.push(place);
    before = place;
  }
  return found;
}

function isLongSum(tree: Tree): boolean {
  return tree.is === "sum" && tree.terms.length > 1;
}

function enclose(written: string): string {
  return TALL.some((command) => written.includes(command)) ? `\\left(${written}\\right)` : `(${written})`;
}

function gradient(of: string, scalar: boolean): string {
  return scalar ? `\\frac{\\partial \\mathcal{L}}{\\partial ${of}}` : `\\nabla_{${of}}\\mathcal{L}`;
}

function symbol({ letter, layer, indices = [], written }: SymbolNode): string {
  const name = written ?? LETTERS[letter] ?? letter;
  const numbers = layer === undefined ? indices : [layer, ...indices];
  return numbers.length ? `${name}_${index(numbers.join(",").replaceAll(EVERY, "\\cdot"))}` : name;
}

/** As an index: in braces if it is longer than one letter. */
function index(written: Index): string {
  return String(written).length === 1 ? String(written) : `{${written}}`;
}
