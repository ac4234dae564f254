// How numbers are written.

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** Some significant digits, with a real minus sign; powers of ten where a number is very small or large. */
export function written(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text =
    size >= 1e-3 && size < 1e5 ? Number(size.toPrecision(digits)).toString() : withPower(size.toExponential(digits - 1));
  return (value < 0 ? "−" : "") + text;
}

function withPower(text: string): string {
  const [factor = "", power = "0"] = text.split("e");
  const raised = [...power.replace("+", "")].map((letter) => (letter === "-" ? "⁻" : SUPERSCRIPTS[Number(letter)]));
  const shown = Number(factor).toString();
  return `${shown === "1" ? "" : `${shown}·`}10${raised.join("")}`;
}

export function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)} %`;
}

const SUBSCRIPTS = "₀₁₂₃₄₅₆₇₈₉";

export function subscript(...numbers: number[]): string {
  return numbers.map((n) => [...String(n)].map((digit) => SUBSCRIPTS[Number(digit)]).join("")).join(",");
}

/** The next of 1, 2, 5, 10, … at or above a size. */
export function roundedUp(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  const factor = [1, 2, 5, 10].find((each) => each * power >= size * (1 - 1e-9)) ?? 10;
  return Number((factor * power).toPrecision(1));
}

/** x_1 as x₁; other names as they are. */
export function readable(name: string): string {
  return name.replace(/^([a-zA-Z])_(\d+)$/, (_, letter: string, number: string) => letter + subscript(Number(number)));
}
