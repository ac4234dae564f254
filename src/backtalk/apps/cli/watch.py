"""A run in a terminal: the table as it is understood, how far training is, and what came of it."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..visible import discard, put_json, say
from .cluster import speaker
from .common import StoppedError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from ...distributed import Group
    from ..tables import Result
    from ..tables.members import MemberProgress
    from .progress import TrainingProgress


MOST_LETTERS = 24  # of the name of a class
OVER = "the time was over that --time-limit gives ('backtalk resume' goes on for as long again)"


def _unless_it_fails(show: Callable[[Any], None]) -> Callable[[Any], None]:
    """The same, but what cannot be printed, as if stderr is a file on a full disk, is no reason to end a training."""

    def shown(what: Any) -> None:
        with suppress(OSError):
            show(what)

    return shown


class Watch:
    """Shows the table when it is understood and then how far training is; turns Ctrl-C into a sentence."""

    folder: Path
    group: Group
    began: float
    trained: float
    console: Console
    errors: Console
    bar: TrainingProgress
    reading: Status | None

    def __init__(self, folder: Path, as_json: bool, group: Group) -> None:
        from ..terminal import make_console
        from .progress import TrainingProgress

        self.folder, self.group, self.began = folder, group, time.monotonic()
        self.trained = self.began
        silent = as_json or not group.is_first
        self.console = make_console(patient=True, quiet=silent)  # the run matters, and not who watches it
        self.errors = errors = make_console(patient=True, stderr=True, quiet=silent)
        self.bar = TrainingProgress(errors, disabled=silent)
        self.reading = errors.status("reading the table", speed=0.5) if errors.is_terminal and not silent else None

    def show_table(self, ready: Any) -> None:
        from .table_views import show_understood

        self._stop_reading()
        show_understood(self.console, ready)
        if self.group.count > 1:
            self.console.print(f"{self.group.count} processes train together\n", markup=False)
        self.began = self.trained = time.monotonic()

    def show_progress(self, progress: MemberProgress) -> None:
        self.trained = time.monotonic()
        self.bar.show(progress)

    @property
    def watchers(self) -> dict[str, Any]:
        """What is told of the run, by the names of the arguments."""
        shown = {"prepared": self.show_table, "progress": self.show_progress, "tell": self.bar.say, "note": self._note}
        return {name: _unless_it_fails(show) for name, show in shown.items()}

    def _note(self, sentence: str) -> None:
        self.errors.print(f"note: {sentence}", markup=False, soft_wrap=True)

    @property
    def seconds(self) -> float:
        """That training took; the scores and the report come on top."""
        return self.trained - self.began

    def _stop_reading(self) -> None:
        if self.reading is not None:
            self.reading.stop()

    def __enter__(self) -> None:
        if self.reading is not None:
            self.reading.start()

    def __exit__(self, kind: type | None, error: BaseException | None, trace: Any) -> None:
        from ...train import TrainingInterrupted

        with suppress(OSError):
            self._stop_reading()
            self.bar.close()
        if isinstance(error, TrainingInterrupted):
            done = len(error.training.losses)
            after = f" after {done} whole epoch{'s' * (done != 1)}"
        elif isinstance(error, KeyboardInterrupt) and self._can_go_on():  # while the results were written
            after = ""
        else:
            return
        raise StoppedError(f"interrupted{after}; 'backtalk resume {self.folder}' goes on.") from None

    def _can_go_on(self) -> bool:
        from ..tables.folder import MODEL, Folder

        return bool(Folder(self.folder).checkpoints()) and not (self.folder / MODEL).exists()


def is_printed(result: Result, watch: Watch, as_json: bool, went_on: bool = False) -> bool:
    """Show the result; if stdout cannot be written, as on a full disk, say that the run is there all the same."""
    try:
        _show(result, watch, as_json, went_on)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        if sys.stdout is None or isinstance(error, BrokenPipeError):  # the reader has seen enough
            raise
        discard(sys.stdout.fileno())  # for what is still in its buffer
        why = f"stdout could not be written ({error.strerror})"
        with suppress(OSError):
            say(f"{speaker()}: {why}, but the run in {result.folder} is whole.", on=sys.stderr)
        return False
    return True


def _show(result: Result, watch: Watch, as_json: bool, went_on: bool = False) -> None:
    from ...errors import cut
    from ...pages.page import number_text
    from ..tables.folder import DIAGNOSIS_PAGE, REPORT
    from ..tables.private import said_of_privacy
    from ..tables.verdict.compare import words_of
    from ..terminal import make_console, show_diagnosis
    from .table_views import show_confusion, show_quality, show_reasons, show_verdict

    if not watch.group.is_first:
        return
    if as_json:
        facts = {"folder": str(result.folder), "seconds": watch.seconds, **result.metrics, "said": result.said}
        facts["columns"] = result.columns
        facts["unwritten"] = result.unwritten
        if result.diagnosis is not None:
            facts |= {name: result.diagnosis.to_dict()[name] for name in ("healthy", "findings")}
        put_json(facts)
        return
    console, metrics = make_console(patient=True), result.metrics
    show_verdict(console, metrics["verdict"])
    console.print()
    show_quality(console, metrics)
    show_reasons(console, metrics)
    if (judged := metrics["judged"]) != "training":
        show_confusion(console, metrics["scores"][judged], f"{words_of(judged)} rows")
    if metrics["threshold"] is not None:
        second, least = cut(metrics["classes"][1], MOST_LETTERS), number_text(metrics["threshold"])
        console.print(f"'{second}' is predicted if its probability is {least} or more", markup=False)
    console.print(f"\n{_end(metrics, watch.seconds, went_on)}", markup=False)
    for sentence in said_of_privacy(metrics["privacy"]):
        console.print(sentence, markup=False)
    if result.diagnosis is not None:
        console.print("\nwhat the doctor found, with the training rows:\n")
        show_diagnosis(console, result.diagnosis)
        if any(finding.examples for finding in result.diagnosis.findings):
            console.print("\nexamples are rows of the table, counted from 1, the line of names apart", markup=False)
    pages = [name for name in (REPORT, DIAGNOSIS_PAGE) if (result.folder / name).exists()]
    there = f": open {' and '.join(pages)} there" if pages else ""
    console.print(f"\nwrote {result.folder}/{there}", soft_wrap=True, markup=False)
    console.print(f"use it: backtalk predict {shlex.quote(str(result.folder))} FILE", soft_wrap=True, markup=False)


def _end(metrics: dict[str, Any], seconds: float, went_on: bool) -> str:
    from ..tables.members import REFIT
    from ..tables.time_limit import TIME_IS_OVER
    from .progress import time_text

    spent = time_text(seconds) if seconds >= 10 else f"{seconds:.2g} s"
    within = f"({spent} since it went on)" if went_on else f"in {spent}"
    last = metrics["trainings"][-1]
    if metrics["members"] > 1:
        epochs, kept = (_range_text([each[name] for each in metrics["trainings"]]) for name in ("epochs", "kept_epoch"))
        reasons = {each["reason"] for each in metrics["trainings"]}
        until = ", until the loss on the rows held out no longer fell" if reasons == {"patience"} else ""
        until = f", until {OVER}" if TIME_IS_OVER in reasons else until
        trained, used = len(metrics["trainings"]), metrics["members"]
        which = f", {used} of which predict" if used < trained else ""
        return f"{trained} networks, {epochs} epochs {within}{until}; each is the one after epoch {kept}{which}"
    epochs, kept = last["epochs"], last["kept_epoch"]
    stopped = f"{epochs} epoch{'s' * (epochs > 1)} {within}"
    why = {
        "patience": f", until the {'validation ' * bool(last['validation_losses'])}loss no longer fell",
        "converged": ", until the gradient was almost 0",
        TIME_IS_OVER: f", until {OVER}",
        REFIT: f" on all rows, as many as {metrics['folds']} folds took",
    }
    network = "the last of them" if kept == epochs > 1 else f"epoch {kept}"
    return f"{stopped}{why.get(last['reason'], '')}; the network is the one after {network}"


def _range_text(numbers: list[int]) -> str:
    least, most = min(numbers), max(numbers)
    return str(least) if least == most else f"{least} to {most}"
