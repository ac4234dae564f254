// Colours, read from the style sheet so that there is one place for them, and read again when the scheme changes.

export type RGB = [number, number, number];

export const LEVELS = 24; // steps of colour from zero to the largest

export interface Theme {
  ink: string;
  quiet: string;
  line: string;
  card: string;
  accent: string;
  series: string[];
  classes: RGB[];
  paper: RGB;
  inkRGB: RGB;
  /** Colours from zero (index 0) to the largest (index LEVELS − 1). */
  negative: string[];
  positive: string[];
  negativeEnd: RGB;
  positiveEnd: RGB;
  /** Whether the ink, not the paper, is easier to read on each of these colours. */
  inkOnNegative: boolean[];
  inkOnPositive: boolean[];
}

let current: Theme | null = null;

export function theme(): Theme {
  current ??= readTheme();
  return current;
}

export function onTheme(changed: () => void): void {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    current = null;
    changed();
  });
}

export function mix(one: RGB, other: RGB, share: number): RGB {
  return [0, 1, 2].map((k) => one[k]! + (other[k]! - one[k]!) * share) as RGB;
}

export function css([red, green, blue]: RGB): string {
  return `rgb(${Math.round(red)} ${Math.round(green)} ${Math.round(blue)})`;
}

function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  const zero = parsed(colour("zero"));
  // By way of a tint: straight from grey to the end, the colours between would be muddy
  const ramp = (tint: RGB, end: RGB): RGB[] =>
    Array.from({ length: LEVELS }, (_, k) => {
      const share = k / (LEVELS - 1);
      return share < 0.5 ? mix(zero, tint, 2 * share) : mix(tint, end, 2 * share - 1);
    });
  const [ink, paper] = [parsed(colour("ink")), parsed(colour("card"))];
  const inkOn = (ground: RGB): boolean => contrast(ground, ink) >= contrast(ground, paper);
  const negativeEnd = parsed(colour("negative"));
  const positiveEnd = parsed(colour("positive"));
  const negative = ramp(parsed(colour("negative-tint")), negativeEnd);
  const positive = ramp(parsed(colour("positive-tint")), positiveEnd);
  const series = Array.from({ length: 8 }, (_, k) => colour(`series-${k}`));
  return {
    ink: colour("ink"),
    quiet: colour("quiet"),
    line: colour("line"),
    card: colour("card"),
    accent: colour("accent"),
    series,
    classes: series.map(parsed),
    paper,
    inkRGB: ink,
    negative: negative.map(css),
    positive: positive.map(css),
    negativeEnd,
    positiveEnd,
    inkOnNegative: negative.map(inkOn),
    inkOnPositive: positive.map(inkOn),
  };
}

/** The contrast of two colours as WCAG 2 defines it: 1 … 21. */
export function contrast(one: RGB, other: RGB): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high! + 0.05) / (low! + 0.05);
}

function luminance(colour: RGB): number {
  const [red, green, blue] = colour.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function parsed(hex: string): RGB {
  const digits = hex.slice(1);
  const value = parseInt(digits.length === 3 ? digits.replace(/./g, "$&$&") : digits, 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}
