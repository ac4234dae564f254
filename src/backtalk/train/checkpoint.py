"""Checkpoints: where training stands, in one file that replaces the one before only once it is complete."""

from __future__ import annotations

import math
import os
import time
import warnings
from dataclasses import asdict, dataclass, field, replace
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.checked import as_kind, field_of, require_version
from ..core.files import unfinished
from ..core.network import Network
from ..engines.steps import Measured, StepState
from ..errors import FileFormatError, InputError, InputTypeError
from ..interop.files import facts_of_run, load_with, save_with
from ..interop.structure import KEY
from .settings import DataSettings, TrainSettings, settings_from_json, settings_to_json
from .state import TrainState

VERSION = 1


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where and how often training writes a checkpoint, from which :func:`resume` continues.

    ``path``: the file; :func:`load` reads the network from it. ``every_steps``: write after this number of updates.
    ``every_seconds``: write when this time has passed since the last checkpoint. ``run``: the id of the run, if it has
    one, which is written as well; :func:`resume` refuses the file of another run. It is also written at the end, and at
    Ctrl-C. If it cannot be written (the disk is full), the previous one stays, a warning says so, and training
    continues.

    >>> Checkpoint("run.safetensors", every_steps=1000)
    Checkpoint(path='run.safetensors', every_steps=1000, every_seconds=60.0)
    """

    path: str | os.PathLike[str]
    every_steps: int | None = None
    every_seconds: float | None = 60.0
    run: str | None = field(default=None, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.path, str | os.PathLike):
            raise InputTypeError(
                f"is {self.path!r}, expected the name of a file, or a backtalk.Checkpoint.", argument="checkpoint"
            )
        steps, seconds = self.every_steps, self.every_seconds
        if steps is not None and (isinstance(steps, bool) or not isinstance(steps, int) or steps < 1):
            raise InputError(
                f"is {steps!r}, expected a whole number of 1 or more.", argument="every_steps", hint="or None"
            )
        if seconds is not None and not (isinstance(seconds, Real) and 0 < seconds < math.inf):
            raise InputError(f"is {seconds!r}, expected a number above 0.", argument="every_seconds", hint="or None")
        if self.run is not None and not isinstance(self.run, str):
            raise InputTypeError(f"is {self.run!r}, expected the id of a run as text, or None.", argument="run")


def as_checkpoint(given: str | os.PathLike[str] | Checkpoint | None) -> Checkpoint | None:
    """A checkpoint from the name of its file."""
    return given if given is None or isinstance(given, Checkpoint) else Checkpoint(given)


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """All that a checkpoint holds: the network as it stands, the optimizer's state, the best network, the settings of
    the run, and where it stands."""

    network: Network
    steps: StepState
    best: Network | None
    settings: TrainSettings
    data: DataSettings
    state: TrainState


class Writer:
    """Writes snapshots when they are due; with ``writes=False`` it only knows when."""

    checkpoint: Checkpoint
    writes: bool

    def __init__(self, checkpoint: Checkpoint, writes: bool = True) -> None:
        self.checkpoint, self.writes = checkpoint, writes
        self._last = time.monotonic()
        path = Path(checkpoint.path)
        if writes:
            require_place(path, "checkpoint")
        self._known = _stamp(path)

    def steps_left(self, step: int) -> int | None:
        """Updates until the next one that is due by its number; None where none is."""
        every = self.checkpoint.every_steps
        return None if every is None else every - step % every

    def is_due(self, step: int) -> bool:
        """Whether a snapshot is due after update number ``step``."""
        every, seconds = self.checkpoint.every_steps, self.checkpoint.every_seconds
        late = seconds is not None and time.monotonic() - self._last >= seconds
        return late or (every is not None and step > 0 and step % every == 0)

    def write(self, snapshot: Snapshot) -> None:
        """Write one; where that fails, warn."""
        if self.writes:
            self._save(snapshot, Path(self.checkpoint.path))
            self._known = _stamp(Path(self.checkpoint.path))
        self._last = time.monotonic()

    def was_replaced(self) -> bool:
        """Whether the file is no longer the one that was there at the beginning, or was written here since."""
        return _stamp(Path(self.checkpoint.path)) != self._known

    def _save(self, snapshot: Snapshot, path: Path) -> None:
        arrays = {
            f"{family}.{i}": array
            for family, each in snapshot.steps.arrays.items()
            for i, array in enumerate(each, start=1)
        }
        if snapshot.best is not None:
            W, b = snapshot.best.to_lists()
            arrays |= {f"best.{i}": to_numpy(array) for i, array in enumerate([*W, *b], start=1)}
        plan = settings_to_json(snapshot.settings, snapshot.data)
        steps, run = snapshot.steps, self.checkpoint.run
        facts = {"version": VERSION, "plan": plan, "step": steps.step, **snapshot.state.to_json()}
        if steps.measured.steps:
            facts["measured"] = asdict(steps.measured)
        try:
            save_with(snapshot.network, path, facts, run=None if run is None else {"id": run}, **arrays)
        except OSError as error:
            reason = error.strerror or str(error)
            warnings.warn(f"checkpoint {path} was not written ({reason}); training goes on.", stacklevel=3)


def require_place(path: Path, argument: str) -> None:
    """Refuse what is no place for a checkpoint or a recording; and clear away what a killed run left."""
    if path.is_dir() or not path.parent.is_dir():
        found = "is a folder" if path.is_dir() else f"lies in {path.parent}, which is no folder"
        raise InputError(f"is {str(path)!r}, which {found}: expected the name of a file.", argument=argument)
    if path.exists() and not (path.is_file() and _is_ours(path)):
        raise InputError(
            f"is {str(path)!r}, a file that is no {argument}: remove it, or name another.", argument=argument
        )
    for left in unfinished(path):
        left.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int] | None:
    """What differs where a file was replaced."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _is_ours(path: Path) -> bool:
    """Whether a file may be replaced: a checkpoint or a network, also a damaged one, or an empty file."""
    with path.open("rb") as file:
        beginning = file.read(1 << 16)
    return not beginning or KEY.encode() in beginning


