"""What a check compared, and its verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .mistakes import Mistake

NAMED = 8  # so many wrong quantities are named in the verdict


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One quantity at one layer: a gradient, a value that was computed forward, the loss, or a parameter after a step.

    ``compared`` coordinates (or random directions) were judged; ``undecided`` were not, because a kink lies
    inside the step or the value is at or beyond the end of its range. ``largest_error`` is the largest relative
    error among the judged, at index ``where``, where the gradient that was checked is ``given`` and the
    measured derivative is ``derivative``. ``where`` is None for a direction. What is no gradient is compared with the
    formula's own value, which stands in ``derivative``; ``says`` then is 'the formula gives'. ``place_in_layout`` is
    the same place in the array of a function with a layout of its own, as 'dW1[0, 3]'; empty if it is the same there.
    """

    quantity: str
    compared: int
    undecided: int
    largest_error: float
    where: tuple[int, ...] | None
    given: float
    derivative: float
    passed: bool
    says: str = "the derivative is"
    place_in_layout: str = ""

    @property
    def verdict(self) -> str:
        """The outcome in a few words."""
        if self.passed:
            return "ok" if self.compared else "not judged"
        return f"wrong{self.place and f' at {self.place}'}: {self.given:.9g}, but {self.says} {self.derivative:.9g}"

    @property
    def place(self) -> str:
        """Where it is, in words that count from 1; empty for a direction or a single number."""
        names = {"W": ("row", "column"), "b": ("unit",)}.get(self._family, ("example", "unit"))
        told = ", ".join(f"{name} {k + 1}" for name, k in zip(names, self.where or (), strict=False))
        return f"{told} ({self.place_in_layout} in your layout)" if self.place_in_layout else told

    @property
    def _family(self) -> str:
        return self.quantity.partition("[")[0].removeprefix("forward ")


@dataclass(frozen=True, slots=True, repr=False)
class CheckReport:
    """The rows of a check, how it was made, and the verdict: ``passed`` if every row passed.

    A row passes if its largest relative error is at most ``tolerance``, so nothing that was judged is wrong. A row with
    nothing judged passes too, and so does a report; ``compared`` is 0, and the verdict says so. ``own``: whether
    functions of your own were checked. ``mistakes``: the likely mistakes in them, if they fail, or the loss or an
    activation of the network whose derivative is wrong; empty if no mistake of the tables explains it. ``notes``: what
    else is to be known, such as the layout that was found.

    >>> from backtalk import Network, check
    >>> report = check(Network.create([2, 2], rng=0))
    >>> print(report.verdict)
    passed: largest relative error ... over 36 coordinates, by complex step
    >>> report.rows[0].quantity, report.compared, report.undecided, report.mistakes
    ('h[0]', 36, 0, ())
    """

    subject: str
    method: str
    coordinates: str
    tolerance: float
    rows: tuple[CheckRow, ...]
    own: bool = False
    mistakes: tuple[Mistake, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def mistake(self) -> Mistake | None:
        """The likely mistake in functions of your own, the first in the order of the talks; None for none."""
        return self.mistakes[0] if self.mistakes else None

    @property
    def passed(self) -> bool:
        """Whether every gradient that could be judged is the derivative; true also if ``compared`` is 0."""
        return all(row.passed for row in self.rows)

    @property
    def largest_error(self) -> float:
        """The largest relative error over all rows."""
        return max((row.largest_error for row in self.rows), default=0.0)

    @property
    def worst(self) -> CheckRow:
        """The row with the largest relative error."""
        return max(self.rows, key=lambda row: row.largest_error)

    @property
    def compared(self) -> int:
        """How many coordinates or directions were judged."""
        return sum(row.compared for row in self.rows)

    @property
    def undecided(self) -> int:
        """How many were not judged: a kink inside the step, or a value at or beyond the end of its range."""
        return sum(row.undecided for row in self.rows)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        judged = f"{self.compared} {self.coordinates}, by {self.method}"
        left = f"; {self.undecided} not judged (kink or range)" if self.undecided else ""
        if not self.compared:
            return (
                f"nothing could be judged: each of {self.undecided} {self.coordinates} meets a kink or the end of a "
                f"range, by {self.method}"
            )
        if self.passed:
            return f"passed: largest relative error {self.largest_error:.1e} over {judged}{left}"
        worst, wrong = self.worst, [row.quantity for row in self.rows if not row.passed]
        more = f" and {len(wrong) - NAMED} more" if len(wrong) > NAMED else ""
        return (
            f"failed in {', '.join(wrong[:NAMED])}{more}: {worst.quantity}{worst.place and f' at {worst.place}'} "
            f"is {worst.given:.9g}, but {worst.says} {worst.derivative:.9g} "
            f"(relative error {worst.largest_error:.1e} over {judged}{left}){self._likely}"
        )

    @property
    def _likely(self) -> str:
        if not self.own and not self.mistakes:
            return ""
        if not self.mistakes:
            return "; no mistake that has a name here explains it"
        return "".join(f"; {'and' if k else 'likely'}: {mistake.sentence}" for k, mistake in enumerate(self.mistakes))

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; numbers that are not finite become None."""
        names = (
            "subject", "passed", "method", "coordinates", "tolerance", "largest_error", "compared", "undecided",
        )  # fmt: skip
        return {
            **{name: _finite(getattr(self, name)) for name in names},
            "mistakes": [mistake.to_dict() for mistake in self.mistakes],
            "notes": list(self.notes),
            "rows": [{name: _finite(value) for name, value in asdict(row).items()} for row in self.rows],
        }

    def _repr_html_(self) -> str:
        """What a notebook shows: the verdict, the rows, and the likely mistakes."""
        from ...pages.view import Verdict, rows_table, sentence, view

        kind = "quiet" if not self.compared else "good" if self.passed else "bad"
        rows = []
        for row in self.rows:
            error = f"{row.largest_error:.1e}" if row.compared else ""
            rows.append([row.quantity, str(row.compared), str(row.undecided), error, Verdict(row.verdict, row.passed)])
        table = rows_table(["quantity", "compared", "undecided", "largest error", "verdict"], rows)
        told = (sentence(line, kind="quiet" if line.startswith(" ") else "bad") for line in self._mistake_lines)
        notes = (sentence(note, kind="quiet") for note in self.notes)
        return view(f"Check of {self.subject}", sentence(self.verdict, kind=kind), table, *told, *notes)

    @property
    def _mistake_lines(self) -> list[str]:
        return [line for mistake in self.mistakes for line in mistake.lines]

    def __repr__(self) -> str:
        return f"Check of {self.subject}: {self.verdict}"

    def __str__(self) -> str:
        width = max(10, *(len(row.quantity) + 2 for row in self.rows))
        lines = [f"{'quantity':<{width}}{'compared':>9}{'undecided':>10}{'largest error':>15}  verdict"]
        for row in self.rows:
            error = f"{row.largest_error:.1e}" if row.compared else ""
            lines.append(f"{row.quantity:<{width}}{row.compared:>9}{row.undecided:>10}{error:>15}  {row.verdict}")
        told = self._mistake_lines
        return "\n".join([*lines, *(["", *told, ""] if told else []), *self.notes, self.verdict])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
