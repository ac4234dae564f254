"""A diagnosis: the findings, ranked, and all measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ...core.network import Network
from .finding import Finding
from .fix import Fixed, fix
from .measure import Measurements, finite_or_none
from .report import write_report
from .words import counting, is_healthy, verdict

OF_ALL = ("examples", "loss", "baseline", "validation_loss", "gradient", "noise_scale")
OF_TARGETS = ("mean", "std", "least", "most", "counts", "shares", "recall")
QUANTILES = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)


class Judged:
    """What every diagnosis can do with its findings, the most important first."""

    __slots__ = ()
    findings: tuple[Finding, ...]

    @property
    def healthy(self) -> bool:
        """No finding is above 'note'."""
        return is_healthy(self.findings)

    @property
    def verdict(self) -> str:
        """How many findings of each severity."""
        return verdict(self.findings)

    @property
    def counting(self) -> str:
        """How sentences count the units, columns and rows that the findings list; '' if they list none."""
        return counting(self.findings)

    def __str__(self) -> str:
        """Every finding with its numbers and what to do."""
        told = [f"{each.severity}: {each.title}\n{each.said}\n→ {each.advice}" for each in self.findings]
        return "\n\n".join(filter(None, [self.verdict, *told, self.counting]))

    def _repr_html_(self) -> str:
        """What a notebook shows: the same, as a table."""
        from .view import findings_view

        return findings_view(self)

    def __repr__(self) -> str:
        return "\n".join([self.verdict, *(f"{each.severity:<8} {each.title}" for each in self.findings)])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Diagnosis(Judged):
    """``findings``, the most important first; ``measurements``, all numbers; ``network``, in one line.

    >>> import numpy as np
    >>> from backtalk import Network, diagnose
    >>> X = np.random.default_rng(0).normal(size=(100, 2)) * [1, 5000]
    >>> diagnosis = diagnose(Network.create([2, 2], rng=0), X, X[:, 0] > 0)
    >>> diagnosis.healthy, diagnosis.findings[0].title, diagnosis.measurements.examples
    (False, 'inputs are not scaled', 100)
    """

    findings: tuple[Finding, ...]
    measurements: Measurements
    network: str

    @property
    def counting(self) -> str:
        """As of every diagnosis; columns that have names are not counted, nor rows that the caller numbered."""
        return counting(self.findings, self.measurements.columns.names, self.measurements.counted_from)

    def fix(
        self,
        network: Network,
        X: Any,
        y: Any,
        *,
        sample_weight: Any = None,
        validation: Any = None,
        rng: np.random.Generator | int | None = 0,
        **settings: Any,
    ) -> Fixed:
        """Follow the advice of the first finding that a training can act on, train anew, and compare.

        ``network``, ``X``, ``y``, ``sample_weight``: those that were diagnosed; none of them is changed. Each round
        makes one change, to X or the targets (scaled, and the scales folded into the first and the last layer, so that
        the result takes X as it is), to the output function and the loss, or to the training, and trains a network of
        new random weights with the settings of the run otherwise: those that a ``history`` of a :class:`Doctor` told,
        or the defaults of :func:`~backtalk.fit` for as many epochs as make 2000 steps, 20 to 500. ``settings``: what
        :func:`~backtalk.fit` is to be given instead, such as ``epochs=50``. Rows that are not finite are left out. The
        new network is diagnosed in turn, and the next round acts on that, up to three rounds; it ends if nothing above
        a note is left, if no advice can be followed, or if the held-out rows got no better and the finding stayed. A
        note is acted on if a run was too short, or if a network without a history has learned next to nothing.

        ``validation``: the held-out rows that judge, (X, y) or (X, y, sample_weight); nothing is learned from them.
        Without it one row of five is held out before the first round. For classes, accuracy decides if it differs by
        more than one and a half standard errors, and else the log loss; for numbers, the root of the mean squared
        error, in the targets' own unit. Class labels that a loss took for numbers are judged as classes. The best
        network is the result, and the given one if none is better. A run that is 'too short' is trained twice as long,
        once; every other round takes as many epochs as the run. ``rng``: for the split, the initial weights and the
        mini-batches.

        Raises what :func:`~backtalk.fit` and :func:`~backtalk.diagnose` raise for such arguments.

        >>> import numpy as np
        >>> from backtalk import Network, diagnose
        >>> X = np.random.default_rng(0).normal(size=(100, 2)) * [1, 5000]
        >>> network, y = Network.create([2, 4, 2], "tanh", rng=0), X[:, 0] > 0
        >>> fixed = diagnose(network, X, y).fix(network, X, y)
        >>> first = fixed.rounds[0]
        >>> first.finding.kind, first.change[:23]
        ('inputs_not_scaled', 'scaled each column of X')
        >>> fixed.is_better, fixed.after["accuracy"] > fixed.before["accuracy"]
        (True, True)
        """
        return fix(network, self.findings, self.measurements, X, y, sample_weight, validation, rng, settings)

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a number that is not finite becomes None, and quantiles summarize arrays over examples."""
        return finite_or_none(
            {
                "healthy": self.healthy,
                "network": self.network,
                "findings": [asdict(each) for each in self.findings],
                "measurements": _summary(self.measurements),
            }
        )

    def to_html(self, title: str = "Diagnosis", *, classes: Sequence[str] = ()) -> str:
        """One page that needs no other file: the findings, and plots of the measurements.

        ``classes``: the names of classes 0, 1, …, by default those that :func:`diagnose` was told.
        """
        return write_report(self, title, classes=classes or self.measurements.targets.names)

    def _repr_html_(self) -> str:
        """What a notebook shows: the findings, and what each layer hears; :meth:`to_html` has the plots."""
        from .view import diagnosis_view

        return diagnosis_view(self)


def _summary(measured: Measurements) -> dict[str, Any]:
    telemetry = measured.telemetry
    return {
        **{name: getattr(measured, name) for name in OF_ALL},
        "losses": _quantiles(measured.losses),
        "norms": _quantiles(measured.norms),
        "layers": [asdict(layer) for layer in measured.layers],
        "columns": asdict(measured.columns),
        "targets": {name: getattr(measured.targets, name) for name in OF_TARGETS},
        "telemetry": {
            **{name: getattr(telemetry, name) for name in ("losses", "validation_losses", "learning_rates")},
            "measures": [[asdict(row) for row in epoch] for epoch in telemetry.measures],
            "moved": telemetry.moved,
        },
        "non_finite": [asdict(place) for place in measured.non_finite],
    }


def _quantiles(values: np.ndarray) -> dict[str, float]:
    """By name, as '0.5'; all NaN if a value is."""
    with np.errstate(all="ignore"):
        found = np.quantile(values, QUANTILES)
    return {str(share): float(value) for share, value in zip(QUANTILES, found, strict=True)}
