"""Several runs at once: threads take turns with them, each a chunk of steps after the other.

A thread keeps a run for a while, and then takes the one that has waited longest. So all runs stand about equally far,
and all threads have work until fewer runs than threads are left; these share the kernels' threads.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextvars import copy_context

from ..engines.native.kernels import sharing_threads
from ..engines.steps import SECONDS
from ..errors import DivergedError
from .interrupt import held_back
from .records import Training, TrainingInterrupted
from .run import Run

MOST_NAMED = 10  # networks in a sentence


def train_all(runs: Sequence[Run], threads: int) -> tuple[Training, ...]:
    """Train them, several at once on more than one thread of Python, and else one after the other.

    A run that diverges does not stop the others: the error is raised when these have ended. Ctrl-C, and any other
    error, stop all of them.
    """
    team = _Team(runs)
    team.train(min(threads, len(runs)))
    return team.result()


class _Team:
    """``outcomes``: what became of each run, None as long as it has not ended."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.outcomes: list[Training | BaseException | None] = [None] * len(runs)
        self._waiting: deque[tuple[int, Iterator[None]]] = deque()
        self._stopped = self._interrupted = False

    def train(self, threads: int) -> None:
        helpers: list[threading.Event] = []
        try:
            if threads == 1:
                self._one_by_one()
            else:
                for number, run in enumerate(self.runs):
                    self._begin(number)
                    self._waiting.append((number, run.chunks()))
                self._start(helpers, threads)
                for ended in helpers:
                    ended.wait()
                self._take_turns()  # what is left if no thread could be started
        except KeyboardInterrupt:
            self._stopped = self._interrupted = True
        try:
            with held_back():  # a second Ctrl-C waits until the checkpoints are written
                for ended in helpers:
                    ended.wait()
                for number, outcome in enumerate(self.outcomes):
                    if outcome is None:
                        self._end(number, "interrupted")
        except KeyboardInterrupt:
            self._interrupted = True

    def _start(self, helpers: list[threading.Event], threads: int) -> None:
        """As many threads as the system allows; this one only waits, so that it hears Ctrl-C at once.

        It waits for an event of each: after Ctrl-C within ``Thread.join``, Python takes a thread that still runs for
        one that has ended.
        """
        while len(helpers) < threads:
            ended = threading.Event()
            helper = threading.Thread(target=copy_context().run, args=(self._help, ended), daemon=True)
            helpers.append(ended)  # before it runs: Ctrl-C leaves none behind
            try:
                helper.start()
            except RuntimeError:  # the system starts no more
                helpers.pop()
                return

    def _help(self, ended: threading.Event) -> None:
        try:
            self._take_turns()
        finally:
            ended.set()

    def _begin(self, number: int) -> None:
        try:
            self.runs[number].begin()
        except Exception as error:  # of a callback
            self._name(number, error)
            raise

    def _one_by_one(self) -> None:
        with sharing_threads():
            for number, run in enumerate(self.runs):
                try:
                    self.outcomes[number] = run.train()
                except TrainingInterrupted as stopped:
                    self.outcomes[number], self._interrupted = stopped.training, True
                    for other in self.runs[number + 1 :]:
                        other.begin()
                    return
                except DivergedError as error:
                    self.outcomes[number] = error
                except Exception as error:
                    self._name(number, error)
                    raise

    def _take_turns(self) -> None:
        """What each thread does: a turn with a run, and then with that which has waited longest."""
        with sharing_threads():
            while not self._stopped:
                try:
                    number, chunks = self._waiting.popleft()
                except IndexError:  # each run that has not ended is in the hands of another thread
                    return
                if self._turn(number, chunks):
                    self._waiting.append((number, chunks))

    def _turn(self, number: int, chunks: Iterator[None]) -> bool:
        """Chunks of a run, until its time is over and another one waits; whether it goes on."""
        until = time.monotonic() + SECONDS
        try:
            for _ in chunks:
                if self._stopped:
                    return False
                if self._waiting and time.monotonic() >= until:
                    return True
        except KeyboardInterrupt:
            self._stopped = self._interrupted = True
        except BaseException as error:  # raised in the end, by the thread that called
            self.outcomes[number] = error
            self._stopped = self._stopped or not isinstance(error, DivergedError)
        else:
            self._end(number)
        return False

    def _end(self, number: int, reason: str | None = None) -> None:
        try:
            self.outcomes[number] = self.runs[number].end(reason)
        except Exception as error:  # the parameters are not finite, or a callback failed
            self.outcomes[number] = error
            self._stopped = self._stopped or not isinstance(error, DivergedError)

    def _name(self, number: int, error: BaseException) -> None:
        error.add_note(f"It came up while networks[{number}] was trained.")

    def result(self) -> tuple[Training, ...]:
        """What the runs gave, or the error that one of them had."""
        trained = tuple(each for each in self.outcomes if isinstance(each, Training))
        diverged = {n: each for n, each in enumerate(self.outcomes) if isinstance(each, DivergedError)}
        for number, error in enumerate(self.outcomes):
            if isinstance(error, BaseException) and not isinstance(error, DivergedError):
                self._name(number, error)
                raise error
        outcomes = (*(each for each in self.outcomes if isinstance(each, Training | DivergedError)),)
        if self._interrupted:
            if not trained:
                raise KeyboardInterrupt
            stopped = next((each for each in trained if each.reason == "interrupted"), trained[0])
            raise TrainingInterrupted(stopped, outcomes)
        if diverged:
            first = next(iter(diverged.values()))
            raise _diverged(diverged, outcomes) from first
        return trained


def _diverged(errors: dict[int, DivergedError], outcomes: tuple[Training | DivergedError, ...]) -> DivergedError:
    """The error of the first network that diverged, which names the others."""
    (number, first), *others = errors.items()
    which = f"networks[{number}]"
    if others:
        named = ", ".join(f"networks[{number}]" for number in list(errors)[:MOST_NAMED])
        more = f" and {len(errors) - MOST_NAMED} more" if len(errors) > MOST_NAMED else ""
        which = f"{len(errors)} of {len(outcomes)} networks diverged ({named}{more}), the first of them thus"
    error = DivergedError(
        f"{which}: {first.args[0]}",
        hint=f"{first.hint}, and what became of each network in its .outcomes",
        network=first.network,
        step=first.step,
        quantity=first.quantity,
        layer=first.layer,
    )
    error.outcomes = outcomes
    return error
