// The loss of the run before stays as long as it can be compared: on the same rows, with the same loss.

import { find, say } from "../dom";
import { spoken, spokenOptimizer } from "../names";
import { written } from "../numbers";
import type { Configuration, Setup } from "../protocol";

export class RunBefore {
  steps: number[] = [];
  values: (number | null)[] = [];
  private setup: Setup | null = null;
  private now: Setup | null = null;

  /** Another run begins. `steps` and `values`: the curve of the one that ends, kept if it went anywhere. */
  begin(setup: Setup, steps: number[], values: (number | null)[]): void {
    if (this.now && steps.length > 1) {
      this.setup = this.now;
      this.steps = steps;
      this.values = values;
    }
    this.now = setup;
    if (this.setup && comparable(this.setup, setup)) return;
    this.setup = null;
    this.steps = [];
    this.values = [];
  }

  /** Says what the dotted line is, and where it was at a step. */
  tell(step: number): void {
    const { setup, now } = this;
    if (!setup || !now) {
      say(find("run-before"), "");
      return;
    }
    const after = this.steps.findIndex((each) => each > step);
    const value = this.values.at(after < 0 ? -1 : Math.max(0, after - 1)) ?? null;
    const when = after < 0 ? `at its end, step ${this.steps.at(-1)}` : "at this step";
    const curve = setup.held_out > 0 ? "held-out rows" : "mini-batch";
    say(find("run-before"), `Dotted: ${curve} of the run before (${difference(setup, now)}), ${written(value, 3)} ${when}.`);
  }
}

function comparable(before: Setup, now: Setup): boolean {
  const rows = ({ configuration: { data, noise }, rows, held_out }: Setup): string => [data, noise, rows, held_out].join();
  return rows(before) === rows(now) && before.network.loss === now.network.loss;
}

/** The settings of the run before that are others now. */
function difference({ configuration: before }: Setup, { configuration: now }: Setup): string {
  const names = Object.keys(before) as (keyof Configuration)[];
  const others = names.filter((name) => String(before[name]) !== String(now[name]));
  return others.map((name) => told(name, before[name])).join(", ") || "the same settings";
}

function told(name: keyof Configuration, value: Configuration[keyof Configuration]): string {
  if (name === "optimizer") return spokenOptimizer(String(value));
  if (name === "layers") return `layers ${String(value) || "none"}`;
  return `${spoken(name)} ${spoken(String(value))}`;
}
