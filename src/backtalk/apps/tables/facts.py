"""What the JSON files of a run say, to be written and read: ``run.json``, ``preprocessing.json``, ``metrics.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_type_hints

from ...core.checked import as_kind, field_of
from ...errors import BacktalkError, FileFormatError
from .folder import METRICS, RUN, Folder, run_of
from .learned import ROLES
from .options import Options, require_usable
from .prepared import Prepared
from .reading.origins import Origin
from .roles import named_in

# options that runs of earlier versions do not have
ADDED = {
    "diagnose", "engine", "output", "memory", "types", "ignore", "weight", "id", "split", "missing", "no_header",
    "metric", "quantiles", "threshold", "time_limit", "epsilon", "noise_multiplier", "delta", "max_norm",
}  # fmt: skip
EARLIER: dict[str, float] = {"members": 1, "interval": 0.0}  # the same, and what they did
UNFELT = {"checkpoint_seconds", "diagnose"}  # options that change no result
LETTERS = 16  # of an id


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a run was asked for: the options, the table's place (None if it was no file), its SHA-256, the run's id.

    ``files``: the SHA-256 of the files of validation and test, if they have some. ``plain``: a run of an earlier
    version, whose numbers have no pieces. The id follows from all that the
    results follow from, and from the version of backtalk, so that the same run gives the same bytes.
    """

    options: Options
    table: Path | None
    sha256: str
    run: str | None
    files: dict[str, str] = field(default_factory=dict)
    plain: bool = False

    @classmethod
    def of(cls, table: Origin, sha256: str, options: Options, files: dict[str, str]) -> RunFacts:
        """Those of a new run."""
        run = _id_of(asdict(options), sha256, files, version("backtalk"))
        places: dict[str, Any] = {part: str(Path(file).resolve()) for part, file in options.files.items()}
        table_place = None if table.path is None else table.path.resolve()
        return cls(replace(options, **places), table_place, sha256, run, files)

    @property
    def table_name(self) -> str:
        """The name of the table's file, for titles."""
        return "table" if self.table is None else self.table.name

    def to_json(self) -> dict[str, Any]:
        """As ``run.json`` holds them."""
        place = None if self.table is None else str(self.table)
        facts = {"backtalk": version("backtalk"), "run": self.run, "table": place, "sha256": self.sha256}
        return facts | ({"files": self.files} if self.files else {}) | asdict(self.options)

    @classmethod
    def from_json(cls, facts: Mapping[str, Any], path: Path) -> RunFacts:
        """What :meth:`to_json` gave; :class:`~backtalk.errors.FileFormatError` names the field that is wrong."""
        hints = get_type_hints(Options)
        values: dict[str, Any] = {name: value for name, value in EARLIER.items() if name not in facts}
        for each in fields(Options):
            if each.name in facts or each.name not in {*ADDED, *EARLIER}:
                values[each.name] = field_of(facts, each.name, hints[each.name], path)
        options = Options(**values)
        try:
            require_usable(options)
        except BacktalkError as error:
            raise FileFormatError(f"{path} holds an option that cannot be used: {error}") from None
        place, run = field_of(facts, "table", str | None, path), run_of(facts, path)
        sha256 = field_of(facts, "sha256", str, path)
        files = as_kind(facts.get("files", {}), dict[str, str], path, "files")
        if files.keys() != options.files.keys():
            raise FileFormatError(f"{path}: 'files' has {', '.join(files) or 'none'}, expected those of the options.")
        asked = {name: value for name, value in asdict(options).items() if name in facts}  # an earlier version's
        if run is not None and run != _id_of(asked, sha256, files, field_of(facts, "backtalk", str, path)):
            raise FileFormatError(
                f"{path} was edited: its options, 'sha256' and 'backtalk' are not those of the run {run}: put them "
                "back, or train anew with the options that you want."
            )
        plain = any(name not in facts for name in EARLIER)
        return cls(options, None if place is None else Path(place), sha256, run, files, plain)


def _id_of(options: Mapping[str, Any], sha256: str, files: Mapping[str, str], backtalk: str) -> str:
    """The id that follows from all that the results follow from: of files their content, wherever they are."""
    asked = {name: value for name, value in options.items() if name not in UNFELT}
    facts = {"backtalk": backtalk, "sha256": sha256, **asked, **files}
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:LETTERS]


def preprocessing_facts(ready: Prepared, run: RunFacts) -> dict[str, Any]:
    """What was learned of the table, as ``preprocessing.json`` holds it."""
    options = named_in(run.options, [column.name for column in ready.preprocessing.columns])
    roles = {name: getattr(options, name) for name in ROLES}
    learned = {"target": ready.target.to_json(), "columns": ready.preprocessing.to_json()}
    learned |= {"no_header": True} if options.no_header else {}
    learned |= {} if options.metric is None else {"metric": options.metric}
    return {"run": run.run, **roles, **learned, "inputs": ready.preprocessing.inputs}


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
