// The few numbers at the top, and what is said about the shown example.

import { find, make } from "./dom";
import { percent, written } from "./numbers";
import type { Frame, Setup } from "./protocol";

export function showReadouts(frame: Frame, setup: Setup): void {
  const score = setup.task === "classification" ? "accuracy" : "R²";
  const { score: value } = frame;
  const shown: [string, string, string][] = [
    ["step", "step", frame.step.toLocaleString("en").replaceAll(",", "\u202f")],
    ["epoch", "epoch", frame.epoch.toFixed(frame.epoch < 100 ? 1 : 0)],
    ["loss", "loss", written(frame.loss, 3)],
    ["held-out", "held out", written(frame.validation_loss, 3)],
    ["score", score, value !== null && setup.task === "classification" ? percent(value) : written(value, 3)],
  ];
  const box = find("readouts");
  if (box.childElementCount !== shown.length) {
    box.replaceChildren(...shown.map(([id]) => make("div", { id: `readout-${id}` }, make("dt"), make("dd"))));
  }
  for (const [id, name, text] of shown) {
    const [title, number] = [...find(`readout-${id}`).children];
    if (title!.textContent !== name) title!.textContent = name;
    if (number!.textContent !== text) number!.textContent = text;
  }
}

/** `short`: names of classes, cut. */
export function showExample(frame: Frame, setup: Setup, short: Map<string, string>): void {
  const { row, label, prediction, loss } = frame.example;
  const field = find<HTMLInputElement>("example");
  field.max = String(setup.rows);
  if (document.activeElement !== field) field.value = String(row + 1);
  const said = find("example-said");
  const verdict = setup.task === "regression" ? "" : label === prediction ? "right" : "wrong";
  const named = (name: string, className: string): HTMLElement =>
    make("b", { className }, make("span", { className: "name", title: name, textContent: short.get(name) ?? name }));
  said.replaceChildren(
    `Example ${row + 1} is `,
    named(label, ""),
    ", the network says ",
    named(prediction, verdict),
    `, ℒ = ${written(loss, 3)}`,
  );
}
