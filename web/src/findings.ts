// What diagnose found, in words.

import { find, make } from "./dom";
import type { Findings } from "./protocol";
import { withTerms } from "./terms";

export function showFindings({ findings, healthy, step, said }: Findings): void {
  const box = find("findings");
  const when = step === undefined ? "" : ` at step ${step}`;
  if (said !== undefined) {
    box.replaceChildren(make("p", { className: "quiet small", textContent: said }));
    return;
  }
  if (findings.length === 0) {
    box.replaceChildren(make("p", { className: "healthy", textContent: `No problem found${when}.` }));
    return;
  }
  const known = new Set<string>(); // a term is explained where it comes first
  const items = findings.map(({ severity, title, said, advice }) =>
    make(
      "li",
      { className: `finding ${severity}` },
      make("h3", {}, make("span", { className: "severity", textContent: severity }), ...withTerms(title, known)),
      make("p", {}, ...withTerms(said, known)),
      make("p", { className: "advice" }, ...withTerms(advice, known)),
    ),
  );
  const verdict = healthy ? `Nothing serious${when}; what could be better:` : `What is wrong${when}, the likely cause of the rest first:`;
  box.replaceChildren(make("p", { className: "quiet small", textContent: verdict }), make("ol", { className: "finding-list" }, ...items));
}

export function clearFindings(): void {
  const about = "Press Diagnose to hear in words what is wrong with the network, and what to do. Every pause asks too.";
  find("findings").replaceChildren(make("p", { className: "quiet small", textContent: about }));
}
