// What the page needs of a browser: colours and menus that came in 2024.

const NEEDED: [string, () => boolean][] = [
  ["colours by light-dark()", () => CSS.supports("color", "light-dark(red, blue)")],
  ["popovers", () => "popover" in HTMLElement.prototype],
  ["DecompressionStream, which unpacks a lesson", () => "DecompressionStream" in window],
];

/** A sentence for a browser that is too old; empty for any other. */
export function tooOld(): string {
  const missing = NEEDED.filter(([, there]) => !there()).map(([name]) => name);
  if (missing.length === 0) return "";
  return `This browser is too old for this page. It has no ${missing.join(", and no ")}. Open the page in Chrome or Edge 123, Firefox 125, Safari 17.5, or later.`;
}
