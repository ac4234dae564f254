// Where the page begins, and where the start card and the back button lead it.

import type { Notice } from "../bar/notice";
import { behind, StartCard } from "../bar/start";
import type { Compare } from "../compare/compare";
import { shortened } from "../names";
import type { Hello } from "../protocol";
import { isDoor, merged, readFragment, sameConfiguration, type Door, type Start, type State } from "./address";
import type { Configuring } from "./configuring";
import type { Explaining } from "./explaining";
import type { Page } from "./page";
import type { Shown } from "./shown";

export class Navigation {
  private door: Door | null = null; // what is to begin once its network is there
  private readonly card = new StartCard((start) => this.choose(start));

  constructor(
    private readonly page: Page,
    private readonly configuring: Configuring,
    private readonly shown: Shown,
    private readonly explaining: Explaining,
    private readonly compare: Compare,
    private readonly notice: Notice,
  ) {
    addEventListener("popstate", () => void (compare.goTo(location.hash) || this.goTo(readFragment(location.hash))));
  }

  /** The first message of a connection: a page that the server still knows goes on, any other begins. */
  async greet(hello: Hello): Promise<void> {
    const before = this.page.state;
    this.configuring.offer(hello);
    this.shown.greet(hello);
    if (hello.resumed && before) {
      this.notice.clear();
      return; // setup and a frame follow by themselves
    }
    if (before) this.notice.say("The lab was restarted, so training begins anew.", "note");
    let state = before ? await this.configuring.withFile(before) : firstState(hello);
    if (!this.configuring.offers(state.data)) {
      const what = state.data.startsWith("file:") ? "A file of yours cannot be in an address: choose it again under Data." : `There is no data named ${shortened(state.data, 40)} here.`;
      this.notice.say(`${what} The lab begins with ${hello.start.data}.`, "note");
      state = { ...state, data: hello.start.data };
    } else if (!before) {
      this.notice.clear();
    }
    this.card.show(state.start);
    if (!before && isDoor(state.start) && !this.compare.isOpen) this.door = state.start;
    this.configuring.configure(state);
  }

  /** The door whose network is there now, once. */
  takeDoor(): Door | null {
    const { door } = this;
    this.door = null;
    return door;
  }

  /** The start card: open it, close it, or go through a door. */
  private choose(start: Start): void {
    const { state, hello } = this.page;
    if (!state || !hello) return;
    this.card.show(start);
    if (!isDoor(start)) {
      state.start = start;
      this.page.note(false);
      return;
    }
    this.door = start;
    this.configuring.configure(behind(start, state));
    this.page.send({ type: "example", row: 0 });
    this.page.note(true);
  }

  /** Back or forward to what an address says. */
  private goTo(said: Partial<State>): void {
    const { state, setup } = this.page;
    if (!state || !setup) return;
    const next = merged(state, said);
    const { example, color, quantity, start } = next;
    state.start = start;
    this.card.show(start);
    if (!sameConfiguration(next, state)) {
      this.configuring.configure(next);
      return;
    }
    if (color !== state.color) this.shown.colourBy(color);
    if (example !== state.example) this.shown.example(example);
    if (quantity === state.quantity) return;
    if (quantity) this.explaining.explain(quantity, false);
    else this.explaining.close();
  }
}

/** What the address says, and else what the server, or the lesson, begins with; the start card if it says nothing. */
function firstState({ start, recorded }: Hello): State {
  const said = readFragment(location.hash);
  if (location.hash.length < 2 && start.data !== "given" && !recorded) said.start = "open";
  const plain: State = { example: 0, color: "value", quantity: "", start: "", ...start };
  const first = said.start && isDoor(said.start) ? behind(said.start, plain) : plain;
  return merged(first, { ...said, quantity: said.quantity || first.quantity });
}
