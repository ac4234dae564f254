"""Rules of the course: what the losses of steps, their rates and the sizes of the updates say."""

from __future__ import annotations

from ...diagnose.finding import Finding, finding
from .recorder import Recorder


def find_in_course(recorder: Recorder) -> list[Finding]:
    """All of them."""
    return [*non_finite(recorder)]


def non_finite(recorder: Recorder) -> list[Finding]:
    """A loss that is no number."""
    broken = recorder.losses.curve.broken
    if broken is None:
        return []
    return finding(
        "non_finite", 1, "the loss is not finite",
        f"The loss of step {broken} was not finite, and everything computed from it is lost.",
        "Scale the inputs and the targets, use a smaller learning rate, or clip the gradient's norm; in float16 "
        "scale the loss (torch.amp.GradScaler), or use bfloat16.",
        numbers={"step": broken},
    )  # fmt: skip
