// Keys that work wherever the focus is, but not while text is written or a button holds them.

import { switchProjector } from "./appearance";
import type { App } from "../app";
import { find } from "../dom";

const OF_BOTH = [" ", "s", "r", "y", "b", "?"]; // keys that act on two networks side by side as well

export function listenToKeys(app: App): void {
  const help = find<HTMLDialogElement>("help");
  find("help-open").addEventListener("click", () => help.showModal());
  help.addEventListener("click", (event) => {
    if (event.target === help) help.close(); // beside the text
  });
  const actions: Record<string, () => void> = {
    " ": () => app.training.runOrPause(),
    s: () => app.training.step(),
    r: () => app.training.reset(),
    y: () => app.training.playOrPause(),
    n: () => app.walk.next(),
    p: () => app.walk.previous(),
    t: () => app.walk.nextTerm(),
    c: () => app.shown.otherColour(),
    d: () => app.training.diagnose(),
    ",": () => app.shown.otherExample(-1),
    ".": () => app.shown.otherExample(1),
    b: switchProjector,
    "?": () => help.showModal(),
    Escape: () => app.closeSomething(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const action = actions[event.key];
    if (!action || takesKey(event.target, event.key)) return;
    if (app.compare.isOpen && !OF_BOTH.includes(event.key)) return;
    event.preventDefault();
    action();
  });
}

function takesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement) || key === "Escape") return false;
  if (target instanceof HTMLInputElement && target.type === "number") return /[\d.,e+-]/.test(key);
  if (target instanceof HTMLInputElement) return !["radio", "range"].includes(target.type) || key === " ";
  if (target instanceof HTMLSelectElement) return true;
  return key === " " && (target instanceof HTMLButtonElement || target.tagName === "SUMMARY");
}
