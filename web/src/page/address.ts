// The state of the page in the fragment of its URL.

import type { Configuration } from "../protocol";

export const COLOURS = ["value", "gradient", "picture"] as const;
export type Colour = (typeof COLOURS)[number];

export const DOORS = ["learn", "walk", "explain"] as const;
export type Door = (typeof DOORS)[number];
/** The start card is open, or a door of it was gone through; else it is closed. */
export type Start = Door | "open" | "";

export interface State extends Configuration {
  example: number;
  color: Colour;
  quantity: string;
  start: Start;
}

const TEXTS = ["loss", "output", "initialization", "optimizer", "schedule"] as const;
const NUMBERS = ["rate", "epochs", "batch", "l2_penalty", "dropout", "seed", "noise"] as const;
export const SETTINGS = ["data", "layers", "activation", ...TEXTS, ...NUMBERS] as const;
/** What an address need not say, so that it stays short. */
const LEFT_OUT: Partial<Configuration> = {
  loss: "auto", output: "auto", initialization: "auto", schedule: "constant", epochs: 100, l2_penalty: 0, dropout: 0,
};

/** What a fragment says; what it does not say, or says wrongly, is not there. */
export function readFragment(fragment: string): Partial<State> {
  const said = new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"));
  const state: Partial<State> = {};
  const text = (name: string): string | null => said.get(name) || null;
  const number = (name: string): number | null => {
    const value = Number(text(name) ?? NaN);
    return Number.isFinite(value) ? value : null;
  };
  const data = text("data");
  if (data) state.data = data;
  const layers = said.get("layers");
  if (layers !== null) {
    const sizes = layers === "" ? [] : layers.split(",").map(Number);
    if (sizes.every((size) => Number.isInteger(size) && size > 0)) state.layers = sizes;
  }
  const activation = text("activation");
  if (activation) state.activation = activation.includes(",") ? activation.split(",") : activation;
  for (const name of TEXTS) {
    const chosen = text(name);
    if (chosen) state[name] = chosen;
  }
  for (const name of [...NUMBERS, "example"] as const) {
    const value = number(name);
    if (value !== null) state[name] = value;
  }
  const color = COLOURS.find((name) => name === text("color"));
  if (color) state.color = color;
  state.quantity = text("quantity") ?? "";
  const start = text("start") ?? "";
  state.start = start === "open" || isDoor(start) ? start : "";
  return state;
}

export function isDoor(name: string): name is Door {
  return (DOORS as readonly string[]).includes(name);
}

/** A state with what a fragment says; one activation for all layers where it names layers and none. */
export function merged(state: State, said: Partial<State>): State {
  const next = { ...state, ...said };
  const { activation, layers } = next;
  if (typeof activation === "string" || said.activation !== undefined || activation.length === layers.length) return next;
  return { ...next, activation: activation[0] ?? "tanh" };
}

export function writeFragment(state: State): string {
  const parts = settingsSaid(state);
  parts.push(["example", String(state.example)], ["color", state.color]);
  if (state.quantity) parts.push(["quantity", state.quantity]);
  if (state.start) parts.push(["start", state.start]);
  return fragmentOf(parts);
}

/** The settings of an address, by their names. */
export function settingsSaid(configuration: Configuration): [string, string][] {
  const said = SETTINGS.filter((name) => configuration[name] !== LEFT_OUT[name]);
  return said.map((name): [string, string] => [name, String(configuration[name])]);
}

export function fragmentOf(parts: [string, string][]): string {
  const readable = (value: string): string => encodeURIComponent(value).replace(/%(2C|5B|5D|3A)/g, decodeURIComponent);
  return `#${parts.map(([name, value]) => `${name}=${readable(value)}`).join("&")}`;
}

export function configurationOf(state: Configuration): Configuration {
  return Object.fromEntries(SETTINGS.map((name) => [name, state[name]])) as unknown as Configuration;
}

export function sameConfiguration(one: Configuration, other: Configuration): boolean {
  return SETTINGS.every((name) => String(one[name]) === String(other[name]));
}
