// What a lesson has recorded, what can be set in it, and how to train the same network in a lab.

import { writeFragment, type State } from "../page/address";
import { find, make } from "../dom";
import { written } from "../numbers";
import type { Hello, Setup } from "../protocol";

export function tellLesson({ data, recorded }: Hello, setup: Setup, state: State): void {
  const { configuration, network, rows } = setup;
  const ours = !/^(given$|file:)/.test(configuration.data);
  find("about-command").textContent = `pip install 'backtalk[lab]'\nbacktalk lab${ours ? ` --settings '${writeFragment(state).slice(1)}'` : " NETWORK DATA"}`;
  if (setup.live) return; // what is recorded stays as it is
  const facts: [string, string][] = [
    ["Data", `${data[0]!.title}, ${rows} examples`],
    ["Units", network.sizes.join(" – ")],
    ["Activation", [...new Set(network.activations)].join(", ") || "none"],
    ["Output", network.output],
    ["Loss", network.loss.replaceAll("_", " ")],
    ["Optimizer", configuration.optimizer],
    ["Learning rate", written(configuration.rate)],
    ["Batch size", String(configuration.batch)],
    ["Seed", String(configuration.seed)],
    ["Steps", String(recorded?.steps ?? 0)],
    ["Examples", (recorded?.rows ?? []).map((row) => row + 1).join(", ")],
  ];
  find("page-kind").textContent = "lesson";
  find("about").hidden = false;
  find("about-trains").hidden = !recorded?.trains;
  if (recorded?.trains) find("about").prepend(find("training-field"), find("configure-error"));
  find("about-settings").replaceChildren(...facts.flatMap(([name, text]) => [make("dt", { textContent: name }), make("dd", { textContent: text })]));
}
