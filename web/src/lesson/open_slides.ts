// Slides without their numbers: those of a step that this page takes.

import { isScalar } from "../formulas/brackets";
import { linesOf, reasonOf, type Formulas, type Remark } from "../formulas/equation";
import { latexOf, type View } from "../formulas/latex";
import { Values, type Block } from "../formulas/values";
import type { Slide } from "../protocol";
import { arraysOf } from "./recording";

type Statement = Slide["statements"][number];

/** `numbers`: the formula into which the numbers of a statement go; none of what is shown beside it. */
export interface OpenSlide extends Omit<Slide, "arrays" | "statements"> {
  statements: (Statement & { remarks?: Remark[]; numbers?: Formulas | null })[];
}

const DIGITS = 3;
const WHOLE = 4; // units of an output layer whose Jacobian is shown whole; of a larger one the first two and the last

export function filled(slide: OpenSlide, blocks: Map<string, Block>, sizes: number[]): Slide {
  const values = new Values(blocks);
  const last = sizes.at(-1)! - 1;
  const kept = last < WHOLE ? {} : { yhat: [0, 1, last], [String(sizes.length - 1)]: [0, 1, last] };
  const statements = slide.statements.map(({ reason, latex, remarks, numbers }): Statement => ({
    reason: reasonOf(reason, remarks ?? [], values),
    latex: numbers ? [...latex, numbersIn(numbers, values, { digits: DIGITS, rows: kept })] : latex,
  }));
  return { ...slide, statements, arrays: arraysOf(slide, blocks) };
}

/** The line behind the formulas: of a number also what it is computed from. */
function numbersIn(formulas: Formulas, values: Values, view: View): string {
  const { numbers, value } = linesOf(formulas, values, view);
  const told = isScalar(formulas.left) ? [numbers, value] : [value];
  return told.flatMap((tree) => (tree ? [`{}= ${latexOf(tree, view)}`] : [])).join(" ");
}
