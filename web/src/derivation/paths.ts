// The strongest paths from a quantity to the loss, each with its product.

import { make, wide } from "../dom";
import { shortened } from "../names";
import { placeOf } from "../network/place";
import { percent, subscript, written } from "../numbers";
import type { Path, Paths, Setup } from "../protocol";

let open = wide.matches; // stays as it was left when the numbers change

/** `light`: the path that is pointed at, or null. */
export function pathList(paths: Paths, setup: Setup, light: (path: number | null) => void): HTMLElement {
  const depth = setup.network.sizes.length - 1;
  const most = Math.max(...paths.paths.map((path) => path.share), 1e-12);
  const rows = paths.paths.map((path, k) => {
    const meter = make("meter", { min: 0, max: 1, value: path.share / most });
    meter.setAttribute("aria-hidden", "true");
    const button = make(
      "button",
      { type: "button", className: "path" },
      make("span", { className: "route", textContent: path.units.map((unit) => nameOf(unit, setup)).join(" → ") }),
      make("span", { className: "amount", textContent: written(path.contribution, 3) }),
      meter,
      make("span", { className: "quiet", textContent: percent(path.share) }),
      make("span", { className: "factors quiet", textContent: productOf(path, paths.quantity, depth) }),
    );
    for (const name of ["pointerenter", "focus"]) button.addEventListener(name, () => light(k));
    for (const name of ["pointerleave", "blur"]) button.addEventListener(name, () => light(null));
    return make("li", {}, button);
  });
  const many = paths.count === "1" ? "1 path" : `${grouped(paths.count)} paths`;
  const listed = paths.paths.length === 1 ? "this one carries" : `the ${paths.paths.length} strongest carry`;
  const said = `${many} to the loss; ${listed} ${percent(paths.share)} of the absolute flow.`;
  const box = make(
    "details",
    { className: "paths", open },
    make("summary", {}, make("span", { textContent: "Strongest paths " }), make("span", { className: "quiet small", textContent: said })),
    make("ol", {}, ...rows),
  );
  box.addEventListener("toggle", () => (open = box.open));
  return box;
}

function nameOf([layer, unit]: [number, number], setup: Setup): string {
  const depth = setup.network.sizes.length - 1;
  if (layer === 0) return `x${subscript(unit)}`;
  if (layer < depth) return `h${subscript(layer, unit)}`;
  const name = setup.classes.length === setup.network.sizes[depth] ? ` (${shortened(setup.classes[unit - 1]!, 40)})` : "";
  return `ŷ${subscript(unit)}${name}`;
}

/** The product of a path in symbols and numbers: x₁ · g′(a₁,₂) · W₂,₁,₂ · ∂ℒ/∂a₂,₁ = 2 · 0.25 · 1 · (−0.75). */
function productOf({ units, factors }: Path, quantity: string, depth: number): string {
  const place = placeOf(quantity, depth);
  const symbols: string[] = [];
  if (place?.kind === "weight") symbols.push(place.layer === 1 ? `x${subscript(place.heard)}` : `h${subscript(place.layer - 1, place.heard)}`);
  units.forEach(([layer, unit], k) => {
    const next = units[k + 1];
    if (!next) symbols.push(`∂ℒ/∂a${subscript(layer, unit)}`);
    else {
      const begins = k === 0 && quantity.startsWith("h"); // at h itself, above its g′
      if (layer > 0 && !begins) symbols.push(`g′(a${subscript(layer, unit)})`);
      symbols.push(`W${subscript(layer + 1, next[1], unit)}`);
    }
  });
  const numbers = factors.map((factor, k) => (factor < 0 && k > 0 ? `(${written(factor, 3)})` : written(factor, 3)));
  return `${symbols.join(" · ")} = ${numbers.join(" · ")}`;
}

/** 1000000 as 1 000 000, and counts beyond that as a power of ten. */
function grouped(count: string): string {
  return count.length > 12 ? `about 10${[...String(count.length - 1)].map((digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)]).join("")}` : count.replace(/\B(?=(\d{3})+$)/g, "\u202f");
}
