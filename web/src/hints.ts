// Explanations on hover and on focus: one tooltip for the page, of whatever names a term in `data-hint`.

import { find, withSubscripts } from "./dom";
import { aboutChoice } from "./settings/choices";
import { TERMS } from "./terms";

const DELAY = 350; // milliseconds before a hint is shown on hover
const GRACE = 200; // and before it goes, so that the pointer can move onto it

export class Hints {
  private owner: HTMLElement | null = null;
  private timer = 0;
  private readonly box = find("hint");

  constructor() {
    document.addEventListener("pointerover", (event) => {
      if (event.pointerType !== "touch") this.hover(event.target);
    });
    document.addEventListener("focusin", (event) => {
      const owner = ownerOf(event.target);
      if (owner && (event.target as HTMLElement).matches(":focus-visible")) this.show(owner, event.target as HTMLElement);
      else if (this.owner && !owner) this.hide();
    });
    document.addEventListener("focusout", () => this.hide());
    document.addEventListener("change", () => {
      if (this.owner) this.write(this.owner); // of what is chosen now
    });
    document.addEventListener("click", (event) => {
      const owner = ownerOf(event.target);
      if (owner?.classList.contains("term")) this.show(owner, owner); // by touch
    });
    addEventListener("scroll", () => this.follow(), { capture: true, passive: true });
    document.addEventListener(
      "keydown",
      (event) => {
        if (event.key !== "Escape" || !this.owner) return;
        this.hide();
        event.stopPropagation(); // the first Escape closes the hint alone
      },
      { capture: true },
    );
  }

  private hover(target: EventTarget | null): void {
    clearTimeout(this.timer);
    if (target instanceof Node && this.box.contains(target)) return;
    const owner = ownerOf(target);
    if (owner === this.owner) return;
    this.timer = window.setTimeout(() => (owner ? this.show(owner, null) : this.hide()), owner ? DELAY : GRACE);
  }

  private show(owner: HTMLElement, focused: HTMLElement | null): void {
    clearTimeout(this.timer);
    if (!this.write(owner)) return;
    this.owner = owner;
    focused?.setAttribute("aria-describedby", this.box.id);
    this.box.hidden = false;
    this.place(owner.getBoundingClientRect());
  }

  private write(owner: HTMLElement): boolean {
    const key = owner.dataset.hint ?? "";
    const select = owner.querySelector("select");
    const texts = [TERMS[key], select ? aboutChoice(key, select.value) : ""].filter(Boolean) as string[];
    this.box.replaceChildren(
      ...texts.map((text, k) => {
        const line = document.createElement("p");
        if (k > 0) {
          const name = document.createElement("b");
          name.textContent = `${select!.selectedOptions[0]?.textContent ?? ""}: `;
          line.append(name);
        }
        line.append(...withSubscripts(text));
        return line;
      }),
    );
    return texts.length > 0;
  }

  /** Below its owner, or above it if there is no room, or beside a setting. */
  private place(at: DOMRect): void {
    const { offsetWidth: width, offsetHeight: height } = this.box;
    const below = at.bottom + 6 + height <= innerHeight;
    const left = Math.max(8, Math.min(at.left, innerWidth - width - 8));
    const top = below ? at.bottom + 6 : Math.max(8, at.top - height - 6);
    this.box.style.transform = `translate(${left}px, ${top}px)`;
  }

  /** What has the focus was scrolled to, with its hint; what the pointer was over has gone. */
  private follow(): void {
    if (this.owner?.contains(document.activeElement)) this.place(this.owner.getBoundingClientRect());
    else if (this.owner) this.hide();
  }

  private hide(): void {
    clearTimeout(this.timer);
    if (!this.owner) return;
    for (const described of document.querySelectorAll(`[aria-describedby="${this.box.id}"]`)) described.removeAttribute("aria-describedby");
    this.owner = null;
    this.box.hidden = true;
  }
}

function ownerOf(target: EventTarget | null): HTMLElement | null {
  return target instanceof Element ? target.closest<HTMLElement>("[data-hint]") : null;
}
