// Colours and the size of type, read from the style sheet so that there is one place for them, and read again when
// they change.

export type RGB = [number, number, number];

export const LEVELS = 24; // steps of colour from zero to the largest
export const CLASSES = 8; // colours; more classes than that share them, and differ in their marks

export interface Theme {
  ink: string;
  quiet: string;
  line: string;
  card: string;
  accent: string;
  miniBatch: string;
  sides: [string, string]; // of a comparison
  heldOut: string;
  classes: RGB[];
  paper: RGB;
  inkRGB: RGB;
  /** Colours from zero (index 0) to the largest (index LEVELS − 1). */
  negative: string[];
  positive: string[];
  negativeRGB: RGB[];
  positiveRGB: RGB[];
  negativeEnd: RGB;
  positiveEnd: RGB;
  /** The colour of a number on each of these colours. */
  onNegative: string[];
  onPositive: string[];
  layerEnds: [RGB, RGB];
  /** How much larger than usual type is: 1, or more on a projector. */
  type: number;
}

let current: Theme | null = null;

export function theme(): Theme {
  current ??= readTheme();
  return current;
}

export function onTheme(changed: () => void): void {
  const forget = (): void => {
    current = null;
    changed();
  };
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", forget);
  document.addEventListener("appearance", forget);
}

/** The font of a canvas; `size` in pixels of the usual type. */
export function font(size: number, weight = 400): string {
  return `${weight} ${size * theme().type}px system-ui, sans-serif`;
}

/** The colour of a layer, from 1 to `depth`: the later, the stronger. */
export function layerColour(layer: number, depth: number): string {
  const [first, last] = theme().layerEnds;
  return css(mix(first, last, depth > 1 ? (layer - 1) / (depth - 1) : 1));
}

export function mix(one: RGB, other: RGB, share: number): RGB {
  return [0, 1, 2].map((k) => one[k]! + (other[k]! - one[k]!) * share) as RGB;
}

export function css([red, green, blue]: RGB): string {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)})`;
}

/** Black or white, whichever has the larger contrast with a colour: at least 4.58 with any. */
export function textOn(ground: RGB): string {
  return contrast(ground, [0, 0, 0]) >= contrast(ground, [255, 255, 255]) ? "#000000" : "#ffffff";
}

function readTheme(): Theme {
  const colours = read(NAMES);
  const colour = (name: Name): string => css(colours[name]);
  // By way of a tint: straight from grey to the end, the colours between would be muddy
  const ramp = (tint: RGB, end: RGB): RGB[] =>
    Array.from({ length: LEVELS }, (_, k) => {
      const share = k / (LEVELS - 1);
      return share < 0.5 ? mix(colours.zero, tint, 2 * share) : mix(tint, end, 2 * share - 1);
    });
  const negative = ramp(colours["negative-tint"], colours.negative);
  const positive = ramp(colours["positive-tint"], colours.positive);
  const classes = Array.from({ length: CLASSES }, (_, k) => `class-${k}`);
  return {
    ink: colour("ink"),
    quiet: colour("quiet"),
    line: colour("line"),
    card: colour("card"),
    accent: colour("accent"),
    miniBatch: colour("mini-batch"),
    sides: [colour("side-left"), colour("side-right")],
    heldOut: colour("held-out"),
    classes: Object.values(read(classes)),
    paper: colours.card,
    inkRGB: colours.ink,
    negative: negative.map(css),
    positive: positive.map(css),
    negativeRGB: negative,
    positiveRGB: positive,
    negativeEnd: colours.negative,
    positiveEnd: colours.positive,
    onNegative: negative.map(textOn),
    onPositive: positive.map(textOn),
    layerEnds: [colours["layer-first"], colours["layer-last"]],
    type: parseFloat(getComputedStyle(document.documentElement).fontSize) / 10,
  };
}

const NAMES = [
  "ink", "quiet", "line", "card", "accent", "mini-batch", "held-out", "zero",
  "negative", "positive", "negative-tint", "positive-tint", "layer-first", "layer-last",
  "side-left", "side-right",
] as const;
type Name = (typeof NAMES)[number];

/** What the style sheet says, of light and dark the one that is shown. */
function read<N extends string>(names: readonly N[]): Record<N, RGB> {
  const probe = document.body.appendChild(document.createElement("span"));
  const found = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, getComputedStyle(probe).color.match(/[\d.]+/g)!.slice(0, 3).map(Number)];
  });
  probe.remove();
  return Object.fromEntries(found) as Record<N, RGB>;
}

/** The contrast of two colours as WCAG 2 defines it: 1 … 21. */
function contrast(one: RGB, other: RGB): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high! + 0.05) / (low! + 0.05);
}

function luminance(colour: RGB): number {
  const [red, green, blue] = colour.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}
