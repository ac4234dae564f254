// Light or dark or as the system is, and large type with high contrast for a projector: remembered by the browser.

import { find } from "../dom";

const THEMES = ["system", "light", "dark"] as const;
const PLACE = "backtalk-appearance"; // in the browser's storage

interface Appearance {
  theme: (typeof THEMES)[number];
  projector: boolean;
}

let shown: Appearance = { theme: "system", projector: false };

export function listenToAppearance(): void {
  show(remembered());
  for (const radio of radios()) radio.addEventListener("change", () => choose({ theme: radio.value as Appearance["theme"] }));
  const projector = find<HTMLInputElement>("projector");
  projector.addEventListener("change", () => choose({ projector: projector.checked }));
}

export function switchProjector(): void {
  choose({ projector: !shown.projector });
}

export function onProjector(): boolean {
  return shown.projector;
}

function choose(changed: Partial<Appearance>): void {
  show({ ...shown, ...changed });
  try {
    localStorage.setItem(PLACE, JSON.stringify(shown));
  } catch {
    // the browser keeps nothing: it lasts as long as the page
  }
}

/** Shows it, and tells the parts of the page that draw with colours of their own. */
function show(next: Appearance): void {
  shown = next;
  const { dataset } = document.documentElement;
  if (shown.theme === "system") delete dataset.theme;
  else dataset.theme = shown.theme;
  if (shown.projector) dataset.projector = "";
  else delete dataset.projector;
  for (const radio of radios()) radio.checked = radio.value === shown.theme;
  find<HTMLInputElement>("projector").checked = shown.projector;
  document.dispatchEvent(new Event("appearance"));
}

function remembered(): Appearance {
  try {
    const kept = JSON.parse(localStorage.getItem(PLACE) ?? "{}") as Partial<Appearance>;
    return { theme: THEMES.find((name) => name === kept.theme) ?? "system", projector: kept.projector === true };
  } catch {
    return shown; // nothing that can be read
  }
}

function radios(): NodeListOf<HTMLInputElement> {
  return document.querySelectorAll("input[name=theme]");
}
