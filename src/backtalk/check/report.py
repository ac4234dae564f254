"""What a check compared, and its verdict."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One quantity at one layer.

    ``compared`` coordinates (or random directions) were judged; ``undecided`` were not, because a kink lies
    inside the step or the value is beyond the range of its dtype. ``largest_error`` is the largest relative
    error among the judged, at index ``where``, where the gradient that was checked is ``given`` and the
    measured derivative is ``derivative``. ``where`` is None for a direction.
    """

    quantity: str
    compared: int
    undecided: int
    largest_error: float
    where: tuple[int, ...] | None
    given: float
    derivative: float
    passed: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The rows of a check, how it was made, and the verdict: ``passed`` where every row did.

    A row passes where its largest relative error is at most ``tolerance``. A row with nothing judged passes,
    and ``undecided`` says so.
    """

    subject: str
    method: str
    coordinates: str
    tolerance: float
    rows: tuple[CheckRow, ...]

    @property
    def passed(self) -> bool:
        """Whether every gradient that could be judged is the derivative."""
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
        """How many were not judged: a kink inside the step, or a value beyond the range of its dtype."""
        return sum(row.undecided for row in self.rows)

    @property
    def verdict(self) -> str:
        """The outcome in one sentence."""
        judged = f"{self.compared} {self.coordinates}, by {self.method}"
        left = f"; {self.undecided} not judged (kink or range)" if self.undecided else ""
        if self.passed:
            return f"passed: largest relative error {self.largest_error:.1e} over {judged}{left}"
        worst, wrong = self.worst, [row.quantity for row in self.rows if not row.passed]
        index = "" if worst.where is None else f" at {list(worst.where)}"
        return (
            f"failed in {', '.join(wrong)}: {worst.quantity}{index} is {worst.given:.9g}, but the derivative is "
            f"{worst.derivative:.9g} (relative error {worst.largest_error:.1e} over {judged}{left})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The report for JSON; numbers that are not finite become None."""
        rows = [{name: _finite(value) for name, value in asdict(row).items()} for row in self.rows]
        return {
            "subject": self.subject,
            "passed": self.passed,
            "method": self.method,
            "coordinates": self.coordinates,
            "tolerance": self.tolerance,
            "largest_error": _finite(self.largest_error),
            "compared": self.compared,
            "undecided": self.undecided,
            "rows": rows,
        }

    def __str__(self) -> str:
        lines = [f"{'quantity':<10}{'compared':>9}{'undecided':>10}{'largest error':>15}  verdict"]
        for row in self.rows:
            line = f"{row.quantity:<10}{row.compared:>9}{row.undecided:>10}{row.largest_error:>15.1e}  "
            index = "" if row.where is None else f"at {list(row.where)}: "
            wrong = f"WRONG {index}given {row.given:.9g}, derivative {row.derivative:.9g}"
            lines.append(line + ("ok" if row.passed else wrong))
        return "\n".join([*lines, self.verdict])


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
