// The steps of a lesson as a slider, and what the page does without because nothing can be changed.

import { find, say } from "../dom";
import type { Hello } from "../protocol";

export class Timeline {
  private readonly box = find("timeline");
  private readonly slider = find<HTMLInputElement>("timeline-step");
  private readonly back = find<HTMLButtonElement>("timeline-back");
  private last = 0;

  constructor(goTo: (step: number) => void) {
    this.slider.addEventListener("input", () => goTo(Number(this.slider.value)));
    this.back.addEventListener("click", () => goTo(Number(this.slider.value) - 1));
  }

  offer({ recorded }: Hello): void {
    document.documentElement.classList.toggle("lesson", recorded !== undefined);
    this.box.hidden = recorded === undefined;
    if (!recorded) return;
    this.last = recorded.steps;
    this.slider.max = String(recorded.steps);
  }

  show(step: number): void {
    this.slider.value = String(step);
    this.back.disabled = step === 0;
    this.slider.setAttribute("aria-valuetext", `step ${step} of ${this.last}`);
    say(find("timeline-at"), `step ${step} of ${this.last}`);
  }
}
