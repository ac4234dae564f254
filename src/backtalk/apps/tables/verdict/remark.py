"""One thing that the verdict says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from ....errors import quoted

WELL = "better_than_constant"  # the name of the one remark that is no fault
NO_BETTER = "no_better_than_constant"
FEW_TEST_ROWS = 30  # below, a difference of a third of the rows may be chance
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Remark:
    """A ``name`` for programs, a ``sentence`` with the figures, what to do, and the columns that it is about.

    >>> Remark("few_rows", "only 5 test rows").to_json()["advice"]
    ''
    """

    name: str
    sentence: str
    advice: str = ""
    columns: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """As ``metrics.json`` holds it."""
        return asdict(self)


def named(names: Sequence[str], most: int = MOST_NAMED) -> str:
    """The first names in quotation marks, and how many more there are.

    >>> named(["a", "b"]), named(["a", "b", "c", "d", "e"])
    ("'a' and 'b'", "'a', 'b', 'c' and 2 more")
    """
    shown = [quoted(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} and {len(names) - most} more"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))
