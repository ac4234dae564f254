"""The folder of a run: its files, and how an earlier run stays in it until the new one is whole.

While a new run replaces an earlier one, the files of the earlier one lie in ``.before``, a run like any other. There
``run.json`` is the last one to come, the first one to be moved back, and the last one to be removed, so that from
whatever a killed process left it follows which of the two runs is there.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ...core.checked import field_of, read_json, require_version
from ...core.files import as_path, unfinished, write_atomically
from ...distributed import ALONE, Group
from ...errors import FileFormatError, InputError
from ...interop.files import MODEL
from .lock import Lock
from .recipe import MOST_MEMBERS

RUN, CHECKPOINT = "run.json", "checkpoint.safetensors"
PREPROCESSING, HISTORY, METRICS, REPORT = "preprocessing.json", "history.jsonl", "metrics.json", "report.html"
DIAGNOSIS, DIAGNOSIS_PAGE = "diagnosis.json", "diagnosis.html"
MOST_TRAININGS = MOST_MEMBERS + 1


def numbered(name: str, number: int, count: int) -> str:
    """The name of a file of which each of ``count`` trainings has one; ``number`` counts from 0.

    >>> numbered("history.jsonl", 1, 5), numbered("history.jsonl", 0, 1)
    ('history-2.jsonl', 'history.jsonl')
    """
    stem, _, suffix = name.partition(".")
    return name if count == 1 else f"{stem}-{number + 1}.{suffix}"


NUMBERED = {numbered(name, k, MOST_TRAININGS) for name in (CHECKPOINT, HISTORY) for k in range(MOST_TRAININGS)}
OURS = {RUN, MODEL, CHECKPOINT, PREPROCESSING, HISTORY, METRICS, REPORT, DIAGNOSIS, DIAGNOSIS_PAGE} | NUMBERED
HALF_WRITTEN = re.compile(r"\.(.+)\.~?[a-z0-9_]{8}")
LOCK, BEFORE = ".lock", ".before"
VERSION = 1


class Folder:
    """A folder that holds one run. Of a group the first process alone writes it; in the others nothing happens.

    Who writes holds the lock, from :meth:`begin` or :meth:`go_on` until :meth:`keep`, :meth:`leave` or :meth:`abandon`.
    """

    path: Path
    writes: bool

    def __init__(self, path: str | os.PathLike[str], group: Group = ALONE) -> None:
        path = as_path(path, "folder")
        self.path, self.writes = path, group.is_first
        self._before, self._lock, self._made = path / BEFORE, Lock(path / LOCK), False

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def require_free(self, overwrite: bool) -> None:
        """Refuse a folder that holds something, unless it is a run that may be overwritten."""
        if not self.writes:
            return
        if self.path.is_symlink() and not self.path.exists():
            raise InputError(f"{self.path} is a link that leads nowhere, expected a folder, or a name that is free.")
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} is a file, expected a folder for the run, or a name that is free.")
        self._lock.require_free()
        is_run = (self / RUN).exists() or (self._before / RUN).exists()
        others = self._others(
            OURS if is_run else OURS - {MODEL, CHECKPOINT} - NUMBERED
        )  # remnants of a run that never began
        if others and not is_run:
            raise InputError(f"{self.path} holds other files, expected an empty folder, or one of an earlier run.")
        if is_run and not overwrite:
            raise InputError(f"{self.path} already holds a run: give --overwrite to replace it, or another --out.")
        if others:
            raise InputError(f"{self.path} also holds {others[0]}, which backtalk did not write: move it away first.")

    def _others(self, ours: set[str]) -> list[str]:
        """The names of what no run wrote."""
        ours = ours | {LOCK, BEFORE} | {path.name for path in self._left_half_written()}
        return sorted(path.name for path in self.path.iterdir() if path.name not in ours)

    def _left_half_written(self) -> list[Path]:
        """By a run that was killed; the names of the first days had no sign in them."""
        names = [(path, HALF_WRITTEN.fullmatch(path.name)) for path in self.path.iterdir()]
        here = {path for path, found in names if found is not None and found[1] in OURS}
        return sorted(here.union(*(unfinished(self / name) for name in self._names())))

    # From the beginning of a run to its end

    def begin(self, overwrite: bool) -> None:
        """Make the folder; the earlier run that is there is kept aside until :meth:`keep` or :meth:`abandon`."""
        if not self.writes:
            return
        self._made = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        self._hold()
        try:
            self.require_free(overwrite)  # now that nobody else can begin
            self._set_aside()
        except BaseException:
            self._end()
            raise

    def go_on(self) -> None:
        """Hold the folder of a run that is there; what a killed process left half done is put in order."""
        if not self.writes:
            return
        if not self.path.is_dir():
            raise InputError(f"{self.path} does not exist, expected the folder of a run of 'backtalk train'.")
        self._hold()

    def keep(self) -> None:
        """The new run is whole: what was there before goes."""
        if self.writes:
            with suppress(OSError):  # the next one does it
                self._remove_earlier()
            self._end()

    def leave(self) -> None:
        """The new run stays as far as it came, and so does what was there before."""
        if self.writes:
            self._end()

    def abandon(self) -> None:
        """The new run goes and what was there before comes back, unless something was trained: then both stay."""
        if not self.writes:
            return
        if not ((self / MODEL).exists() or self.checkpoints()):
            with suppress(OSError):  # what went wrong before is what is told
                self._remove_run()
                self._put_back()
        self._end()

    def _hold(self) -> None:
        self._lock.take()
        try:
            self._put_in_order()
        except BaseException:
            self._end()
            raise

    def _end(self) -> None:
        with suppress(OSError):
            self._lock.release()
            if self._made and not any(self.path.iterdir()):
                self.path.rmdir()

    def _put_in_order(self) -> None:
        """After a process that was killed."""
        for path in self._left_half_written():
            path.unlink(missing_ok=True)
        if not (self._before / RUN).exists():  # it was being moved aside, or back, if there is any
            self._put_back()
        elif not (self / RUN).exists():  # the new run had not begun
            self._remove_run()
            self._put_back()
        elif (self / MODEL).exists():  # the new run is whole
            self._remove_earlier()

    def _set_aside(self) -> None:
        """Move the run to ``.before``; if one is there already, the run here never became whole, and goes."""
        if self._before.exists() or not (self / RUN).exists():
            self._remove_run()
        else:
            self._before.mkdir()
            for name in reversed(self._names()):
                (self / name).replace(self._before / name)

    def _put_back(self) -> None:
        if self._before.exists():
            for name in [RUN, *sorted(OURS - {RUN})]:
                if (self._before / name).exists():
                    (self._before / name).replace(self / name)
            self._remove_earlier()

    def _remove_earlier(self) -> None:
        if self._before.exists():
            for path in sorted(self._before.iterdir(), key=lambda path: path.name == RUN):
                path.unlink()
            self._before.rmdir()

    def _remove_run(self) -> None:
        for name in self._names():
            (self / name).unlink()

    def checkpoints(self) -> list[Path]:
        """Those that there are, of all trainings of the run."""
        numbers = range(MOST_TRAININGS)
        names = [CHECKPOINT, *(numbered(CHECKPOINT, k, MOST_TRAININGS) for k in numbers)]
        return [self / name for name in names if (self / name).exists()]

    def _names(self) -> list[str]:
        """The files of the run that are there, ``run.json`` first."""
        return [name for name in [RUN, *sorted(OURS - {RUN})] if (self / name).exists()]

    # Files

    def write(self, name: str, facts: Mapping[str, Any]) -> str:
        """Facts as a JSON file; gives the SHA-256 of its content."""
        text = json.dumps({"version": VERSION, **facts}, indent=2) + "\n"
        self.write_text(name, text)
        return hashlib.sha256(text.encode()).hexdigest()

    def write_text(self, name: str, text: str) -> None:
        """A file, which replaces the one before only once it is complete."""
        if self.writes:
            write_atomically(self / name, text.encode())

    def read(self, name: str) -> dict[str, Any]:
        """The facts of a JSON file, whose version is checked, and nothing else."""
        if not self.path.exists():
            raise InputError(f"{self.path} does not exist, expected the folder of a run of 'backtalk train'.")
        path = self / name
        if not path.exists():
            earlier = f"; the earlier run lies in {self._before}" if (self._before / name).exists() else ""
            raise InputError(
                f"{self.path} holds no {name}: it is not the folder of a run of 'backtalk train'{earlier}."
            )
        facts = read_json(path)
        require_version(facts, VERSION, path)
        return facts

    def require_one_run(self, runs: Iterable[tuple[str, str | None]]) -> None:
        """Refuse files of two runs: of each its name and the run that it says; those of the first days say none."""
        known = [(name, run) for name, run in runs if run is not None]
        for name, run in known:
            if run != known[0][1]:
                raise FileFormatError(
                    f"{self / name} is of another run than {self / known[0][0]} ({run}, and {known[0][1]}): "
                    "put the right file back, or train anew with --overwrite."
                )


def run_of(facts: Mapping[str, Any], path: Path | str) -> str | None:
    """The id of the run that a JSON file belongs to; None in those of the first days."""
    return field_of(facts, "run", str | None, path) if "run" in facts else None
