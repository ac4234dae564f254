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
from ...analysis.diagnose.fix import Case, Plan, Step, first_step, is_better, is_taken_back, search
from ...analysis.diagnose.fix.case import Action
from ...analysis.diagnose.fix.plan import why_rate
from ...analysis.diagnose.measure import Measurements
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
    if facts.options.privacy is not None:
        raise InputError(
            f"the training of the run in {place.path} was private: each network that is trained to better it would "
            "cost as much again."
        )
    source, judge = _table_of(facts, origin), _judge_of(place, facts, origin)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as scratch:
        start = _Run(facts.options, diagnosis.findings, diagnosis.measurements, load(place.path, member), place.path)
        trials = _Trials(source, judge, Path(scratch), place.path, tell)
        before = trials.scores
        rounds, ended = search(start, trials.choose, trials.attempt)
        if trials.best is not None:
            shutil.move(trials.best, target)
    network = load(place.path if trials.best is None else target)
    return Fixed(network, tuple(rounds), before, trials.scores, trials.rows, judge.words, ended)


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    options: Options
    findings: Sequence[Finding]
    measured: Measurements
    network: Network
    folder: Path

    @property
    def rows(self) -> int:
        """How many it was trained on."""
        return rows_of_training(Folder(self.folder))[0]

    @property
    def plan(self) -> Plan:
        """How its network was made and trained."""
        return Plan.of(self.network, self.measured.telemetry, {}, self.rows)


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


class _Trials:
    """Runs in a scratch folder, and the best of them so far."""

    def __init__(
        self, source: Any, judge: _Judge, scratch: Path, folder: Path, tell: Callable[[str], Any] | None
    ) -> None:
        self.source, self.judge, self.scratch, self.tell = source, judge, scratch, tell
        self.scores, self.rows = judge.scores(folder)
        self.epochs: int | None = None
        self.best: Path | None = None
        self.begun = 0

    def choose(self, run: _Run, tried: set[Action]) -> Step | None:
        """The next step from a run, if its options can take it."""
        rows, plan = run.rows, run.plan
        self.epochs = self.epochs or plan.settings.epochs
        case = Case(plan, run.measured, rows, first=False, epochs=self.epochs)
        return first_step(run.findings, case, tried, lambda after: bool(_options_of(run.options, plan, after)))

    def attempt(self, run: _Run, step: Step) -> tuple[_Run, Round] | None:
        """Take it."""
        self.begun += 1
        values = _options_of(run.options, run.plan, step.plan) or {}
        said, options = _in_words(values, run.plan), replace(run.options, **values)
        if self.tell is not None:
            self.tell(f"round {self.begun}: {step.finding.title} → {said}")
        folder = self.scratch / str(self.begun)
        try:
            train(self.source, folder, options)
        except DivergedError:
            return None
        diagnosis, (scores, _) = diagnose(folder, self.source)[0], self.judge.scores(folder)
        findings, measured = diagnosis.findings, diagnosis.measurements
        first = "balanced_accuracy" if step.finding.kind == "class_imbalance" else "accuracy"
        better = is_better(scores, self.scores, self.rows, first)
        if better:
            self.scores, self.best = scores, folder
        back = is_taken_back(step.finding, better, findings)
        told = findings, measured.telemetry.epochs, False, back
        done = Round(step.finding, said, asdict(options), scores, better, *told)
        return _Run(options, findings, measured, load(folder, 1), folder), done


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
        why = ""
        if name == "optimizer":
            new = as_any_optimizer(value)
            if (
                isinstance(new, Optimizer)
                and isinstance(old, Optimizer)
                and replace(new, learning_rate=1) == replace(old, learning_rate=1)
            ):
                why = why_rate(new, old.learning_rate)
                option, value, old = "--learning-rate", f"{new.learning_rate:g}", f"{old.learning_rate:g}"
        if value is None:
            words.append(f"no {option}")
            continue
        text = ",".join(map(str, value)) if isinstance(value, tuple) else f"{value}"
        words.append(f"{option} {text}" + ("" if old is None else f" instead of {old}") + why)
    return ", ".join(words)
