"""What the JSON files of a run say, to be written and read: ``run.json``, ``preprocessing.json``, ``metrics.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

from ...core.checked import as_kind, field_of
from ...errors import BacktalkError, FileFormatError
from .folder import METRICS, RUN, Folder, run_of
from .prepare import Options, Prepared, require_usable
from .reading.origins import Origin

ADDED = {"diagnose", "engine", "output", "memory"}  # options that runs of the first days do not have
UNFELT = {"checkpoint_seconds", "diagnose"}  # options that change no result
LETTERS = 16  # of an id


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run was asked for: the options, the table's place (None if it was no file), its SHA-256, the run's id.

    The id follows from all that the results follow from, and from the version of backtalk, so that the same run gives
    the same bytes.
    """

    options: Options
    table: Path | None
    sha256: str
    run: str | None

    @classmethod
    def of(cls, table: Origin, sha256: str, options: Options) -> RunFacts:
        """Those of a new run."""
        place = None if table.path is None else table.path.resolve()
        return cls(options, place, sha256, _id_of(options, sha256, version("backtalk")))

    @property
    def table_name(self) -> str:
        """The name of the table's file, for titles."""
        return "table" if self.table is None else self.table.name

    def to_json(self) -> dict[str, Any]:
        """As ``run.json`` holds them."""
        place = None if self.table is None else str(self.table)
        facts = {"backtalk": version("backtalk"), "run": self.run, "table": place, "sha256": self.sha256}
        return facts | asdict(self.options)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], path: Path) -> RunFacts:
        """What :meth:`to_json` gave; :class:`~backtalk.errors.FileFormatError` names the field that is wrong."""
        hints, values = get_type_hints(Options), {}
        for each in fields(Options):
            if each.name in facts or each.name not in ADDED:
                values[each.name] = field_of(facts, each.name, hints[each.name], path)
        options = Options(**values)
        try:
            require_usable(options)
        except BacktalkError as error:
            raise FileFormatError(f"{path} holds an option that cannot be used: {error}") from None
        place, run = field_of(facts, "table", str | None, path), run_of(facts, path)
        sha256 = field_of(facts, "sha256", str, path)
        if run is not None and run != _id_of(options, sha256, field_of(facts, "backtalk", str, path)):
            raise FileFormatError(
                f"{path} was edited: its options, 'sha256' and 'backtalk' are not those of the run {run}: put them "
                "back, or train anew with the options that you want."
            )
        return cls(options, None if place is None else Path(place), sha256, run)


def _id_of(options: Options, sha256: str, backtalk: str) -> str:
    """The id that follows from all that the results follow from."""
    asked = {name: value for name, value in asdict(options).items() if name not in UNFELT}
    facts = {"backtalk": backtalk, "sha256": sha256, **asked}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:LETTERS]


def preprocessing_facts(ready: Prepared, run: str | None) -> dict[str, Any]:
    """What was learned of the table, as ``preprocessing.json`` holds it."""
    learned = {"target": ready.target.to_json(), "columns": ready.preprocessing.to_json()}
    return {"run": run, **learned, "inputs": ready.preprocessing.inputs}


def rows_of_training(place: Folder) -> tuple[int, str | None]:
    """How many rows were trained on, by ``metrics.json``, and the id of its run."""
    facts, path = place.read(METRICS), place / METRICS
    scores = as_kind(facts.get("scores"), dict, path, "scores")
    found = as_kind(scores.get("training"), dict, path, "scores.training")
    rows = as_kind(found.get("rows"), int, path, "scores.training.rows")
    if rows < 1:
        raise FileFormatError(f"{path}: 'scores.training.rows' is {rows}, expected 1 or more.")
    return rows, run_of(facts, path)


def read_run(place: Folder) -> RunFacts:
    """What ``run.json`` holds, checked."""
    return RunFacts.from_json(place.read(RUN), place / RUN)
