// The steps of a lesson as a slider, and the way on from them.

import { find, say } from "../dom";
import type { Hello, Sent, Setup } from "../protocol";

export class Timeline {
  private readonly box = find("timeline");
  private readonly slider = find<HTMLInputElement>("timeline-step");
  private readonly back = find<HTMLButtonElement>("timeline-back");
  private readonly train = find<HTMLButtonElement>("timeline-train");
  private last = 0;
  private live = false; // this page trains on

  constructor(private readonly send: (message: Sent) => void) {
    this.slider.addEventListener("input", () => this.goTo(Number(this.slider.value)));
    this.back.addEventListener("click", () => this.goTo(Number(this.slider.value) - 1));
    this.train.addEventListener("click", () => (this.live ? this.goTo(Number(this.slider.value)) : this.send({ type: "train" })));
  }

  offer({ recorded }: Hello): void {
    document.documentElement.classList.toggle("lesson", recorded !== undefined);
    this.box.hidden = recorded === undefined;
    if (!recorded) return;
    this.last = recorded.steps;
    this.slider.max = String(recorded.steps);
    this.box.insertBefore(find("speed-row"), this.train); // of the settings, which a lesson does not show
    this.train.hidden = !recorded.trains;
  }

  begin({ live }: Setup): void {
    this.live = live ?? false;
    this.train.textContent = this.live ? "Back to the recording" : "Train on from here";
  }

  show(step: number): void {
    this.slider.value = String(step);
    this.back.disabled = step === 0;
    const said = this.live ? `step ${step}, trained here` : `step ${step} of ${this.last}`;
    this.slider.setAttribute("aria-valuetext", said);
    say(find("timeline-at"), said);
  }

  private goTo(step: number): void {
    this.send({ type: "goto", step });
  }
}
