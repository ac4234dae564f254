// In what the two sides differ.

import { shortened, spoken, spokenOptimizer } from "../names";
import { SETTINGS } from "../page/address";
import { written } from "../numbers";
import type { Configuration, Sides } from "../protocol";

export type Setting = keyof Configuration;

export const SETTING_NAMES: Record<Setting, string> = {
  data: "Data", layers: "Layers", activation: "Activation", loss: "Loss", output: "Output", initialization: "First weights",
  optimizer: "Optimizer", rate: "Learning rate", schedule: "Schedule", epochs: "over epochs", batch: "Batch size",
  l2_penalty: "L2 penalty", dropout: "Dropout", seed: "Seed", noise: "Noise",
};
const BY_THEMSELVES: Setting[] = ["activation", "optimizer", "loss", "output", "schedule", "initialization"]; // their values say what they are

export function differing({ left, right }: Sides): Setting[] {
  return SETTINGS.filter((name) => String(left[name]) !== String(right[name]));
}

/** What one side has that the other has not, in a few words. */
export function told(configuration: Configuration, names: Setting[]): string {
  return names.map((name) => toldOf(name, configuration[name])).join(", ");
}

/** "left: adam", or "left" alone where nothing differs. */
export function named(side: string, told: string): string {
  return told ? `${side}: ${shortened(told, 30)}` : side;
}

function toldOf(name: Setting, value: Configuration[Setting]): string {
  if (name === "optimizer") return spokenOptimizer(String(value));
  if (name === "layers") return `layers ${Array.isArray(value) && value.length ? value.join(", ") : "none"}`;
  if (name === "initialization") return `first weights ${spoken(String(value))}`;
  if (typeof value === "number") return value === 0 ? `no ${lower(name)}` : `${lower(name)} ${written(value, 3)}`;
  return BY_THEMSELVES.includes(name) ? spoken([value].flat().join(", ")) : `${lower(name)} ${String(value)}`;
}

function lower(name: Setting): string {
  return SETTING_NAMES[name].replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase());
}
