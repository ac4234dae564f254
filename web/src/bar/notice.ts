// One line below the bar for what concerns the whole page.

import { find, say } from "../dom";

const SHOWN = 9000; // milliseconds for a note; the others stay until things change
const SOON = 300; // milliseconds in which nobody misses anything
const CONNECTING = "Connecting…";

export class Notice {
  private readonly box = find("notice");
  private timer = 0;

  /** Says that the lab is waited for, if it takes longer than a moment. */
  connecting(): void {
    this.timer = window.setTimeout(() => this.say(CONNECTING, "wait"), SOON);
  }

  /** The lab answered; what else is said stays. */
  connected(): void {
    if (this.box.hidden || this.box.textContent === CONNECTING) this.clear();
  }

  say(text: string, kind: "note" | "warning" | "wait"): void {
    clearTimeout(this.timer);
    this.box.className = `notice ${kind}`;
    say(this.box, text);
    if (kind === "note") this.timer = window.setTimeout(() => this.clear(), SHOWN);
  }

  clear(): void {
    clearTimeout(this.timer);
    say(this.box, "");
  }
}
