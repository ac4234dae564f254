"""Training steps, and calls of ``gradients``: kinds of work of ``python -m benchmarks``."""

from __future__ import annotations

from collections.abc import Iterator

from .results import OURS, Row
from .turns import CORES, THREADS, Key, Session, Timer, time_row
from .work import WORKS

QUICK = ("jax", "torch", "sklearn")
# torch.compile takes a minute for each row, and the compiled engine has a benchmark of its own
FULL = (*QUICK, "torch.compile", "compiled")
MEASURED = "measured"  # backtalk with measure_every=1


def training(session: Session) -> Iterator[Row]:
    """Steps with Adam; in full also those that measure the norms of every layer in every step."""
    rivals = QUICK if session.quick else FULL
    for row in session.works:
        timers = _timers(session, "train", rivals)
        if not session.quick:
            timers[MEASURED, CORES] = (session.peer(OURS, CORES), MEASURED)
        work = WORKS[row]
        yield _row(session, "training", row, timers, work.operations * work.steps)


def gradients(session: Session) -> Iterator[Row]:
    """One call with every hidden gradient and that of the input."""
    for row in session.works:
        timers = _timers(session, "gradients", ("jax", "torch"))
        yield _row(session, "gradients", row, timers, WORKS[row].operations_with_input)


def _timers(session: Session, kind: str, rivals: tuple[str, ...]) -> dict[Key, tuple[Timer, str]]:
    return {(name, threads): (session.peer(name, threads), kind) for name in (OURS, *rivals) for threads in THREADS}


def _row(
    session: Session, kind: str, row: str, timers: dict[Key, tuple[Timer, str]], operations: float
) -> Row:  # fmt: skip
    timed = time_row(timers, row, session.peak, session.rounds, session.tries)
    return Row(kind, row, session.dtype, timed.seconds, operations, timed.peak, timed.missing, timed.tries)
