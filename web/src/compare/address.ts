// What is compared, in the fragment of the address: a prepared comparison by its name, or the settings of both sides.

import { configurationOf, fragmentOf, merged, readFragment, settingsSaid } from "../page/address";
import type { Comparison, Configuration, Hello, Sides } from "../protocol";

export const OWN = "own"; // the name of settings that are not prepared
export const SIDES = ["left", "right"] as const;
export const SIDE_NAMES = { left: "Left", right: "Right" } as const;

export interface Compared extends Sides {
  name: string;
}

/** Null if it asks for no comparison, or for one that does not exist. */
export function readComparison(fragment: string, { comparisons = [], start }: Hello): Compared | null {
  const said = [...new URLSearchParams(fragment.replace(/^#/, "").replaceAll("+", "%2B"))];
  const name = nameIn(fragment);
  const prepared = comparisons.find((each) => each.name === name);
  if (prepared) return comparedOf(prepared);
  if (name !== OWN) return null;
  const plain = { ...start, example: 0, color: "value" as const, quantity: "", start: "" as const };
  const side = (which: string): Configuration => {
    const shared = said.filter(([key]) => !key.includes("."));
    const own = said.filter(([key]) => key.startsWith(`${which}.`)).map(([key, value]): [string, string] => [key.slice(which.length + 1), value]);
    return configurationOf(merged(plain, readFragment(fragmentOf([...new Map([...shared, ...own])]))));
  };
  return { name, left: side("left"), right: side("right") };
}

/** The comparison that a fragment names, which may not exist. */
export function nameIn(fragment: string): string {
  return new URLSearchParams(fragment.replace(/^#/, "")).get("compare") ?? "";
}

/** What both sides share stands there once. */
export function writeComparison({ name, left, right }: Compared): string {
  if (name !== OWN) return `#compare=${name}`;
  const [one, other] = [settingsSaid(left), settingsSaid(right)];
  const inBoth = ([key, value]: [string, string]): boolean => [one, other].every((parts) => parts.some((part) => part[0] === key && part[1] === value));
  const only = (parts: [string, string][], side: string): [string, string][] =>
    parts.filter((part) => !inBoth(part)).map(([key, value]) => [`${side}.${key}`, value]);
  return fragmentOf([["compare", name], ...one.filter(inBoth), ...only(one, "left"), ...only(other, "right")]);
}

export function comparedOf({ name, left, right }: Comparison): Compared {
  return { name, left, right };
}
