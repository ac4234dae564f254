// What is looked at: which example, in which colours, and with which pictures beside the numbers.

import { find, say } from "../dom";
import type { Drawing } from "../network/drawing";
import { isPictured } from "../network/layout";
import type { Frame, Hello } from "../protocol";
import { COLOURS, type Colour } from "./address";
import type { Page } from "./page";

export class Shown {
  private looks = { maps: false, histograms: false }; // what was asked for last
  private readonly histograms = find<HTMLDetailsElement>("histograms");
  private readonly error = find("example-error");

  constructor(
    private readonly page: Page,
    private readonly drawing: Drawing,
  ) {
    this.histograms.addEventListener("toggle", () => this.look());
  }

  greet(hello: Hello): void {
    if (!hello.resumed) this.looks = { maps: false, histograms: false };
  }

  begin(): void {
    const { state } = this.page;
    find("color-picture").hidden = !this.hasPictures;
    if (state?.color === "picture" && !this.hasPictures) state.color = "value";
    this.drawing.colourBy(state?.color ?? "value");
    this.showColour();
    this.look();
    say(this.error, "");
  }

  showFrame(frame: Frame): void {
    const { state } = this.page;
    if (!state || state.example === frame.example.row) return;
    state.example = frame.example.row;
    this.page.note(false);
  }

  /** The next example, or by -1 the one before. */
  otherExample(by: number): void {
    const { setup, state } = this.page;
    if (!setup || !state) return;
    const { shown, rows } = setup;
    if (!shown) this.example((state.example + by + rows) % rows);
    else this.example(shown[(shown.indexOf(state.example) + by + shown.length) % shown.length]!);
  }

  example(row: number): void {
    if (!this.page.setup || !Number.isInteger(row)) return;
    say(this.error, "");
    this.page.send({ type: "example", row });
  }

  refuseExample(message: string): void {
    const { setup } = this.page;
    say(this.error, setup && !setup.shown ? `There are the examples 1 to ${setup.rows}.` : message);
  }

  otherColour(): void {
    const offered = COLOURS.filter((color) => color !== "picture" || this.hasPictures);
    this.colourBy(offered[(offered.indexOf(this.page.state?.color ?? "value") + 1) % offered.length]!);
  }

  colourBy(color: Colour): void {
    const { state } = this.page;
    if (!state) return;
    state.color = color;
    this.showColour();
    this.drawing.colourBy(color);
    this.look();
    this.page.note(false);
  }

  /** Whether units can show pictures; a lesson has recorded no maps. */
  private get hasPictures(): boolean {
    const { setup, hello } = this.page;
    return setup !== null && setup.network.sizes.some((_, layer) => isPictured(setup, layer)) && !(setup.bounds && hello?.recorded);
  }

  /** Asks for what the page shows beside the numbers, and for no more. */
  private look(): void {
    const { state, setup } = this.page;
    const maps = state?.color === "picture" && Boolean(setup?.bounds);
    const histograms = this.histograms.open;
    if (this.looks.maps === maps && this.looks.histograms === histograms) return;
    if (this.page.send({ type: "look", maps, histograms })) this.looks = { maps, histograms };
  }

  private showColour(): void {
    for (const input of document.querySelectorAll<HTMLInputElement>("input[name=color]")) {
      input.checked = input.value === this.page.state?.color;
    }
  }
}
