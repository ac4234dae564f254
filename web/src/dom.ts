// Finding and making elements. No inline styles in markup: the page's security policy refuses them.

export function find<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no element with the id ${id}`);
  return found as T;
}

/** More than one column. */
export const wide = matchMedia("(min-width: 900px)");

type Child = Node | string | null;

export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<Omit<HTMLElementTagNameMap[K], "style">> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = Object.assign(document.createElement(tag), properties);
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

/** For those who hear the page, an element is one picture, of this name. */
export function namePicture(element: Element, name: string): void {
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", name);
}

/** Text in which h[2,j] and ∇_a stand as they do in formulas: h with the subscript 2,j, ∇ with the subscript a. */
export function withSubscripts(text: string): (string | HTMLElement)[] {
  return text.split(/((?<=\b[Wabhx])\[[\d·jkm, ]+\]|(?<=∇)_[Wabhx])/).map((part, k) => (k % 2 ? make("sub", { textContent: part.replace(/[[\]_]/g, "") }) : part));
}

export function say(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}

/** An option for each value; one that is not among them is added, so that a URL can name it. */
export function offer(select: HTMLSelectElement, values: readonly string[], names?: readonly string[]): void {
  const chosen = select.value;
  select.replaceChildren(...values.map((value, k) => make("option", { value, textContent: names?.[k] ?? value })));
  if (values.includes(chosen)) select.value = chosen;
}

export function choose(select: HTMLSelectElement, value: string): void {
  if (![...select.options].some((option) => option.value === value)) {
    select.append(make("option", { value, textContent: value }));
  }
  select.value = value;
}

/** A canvas as sharp as the screen: sized in device pixels, drawn on in CSS pixels. Null while it is not shown. */
export function sharp(canvas: HTMLCanvasElement): { context: CanvasRenderingContext2D; width: number; height: number } | null {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  const context = canvas.getContext("2d");
  if (!context || width === 0 || height === 0) return null;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across || canvas.height !== down) {
    canvas.width = across;
    canvas.height = down;
  }
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height };
}
