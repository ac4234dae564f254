"""What the report is made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..verdict.compare import words_of


@dataclass(frozen=True, slots=True)
class Facts:
    """Plain values, as they stand in the files of a run.

    ``metrics``: of metrics.json; ``columns``: of the target and of the others, how each was read, with what was made
    of it; ``histories``: the lines of history.jsonl of each training; ``said``: about the table; ``settings``: of the
    run; ``networks``: in words, and how many there are of each kind; ``loss``: what they learn by.
    """

    title: str
    summary: str
    metrics: Mapping[str, Any]
    columns: Sequence[Mapping[str, Any]]
    histories: Sequence[Sequence[Mapping[str, Any]]]
    networks: Mapping[str, int]
    loss: str
    said: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classifies(self) -> bool:
        """Whether the target has classes."""
        return bool(self.metrics["classes"])

    @property
    def rows(self) -> str:
        """The rows that the run is judged by, in words: '441 test rows'."""
        judged = self.metrics["judged"]
        return f"{self.metrics['scores'][judged]['rows']:,} {words_of(judged)} rows"
