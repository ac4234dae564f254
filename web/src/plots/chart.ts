// A small chart of numbers over the steps.

import { make, sharp } from "../dom";
import { written } from "../numbers";
import { font, theme } from "../theme";

const MOST = 400; // points kept; then every second one is dropped

export interface Series {
  name: string;
  colour: () => string; // as the theme has it now
  dash: number[];
  values: (number | null)[];
}

export class History {
  steps: number[] = [];
  series: Series[] = [];
  whole = false; // of a lesson all steps are known, and one of them is looked at
  at: { step: number; values: (number | null)[] } | null = null;
  private every = 1;
  private seen = 0;

  begin(series: Omit<Series, "values">[]): void {
    this.steps = [];
    this.at = null;
    this.series = series.map((each) => ({ ...each, values: [] }));
    this.every = 1;
    this.seen = 0;
  }

  /** The numbers of a step that is shown: the latest, or one of those that are known. */
  show(step: number, values: (number | null)[]): void {
    if (!this.whole) this.add(step, values);
    this.at = { step, values };
  }

  add(step: number, values: (number | null)[]): void {
    const last = this.steps.at(-1);
    if (last !== undefined && step < last) this.begin(this.series);
    const replace = step === last;
    this.seen += replace ? 0 : 1;
    // The last point always stands, and gives way to the next one unless it is one of those kept
    if (replace || (this.steps.length > 1 && (this.seen - 2) % this.every !== 0)) this.drop(this.steps.length - 1);
    this.steps.push(step);
    this.series.forEach((each, k) => each.values.push(values[k] ?? null));
    if (this.steps.length > MOST) {
      for (let k = this.steps.length - 2; k > 0; k -= 2) this.drop(k);
      this.every *= 2;
    }
  }

  private drop(at: number): void {
    this.steps.splice(at, 1);
    for (const each of this.series) each.values.splice(at, 1);
  }
}

/** Where a chart stands on the page, and how it is read aloud. */
export interface ChartPlace {
  canvas: HTMLCanvasElement;
  keys: HTMLElement;
  name: string;
}

/** Curves over the steps; `before`: of another run, dotted in the colour of the last curve. */
export function drawChart(place: ChartPlace, history: History, logarithmic: boolean, before?: { steps: number[]; values: (number | null)[] }): void {
  const now = { step: history.at?.step ?? history.steps.at(-1) ?? 0, values: history.at?.values ?? history.series.map(({ values }) => values.at(-1) ?? null) };
  const latest = history.series.map(({ name }, k) => ({ name, value: now.values[k] ?? null }));
  keys(place.keys, history.series, latest);
  place.canvas.setAttribute("aria-label", `${place.name} at step ${now.step}: ${latest
    .map(({ name, value }) => `${name} ${written(value)}`)
    .join(", ")}`);
  const canvas = sharp(place.canvas);
  if (!canvas) return;
  const { context, width, height } = canvas;
  const { quiet, type } = theme();
  const box = { left: 44 * type, right: width - 8, top: 6, bottom: height - 18 * type };
  const drawable = (value: number | null): value is number => value !== null && Number.isFinite(value) && (!logarithmic || value > 0);
  const known = [...history.series, ...(before ? [before] : [])].flatMap(({ values }) => values.filter(drawable));
  const [low, high] = range(known, logarithmic);
  const first = history.steps[0] ?? 0;
  const last = Math.max(history.steps.at(-1) ?? 0, before?.steps.at(-1) ?? 0, first + 10);
  const size = (value: number): number => (logarithmic ? Math.log10(value) : value);
  const y = (value: number): number =>
    box.bottom - ((size(value) - size(low)) / (size(high) - size(low))) * (box.bottom - box.top);
  const x = (step: number): number => box.left + ((step - first) / (last - first)) * (box.right - box.left);

  context.font = font(11);
  drawLevels(context, logarithmic ? powers(low, high) : steps(low, high, 4), box, y);
  context.fillText("step", box.left - 8, height - 4);
  context.textAlign = "center";
  for (const tick of steps(first, last, 4)) {
    if (!Number.isInteger(tick)) continue;
    context.textAlign = x(tick) > box.right - 14 ? "right" : "center";
    context.fillText(String(tick), Math.min(x(tick), box.right), height - 4);
  }
  if (history.whole) {
    context.beginPath();
    context.moveTo(x(now.step), box.top);
    context.lineTo(x(now.step), box.bottom);
    context.strokeStyle = quiet;
    context.stroke();
  }
  const curve = (steps: number[], values: (number | null)[]): void => {
    context.beginPath();
    let open = false;
    values.forEach((value, k) => {
      if (drawable(value) && open) context.lineTo(x(steps[k]!), y(value));
      else if (drawable(value)) context.moveTo(x(steps[k]!), y(value));
      open = drawable(value);
    });
    context.stroke();
  };
  if (before) {
    context.strokeStyle = history.series.at(-1)!.colour();
    context.lineWidth = 1.6;
    context.setLineDash([1.5, 2.5]);
    curve(before.steps, before.values);
    context.setLineDash([]);
  }
  history.series.forEach(({ values, colour, dash }, n) => {
    context.strokeStyle = colour();
    context.lineWidth = 1.6;
    context.setLineDash(dash);
    curve(history.steps, values);
    context.setLineDash([]);
    const end = now.values[n];
    if (end === undefined || !drawable(end)) return;
    context.fillStyle = colour();
    context.beginPath();
    context.arc(x(now.step), y(end), history.whole ? 3.2 : 2.4, 0, 2 * Math.PI);
    context.fill();
  });
}

