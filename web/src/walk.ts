// One step as slides, a talk at a time.

import { find, make } from "./dom";
import { formula } from "./formula";
import type { Sent, Slide, Talk } from "./protocol";

const TALKS: Record<Talk, string> = {
  forward: "Forward",
  output: "To the output units",
  hidden: "To the hidden units",
  weights: "To the weights",
  update: "The step",
};

export class Walk {
  slide: Slide | null = null;
  private readonly box = find("walk-slide");
  private readonly on = find<HTMLButtonElement>("walk-on");
  private readonly back = find<HTMLButtonElement>("walk-back");
  private readonly leaveButton = find<HTMLButtonElement>("walk-leave");

  constructor(private readonly send: (message: Sent) => void) {
    this.on.addEventListener("click", () => this.next());
    this.back.addEventListener("click", () => this.previous());
    this.leaveButton.addEventListener("click", () => this.leave());
    this.show(null);
  }

  /** Beyond the last slide the server takes the step and begins the next walk. */
  next(): void {
    this.send({ type: "slide", at: this.slide ? this.slide.at + 1 : 0 });
  }

  previous(): void {
    if (this.slide && this.slide.at > 0) this.send({ type: "slide", at: this.slide.at - 1 });
  }

  leave(): void {
    if (this.slide) this.send({ type: "slide", at: null });
  }

  show(slide: Slide | null): void {
    this.slide = slide;
    this.back.hidden = slide === null;
    this.back.disabled = !slide || slide.at === 0;
    this.on.classList.toggle("round", slide !== null);
    this.on.textContent = slide ? "›" : "Begin";
    this.leaveButton.hidden = slide === null;
    find("walk-at").textContent = slide ? `${slide.at + 1} of ${slide.count}` : "";
    this.dots(slide);
    if (!slide) {
      this.on.removeAttribute("aria-label");
      const about =
        "Forward layer by layer, then back: the loss talks to the output units, they to the hidden units, and those to the weights.";
      this.box.replaceChildren(make("p", { className: "quiet small", textContent: about }));
      return;
    }
    const last = slide.at === slide.count - 1;
    this.on.setAttribute("aria-label", last ? "Take the step" : "Next slide");
    this.box.replaceChildren(
      make("h3", {}, make("span", { className: `talk talk-${slide.talk}`, textContent: TALKS[slide.talk] }), slide.title),
      make("p", { className: "reason", textContent: slide.reason }),
      make("div", { className: "formulas" }, ...slide.latex.map((latex) => formula(latex))),
    );
  }

  private dots(slide: Slide | null): void {
    const dots = find("walk-dots");
    dots.hidden = slide === null;
    if (!slide) return;
    if (dots.childElementCount !== slide.count) {
      dots.replaceChildren(...Array.from({ length: slide.count }, () => make("li")));
    }
    [...dots.children].forEach((dot, k) => {
      dot.className = k === slide.at ? "now" : k < slide.at ? "done" : "";
    });
  }
}
