// Which of the frame's arrays colour the units and the weights.

import type { Colour } from "../address";
import type { Family, Frame, Numbers, Slide } from "../protocol";

export interface View {
  family: Family;
  /** The layers that the slide lights; null lights all. */
  light: { units: Set<number>; weights: Set<number> } | null;
  depth: number;
}

export function viewOf(color: Colour, slide: Slide | null, depth: number): View {
  if (!slide) return { family: color === "value" ? "h" : "grad_h", light: null, depth };
  const light = { units: new Set(slide.light.units), weights: new Set(slide.light.weights) };
  return { family: slide.family, light, depth };
}

/** The name of the array that colours a layer's units. */
export function unitsName(view: View, layer: number): string {
  const { family, depth } = view;
  if (family === "h") return `h.${layer}`;
  if (family === "a") return layer === 0 ? "h.0" : `a.${layer}`;
  if (family === "grad_a" || family === "grad_W") return layer === 0 ? "grad_h.0" : `grad_a.${layer}`;
  // ∂ℒ/∂ŷ is far larger than all else, and what the output units hear is ∂ℒ/∂a_L
  return layer === depth && !view.light ? `grad_a.${layer}` : `grad_h.${layer}`;
}

export function weightsName(view: View, layer: number): string {
  const gradient = view.family === "grad_W" || (view.family === "grad_h" && !view.light);
  return `${gradient ? "grad_W" : "W"}.${layer}`;
}

export function unitsOf(view: View, frame: Frame, layer: number): Numbers | undefined {
  return frame.numbers.get(unitsName(view, layer));
}

export function weightsOf(view: View, frame: Frame, layer: number): Numbers | undefined {
  return frame.numbers.get(weightsName(view, layer));
}

export function titlesOf(view: View): { units: string; weights: string } {
  const units: Record<Family, string> = {
    h: "units h",
    a: "pre-activations a",
    grad_a: "units: ∂ℒ/∂a",
    grad_h: view.light ? "units: ∂ℒ/∂h" : "units: ∂ℒ/∂h, outputs ∂ℒ/∂a",
    grad_W: "units: ∂ℒ/∂a",
  };
  return { units: units[view.family], weights: weightsName(view, 1).startsWith("grad") ? "weights: ∂ℒ/∂W" : "weights W" };
}