def go_on_at(checkpoint: Checkpoint) -> tuple[Checkpoint, Snapshot]:
    """The snapshot in the file of a checkpoint, and where the run writes from then on.

    Raises :class:`~backtalk.errors.FileFormatError` for a file that is no checkpoint, lacks a part of one, or is of
    another run.
    """
    snapshot, run = read(checkpoint.path), facts_of_run(checkpoint.path).get("id")
    if None not in (run, checkpoint.run) and run != checkpoint.run:
        raise FileFormatError(
            f"{checkpoint.path} is of another run than was expected ({run}, not {checkpoint.run}): put the right file "
            "back, or train anew."
        )
    return replace(checkpoint, run=checkpoint.run or run), snapshot


def read(path: str | os.PathLike[str]) -> Snapshot:
    """The snapshot in a file.

    Raises :class:`~backtalk.errors.FileFormatError` for a file that is no checkpoint, or lacks a part of one.
    """
    network, facts, arrays = load_with(path)
    path = Path(path)
    if facts is None or "recording" in facts:
        what = "a network" if facts is None else "the recording of a run,"
        raise FileFormatError(f"{path} is {what} without the state of its training: fit it anew.")
    require_version(facts, VERSION, path)
    settings, data = settings_from_json(field_of(facts, "plan", dict, path), path)
    state, step = TrainState.from_json(facts, path), field_of(facts, "step", int, path)
    if not state.origin <= state.position.epoch_began_at <= step:
        raise FileFormatError(f"{path}: 'step' is {step}, which comes before the beginning of its epoch or its run.")
    families = settings.optimizer.families if settings.by_steps else ()
    measured = _measured(facts, network.depth, path)
    try:
        kept = {family: _parts(network, arrays, family) for family in families}
        steps = StepState(step, kept, measured)
        best = _parts(network, arrays, "best") if "best.1" in arrays else None
    except (KeyError, ValueError) as error:
        raise FileFormatError(f"{path} lacks a part of the state of training ({error}).") from None
    if best is not None:
        best = network.replace(best[: network.depth], best[network.depth :])
    return Snapshot(network, steps, best, settings, data, state)


def _measured(facts: dict[str, Any], depth: int, path: Path) -> Measured:
    """The sums over the measured steps of the epoch; checkpoints of the first days did not have them."""
    if facts.get("measured") is None:
        return Measured()
    measured = as_kind(facts["measured"], Measured, path, "measured")
    fits = [len(row) for row in measured.sums] == [6] * depth and not any(None in row[2:5] for row in measured.sums)
    if measured.steps < 1 or not fits:
        raise FileFormatError(f"{path}: 'measured' has not the sums of {depth} layers over 1 step or more.")
    return measured


def _parts(network: Network, arrays: dict[str, np.ndarray], family: str) -> list[np.ndarray]:
    """One array for each W_i and b_i, of its shape."""
    found = []
    for i, part in enumerate([*network.W.values(), *network.b.values()], start=1):
        array = arrays[f"{family}.{i}"]
        if array.shape != part.shape or array.dtype != part.dtype:
            raise ValueError(f"{family}.{i} is {array.dtype} of shape {array.shape}")
        found.append(array)
    return found
