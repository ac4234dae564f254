"""The folder of a run: its files, and how an old one stays until a new one is there."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ...core.files import write_atomically
from ...distributed import ALONE, Group
from ...errors import FileFormatError, InputError

RUN, MODEL, CHECKPOINT = "run.json", "model.safetensors", "checkpoint.safetensors"
PREPROCESSING, HISTORY, METRICS, REPORT = "preprocessing.json", "history.jsonl", "metrics.json", "report.html"
DIAGNOSIS, DIAGNOSIS_PAGE = "diagnosis.json", "diagnosis.html"
OURS = {RUN, MODEL, CHECKPOINT, PREPROCESSING, HISTORY, METRICS, REPORT, DIAGNOSIS, DIAGNOSIS_PAGE}
VERSION = 1


class Folder:
    """A folder that holds one run. Of a group the first process alone writes it; in the others nothing happens."""

    def __init__(self, path: Path, group: Group = ALONE) -> None:
        self.path, self.writes = path, group.is_first
        self._before = path.absolute().with_name(f".{path.absolute().name}.before")
        if self.writes and self._before.exists() and not path.exists():  # killed between the two steps of begin
            self._before.rename(path)

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def require_free(self, overwrite: bool) -> None:
        """Refuse a folder that holds something, unless it is a run that may be overwritten."""
        if not self.writes or not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} is a file, expected a folder for the run, or a name that is free.")
        if not any(self.path.iterdir()):
            return
        if not (self / RUN).exists():
            raise InputError(f"{self.path} holds other files, expected an empty folder, or one of an earlier run.")
        if not overwrite:
            raise InputError(f"{self.path} already holds a run: give --overwrite to replace it, or another --out.")
        others = sorted(file.name for file in self.path.iterdir() if file.name not in OURS)
        if others:
            raise InputError(f"{self.path} also holds {others[0]}, which backtalk did not write: move it away first.")

    def begin(self) -> None:
        """Make the folder; what was there is kept aside until :meth:`keep` or :meth:`discard`."""
        if not self.writes:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self._before, ignore_errors=True)
        if self.path.exists():
            self.path.rename(self._before)
        self.path.mkdir()

    def keep(self) -> None:
        """The new run stays; what was there before goes."""
        if self.writes:
            shutil.rmtree(self._before, ignore_errors=True)

    def keep_if(self, name: str) -> None:
        """The new run stays if it has this file."""
        self.keep() if (self / name).exists() else self.discard()

    def discard(self) -> None:
        """The new run goes; what was there before comes back."""
        if not self.writes:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        if self._before.exists():
            self._before.rename(self.path)

    def write(self, name: str, facts: dict[str, Any]) -> None:
        """Facts as a JSON file."""
        self.write_text(name, json.dumps({"version": VERSION, **facts}, indent=2) + "\n")

    def write_text(self, name: str, text: str) -> None:
        """A file, which replaces the one before only once it is complete."""
        if self.writes:
            write_atomically(self / name, text.encode())

    def read(self, name: str) -> dict[str, Any]:
        """The facts of a JSON file."""
        if not self.path.exists():
            raise InputError(f"{self.path} does not exist, expected the folder of a run of 'backtalk train'.")
        path = self / name
        if not path.exists():
            raise InputError(f"{self.path} holds no {name}: it is not the folder of a run of 'backtalk train'.")
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
            if facts["version"] != VERSION:
                raise FileFormatError(
                    f"{path} is of version {facts['version']}, this backtalk reads {VERSION}: update it."
                )
        except (ValueError, KeyError, TypeError):
            raise FileFormatError(f"{path} is damaged, expected what 'backtalk train' wrote.") from None
        return facts
