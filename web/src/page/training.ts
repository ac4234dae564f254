// Training as the user drives it: run, play, step, reset, diagnose.

import type { Notice } from "../bar/notice";
import { Play } from "../bar/play";
import { find } from "../dom";
import { clearFindings } from "../findings";
import type { Page } from "./page";

export class Training {
  running = false;
  private readonly play = new Play(() => this.page.send({ type: "step" }));
  private readonly button = find("run");
  private readonly steps = find<HTMLSelectElement>("speed");

  constructor(
    private readonly page: Page,
    private readonly notice: Notice,
  ) {}

  /** Steps a frame. */
  speed(): void {
    this.page.send({ type: "speed", steps: Number(this.steps.value) });
  }

  playOrPause(): void {
    if (this.play.playing) {
      this.play.stop();
      this.diagnose();
    } else if (this.page.setup) {
      this.showRunning(false);
      this.play.start();
    }
  }

  runOrPause(): void {
    this.play.stop();
    const run = !this.running;
    if (!this.page.send({ type: run ? "run" : "pause" })) return;
    this.showRunning(run);
    if (!run) this.diagnose();
  }

  step(): void {
    this.page.send({ type: "step" });
  }

  reset(): void {
    this.play.stop();
    clearFindings();
    this.notice.clear(); // it may say why the training before stopped
    this.page.send({ type: "reset" });
  }

  diagnose(): void {
    if (this.page.comparison) return; // the doctor looks at one network
    this.page.send({ type: "diagnose" });
  }

  /** Training does not go on: it ended by itself, the connection dropped, or other settings were chosen. */
  halt(): void {
    this.play.stop();
    this.showRunning(false);
  }

  /** A slide is shown, and no step follows by itself. */
  stopPlaying(): void {
    this.play.stop();
  }

  showFrame(frame: { running: boolean }): void {
    this.showRunning(frame.running);
    this.play.drawn();
  }

  private showRunning(running: boolean): void {
    this.running = running;
    const text = running ? "Pause" : "Run";
    if (this.button.textContent !== text) this.button.textContent = text;
    this.button.classList.toggle("on", running);
  }
}
