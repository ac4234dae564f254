// A weight, a bias or an input, set by hand: with a slider or as a number, or by dragging in the drawing.

import { find, make } from "./dom";
import { placeOf, type Place } from "./network/place";
import { subscript, written } from "./numbers";
import type { Frame, Setup } from "./protocol";

const FINEST = 400; // steps of the slider

interface Settable {
  quantity: string;
  said: string; // "bias b₁,₂"
  array: string;
  at: number; // in the array of the frame
}

export class ByHand {
  private setup: Setup | null = null;
  private chosen: Settable | null = null;
  private value = 0;
  private lossBefore: number | null = null; // of the example, when the quantity was chosen
  private range = 0; // of the slider, on both sides of 0
  private dragged: { from: number; quantity: string } | null = null;
  private queued: number | null = null;
  private readonly box = find("by-hand");
  private readonly label = find("by-hand-name");
  private readonly slider = find<HTMLInputElement>("by-hand-slider");
  private readonly field = find<HTMLInputElement>("by-hand-value");
  private readonly effect = find("by-hand-effect");
  private readonly double = find("by-hand-double");
  private readonly before = find("by-hand-before");
  private valueBefore: number | undefined; // what stood there, if a hand has set it

  /** `set` says to the server what is set. */
  constructor(private readonly set: (quantity: string, value: number) => void) {
    this.slider.addEventListener("input", () => this.send(Number(this.slider.value)));
    this.field.addEventListener("change", () => {
      if (this.field.value === "") this.writeValue();
      else this.send(Number(this.field.value));
    });
    this.double.addEventListener("click", () => this.send(2 * this.value));
    find("by-hand-back").addEventListener("click", () => {
      this.field.focus(); // the button goes
      if (this.valueBefore !== undefined) this.send(this.valueBefore);
    });
    find("by-hand-zero").addEventListener("click", () => this.send(0));
  }

  begin(setup: Setup): void {
    this.setup = setup;
    this.chosen = null;
    this.box.hidden = true;
  }

  /** What belongs to the quantity that is explained; nothing for the gradient of a whole layer. */
  choose(quantity: string, frame: Frame | null): void {
    const chosen = this.setup && frame ? settableOf(quantity, this.setup) : null;
    this.box.hidden = chosen === null;
    if (!chosen || chosen.quantity === this.chosen?.quantity) return;
    this.chosen = chosen;
    this.forget(frame);
  }

  show(frame: Frame, before: Frame | null): void {
    const { chosen } = this;
    if (!chosen || this.box.hidden) return;
    if (before && (before.example.row !== frame.example.row || before.step !== frame.step)) this.forget(frame);
    const value = frame.numbers.get(chosen.array)?.values[chosen.at] ?? 0;
    this.value = Number(value.toPrecision(6));
    const shown = Number(value.toPrecision(4));
    this.label.textContent = chosen.said;
    this.double.textContent = chosen.array.startsWith("b.") ? `${chosen.said} × 2` : "× 2"; // a unit was clicked, not its bias
    this.valueBefore = frame.before_by_hand?.[chosen.quantity];
    this.before.hidden = this.valueBefore === undefined;
    find("by-hand-was").textContent = `before ${written(this.valueBefore)}`;
    for (const input of [this.slider, this.field]) {
      input.setAttribute("aria-label", `${chosen.quantity}, set by hand`);
      if (document.activeElement !== input || input === this.slider) input.value = String(shown);
      else if (Number(input.value) !== shown && input.dataset.sent !== input.value) input.value = String(shown);
    }
    this.writeEffect(frame);
  }

  /** Dragged in the drawing: `by` is the way up from where it began, null at its beginning. */
  drag(place: Place, by: number | null, frame: Frame | null): void {
    const settable = this.setup && settableOf(quantityToDrag(place), this.setup);
    if (!settable || !frame) return;
    if (by === null || this.dragged?.quantity !== settable.quantity) {
      const from = frame.numbers.get(settable.array)?.values[settable.at] ?? 0;
      this.dragged = { from, quantity: settable.quantity };
    }
    if (by === null) return;
    const unit = Math.max(1, Math.abs(this.dragged.from)) / 60;
    this.queue(settable.quantity, Number((this.dragged.from + by * unit).toPrecision(3)));
  }

  /** What was written is refused: what is there comes back, with the reason. Whether there is a place to say it. */
  refuse(reason: string): boolean {
    if (this.box.hidden) return false;
    this.writeValue();
    this.effect.replaceChildren(make("span", { className: "error", textContent: reason }));
    return true;
  }

  private writeValue(): void {
    this.field.value = String(Number(this.value.toPrecision(4)));
  }

  private forget(frame: Frame | null): void {
    const { chosen } = this;
    if (!chosen || !frame) return;
    this.lossBefore = frame.example.loss;
    const value = frame.numbers.get(chosen.array)?.values[chosen.at] ?? 0;
    this.range = Math.max(3, 2 * Math.abs(value));
    this.slider.min = String(-this.range);
    this.slider.max = String(this.range);
    this.slider.step = String(this.range / FINEST);
    this.show(frame, null);
  }

  private writeEffect(frame: Frame): void {
    const { loss } = frame.example;
    const parts = [`ℒ of this example: ${written(this.lossBefore, 4)}`];
    if (loss !== this.lossBefore) parts.push(` → ${written(loss, 4)}`);
    this.effect.replaceChildren(...parts);
    if (loss !== null && this.lossBefore !== null && loss !== this.lossBefore) {
      this.effect.append(make("b", { className: loss < this.lossBefore ? "better" : "worse", textContent: loss < this.lossBefore ? " lower" : " higher" }));
    }
  }

  private send(value: number): void {
    if (this.chosen && Number.isFinite(value)) this.queue(this.chosen.quantity, value);
  }

  /** The last of the values that come between two frames of the screen. */
  private queue(quantity: string, value: number): void {
    const waits = this.queued !== null;
    this.queued = value;
    if (waits) return;
    requestAnimationFrame(() => {
      const last = this.queued;
      this.queued = null;
      if (last !== null) this.set(quantity, last);
    });
  }
}

function quantityToDrag(place: Place): string {
  if (place.kind === "weight") return `W[${place.layer},${place.unit},${place.heard}]`;
  return place.layer === 0 ? `x[${place.unit}]` : `b[${place.layer},${place.unit}]`;
}

/** The number that can be set at a quantity: a weight, an input, or the bias of a unit. */
function settableOf(quantity: string, setup: Setup): Settable | null {
  const depth = setup.network.sizes.length - 1;
  const place = placeOf(quantity, depth);
  if (!place) return null;
  const units = (layer: number): number[] => setup.drawn.units[String(layer)] ?? [];
  const unit = units(place.layer).indexOf(place.unit);
  if (unit < 0) return null;
  if (place.kind === "weight") {
    const heard = units(place.layer - 1).indexOf(place.heard);
    if (heard < 0) return null;
    const at = unit * units(place.layer - 1).length + heard;
    return { quantity: quantityToDrag(place), said: `weight W${subscript(place.layer, place.unit, place.heard)}`, array: `W.${place.layer}`, at };
  }
  if (place.layer === 0) return { quantity: quantityToDrag(place), said: `input x${subscript(place.unit)}`, array: "h.0", at: unit };
  return { quantity: quantityToDrag(place), said: `bias b${subscript(place.layer, place.unit)}`, array: `b.${place.layer}`, at: unit };
}
