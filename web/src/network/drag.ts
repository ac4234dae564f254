// Dragging a weight or a unit of the drawing up or down, with a mouse or a pen: a finger scrolls the page.

import type { Place } from "./place";

const LEAST = 4; // pixels, below which it is a click

export class Drag {
  private from: { place: Place; y: number } | null = null;
  private moved = false;

  constructor(
    private readonly area: HTMLElement,
    place: (event: MouseEvent) => Place | null,
    private readonly drag: (place: Place, by: number | null) => void,
  ) {
    area.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "touch" || event.button !== 0) return;
      const found = place(event);
      this.from = found && { place: found, y: event.clientY };
      this.moved = false;
    });
    area.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) area.addEventListener(end, () => (this.from = null));
    area.addEventListener("click", (event) => this.swallow(event), { capture: true });
  }

  private move(event: PointerEvent): void {
    if (!this.from) return;
    const by = this.from.y - event.clientY;
    if (!this.moved && Math.abs(by) < LEAST) return;
    if (!this.moved) {
      this.moved = true;
      this.area.setPointerCapture(event.pointerId); // it goes on beyond the drawing
      this.drag(this.from.place, null);
    }
    this.drag(this.from.place, by);
  }

  /** The click that ends a drag opens nothing. */
  private swallow(event: Event): void {
    if (this.moved) event.stopImmediatePropagation();
    this.moved = false;
  }
}
