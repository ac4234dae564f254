// The few numbers at the top, and what is said about the shown example.

import { find, make } from "../dom";
import { percent, written } from "../numbers";
import type { Frame, Setup } from "../protocol";

interface Readout {
  id: string;
  name: string;
  hint: string;
  text: string;
}

export function showReadouts(frame: Frame, setup: Setup): void {
  const classes = setup.task === "classification";
  const score = classes ? "accuracy" : "R²";
  const share = (value: number | null): string => (value !== null && classes ? percent(value) : written(value, 3));
  const { before, after } = frame.batch;
  const stepped = before !== null;
  const shown: Readout[] = [
    { id: "step", name: "step", hint: "step", text: frame.step.toLocaleString("en").replaceAll(",", "\u202f") },
    { id: "epoch", name: "epoch", hint: "epoch", text: frame.epoch.toFixed(frame.epoch < 100 ? 1 : 0) },
    {
      id: "loss",
      name: stepped ? "loss of this mini-batch before → after the step" : "loss of this mini-batch",
      hint: "batch-loss",
      text: stepped ? `${written(before, 3)} → ${written(after, 3)}` : written(after, 3),
    },
  ];
  if (setup.held_out > 0) {
    shown.push(
      { id: "held-out", name: "loss on held‑out rows", hint: "held-out-loss", text: written(frame.validation_loss, 3) },
      { id: "score", name: `${score} on held‑out rows`, hint: classes ? "accuracy-held-out" : "r2-held-out", text: share(frame.score) },
    );
  } else {
    const text = share(frame.training_score);
    shown.push({ id: "score", name: `${score} on the training rows`, hint: "training-score", text });
  }
  const box = find("readouts");
  if (box.childElementCount !== shown.length) {
    const item = ({ id }: Readout): HTMLElement => make("div", { id: `readout-${id}`, tabIndex: 0 }, make("dt"), make("dd"));
    box.replaceChildren(...shown.map(item));
  }
  for (const { id, name, hint, text } of shown) {
    const item = find(`readout-${id}`);
    const [title, number] = [...item.children];
    item.dataset.hint = hint;
    if (title!.textContent !== name) title!.textContent = name;
    if (number!.textContent !== text) number!.textContent = text;
  }
}

/** `short`: names of classes, cut. */
export function showExample(frame: Frame, setup: Setup, short: Map<string, string>): void {
  const { row, label, prediction, loss, edited } = frame.example;
  const field = find<HTMLInputElement>("example");
  field.max = String(setup.rows);
  if (document.activeElement !== field) field.value = String(row + 1);
  const said = find("example-said");
  const verdict = setup.task === "regression" ? "" : label === prediction ? "right" : "wrong";
  const named = (name: string, className: string): HTMLElement =>
    make("b", { className }, make("span", { className: "name", title: name, textContent: short.get(name) ?? name }));
  said.replaceChildren(
    `Example ${row + 1}${edited ? ", its inputs changed by hand," : ""} is `,
    named(label, ""),
    make("span", { className: "outcome" }, ", the network says ", named(prediction, verdict), `, ℒ = ${written(loss, 3)}`),
  );
}
