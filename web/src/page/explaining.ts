// The derivation of what was clicked: asked for, answered, and asked for again when the network has moved on.

import type { ByHand } from "../by_hand";
import { DerivationPanel } from "../derivation/panel";
import { find } from "../dom";
import type { Drawing } from "../network/drawing";
import { placeOf, quantityOf, type Place } from "../network/place";
import { written } from "../numbers";
import type { Explained, Frame } from "../protocol";
import type { Page } from "./page";

const PAUSE = 100; // milliseconds: the steps of a recording no longer pass by quickly

export class Explaining {
  private explainedAt: number | null = null; // the step of the derivation that is shown
  private askedAt: number | null = null; // how much had been set by hand when the derivation was asked for that is to come
  private soon: ReturnType<typeof setTimeout> | undefined;
  private frame: Frame | null = null;
  private readonly panel = new DerivationPanel({
    explain: (quantity) => this.explain(quantity, true),
    close: () => this.close(),
    lightPath: (path) => this.drawing.lightOne(path),
  });

  constructor(
    private readonly page: Page,
    private readonly drawing: Drawing,
    private readonly byHand: ByHand,
  ) {}

  /** Another network: what was explained before is explained of it. */
  begin(): void {
    this.frame = null;
    this.explainedAt = null;
    const { state } = this.page;
    if (state?.quantity) this.explain(state.quantity, false);
    else this.close();
  }

  /** What was clicked in the drawing. */
  open(place: Place): void {
    if (this.page.setup) this.explain(quantityOf(place, this.page.depth), true);
  }

  explain(quantity: string, byHand: boolean): void {
    const { state, setup, depth } = this.page;
    if (!state || !setup) return;
    const other = state.quantity !== quantity;
    state.quantity = quantity;
    this.panel.expect(quantity);
    this.byHand.choose(quantity, this.frame);
    this.askedAt = this.frame?.edits ?? 0;
    if (other || byHand) this.drawing.select(placeOf(quantity, depth));
    if (byHand && other) this.page.note(true);
    this.page.send({ type: "explain", quantity });
  }

  show(explained: Explained): void {
    const { askedAt } = this;
    this.askedAt = null;
    const { state, setup, depth } = this.page;
    if (!setup || !state?.quantity) return;
    const place = placeOf(explained.quantity, depth);
    this.explainedAt = explained.step ?? this.frame?.step ?? 0;
    this.drawing.select(place);
    this.drawing.lightPaths(explained.paths);
    this.panel.show(explained, place, setup);
    const value = explained.values.at(explained.derivation.left);
    const said = typeof value === "number" ? ` is ${written(value, 6)}` : "";
    find("selected").textContent = `The gradient by ${explained.quantity}${said}. Its derivation stands below the drawing.`;
    if (this.frame?.running) this.panel.stale(this.explainedAt);
    else if (askedAt !== null && askedAt !== this.frame?.edits) this.explain(explained.quantity, false); // more was set meanwhile
  }

  /** While training runs, the derivation stays that of its step. */
  showFrame(frame: Frame): void {
    const before = this.frame;
    this.frame = frame;
    const quantity = this.page.state?.quantity;
    if (quantity) this.byHand.choose(quantity, frame);
    this.byHand.show(frame, before);
    if (!quantity || this.explainedAt === null || this.askedAt !== null) return;
    const moved = before && (before.step !== frame.step || before.example.row !== frame.example.row);
    if (frame.running) this.panel.stale(this.explainedAt);
    else if (moved || this.explainedAt !== frame.step || before?.edits !== frame.edits) this.explainSoon();
  }

  close(): void {
    const { state } = this.page;
    const open = Boolean(state?.quantity);
    if (state) state.quantity = "";
    this.explainedAt = null;
    this.askedAt = null;
    this.panel.clear();
    this.byHand.choose("", null);
    this.drawing.select(null);
    if (open) this.page.note(true);
  }

  refuse(message: string): void {
    this.explainedAt = this.askedAt = null;
    this.drawing.select(null);
    this.panel.refuse(message);
  }

  /** The connection dropped: no answer comes. */
  lost(): void {
    this.askedAt = null;
  }

  private explainSoon(): void {
    clearTimeout(this.soon);
    const explain = (): void => {
      if (this.page.state?.quantity) this.explain(this.page.state.quantity, false);
    };
    if (this.page.hello?.recorded) this.soon = setTimeout(explain, PAUSE);
    else explain();
  }
}
