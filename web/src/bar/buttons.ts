// What the buttons of the bar and above the drawing do.

import type { Colour } from "../page/address";
import type { App } from "../app";
import { find, offer } from "../dom";
import { unfoldWhereWide } from "../settings/unfold";

const SPEEDS = [1, 2, 5, 10, 20, 50, 100]; // steps a frame, of Run
const PACES = [1, 2, 5, 10]; // steps a second, of Play

export function listenToButtons(app: App): void {
  const speed = find<HTMLSelectElement>("speed");
  offer(speed, SPEEDS.map(String));
  speed.addEventListener("change", () => app.training.speed());
  offer(find<HTMLSelectElement>("pace"), PACES.map(String), PACES.map((pace) => `${pace} a second`));
  const actions: Record<string, () => void> = {
    run: () => app.training.runOrPause(),
    step: () => app.training.step(),
    reset: () => app.training.reset(),
    play: () => app.training.playOrPause(),
    diagnose: () => app.training.diagnose(),
    "compare-open": () => app.compare.openOrClose(),
    "example-back": () => app.shown.otherExample(-1),
    "example-on": () => app.shown.otherExample(1),
  };
  for (const [id, action] of Object.entries(actions)) find(id).addEventListener("click", action);
  const example = find<HTMLInputElement>("example");
  example.addEventListener("change", () => app.shown.example(Math.round(Number(example.value)) - 1));
  for (const input of document.querySelectorAll<HTMLInputElement>("input[name=color]")) {
    input.addEventListener("change", () => app.shown.colourBy(input.value as Colour));
  }
  unfoldWhereWide(find<HTMLDetailsElement>("settings"));
}
