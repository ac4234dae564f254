// One step as slides, a talk at a time.

import { Board } from "./board";
import { find, make, withSubscripts } from "../dom";
import { markedFormula, nameOfMark, readMark, speaksOf, type Mark } from "./marks";
import type { Place } from "../network/place";
import type { Frame, Sent, Setup, Slide, Talk } from "../protocol";
import { saidOf, sumOf, trailOf, type Stepping } from "./sum";
import { reveal, vectorRow } from "./vectors";

const TALKS: Record<Talk, string> = {
  forward: "Forward",
  output: "To the output units",
  hidden: "To the hidden units",
  weights: "To the weights",
  update: "The step",
};

export interface Lit {
  /** Lights what a term speaks of, as long as it is pointed at. */
  point(marks: Mark[]): void;
  /** Lights the terms of a sum: the last one added first. */
  trail(terms: Mark[][]): void;
}

export class Walk {
  slide: Slide | null = null;
  private frame: Frame | null = null;
  private pointed: Place | null = null; // in the drawing
  private setup: Setup | null = null;
  private stepping: Stepping | null = null;
  private readonly box = find("walk-slide");
  private readonly numbers = find("walk-numbers");
  private readonly on = find<HTMLButtonElement>("walk-on");
  private readonly back = find<HTMLButtonElement>("walk-back");
  private readonly leaveButton = find<HTMLButtonElement>("walk-leave");

  constructor(
    private readonly send: (message: Sent) => void,
    private readonly lit: Lit,
  ) {
    this.on.addEventListener("click", () => this.next());
    this.back.addEventListener("click", () => this.previous());
    for (const button of [this.leaveButton, find("start-open")]) button.addEventListener("click", () => this.leave());
    const card = find("walk");
    for (const name of ["pointerover", "focusin"]) card.addEventListener(name, (event) => lit.point(marksAt(event.target)));
    for (const name of ["pointerleave", "focusout"]) card.addEventListener(name, () => lit.point([]));
    this.show(null);
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.frame = null;
    this.show(null);
  }

  /** Beyond the last slide the server takes the step and begins the next walk. */
  next(): void {
    this.send({ type: "slide", at: this.slide ? this.slide.at + 1 : 0 });
  }

  previous(): void {
    if (this.slide && this.slide.at > 0) this.send({ type: "slide", at: this.slide.at - 1 });
  }

  /** The slide that is shown, of the network as it is now. */
  again(): void {
    if (this.slide) this.send({ type: "slide", at: this.slide.at });
  }

  leave(): void {
    if (this.slide) this.send({ type: "slide", at: null });
  }

  show(slide: Slide | null): void {
    const before = this.slide;
    this.slide = slide;
    document.body.classList.toggle("walking", slide !== null);
    document.body.classList.toggle("going-forward", slide?.talk === "forward");
    this.back.hidden = slide === null;
    this.back.disabled = !slide || slide.at === 0;
    this.on.classList.toggle("round", slide !== null);
    this.on.textContent = slide ? "›" : "Begin";
    this.leaveButton.hidden = slide === null;
    find("walk-at").textContent = slide ? `${slide.at + 1} of ${slide.count}` : "";
    this.dots(slide);
    this.stepping = null;
    this.tell(slide);
    if (slide) {
      const last = slide.at === slide.count - 1;
      this.on.setAttribute("aria-label", last ? "Take the step" : "Next slide");
      find("walk").scrollTop = 0;
    } else {
      this.on.removeAttribute("aria-label");
      if (before) find("walk").scrollIntoView({ block: "nearest" });
    }
    this.showNumbers();
  }

  showFrame(frame: Frame): void {
    this.frame = frame;
    if (this.slide) this.showNumbers();
  }

  /** The next term of the sum, or the first one again. */
  nextTerm(): void {
    this.numbers.querySelector<HTMLButtonElement>("#term-on")?.click();
  }

  /** A unit or a weight of the drawing, chosen by hand; false if the slide has no equation for it. */
  choose(place: Place): boolean {
    const { slide, stepping } = this;
    if (!slide?.each || !stepping || !this.setup) return false;
    const { left } = slide.each;
    const mark = readMark(nameOfMark(left, {}));
    if (!speaksOf(mark, place, this.depth)) return false;
    const chosen = place.kind === "weight" ? [place.unit, place.heard] : [place.unit];
    this.step({ letters: Object.fromEntries(left.at.map((letter, k) => [letter, chosen[k]!])), count: 0 });
    return true;
  }

  /** What is pointed at in the drawing: the terms that speak of it are lit. */
  pointedAt(place: Place | null): void {
    this.pointed = place;
    for (const term of find("walk").querySelectorAll<HTMLElement>("[data-at]")) {
      const lit = place !== null && marksOf(term).some((mark) => speaksOf(mark, place, this.depth));
      term.classList.toggle("lit", lit);
    }
  }

