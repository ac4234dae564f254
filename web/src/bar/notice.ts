// One line below the bar for what concerns the whole page.

import { find, say } from "../dom";

const SHOWN = 9000; // milliseconds for a note; a warning stays until things change

export class Notice {
  private readonly box = find("notice");
  private timer = 0;

  say(text: string, kind: "note" | "warning"): void {
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
