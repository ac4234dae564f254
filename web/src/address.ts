// The state of the page in the fragment of its URL.

import type { Configuration } from "./protocol";

export type Colour = "value" | "gradient";

export interface State extends Configuration {
  example: number;
  color: Colour;
  quantity: string;
}

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
  for (const name of ["loss", "output", "optimizer"] as const) {
    const chosen = text(name);
    if (chosen) state[name] = chosen;
  }
  for (const name of ["rate", "batch", "seed", "noise", "example"] as const) {
    const value = number(name);
    if (value !== null) state[name] = value;
  }
  const color = text("color");
  if (color === "value" || color === "gradient") state.color = color;
  state.quantity = text("quantity") ?? "";
  return state;
}

/** A state with what a fragment says; one activation for all layers where it names layers and none. */
export function merged(state: State, said: Partial<State>): State {
  const next = { ...state, ...said };
  const { activation, layers } = next;
  if (typeof activation === "string" || said.activation !== undefined || activation.length === layers.length) return next;
  return { ...next, activation: activation[0] ?? "tanh" };
}

export function writeFragment(state: State): string {
  const parts: [string, string][] = [
    ["data", state.data],
    ["layers", state.layers.join(",")],
    ["activation", String(state.activation)],
    ...(["loss", "output"] as const).filter((name) => state[name] !== "auto").map((name): [string, string] => [name, state[name]]),
    ["rate", String(state.rate)],
    ["optimizer", state.optimizer],
    ["batch", String(state.batch)],
    ["seed", String(state.seed)],
    ["noise", String(state.noise)],
    ["example", String(state.example)],
    ["color", state.color],
  ];
  if (state.quantity) parts.push(["quantity", state.quantity]);
  const readable = (value: string): string => encodeURIComponent(value).replace(/%(2C|5B|5D|3A)/g, decodeURIComponent);
  return `#${parts.map(([name, value]) => `${name}=${readable(value)}`).join("&")}`;
}

const SETTINGS = ["data", "layers", "activation", "loss", "output", "optimizer", "rate", "batch", "seed", "noise"] as const;

export function configurationOf(state: Configuration): Configuration {
  const { data, layers, activation, loss, output, optimizer, rate, batch, seed, noise } = state;
  return { data, layers, activation, loss, output, optimizer, rate, batch, seed, noise };
}

export function sameConfiguration(one: Configuration, other: Configuration): boolean {
  return SETTINGS.every((name) => String(one[name]) === String(other[name]));
}
