// Which of the frame's arrays colour the units and the weights.

import type { Colour } from "../page/address";
import type { Frame, Numbers, Setup, Slide } from "../protocol";

export interface View {
  color: Colour;
  depth: number;
  slide: Slide | null;
}

/** The name of the array that colours a layer's units; null if nothing is known of them yet. */
export function unitsName({ color, depth, slide }: View, layer: number): string | null {
  if (slide) return drawn(slide, layer, false);
  if (color !== "gradient") return `h.${layer}`;
  // ∂ℒ/∂ŷ is far larger than all else, and what the output units hear is ∂ℒ/∂a_L
  return layer === depth ? `grad_a.${layer}` : `grad_h.${layer}`;
}

export function weightsName({ color, slide }: View, layer: number): string | null {
  if (slide) return drawn(slide, layer, true);
  return color === "gradient" ? `grad_W.${layer}` : `W.${layer}`;
}

function drawn(slide: Slide, layer: number, weights: boolean): string | null {
  const found = [...slide.light, ...slide.faint].find((light) => light.layer === layer && light.quantity.endsWith("W") === weights);
  return found ? `${found.quantity}.${found.layer}` : null;
}

/** Whether a slide is about what it draws; without a slide, everything is lit. */
export function isLit({ slide }: View, name: string | null): boolean {
  return !slide || slide.light.some(({ quantity, layer }) => `${quantity}.${layer}` === name);
}

export function isGradient(name: string): boolean {
  return name.startsWith("grad_");
}

export function unitsOf(view: View, frame: Frame, layer: number): Numbers | undefined {
  return numbersOf(frame, unitsName(view, layer));
}

export function weightsOf(view: View, frame: Frame, layer: number): Numbers | undefined {
  return numbersOf(frame, weightsName(view, layer));
}

function numbersOf(frame: Frame, name: string | null): Numbers | undefined {
  return name === null ? undefined : frame.numbers.get(name);
}

/** Whether the numbers of an array are computed at a slide; weights and biases are there from the beginning. */
export function isKnown({ slide }: View, array: string): boolean {
  return !slide || /^[Wb]\./.test(array) || slide.known.includes(array.replace("grad_b", "grad_W"));
}

export function titlesOf({ color, slide }: View, setup: Setup): { units: string; weights: string } {
  if (color === "picture" && !slide && setup.bounds) return { units: "units h, each over the plane of x₁ and x₂", weights: "weights W" };
  if (color === "picture" && !slide) return { units: "units h", weights: "weights W; in layer 1, the rows of W₁" };
  if (color !== "gradient") return { units: "units h", weights: "weights W" };
  return { units: "units: ∂ℒ/∂h, outputs ∂ℒ/∂a", weights: "weights: ∂ℒ/∂W" };
}
