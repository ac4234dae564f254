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
from .audit import Audit
from .layer_statistics import Activity, LayerStatistics, layer_statistics
from .norms import noise_of, norms_and_sum
from .pairs import CapturedPairs


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeardDiagnosis(Judged):
    """``findings`` as of :func:`backtalk.diagnose`, the first one first to be looked at; ``layers``, the numbers.

    ``Finding.layer`` is the place of a layer in the order of the first calls, from 1 (0: what the first one hears), and
    ``units`` are columns of its output. ``judged``: the kinds that were looked for; ``unseen``: what could not be
    seen, in sentences. Labels and the loss are seen if ``loss`` was given; validation and the course of training are
    not. ``noise_scale``: None for one example, or if a value is not finite. ``examples``: 0 if there was no backward
    pass.

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
    unseen: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Every finding with its numbers and what to do, and what could not be seen."""
        return "\n\n".join([Judged.__str__(self), *self.unseen])

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
                "unseen": self.unseen,
            }
        )


def only_audit(audit: Audit) -> HeardDiagnosis:
    """The findings of the loss and the optimizer, if there was no backward pass."""
    return HeardDiagnosis(rank(audit.findings), (), 0, None, audit.judged, audit.unseen)


def diagnose_pairs(
    pairs: CapturedPairs, weights: dict[str, tuple[Array, bool]], memory_limit: int, audit: Audit
) -> HeardDiagnosis:
    """The findings of one backward pass and of the audit, ranked."""
    count, broken = pairs.count, first_non_finite(pairs)
    if broken is not None:  # from there on, everything is lost
        found = [*rules.non_finite(pairs, *broken), *audit.findings]
        judged = "non_finite", "non_finite_data", *audit.judged
        return HeardDiagnosis(rank(found), (), count, None, judged, audit.unseen)
    activity = Activity(list(pairs.linears), count)
    norms, total = norms_and_sum(pairs.fitting(memory_limit), memory_limit, activity.add)
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
        *audit.findings,
    ]
    judged = (*rules.JUDGED, *audit.judged)
    return HeardDiagnosis(rank(found), layers, count, noise, judged, audit.unseen)
