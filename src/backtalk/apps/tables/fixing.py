"""A run, fixed: other options, by the advice of the first finding, and a new run in a folder of its own."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ...analysis.diagnose import Diagnosis, Finding, Fixed, Round
from ...analysis.diagnose.fix import ROUNDS, Case, Plan, act, is_better
from ...analysis.diagnose.measure import Measurements
from ...analysis.diagnose.words import is_healthy
from ...core.network import Network
from ...core.optimizers import Optimizer, as_any_optimizer
from ...errors import DivergedError, InputError
from ...interop.files import load
from .diagnosis import diagnose
from .facts import RunFacts, read_run, rows_of_training
from .folder import METRICS, Folder
from .options import Options
from .reading.origins import Origin
from .run import train
from .use import evaluate
from .verdict.compare import words_of

OF_CLASSES = {"accuracy": "accuracy", "balanced_accuracy": "balanced_accuracy", "log_loss": "log_loss"}
OF_NUMBERS = {"root_mean_squared_error": "rmse", "r2": "r2"}
SETTINGS = ("epochs", "batch_size", "schedule", "l2_penalty", "dropout", "clip_norm", "patience")
Scored = dict[str, float | None]


def fix(
    folder: str | os.PathLike[str],
    table: Any,
    output: str | os.PathLike[str],
    diagnosis: Diagnosis,
    member: int = 1,
    tell: Callable[[str], Any] | None = None,
) -> Fixed:
    """Train the table of a run anew, with options that follow the advice of the first finding, in up to three rounds.

    ``diagnosis``: what :func:`diagnose` says of the run with ``table``. If that is the table of the run, the runs are
    compared by the rows that each held out of it, which are the same ones; by another table, if that is given. The best
    run comes to ``output``, a folder that does not exist yet, if it is better; else nothing is written. ``tell`` is
    called with a sentence before each round. Findings about the table alone are not acted on.

    Raises :class:`~backtalk.errors.InputError` if the table of the run is no longer there, if the run held out no rows,
    or if ``output`` exists.
    """
    place, target = Folder(folder), Path(output)
    if target.exists():
        raise InputError(f"output is {target}, which exists: give the name of a folder that does not.")
    facts, origin = read_run(place), Origin.of(table)
    source, judge = _table_of(facts, origin), _judge_of(place, facts, origin)
    before, rows = judge.scores(place.path)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        start = _Run(facts.options, diagnosis.findings, diagnosis.measurements, load(place.path, member), place.path)
        fixer = _Fixer(source, judge, Path(scratch), before, rows, tell)
        fixer.go_on_from(start)
        if fixer.best is not None:
            shutil.move(fixer.best, target)
    network = load(place.path if fixer.best is None else target)
    return Fixed(network, tuple(fixer.rounds), before, fixer.scores, rows, judge.words, fixer.ended)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    options: Options
    findings: Sequence[Finding]
    measured: Measurements
    network: Network
    folder: Path


@dataclass(frozen=True, slots=True)
class _Judge:
    """How runs are compared: by the rows that each held out as ``part``, or by a table that none was trained on."""

    words: str
    table: Origin
    part: str | None = None

    def scores(self, folder: Path) -> tuple[Scored, int]:
        """Of a run, by name, and on how many rows."""
        if self.part is None:
            found = evaluate(folder, self.table)[0]
        else:
            found = Folder(folder).read(METRICS)["scores"][self.part]
        names = OF_NUMBERS if "root_mean_squared_error" in found else OF_CLASSES
        return {name: found.get(key) for key, name in names.items()}, int(found["rows"])


class _Fixer:
    """The rounds, and the best of them so far."""

    def __init__(
        self,
        source: Any,
        judge: _Judge,
        scratch: Path,
        before: Scored,
        rows: int,
        tell: Callable[[str], Any] | None,
    ) -> None:
        self.source, self.judge, self.scratch, self.tell = source, judge, scratch, tell
        self.scores, self.rows, self.ended = before, rows, "rounds"
        self.rounds: list[Round] = []
        self.best: Path | None = None

    def go_on_from(self, run: _Run) -> None:
        """Round after round, until one of them is the last."""
        epochs: int | None = None
        while len(self.rounds) < ROUNDS:
            if is_healthy(run.findings):
                self.ended = "healthy"
                return
            plan = Plan.of(run.network, run.measured.telemetry, {}, rows_of_training(Folder(run.folder))[0])
            epochs = epochs or plan.settings.epochs
            chosen = _first_change(run, plan, epochs)
            if chosen is None:
                self.ended = "nothing to change"
                return
            finding, options, said = chosen
            if self.tell is not None:
                self.tell(f"round {len(self.rounds) + 1}: {finding.title} → {said}")
            folder = self.scratch / str(len(self.rounds) + 1)
            try:
                train(self.source, folder, options)
            except DivergedError:
                self.ended = "diverged"
                return
            run = self._judged(finding, options, said, folder)
            if not self.rounds[-1].is_better and any(each.kind == finding.kind for each in run.findings):
                self.ended = "no better"
                return

    def _judged(self, finding: Finding, options: Options, said: str, folder: Path) -> _Run:
        diagnosis, (scores, _) = diagnose(folder, self.source)[0], self.judge.scores(folder)
        first = "balanced_accuracy" if finding.kind == "class_imbalance" else "accuracy"
        better = is_better(scores, self.scores, self.rows, first)
        told = diagnosis.measurements.telemetry.epochs
        self.rounds.append(Round(finding, said, asdict(options), scores, better, diagnosis.findings, told))
        if better:
            self.scores, self.best = scores, folder
        return _Run(options, diagnosis.findings, diagnosis.measurements, load(folder, 1), folder)


def _table_of(facts: RunFacts, given: Origin) -> Any:
    """What is trained on: the table of the run, wherever it is."""
    if given.digest() == facts.sha256:
        return given
    if facts.table is None or not facts.table.exists():
        raise InputError("the table of this run is no longer there: give it as FILE, to train on it anew.")
    if Origin.of(facts.table).digest() != facts.sha256:
        raise InputError(f"{facts.table} is not what it was when this run began: give the table of the run as FILE.")
    return facts.table


def _judge_of(place: Folder, facts: RunFacts, given: Origin) -> _Judge:
    if given.digest() != facts.sha256:
        return _Judge(str(given), given)
    part = place.read(METRICS).get("judged", "training")
    if part == "training":
        raise InputError(
            f"the run in {place.path} held no rows out, by which it could be compared: give another table as FILE."
        )
    return _Judge(f"the {words_of(part)} rows of each run", given, part)


def _first_change(run: _Run, plan: Plan, epochs: int) -> tuple[Finding, Options, str] | None:
    """The first finding whose advice a run can follow, with the changed options and these in words."""
    case = Case(plan, run.measured, rows_of_training(Folder(run.folder))[0], first=False, epochs=epochs)
    for finding in run.findings:
        change = None if finding.severity == "note" else act(finding, case)
        values = None if change is None else _options_of(run.options, plan, change[0])
        if values:
            return finding, replace(run.options, **values), _in_words(values, plan)
    return None


def _options_of(options: Options, before: Plan, after: Plan) -> dict[str, Any] | None:
    """The options that make the difference of two plans; None if no options do, as a run scales by itself."""
    new_loss = repr(after.loss) != repr(before.loss)
    if after.sizes[-1] != before.sizes[-1] or after.scales_inputs or (after.scales_targets and not new_loss):
        return None
    if len(set(after.activations)) > 1:
        return None
    values: dict[str, Any] = {}
    if after.activations != before.activations:
        values["activation"] = after.activations[0]
    if after.sizes != before.sizes:
        values["hidden"] = after.sizes[1:-1]
    if new_loss:
        values["loss"] = repr(after.loss)
    if repr(after.output) != repr(before.output) and options.output is not None:
        values["output"] = None
    for name in SETTINGS:
        old, new = (getattr(plan.settings, name) for plan in (before, after))
        if repr(old) != repr(new):
            values[name] = repr(new) if name == "schedule" else new
    if repr(after.settings.optimizer) != repr(before.settings.optimizer):
        values["optimizer"] = repr(after.settings.optimizer)
    if after.class_weight != before.class_weight:
        values["class_weight"] = after.class_weight
    return values


def _in_words(values: dict[str, Any], before: Plan) -> str:
    """The options as they are written on the command line, and what they were."""
    words = []
    for name, value in values.items():
        old, option = getattr(before.settings, name, None), f"--{name.replace('_', '-')}"
        if name == "optimizer":
            new = as_any_optimizer(value)
            if (
                isinstance(new, Optimizer)
                and isinstance(old, Optimizer)
                and replace(new, learning_rate=1) == replace(old, learning_rate=1)
            ):
                option, value, old = "--learning-rate", f"{new.learning_rate:g}", f"{old.learning_rate:g}"
        if value is None:
            words.append(f"no {option}")
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"
        words.append(f"{option} {text}" + ("" if old is None else f" instead of {old}"))
    return ", ".join(words)
