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


class TrainingState:
    """How far all networks are: their numbers are taken together, so that the line does not jump between them."""

    def __init__(self) -> None:
        self._last: dict[int, MemberProgress] = {}  # of each network, by its number
        self._began, self._now, self._first, self._epoch = math.nan, math.nan, 0, 0

    def note(self, progress: MemberProgress, now: float) -> None:
        """What one of the networks tells, and when."""
        self._last[progress.member] = progress
        if math.isnan(self._began):
            self._began, self._first = now, self.done
        self._now, self._newest = now, progress
        self._epoch = max(self._epoch, min(min(each.epoch, each.epochs) for each in self._running))

    @property
    def _running(self) -> list[MemberProgress]:
        """What those told last that have not ended."""
        ended = self._newest.ended
        return [each for number, each in self._last.items() if number not in ended] or [self._newest]

    @property
    def done(self) -> int:
        """Examples, of all networks and epochs together."""
        return sum(map(_examples, self._last.values()))

    @property
    def left(self) -> float:
        """Examples that the others will take if they need as many as those that have ended; at the most if none has."""
        newest = self._newest
        took = [_examples(self._last[number]) for number in newest.ended if number in self._last]
        expected = sum(took) / len(took) if took else newest.epochs * newest.count
        others = [number for number in range(1, newest.members + 1) if number not in newest.ended]
        return sum(max(0, expected - (_examples(self._last[k]) if k in self._last else 0)) for k in others)

    @property
    def epoch(self) -> str:
        """Which epoch the slowest network is in, and how many networks are done."""
        newest = self._newest
        text = f"epoch {self._epoch}/{newest.epochs}"
        return f"{len(newest.ended)} of {newest.members} networks, {text}" if newest.members > 1 else text

    @property
    def words(self) -> str:
        """The mean loss, the rate, and the time left."""
        losses = [each.loss for each in self._running if math.isfinite(each.loss)]
        words = [f"loss {sum(losses) / len(losses):.4g}"] if losses else []
        spent = self._now - self._began
        rate = (self.done - self._first) / spent if spent > 0.3 else math.nan  # before that it says little
        limit = self._newest.seconds_left
        left = self.left / rate if rate > 0 else math.inf
        if rate > 0:
            words.append(f"{count_text(rate)} examples/s")
        if limit is not None and limit < left:
            words.append(f"{time_text(limit)} left")
        elif left < math.inf:
            about = "about {} left" if self._newest.ended else "{} left at most"
            words.append(about.format(time_text(left)))
        return "  ".join(words)


def _examples(progress: MemberProgress) -> int:
    return (progress.epoch - 1) * progress.count + progress.examples


class TrainingProgress:
    """A line that says how many networks are done, epoch, loss and the time left, and goes when training ends."""

    def __init__(self, console: Console, disabled: bool) -> None:
        self._console, self._disabled = console, disabled
        columns = (TextColumn("{task.fields[epoch]}"), BarColumn(20), TextColumn("{task.description}"))
        self._progress = Progress(
            *columns, console=console, disable=disabled or not console.is_terminal, transient=True
        )
        self._task: Any = None
        self._state = TrainingState()

    def show(self, progress: MemberProgress) -> None:
        """Called by training, between chunks of steps."""
        state = self._state
        state.note(progress, time.monotonic())
        if self._task is None:
            self._progress.start()
            self._task = self._progress.add_task("", epoch="")
        done, total = state.done, state.done + state.left
        self._progress.update(self._task, completed=done, total=total, description=state.words, epoch=state.epoch)

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
