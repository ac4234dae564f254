"""What is wrong with a model, as far as its modules, its examples, its loss and its optimizer show it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ..diagnose.diagnosis import Judged
from ..diagnose.finding import Finding
from ..diagnose.measure import finite_or_none
from ..diagnose.ranking import rank
from ..diagnose.rules.layers import milder_where_learned
from ..diagnose.thresholds import LIMITS
from ..diagnose.words import is_healthy, percent, verdict
from .assemble import first_non_finite
from .audit import Audit
from .audit.program import OF_GRAPH
from .findings import OF_EXAMPLES, find_dominating, find_noise
from .layer_statistics import Activity, LayerStatistics, layer_statistics
from .modules import OF_BROKEN, OF_MODULES, ModelStatistics, ModuleStatistics, find_in_modules
from .norms import noise_of, norms_and_sum
from .pairs import CapturedPairs

if TYPE_CHECKING:
    from .captured import HeardBatch


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HeardDiagnosis(Judged):
    """``findings`` as of :func:`backtalk.diagnose`, the first one first to be looked at.

    ``modules``: the numbers of every module; ``layers``: those of the layers of which examples are heard one by one.
    ``Finding.layer`` counts the modules with parameters in the order of the first calls, from 1 (0: the data), and
    ``numbers["module"]`` is the module's name; ``units`` are columns, or channels, of its output. ``coverage``: the
    share of the trained parameters that a gradient reached within the block; None if there was no backward pass.
    ``healthy`` is never true below 95 %. ``judged``: the kinds that were looked for; ``unseen``: what could not be
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
    >>> print(found.verdict)
    healthy: no finding above a note; 100 % of the trained parameters were heard
    """

    findings: tuple[Finding, ...]
    layers: tuple[LayerStatistics, ...]
    modules: tuple[ModuleStatistics, ...]
    examples: int
    noise_scale: float | None
    coverage: float | None
    judged: tuple[str, ...]
    unseen: tuple[str, ...] = ()

    @property
    def healthy(self) -> bool:
        """No finding is above 'note', and enough was heard to say so."""
        return is_healthy(self.findings) and (self.coverage is None or self.coverage >= LIMITS.heard)

    @property
    def verdict(self) -> str:
        """How many findings of each severity, and which share of the trained parameters was heard."""
        words = verdict(self.findings)
        if self.coverage is None:
            return words
        if is_healthy(self.findings) and not self.healthy:
            return f"no finding above a note, but only {percent(self.coverage)} of the trained parameters were heard"
        return f"{words}; {percent(self.coverage)} of the trained parameters were heard"

    def __str__(self) -> str:
        """Every finding with its numbers and what to do, and what could not be seen."""
        return "\n\n".join([Judged.__str__(self), *self.unseen])

    def _repr_html_(self) -> str:
        """What a notebook shows: the same, as a table."""
        from ..diagnose.view import findings_view

        return findings_view(self, *self.unseen)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a number that is not finite is None."""
        return finite_or_none(
            {
                "healthy": self.healthy,
                "examples": self.examples,
                "noise_scale": self.noise_scale,
                "coverage": self.coverage,
                "findings": [asdict(each) for each in self.findings],
                "layers": [asdict(each) for each in self.layers],
                "modules": [asdict(each) for each in self.modules],
                "judged": self.judged,
                "unseen": self.unseen,
            }
        )


def only_audit(audit: Audit) -> HeardDiagnosis:
    """The findings of the loss and the optimizer, if there was no backward pass."""
    return HeardDiagnosis(rank(audit.findings), (), (), 0, None, None, audit.judged, audit.unseen)


def diagnose_heard(
    statistics: ModelStatistics, batch: HeardBatch | None, memory_limit: int, audit: Audit
) -> HeardDiagnosis:
    """The findings of all modules, of the examples of one batch, and of the audit, ranked."""
    seen = {each.kind for each in audit.findings}  # the loss's graph shows better where it ends than what arrived
    own = [each for each in find_in_modules(statistics) if each.kind not in OF_GRAPH or each.kind not in seen]
    found = [*milder_where_learned(own, audit.share), *audit.findings]
    whole = statistics.broken is None
    judged = [*(OF_MODULES if whole else OF_BROKEN), *audit.judged]
    layers, noise = (), None
    pairs = _pairs_of(batch) if whole and batch is not None else None
    if batch is not None and pairs is not None:
        activity = Activity(pairs.linears)
        norms, total = norms_and_sum(pairs.fitting(memory_limit), memory_limit, activity.add)
        layers = layer_statistics(pairs, batch.weights(), norms, total, activity)
        noise = noise_of(norms, total).value if pairs.count > 1 else None
        found += [*find_dominating(norms), *find_noise(pairs.count, noise)]
        judged += OF_EXAMPLES
    count = pairs.count if pairs is not None else statistics.examples
    coverage = statistics.reach.share
    return HeardDiagnosis(
        rank(found), layers, statistics.modules, count, noise, coverage, tuple(judged), audit.unseen
    )  # fmt: skip


def _pairs_of(batch: HeardBatch) -> CapturedPairs | None:
    """Those of the batch; None if no layer has some, if they do not fit together, or are not finite."""
    try:
        pairs = batch.pairs()
    except InputError:
        return None
    return pairs if pairs.calls and first_non_finite(pairs) is None else None
