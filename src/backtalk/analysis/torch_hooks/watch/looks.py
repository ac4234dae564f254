"""What the modules show in measured steps, and which of it lasts."""

from __future__ import annotations

from typing import Any

from ...diagnose.finding import Finding
from ..modules import ModuleHooks, find_in_modules

# what shows at the start, and need not show later to be true
OF_START = (
    "symmetry", "inputs_not_scaled", "inputs_too_small", "linear_layers", "unreached_parameters", "non_finite",
    "non_finite_data",
)  # fmt: skip
LAST = 5  # looks, of which half have to show what lasts
MOST_CALLS = 32  # of the model without a backward pass: then it is not waited for


class Looks:
    """Opens hooks on the modules before a step, and reads them after its first backward pass.

    One micro-batch is enough: what is captured would otherwise stay in memory until the step.
    """

    def __init__(self, model: Any) -> None:
        self._hooks, self._open = ModuleHooks(model), False
        self._calls = 0
        self._looks: list[list[Finding]] = []
        self._last = 0

    def is_wanted(self, number: int, *, measured: bool) -> bool:
        """Whether the modules are looked at in a step: in every measured one at first, and then more rarely."""
        return measured and (number <= 10 or number >= 1.25 * self._last)

    def open(self, number: int) -> None:
        """The step begins."""
        if not self._open:
            self._hooks.open()
            self._open, self._calls, self._last = True, 0, number

    def on_forward(self) -> None:
        """The model is called."""
        self._calls += 1
        if self._calls > MOST_CALLS:
            self.close()

    def after_backward(self, *, scaled: bool) -> None:
        """A backward pass reached the model; ``scaled``: by a GradScaler, which bears gradients that overflow."""
        if not self._open:
            return
        self.close()
        found = find_in_modules(self._hooks.statistics())
        self._hooks.drop()
        if scaled:
            found = [each for each in found if each.kind != "non_finite"]
        self._looks.append(found)

    def close(self) -> None:
        """Take the hooks away."""
        if self._open:
            self._hooks.close()
            self._open = False

    @property
    def findings(self) -> list[Finding]:
        """What lasts: found in half of the last looks, or of the first three if it belongs to the start."""
        last, start = self._looks[-LAST:], self._looks[:3]
        return [
            *_lasting(last, lambda kind: kind not in OF_START),
            *_lasting(start, lambda kind: kind in OF_START),
            *(each for look in self._looks[3:] for each in look if each.kind == "non_finite"),
        ]


def _lasting(looks: list[list[Finding]], wanted: Any) -> list[Finding]:
    """The newest of each kind and layer that half of the looks show, and two of them at least if there are as many."""
    found: dict[tuple[str, int | None], list[Finding]] = {}
    for look in looks:
        for key, each in {(each.kind, each.layer): each for each in look if wanted(each.kind)}.items():
            found.setdefault(key, []).append(each)
    return [shown[-1] for shown in found.values() if 2 * len(shown) >= len(looks)]