  private get depth(): number {
    return (this.setup?.network.sizes.length ?? 1) - 1;
  }

  private tell(slide: Slide | null): void {
    if (!slide) {
      const about =
        "Forward layer by layer, then back: the loss talks to the output units, they to the hidden units, and those to the weights.";
      this.box.replaceChildren(make("p", { className: "quiet small", textContent: about }));
      return;
    }
    const statements = slide.statements.map(({ reason, latex }) =>
      make(
        "div",
        { className: "statement" },
        make("p", { className: "reason" }, ...withSubscripts(reason)),
        latex.length ? make("div", { className: "formulas" }, ...latex.map((line) => markedFormula(line, {}, true))) : null,
      ),
    );
    this.box.replaceChildren(
      make("h3", {}, make("span", { className: `talk talk-${slide.talk}`, textContent: TALKS[slide.talk] }), ...withSubscripts(slide.title)),
      ...statements,
    );
  }

  /** The vectors and the sum of one unit, with the numbers of the frame. */
  private showNumbers(): void {
    const { slide, frame, setup } = this;
    if (!slide || !frame || !setup) {
      this.numbers.replaceChildren();
      this.lit.trail([]);
      return;
    }
    const board = new Board(slide, frame, setup);
    this.stepping ??= { letters: slide.each ? board.strongest(slide.each.left) : {}, count: 0 };
    const { stepping } = this;
    const focused = placeOfFocus(this.numbers);
    const trail = slide.about === null ? trailOf(board, stepping) : [[slide.about]];
    const vectors = slide.shown.map((vector, k) =>
      vectorRow(board, vector, stepping.letters, trail[0] ?? [], k === slide.shown.length - 1, (letter, number) => this.cell(letter, number)),
    );
    this.numbers.replaceChildren(...vectors);
    if (slide.each) this.numbers.append(make("div", { className: "sum" }, ...sumOf(board, stepping, (count) => this.step({ ...stepping, count }))));
    reveal(this.numbers);
    if (focused) this.numbers.querySelector<HTMLElement>(focused)?.focus();
    this.pointedAt(this.pointed);
    this.lit.trail(trail.map((marks) => marks.map(readMark)));
  }

  private step(stepping: Stepping): void {
    this.stepping = stepping;
    this.showNumbers();
    const { slide, frame, setup } = this;
    if (slide && frame && setup) find("selected").textContent = saidOf(new Board(slide, frame, setup), stepping);
  }

  /** A number was clicked: it is the unit that is looked at, or the last term that is added. */
  private cell(letter: string, number: number): void {
    const { slide, stepping, setup } = this;
    if (!slide?.each || !stepping || !setup) return;
    if (slide.each.left.at.includes(letter)) {
      this.step({ letters: { ...stepping.letters, [letter]: number }, count: 0 });
      return;
    }
    const over = slide.each.terms.find((term) => term.over?.letter === letter)?.over;
    if (over) this.step({ ...stepping, count: (setup.drawn.units[String(over.layer)] ?? []).indexOf(number) + 1 });
  }

  /** A way to a slide for the mouse; the keyboard has n and p. */
  private dot(at: number): HTMLElement {
    const dot = make("li");
    dot.addEventListener("click", () => this.send({ type: "slide", at }));
    return dot;
  }

  private dots(slide: Slide | null): void {
    const dots = find("walk-dots");
    dots.hidden = slide === null;
    if (!slide) return;
    if (dots.childElementCount !== slide.count) {
      dots.replaceChildren(...Array.from({ length: slide.count }, (_, at) => this.dot(at)));
    }
    [...dots.children].forEach((dot, k) => {
      dot.className = k === slide.at ? "now" : k < slide.at ? "done" : "";
    });
  }
}

function marksAt(target: EventTarget | null): Mark[] {
  const term = target instanceof Element ? target.closest<HTMLElement>("[data-at]") : null;
  return term ? marksOf(term) : [];
}

function marksOf(term: HTMLElement): Mark[] {
  return (term.dataset.at ?? "").split(";").filter(Boolean).map(readMark);
}

/** A selector of what has the focus, so that it can have it again when the numbers are written anew. */
function placeOfFocus(box: HTMLElement): string | null {
  const focused = document.activeElement;
  if (!(focused instanceof HTMLElement) || !box.contains(focused)) return null;
  if (focused.id) return `#${focused.id}`;
  const row = focused.closest<HTMLElement>("[data-vector]");
  return row ? `[data-vector="${row.dataset.vector}"] [data-at="${focused.dataset.at}"]` : null;
}

