"""How far training is, on stderr, if that is a terminal: rate and time left."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from ..tables.members import MemberProgress


class TrainingProgress:
    """A line that says epoch, loss, examples per second and the time left, and goes when training ends."""

    def __init__(self, console: Console, disabled: bool) -> None:
        self._console, self._disabled = console, disabled
        columns = (TextColumn("epoch {task.fields[epoch]}"), BarColumn(20), TextColumn("{task.description}"))
        self._progress = Progress(
            *columns, console=console, disable=disabled or not console.is_terminal, transient=True
        )
        self._task: Any = None
        self._began, self._first = 0.0, 0
        self._done: dict[int, int] = {}  # examples, of each network

    def show(self, progress: MemberProgress) -> None:
        """Called by training, between chunks of steps."""
        members = progress.members
        self._done[progress.member] = (progress.epoch - 1) * progress.count + progress.examples
        done, now = sum(self._done.values()), time.monotonic()
        total = progress.epochs * progress.count * members
        if self._task is None:
            self._began, self._first = now, done
            self._progress.start()
            self._task = self._progress.add_task("", total=total, epoch="")
        spent = now - self._began
        rate = (done - self._first) / spent if spent > 0.3 else math.nan  # before that it says little
        words = [f"loss {progress.loss:.4g}"] if math.isfinite(progress.loss) else []
        if rate > 0:
            words += [f"{count_text(rate)} examples/s", f"{time_text((total - done) / rate)} left at most"]
        epoch = f"{min(progress.epoch, progress.epochs)}/{progress.epochs}"
        if members > 1:
            epoch += f" of {members} networks"
        self._progress.update(self._task, completed=done, description="  ".join(words), epoch=epoch)

    def say(self, text: str) -> None:
        """A line above, which stays."""
        if not self._disabled:
            self._console.print(Text("doctor: ", "bold"), Text(text), sep="")

    def close(self) -> None:
        """The line goes."""
        self._progress.stop()


def count_text(count: float) -> str:
    """A number with three digits.

    >>> [count_text(number) for number in (7, 8231.4, 1_234_567)]
    ['7', '8.23k', '1.23M']
    """
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g}{letter}"
    return f"{count:.3g}"


def time_text(seconds: float) -> str:
    """Seconds as a person says them.

    >>> [time_text(seconds) for seconds in (7.2, 81, 7325)]
    ['7 s', '1:21', '2:02:05']
    """
    whole = math.ceil(seconds - 0.5)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"
