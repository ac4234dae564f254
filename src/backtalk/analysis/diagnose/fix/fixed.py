"""What fixing gives: the rounds, both scores, and the network that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ....core.network import Network
from ..finding import Finding
from ..measure import finite_or_none
from ..words import verdict
from .scores import Scores

NAMES = {
    "accuracy": "accuracy", "log_loss": "log loss", "balanced_accuracy": "balanced accuracy",
    "balanced_log_loss": "balanced log loss", "rmse": "RMSE", "r2": "R²",
}  # fmt: skip
ENDED = {
    "healthy": "nothing above a note is left",
    "nothing to change": "no finding is left whose advice a new training could follow",
    "no better": "the held-out rows got no better any more",
    "diverged": "the training of the next round diverged",
    "rounds": "three rounds are the most",
}


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """One change and what came of it.

    ``finding``: what it acts on. ``change``: what was done, in words. ``settings``: how the network was made and
    trained. ``scores``: on the held-out rows, by name. ``is_better``: than all before. ``findings``: of the new
    network, on the rows that it was trained on, scaled as they were. ``epochs``: how many were trained; ``diverged``:
    whether training broke off.

    >>> import numpy as np
    >>> from backtalk import Network, diagnose
    >>> X = np.random.default_rng(0).normal(size=(100, 2)) * [1, 5000]
    >>> network, y = Network.create([2, 4, 2], "tanh", rng=0), X[:, 0] > 0
    >>> first = diagnose(network, X, y).fix(network, X, y, epochs=30).rounds[0]
    >>> first.finding.kind, first.settings["scaled_inputs"], first.is_better
    ('inputs_not_scaled', True, True)
    """

    finding: Finding
    change: str
    settings: Mapping[str, Any]
    scores: Mapping[str, float | None]
    is_better: bool
    findings: tuple[Finding, ...]
    epochs: int
    diverged: bool = False
    taken_back: bool = False

    @property
    def said(self) -> str:
        """The change, and whether it was taken back."""
        return f"{self.change}; taken back, as it did not help" if self.taken_back else self.change

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return finite_or_none(
            {
                "finding": asdict(self.finding),
                "change": self.change,
                "settings": dict(self.settings),
                "scores": dict(self.scores),
                "is_better": self.is_better,
                "findings": [asdict(each) for each in self.findings],
                "epochs": self.epochs,
                "diverged": self.diverged,
                "taken_back": self.taken_back,
            }
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Fixed:
    """The ``network`` that is best on the held-out rows, and the ``rounds`` that led to it; none is empty if the given
    one is healthy, or if no advice could be followed.

    ``before``, ``after``: the scores of the given network and of the best one, by name, on ``examples`` held-out rows;
    ``is_better``: whether a round beat the given network; if none did, ``network`` is that one. ``judged_by``: which
    rows these are, in words. ``ended``: why there was no further round.

    >>> import numpy as np
    >>> from backtalk import Network, diagnose, fit
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(300, 2)) * [1, 5000] + [0, 90000]
    >>> y = (X[:, 0] > 0).astype(int)
    >>> network = fit(Network.create([2, 8, 2], "tanh", rng=0), X[:200], y[:200], rng=0).network
    >>> fixed = diagnose(network, X[:200], y[:200]).fix(network, X[:200], y[:200], validation=(X[200:], y[200:]))
    >>> fixed.is_better, fixed.after["accuracy"] > 0.95 > fixed.before["accuracy"]
    (True, True)
    >>> print(str(fixed).splitlines()[0])
    100 held-out rows: the validation set
    """

    network: Network
    rounds: tuple[Round, ...]
    before: Mapping[str, float | None]
    after: Mapping[str, float | None]
    examples: int
    judged_by: str
    ended: str

    @property
    def is_better(self) -> bool:
        """Whether a round beat the given network on the held-out rows."""
        return any(each.is_better for each in self.rounds)

    @property
    def best(self) -> Round | None:
        """The round whose network is the result, None if the given one is."""
        return next((each for each in reversed(self.rounds) if each.is_better), None)

    @property
    def verdict(self) -> str:
        """In one sentence."""
        best = self.best
        if best is None:
            what = "nothing got better, so the network stays as it was" if self.rounds else "nothing was trained"
            return f"{what}: {ENDED[self.ended]}."
        left = verdict(best.findings)
        return f"round {self.rounds.index(best) + 1} is the best, and its network the result: {left}."

    def table(self) -> tuple[list[str], list[list[str]]]:
        """The scores side by side: the names of the columns, and a row for each score."""
        columns = [self.before, *(each.scores for each in self.rounds)]
        names = ["held-out rows", "before", *(f"round {k}" for k in range(1, len(columns)))]
        rows = [[NAMES[name], *(_number(scores.get(name)) for scores in columns)] for name in self.before]
        return names, rows

    def steps(self) -> list[str]:
        """Of each round, what was found and what was done."""
        return [f"{k}. {each.finding.title} → {each.said}" for k, each in enumerate(self.rounds, start=1)]

    @property
    def heading(self) -> str:
        """Which rows judged."""
        return f"{self.examples:,} held-out rows: {self.judged_by}"

    def __str__(self) -> str:
        """What was changed and what came of it, side by side."""
        names, rows = self.table()
        return "\n".join([self.heading, *_aligned([names, *rows]), "", *self.steps(), self.verdict])

    def _repr_html_(self) -> str:
        """What a notebook shows: the same, as a table."""
        from ....pages.view import rows_table, sentence, view

        names, rows = self.table()
        return view(self.heading, rows_table(names, rows), *map(sentence, [*self.steps(), self.verdict]))

    def __repr__(self) -> str:
        return f"Fixed: {self.verdict}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a number that is not finite becomes None."""
        facts = {
            "is_better": self.is_better,
            "held_out": {"examples": self.examples, "said": self.judged_by},
            "before": dict(self.before),
            "after": dict(self.after),
            "ended": self.ended,
            "said": self.verdict,
        }
        return finite_or_none(facts) | {"rounds": [each.to_dict() for each in self.rounds]}


def scores_of(scores: Scores) -> dict[str, float | None]:
    """By name, for a user."""
    return dict(scores.values)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if k == 0 else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
