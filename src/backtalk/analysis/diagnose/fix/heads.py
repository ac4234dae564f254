"""The loss and the output function that suit the targets."""

from __future__ import annotations

import math
from dataclasses import replace

from ....core.head import as_head
from ....core.losses import Loss, as_loss
from ....core.outputs import Output, as_output
from ..finding import Finding
from .case import Case, Change
from .plan import Plan
from .scores import are_labels


def suited_loss(_: Finding, case: Case) -> Change:
    """Cross-entropy for classes that exclude one another, binary cross-entropy for yes or no."""
    plan, targets = case.plan, case.measured.targets
    if targets.one_hot:
        return _with_head(plan, as_loss("cross_entropy"))
    if plan.sizes[-1] != 1 or not are_labels(targets):
        return None
    count = int(targets.most[0]) + 1
    if count == 2:
        return _with_head(plan, as_loss("binary_cross_entropy"))
    return _with_head(plan, as_loss("cross_entropy"), outputs=count)


def suited_output(_: Finding, case: Case) -> Change:
    """The loss's own output function if the targets lie in its range; else identity, or binary cross-entropy for 0, 1.

    One softmax output says nothing, so that 0 and 1 get a sigmoid, and other numbers identity.
    """
    plan, targets = case.plan, case.measured.targets
    low, high = plan.loss.domain
    natural = as_head(plan.loss).output
    if natural.name == plan.output.name:
        return None
    if plan.sizes[-1] == 1 and plan.output.name == "softmax" and are_labels(targets) and targets.levels == 2:
        return _with_head(plan, as_loss("binary_cross_entropy"))
    least, most = natural.range
    reaches = bool((targets.least >= least).all() and (targets.most <= most).all())
    if not reaches and not math.isinf(low) and not math.isinf(high):
        return None
    return _with_head(plan, plan.loss, natural)


def _with_head(plan: Plan, loss: Loss, output: Output | None = None, outputs: int | None = None) -> Change:
    output = output or as_output(loss.natural_output)
    sizes = plan.sizes if outputs is None else (*plan.sizes[:-1], outputs)
    changed = replace(plan, loss=loss, output=output, sizes=sizes, scales_targets=False)
    if changed == plan:
        return None
    parts = []
    if repr(loss) != repr(plan.loss):
        parts.append(f"loss {loss!r} instead of {plan.loss!r}")
    if repr(output) != repr(plan.output):
        parts.append(f"output {output!r} instead of {plan.output!r}")
    if sizes != plan.sizes:
        parts.append(f"{sizes[-1]} outputs instead of {plan.sizes[-1]}")
    return changed, ", ".join(parts)
