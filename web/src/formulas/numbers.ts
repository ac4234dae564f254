// How a number is written in a formula: as src/backtalk/teaching/derivations/numbers.py has it, digit for digit.

export const DIGITS = 6;
const MORE = 2; // a number of so many digits more is written as it is
const ROUNDING = 1e-14; // what is so near to a whole number is one but for rounding errors
const SMALLEST = -4; // the power of ten below which a number is written with one

export interface AsWritten {
  negative: boolean;
  digits: string;
  power: number | null; // of ten, that the digits are multiplied by
}

/** With six digits, or so many; whole numbers, and those of up to two digits more, exactly. */
export function asWritten(value: number, digits = DIGITS): AsWritten {
  const negative = value < 0;
  if (!Number.isFinite(value)) return { negative, digits: Number.isNaN(value) ? "NaN" : "∞", power: null };
  const size = Math.abs(value);
  if (size < 1e15 && Number.isInteger(size)) return { negative, digits: String(size), power: null };
  let [figures, power] = split(size.toExponential());
  if (figures.length > digits + MORE) [figures, power] = split(size.toExponential(needed(size, digits) - 1));
  if (SMALLEST <= power && power < Math.max(DIGITS, figures.length)) return { negative, digits: plain(figures, power), power: null };
  return { negative, digits: plain(figures, 0), power };
}

/** The digits without zeros at their end, and the power of ten of the first. */
function split(written: string): [string, number] {
  const [factor = "", power = "0"] = written.split("e");
  return [factor.replace(".", "").replace(/0+$/, ""), Number(power)];
}

function plain(figures: string, power: number): string {
  if (power < 0) return `0.${"0".repeat(-power - 1)}${figures}`;
  const whole = figures.slice(0, power + 1).padEnd(power + 1, "0");
  return figures.length > power + 1 ? `${whole}.${figures.slice(power + 1)}` : whole;
}

/** As many as it takes to tell a number from the next whole one, unless that is rounding alone. */
function needed(size: number, least: number): number {
  const whole = size < 1e15 ? Math.round(size) : 0;
  if (whole === 0 || Math.abs(size - whole) < ROUNDING * whole) return least;
  for (let count = least; count < 18; count++) {
    if (Number(size.toExponential(count - 1)) !== whole || size > 10 ** count) return count;
  }
  return 17;
}

/** The sum, rounded once: the same in whatever order. */
export function exactSum(numbers: number[]): number {
  const parts: number[] = []; // their sum is exact, and none overlaps another
  for (let number of numbers) {
    let kept = 0;
    for (let part of parts) {
      if (Math.abs(number) < Math.abs(part)) [number, part] = [part, number];
      const high = number + part;
      const low = part - (high - number);
      if (low) parts[kept++] = low;
      number = high;
    }
    parts.splice(kept, Infinity, number);
  }
  let total = 0;
  for (let n = parts.length - 1; n >= 0; n--) {
    const before = total;
    total = before + parts[n]!;
    const rest = parts[n]! - (total - before);
    if (!rest) continue;
    const next = parts[n - 1] ?? 0; // half of a last digit: what is below decides
    if ((rest < 0 && next < 0) || (rest > 0 && next > 0)) {
      const moved = total + 2 * rest;
      if (2 * rest === moved - total) total = moved;
    }
    break;
  }
  return total;
}
