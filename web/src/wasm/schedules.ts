// Learning rates over time: the formulas of src/backtalk/train/schedules/, for a page that trains on.

/** The name of a schedule, and its parameters. */
export type Schedule = { name: string } & Record<string, number | string>;

/** Where an epoch lies: its number from 1, its first step from 0, the steps in an epoch and in the run. */
export interface Position {
  number: number;
  step: number;
  inEpoch: number;
  total: number;
}

/** What a schedule that watches the loss remembers. */
export interface ScheduleState {
  factor: number;
  best: number;
  waited: number;
  resting: number;
}
export const FRESH: ScheduleState = { factor: 1, best: Infinity, waited: 0, resting: 0 };

type Shape = (step: number, place: Position, of: (name: string) => number) => number;

const SHAPES: Record<string, Shape> = {
  constant: () => 1,
  inverse_scaling: (step, _, of) => (1 + step) ** -of("power"),
  exponential: (_, { number }, of) => of("factor") ** (number - 1),
  polynomial: (step, place, of) => of("end") + (1 - of("end")) * (1 - done(step, place, of)) ** of("power"),
  step: (_, { number }, of) => of("factor") ** Math.floor((number - 1) / of("every")),
  cosine: (step, place, of) => halfCosine(1, of("end"), done(step, place, of)),
  cosine_restarts: (step, { inEpoch }, of) => {
    let left = Math.max(step - of("warm_up"), 0) / inEpoch; // epochs into the cycle
    let length = of("every");
    while (left >= length) [left, length] = [left - length, length * of("growth")];
    return halfCosine(1, of("end"), left / length);
  },
  one_cycle: (step, { total }, of) => {
    const [top, last, first] = [of("rise") * total - 1, total - 1, 1 / of("start")];
    if (step < top) return halfCosine(first, 1, Math.min(step / top, 1));
    return halfCosine(1, first / of("end"), between((step - top) / (last - top)));
  },
};

/** The factor of each step of an epoch. */
export function factors(schedule: Schedule, place: Position, state: ScheduleState): Float64Array<ArrayBuffer> {
  const of = (name: string): number => Number(schedule[name]);
  const shape = SHAPES[schedule.name] ?? ((): number => state.factor);
  const warmUp = of("warm_up");
  return Float64Array.from({ length: place.inEpoch }, (_, k) => {
    const step = place.step + k;
    return shape(step, place, of) * (warmUp ? Math.min((step + 1) / warmUp, 1) : 1);
  });
}

/** What is remembered after an epoch; `lossOfEpoch`: of the held-out rows, if there are any. */
export function afterEpoch(schedule: Schedule, lossOfEpoch: () => number, state: ScheduleState): ScheduleState {
  if (schedule.name !== "adaptive" && schedule.name !== "reduce_on_plateau") return state;
  const of = (name: string): number => Number(schedule[name]);
  const loss = lossOfEpoch();
  if (schedule.name === "adaptive") {
    if (loss < state.best - of("tolerance")) return { ...FRESH, factor: state.factor, best: loss };
    const best = Math.min(loss, state.best);
    if (state.waited + 1 < of("patience")) return { ...state, waited: state.waited + 1, best };
    return { ...FRESH, factor: state.factor * of("factor"), best };
  }
  const better = Number.isFinite(state.best) ? loss < state.best - of("threshold") * Math.abs(state.best) : loss < state.best;
  let [waited, resting] = [better ? 0 : state.waited + 1, state.resting];
  if (resting > 0) [waited, resting] = [0, resting - 1];
  const next = { ...state, best: better ? loss : state.best, waited, resting };
  if (waited <= of("patience")) return next;
  return { ...next, factor: Math.max(next.factor * of("factor"), of("end")), waited: 0, resting: Math.trunc(of("cooldown")) };
}

/** The share of the run after the warm-up that lies behind. */
function done(step: number, { total }: Position, of: (name: string) => number): number {
  return between((step - of("warm_up")) / Math.max(total - of("warm_up"), 1));
}

function between(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}

function halfCosine(begin: number, end: number, share: number): number {
  return end + ((begin - end) * (1 + Math.cos(Math.PI * share))) / 2;
}
