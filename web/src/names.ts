// Names as they are shown. Those of classes and columns are the user's, and may be long: they are cut so that they
// still can be told apart.

const OPTIMIZER_NAMES: Record<string, string> = {
  "sgd(momentum=0.0)": "gradient descent", gd: "gradient descent, all rows",
};
const LEAST = 5; // letters that are left of a name where there is hardly any room

/** A name of backtalk's. */
export function spoken(name: string): string {
  return name.replaceAll("_", " ");
}

export function spokenOptimizer(name: string): string {
  return OPTIMIZER_NAMES[name] ?? spoken(name);
}

export function shortened(name: string, most = 14): string {
  return name.length <= most ? name : `${name.slice(0, most - 1)}…`;
}

/** Names of which `shortened` would make the same are cut in their middle, up to where they differ; others stay. */
export function toldApart(names: readonly string[], most = 14): string[] {
  const head = most < 12 ? 1 : 3; // letters kept of a beginning that others share
  const sorted = [...new Set(names)].sort();
  const cut = new Map<string, string>();
  sorted.forEach((name, k) => {
    // No other name shares a longer beginning than a neighbour in this order
    const shared = Math.max(sharedBeginning(name, sorted[k - 1]), sharedBeginning(name, sorted[k + 1]));
    if (name.length <= most || shared < most - 1) return;
    const left = most - head - 1;
    const from = Math.min(shared, name.length - left);
    cut.set(name, `${name.slice(0, head)}…${shortened(name.slice(from), left)}`);
  });
  return names.map((name) => cut.get(name) ?? name);
}

/** Each name with as many letters as fit, cut as by `toldApart`. */
export function fitted(names: readonly string[], most: number, fits: (name: string) => boolean): string[] {
  const cut = (letters: number): string[] => toldApart(names, letters).map((name) => shortened(name, letters));
  let shown = cut(most);
  for (let letters = most - 1; letters >= LEAST && !shown.every(fits); letters--) {
    const shorter = cut(letters);
    shown = shown.map((name, k) => (fits(name) ? name : shorter[k]!));
  }
  return shown;
}

function sharedBeginning(name: string, other = ""): number {
  let k = 0;
  while (k < name.length && name[k] === other[k]) k += 1;
  return k;
}