function keys(box: HTMLElement, series: Series[], latest: { name: string; value: number | null }[]): void {
  const names = series.map(({ name }) => name).join("\n");
  if (box.dataset.names !== names) {
    box.dataset.names = names;
    box.replaceChildren(
      ...series.map(({ name, dash }) =>
        make("span", { className: `key${dash.length ? " dashed" : ""}` }, make("i"), `${name} `, make("b")),
      ),
    );
  }
  series.forEach(({ colour }, k) => (box.children[k] as HTMLElement).style.setProperty("--tone", colour()));
  box.querySelectorAll("b").forEach((value, k) => {
    const text = latest[k]?.value === null ? "" : written(latest[k]?.value, 3);
    if (value.textContent !== text) value.textContent = text;
  });
}

/** A line across the box at each of these values, with its number to the left. */
export function drawLevels(context: CanvasRenderingContext2D, ticks: number[], box: { left: number; right: number }, y: (value: number) => number): void {
  const { quiet, line } = theme();
  context.fillStyle = quiet;
  context.strokeStyle = line;
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const tick of ticks) {
    const at = Math.round(y(tick)) + 0.5;
    context.beginPath();
    context.moveTo(box.left, at);
    context.lineTo(box.right, at);
    context.stroke();
    context.fillText(written(tick, 2), box.left - 6, at + 3.5);
  }
}

function range(values: number[], logarithmic: boolean): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
  if (low > high) return logarithmic ? [0.01, 1] : [0, 1];
  if (logarithmic) return [10 ** (Math.log10(low) - 0.15), 10 ** (Math.log10(high) + 0.15)];
  return [Math.min(0, low), high > 0 ? 1.05 * high : 1];
}

export function powers(low: number, high: number): number[] {
  const [from, to] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const by = Math.max(1, Math.ceil((to - from) / 5));
  const found = [];
  for (let power = from; power <= to; power++) {
    const factors = to - from <= 2 ? [1, 2, 5] : [1];
    for (const factor of factors) {
      const tick = factor * 10 ** power;
      if (tick >= low && tick <= high && (power - from) % by === 0) found.push(tick);
    }
  }
  return found;
}

/** Round numbers between two, at most so many. */
export function steps(low: number, high: number, count: number): number[] {
  const size = 10 ** Math.floor(Math.log10((high - low) / count));
  const by = [1, 2, 5, 10].map((factor) => factor * size).find((each) => (high - low) / each <= count) ?? 10 * size;
  const found = [];
  for (let tick = Math.ceil(low / by) * by; tick <= high * (1 + 1e-9); tick += by) found.push(Number(tick.toPrecision(6)));
  return found;
}
