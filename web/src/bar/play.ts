// Play: one step after another, at a pace that can be followed.

import { find } from "../dom";

export class Play {
  private timer = 0;
  private waits = false; // for the frame of the last step
  private readonly button = find("play");
  private readonly pace = find<HTMLSelectElement>("pace");

  constructor(private readonly step: () => boolean) {
    this.pace.addEventListener("change", () => {
      if (this.playing) this.start();
    });
  }

  get playing(): boolean {
    return this.timer !== 0;
  }

  /** Begins with a step at once. */
  start(): void {
    clearInterval(this.timer);
    this.waits = false;
    this.timer = window.setInterval(() => this.take(), 1000 / Number(this.pace.value));
    this.take();
    this.show();
  }

  stop(): void {
    clearInterval(this.timer);
    this.timer = 0;
    this.show();
  }

  /** The frame of a step was drawn. */
  drawn(): void {
    this.waits = false;
  }

  private take(): void {
    if (this.waits) return;
    this.waits = this.step();
    if (!this.waits) this.stop();
  }

  private show(): void {
    this.button.textContent = this.playing ? "Pause" : "Play";
    this.button.classList.toggle("on", this.playing);
  }
}
