"""What is wrong with a model, as far as the pairs of one backward pass and the weights show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ...core.arrays import Array
from ..diagnose.diagnosis import Judged
from ..diagnose.finding import Finding
from ..diagnose.measure import finite_or_none
from ..diagnose.ranking import rank
from . import findings as rules
from .assemble import first_non_finite
from .layer_statistics import Activity, LayerStatistics, layer_statistics
from .norms import noise_of, norms_and_sum
from .pairs import CapturedPairs


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeardDiagnosis(Judged):
    """``findings`` as of :func:`backtalk.diagnose`, the first one first to be looked at; ``layers``, the numbers.

    ``Finding.layer`` is the place of a layer in the order of the first calls, from 1 (0: what the first one hears), and
    ``units`` are columns of its output. ``judged``: the kinds that were looked for. Labels, the loss, validation and
    the course of training are not seen here, and nothing is said of them. ``noise_scale``: None for one example, or
    if a value is not finite.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Linear(2, 1)
    >>> with listen(model) as heard:
    ...     model(torch.ones(4, 2)).mean().backward()
    >>> found = heard.diagnose()
    >>> found.healthy, found.examples, "dead_units" in found.judged
    (True, 4, True)
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerStatistics, ...]
    examples: int
    noise_scale: float | None
    judged: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a number that is not finite is None."""
        return finite_or_none(
            {
                "healthy": self.healthy,
                "examples": self.examples,
                "noise_scale": self.noise_scale,
                "findings": [asdict(each) for each in self.findings],
                "layers": [asdict(each) for each in self.layers],
                "judged": self.judged,
            }
        )


def diagnose_pairs(pairs: CapturedPairs, weights: dict[str, tuple[Array, bool]], memory_limit: int) -> HeardDiagnosis:
    """The findings of one backward pass, ranked."""
    count, broken = pairs.count, first_non_finite(pairs)
    if broken is not None:  # from there on, everything is lost
        found = rules.non_finite(pairs, *broken)
        return HeardDiagnosis(rank(found), (), count, None, ("non_finite", "non_finite_data"))
    activity = Activity(next(iter(pairs.calls)), count)
    norms, total = norms_and_sum(pairs, memory_limit, activity.add)
    layers = layer_statistics(pairs, weights, norms, total, activity)
    noise = noise_of(norms, total).value if count > 1 else None
    found = [
        *rules.input_scale(activity),
        *rules.copies(pairs, layers, weights),
        *rules.dead_units(count, layers),
        *rules.gradient_ratio(count, layers),
        *rules.not_learning(layers),
        *rules.dominating(norms),
        *rules.noisy(count, noise),
    ]
    return HeardDiagnosis(rank(found), layers, count, noise, rules.JUDGED)
