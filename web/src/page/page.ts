// What all parts of the page know: the state that the address holds, and what the server said.

import type { Lab } from "../connection";
import type { Hello, Sent, Setup } from "../protocol";
import { writeFragment, type State } from "./address";

export class Page {
  state: State | null = null; // null until the server said what it offers
  setup: Setup | null = null; // of the network that is there
  hello: Hello | null = null;
  comparison = ""; // the fragment of what is compared, which the address then holds instead of the state

  constructor(private readonly lab: Lab) {}

  open(): void {
    this.lab.open();
  }

  /** Whether there is a network, and somebody who answers. */
  get ready(): boolean {
    return this.lab.connected && this.setup !== null;
  }

  /** The number of the output layer. */
  get depth(): number {
    return (this.setup?.network.sizes.length ?? 1) - 1;
  }

  /** Whether it was sent. */
  send(message: Sent): boolean {
    return this.lab.send(message);
  }

  /** Writes the state into the address; `step` makes a step that the back button takes back. */
  note(step: boolean): void {
    if (!this.state) return;
    const fragment = this.comparison || writeFragment(this.state);
    if (fragment === location.hash) return;
    history[step ? "pushState" : "replaceState"](null, "", fragment);
  }
}
