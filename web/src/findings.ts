// What diagnose found, in words.

import { find, make } from "./dom";
import type { Findings } from "./protocol";

export function showFindings({ findings, healthy, step }: Findings): void {
  const box = find("findings");
  const when = step === undefined ? "" : ` at step ${step}`;
  if (findings.length === 0) {
    box.replaceChildren(make("p", { className: "healthy", textContent: `Nothing is wrong${when}.` }));
    return;
  }
  const items = findings.map(({ severity, title, said, advice }) =>
    make(
      "li",
      { className: `finding ${severity}` },
      make("h3", {}, make("span", { className: "severity", textContent: severity }), title),
      make("p", { textContent: said }),
      make("p", { className: "advice", textContent: advice }),
    ),
  );
  const verdict = healthy ? `Healthy${when}, with notes.` : `The first is the first to look at${when}.`;
  box.replaceChildren(make("p", { className: "quiet small", textContent: verdict }), make("ol", { className: "finding-list" }, ...items));
}

export function clearFindings(): void {
  const about = "What is wrong with the network, in words. Also at every pause.";
  find("findings").replaceChildren(make("p", { className: "quiet small", textContent: about }));
}
