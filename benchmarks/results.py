"""The results of a run of the benchmark, and their JSON: one schema for every kind of work and every machine."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

FORMAT = 1
OURS = "backtalk"


@dataclass(frozen=True)
class Row:
    """One piece of work, done by several libraries in turns.

    ``kind``: of work, such as 'training'. ``seconds``: the median of each library, by its threads; backtalk's under
    'backtalk'. ``operations``: floating-point operations of the matrix products in it, 0 if no rate is given.
    ``peak``: the rate of NumPy's matrix product meanwhile, GFLOP/s, by threads. ``missing``: the largest share of the
    machine's peak that was missing at a time during the row, after ``tries``. ``bare``: the rate of NumPy's products of
    the same shapes alone, by threads, if it was measured. ``memory``: MiB that a first call takes, by library.
    """

    kind: str
    work: str
    dtype: str
    seconds: dict[str, dict[int, float]]
    operations: float = 0.0
    peak: dict[int, float] = field(default_factory=dict)
    missing: float = 0.0
    tries: int = 1
    bare: dict[int, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    @property
    def threads(self) -> int:
        """The most that backtalk had, which is what a user gets."""
        return max(self.seconds[OURS])

    def rate(self, threads: int) -> float:
        """Of backtalk with so many threads, GFLOP/s."""
        return self.operations / self.seconds[OURS][threads] / 1e9

    def of_peak(self, threads: int) -> float:
        """That, as a share of the peak with as many threads."""
        return self.rate(threads) / self.peak[threads]

    def best(self, library: str) -> tuple[float, int]:
        """A library's seconds with the threads with which it is fastest, and these."""
        return min((seconds, threads) for threads, seconds in self.seconds[library].items())

    def times(self, library: str) -> float:
        """How many times as fast backtalk, with all threads, is as the library at its best."""
        return self.best(library)[0] / self.seconds[OURS][self.threads]


@dataclass(frozen=True)
class Results:
    """All rows of a run on one machine. ``peak``: the machine's, by dtype and threads, GFLOP/s."""

    date: str
    machine: dict[str, Any]
    versions: dict[str, str]
    quick: bool
    peak: dict[str, dict[int, float]]
    rows: list[Row]

    def with_row(self, row: Row) -> Results:
        """These, with a row at the end, or in the place of that of the same work."""
        rows = {(each.kind, each.dtype, each.work): each for each in (*self.rows, row)}
        return replace(self, rows=list(rows.values()))

    def with_rows_of(self, earlier: Results) -> Results:
        """These, and the rows of an earlier run on the same machine that were not measured again, in its order."""
        if earlier.machine != self.machine or earlier.versions != self.versions:
            raise SystemExit("the file has results of another machine or of other versions: name another one.")
        again = {(row.kind, row.dtype, row.work): row for row in self.rows}
        kept = [again.pop((row.kind, row.dtype, row.work), row) for row in earlier.rows]
        peak = {
            dtype: {threads: max(rate, earlier.peak.get(dtype, {}).get(threads, 0.0)) for threads, rate in each.items()}
            for dtype, each in self.peak.items()
        }
        rows = sorted([*kept, *again.values()], key=lambda row: (row.dtype, row.kind))
        return replace(self, quick=self.quick or earlier.quick, peak=earlier.peak | peak, rows=rows)

    def write(self, path: Path) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fields = _rounded(asdict(self))
        rows = ",\n  ".join(json.dumps(row) for row in fields.pop("rows"))
        head = json.dumps({"format": FORMAT, **fields}, indent=1)
        path.write_text(f'{head[:-2]},\n "rows": [\n  {rows}\n ]\n}}\n')  # a row on a line

    @classmethod
    def read(cls, path: Path) -> Results:
        """What :meth:`write` wrote."""
        found = json.loads(path.read_text())
        if not isinstance(found, dict) or found.pop("format", None) != FORMAT:
            raise SystemExit(f"{path} is not a file of results in format {FORMAT}: write it with --json.")
        rows = [
            Row(**{
                **row,
                "seconds": {name: _by_threads(each) for name, each in row["seconds"].items()},
                "peak": _by_threads(row["peak"]),
                "bare": _by_threads(row["bare"]),
            })
            for row in found.pop("rows")
        ]  # fmt: skip
        peak = {dtype: _by_threads(each) for dtype, each in found.pop("peak").items()}
        return cls(**found, peak=peak, rows=rows)


def rows_of_calls(kind: str, calls: Iterable[dict[str, Any]], ours: str) -> Iterator[Row]:
    """Rows of seconds that stand one by one: each with its network, rows, peer, threads and seconds.

    ``ours``: the peer that stands for backtalk.
    """
    found: dict[str, dict[str, dict[int, float]]] = {}
    for call in calls:
        work = f"[{call['network'].replace('-', ', ')}] @ {call['rows']}"
        name = OURS if call["peer"] == ours else call["peer"]
        found.setdefault(work, {}).setdefault(name, {})[call["threads"]] = call["seconds"]
    for work, seconds in found.items():
        yield Row(kind, work, "float32", seconds)


def _by_threads(found: dict[str, float]) -> dict[int, float]:
    """With numbers for keys, which JSON has as text."""
    return {int(threads): value for threads, value in found.items()}


def _rounded(value: Any) -> Any:
    """With numbers of 4 digits, which is more than a measurement has."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value
