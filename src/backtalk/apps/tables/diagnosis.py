"""A run, diagnosed: just after training, or later with another table."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.diagnose import Diagnosis, Finding
from ...analysis.diagnose import diagnose as examine
from ...analysis.diagnose.ranking import rank
from ...core.network import Network
from ...errors import DivergedError
from .advice import agreed, for_table
from .column_findings import by_columns
from .facts import read_run, rows_of_training
from .folder import DIAGNOSIS, DIAGNOSIS_PAGE, HISTORY, METRICS, RUN, Folder, numbered
from .history import History, read_history, telemetry_of
from .options import Options, settled
from .prepared import Prepared
from .use import examples_of
from .weights import validation_of, weights_of

MOST_TOLD = 3  # the first ones explain the others
Tell = Callable[[str], Any] | None


def diagnose(folder: str | os.PathLike[str], table: Any, member: int = 1) -> tuple[Diagnosis, list[str], list[str]]:
    """A network of a run, of several the one that ``member`` names, on a table with the target; the messages about the
    table; and the classes.

    The history of the run counts as well. Rows without a target are left out. Findings name rows of the table, counted
    from 1.
    """
    model, examples, messages, of_table = examples_of(folder, table)
    network, preprocessing, target = model.member(member), model.preprocessing, model.target
    place = Folder(folder)
    facts, (rows, of_metrics) = read_run(place), rows_of_training(place)
    place.require_one_run([(RUN, facts.run), (METRICS, of_metrics)])
    epochs = read_history(_history_of(place, member - 1), facts.run, network.depth)
    history = telemetry_of(epochs, _settings(facts.options, rows))
    names = {"columns": preprocessing.inputs, "classes": target.classes or None, "rows": of_table + 1}
    diagnosis = examine(network, *examples, history=history, **names)
    found = by_columns(diagnosis.findings, examples[0], preprocessing.groups)
    return _for_table(diagnosis, found, settled(facts.options, rows)), messages, target.classes


def _history_of(place: Folder, number: int) -> Path:
    """That of a member, counted from 0, of those that count."""
    trainings = place.read(METRICS).get("trainings", [{}])
    kept = [k for k, each in enumerate(trainings) if each.get("weight", 1)]
    return place / numbered(HISTORY, kept[min(number, len(kept) - 1)], len(trainings))


def diagnose_run(
    ready: Prepared,
    network: Network,
    epochs: Sequence[Mapping[str, Any]],
    options: Options,
    verdict: Collection[str] = (),
) -> Diagnosis:
    """A network and its history, on the rows that it was trained on; ``verdict``: the names of what that says.

    Findings name rows of the table, counted from 1.
    """
    X, y = ready.parts["training"]
    diagnosis = examine(
        network,
        X,
        y,
        weights_of(ready, options, "training"),
        validation=validation_of(ready, options),
        history=telemetry_of(epochs, _settings(options, len(X))),
        columns=ready.preprocessing.inputs,
        classes=ready.target.classes or None,
        rows=ready.training_rows + 1,
    )
    found = by_columns(diagnosis.findings, np.asarray(X), ready.preprocessing.groups)
    return _for_table(diagnosis, found, settled(options, len(X)), verdict)


def _for_table(
    diagnosis: Diagnosis, findings: Sequence[Finding], options: Options, verdict: Collection[str] = ()
) -> Diagnosis:
    """With these findings, and advice in the options of a run, and nothing that the verdict speaks against."""
    found = filter(None, (agreed(each, verdict) for each in findings))
    return replace(diagnosis, findings=rank(for_table(each, options) for each in found))


def _settings(options: Options, rows: int) -> dict[str, Any]:
    """As a run tells them to its callbacks."""
    found = settled(options, rows)
    return asdict(found) | {"patience": found.patience or None}


def write_diagnosis(
    place: Folder, diagnosis: Diagnosis, title: str, classes: Sequence[str], run: str | None = None
) -> None:
    """Both files of a diagnosis; ``run`` is the id of the run."""
    place.write_text(DIAGNOSIS, json.dumps({"run": run, **diagnosis.to_dict()}, indent=2, allow_nan=False) + "\n")
    place.write_text(DIAGNOSIS_PAGE, diagnosis.to_html(title, classes=classes))


@contextmanager
def explained(ready: Prepared, options: Options, history: History, tell: Tell) -> Iterator[None]:
    """If training diverges, and a doctor was asked for, it tells what it sees in the last good network."""
    try:
        yield
    except DivergedError as error:
        if options.diagnose and tell is not None:
            for finding in diagnose_run(ready, error.network, history.epochs, options).findings[:MOST_TOLD]:
                if finding.severity != "note":
                    tell(f"{finding.severity}: {finding.title}. {finding.said} {finding.advice}")
        raise
