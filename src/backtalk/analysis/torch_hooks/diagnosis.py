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
from .layer_statistics import LayerSigns, layer_signs
from .moments import noise_scale_of
from .pairs import BatchPairs


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeardDiagnosis(Judged):
    """``findings`` as of :func:`backtalk.diagnose`, the first one first to be looked at; ``layers``, the numbers.

    ``Finding.layer`` is the place of a layer in the order of the first calls, from 1 (0: what the first one hears), and
    ``units`` are columns of its output. ``judged``: the kinds that were looked for. Labels, the loss, validation and
    the course of training are not seen here, and nothing is said of them. ``noise_scale``: None for one example, or
    where a value is not finite.
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerSigns, ...]
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


def diagnose_batch(batch: BatchPairs, weights: dict[str, tuple[Array, bool]], memory_limit: int) -> HeardDiagnosis:
    """The findings of one backward pass, ranked."""
    broken = first_non_finite(batch)
    if broken is not None:  # from there on, everything is lost
        found = rules.non_finite(batch, *broken)
        return HeardDiagnosis(rank(found), (), batch.count, None, ("non_finite", "non_finite_data"))
    signs = layer_signs(batch, weights, memory_limit)
    noise = noise_scale_of(batch, memory_limit).value if batch.count > 1 else None
    found = [
        *rules.input_scale(batch, signs[0], memory_limit),
        *rules.copies(batch, signs, weights, memory_limit),
        *rules.dead_units(batch, signs),
        *rules.gradient_ratio(batch, signs),
        *rules.not_learning(signs),
        *rules.dominating(batch, memory_limit),
        *rules.noisy(batch, noise),
    ]
    return HeardDiagnosis(rank(found), signs, batch.count, noise, rules.JUDGED)
