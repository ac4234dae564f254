"""Train on a table, and go on with it: what the command line calls."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...distributed import Group, joined_group
from ...errors import BacktalkError, DivergedError, InputError
from ...train import TrainingInterrupted
from .cache import Cache
from .diagnosis import explained
from .facts import RunFacts, preprocessing_facts
from .folder import PREPROCESSING, RUN, Folder, run_of
from .members import Watch, checkpoint_of, histories_of, train_members
from .memory import memory_for
from .options import Options
from .prepare import prepare
from .prepared import Prepared
from .reading.origins import Origin
from .results import Result, write_results


def train(
    table: Any,
    folder: str | os.PathLike[str],
    options: Options,
    *,
    overwrite: bool = False,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Watch = None,
    tell: Callable[[str], Any] | None = None,
    note: Callable[[str], Any] | None = None,
    group: Group | None = None,
) -> Result:
    """Learn a table, and write the run into a folder.

    ``table``: the name of a file, a folder of .parquet files, ``-`` for standard input, or a data frame of polars,
    pandas or pyarrow. Of the last two nothing is kept: :func:`resume` needs them again.
    ``prepared`` is called with the table as it was understood, before training; ``tell``, with ``options.diagnose``,
    with each finding of the doctor in words, when it first shows, and where training diverges. Ctrl-C raises
    :class:`~backtalk.TrainingInterrupted`, and leaves a folder that :func:`resume` goes on with. After any other error
    the folder is as it was before if nothing was trained, and else has the checkpoint. ``note`` is called with a
    sentence before files of some size are written for a table that is larger than memory. With ``overwrite`` an earlier
    run stays, in ``.before``, until the new one is whole.

    Each process of ``group``, by default the one that this process has joined, calls it, reads its own part of the
    table, and gets the result; process 0 alone writes. If a process is lost, the others raise
    :class:`~backtalk.errors.ProcessLostError`.
    """
    group = group or joined_group()
    group.require_equal({"what they do": "train", "the folder of the run": str(folder)})
    place = Folder(folder, group)
    group.run(lambda: place.require_free(overwrite))
    table = group.run(lambda: Origin.of(table))
    if group.count == 1:
        options = replace(options, memory=memory_for(options.memory, table))
    with Cache(place.path) as cache:
        ready = prepare(table, options, group, cache, note)
        if prepared is not None:
            prepared(ready)
        group.run(lambda: place.begin(overwrite))
        with _kept(place):
            sha256, files = group.broadcast(lambda: (table.digest(), _digests(options)))
            run = RunFacts.of(table, sha256, options, files)
            group.run(lambda: place.write(RUN, run.to_json()))
            group.run(lambda: place.write(PREPROCESSING, preprocessing_facts(ready, run)))
            histories = group.run(lambda: histories_of(place, ready, group, run))
            with explained(ready, options, histories[0], tell):
                trained = train_members(place, ready, run, histories, progress, tell)
            return write_results(place, ready, trained, histories, run, group)


def resume(
    folder: str | os.PathLike[str],
    table: Any = None,
    *,
    prepared: Callable[[Prepared], Any] | None = None,
    progress: Watch = None,
    tell: Callable[[str], Any] | None = None,
    note: Callable[[str], Any] | None = None,
    group: Group | None = None,
) -> Result:
    """Go on with a run that was cut short; the result equals that of one that never was, to the bit.

    ``table``: where the table is now, if it was moved; needed if it was no file. Its content must be what it was. A
    run that was cut short before its first checkpoint begins again; one that had ended gives its result again. Each
    process of ``group`` calls it, which may have more processes than that of the run, or fewer; the result is then
    equal up to rounding.
    """
    group = group or joined_group()
    group.require_equal({"what they do": "resume", "the folder of the run": str(folder)})
    place = Folder(folder, group)
    group.run(place.go_on)
    with _kept(place, went_on=True), Cache(place.path) as cache:
        run = RunFacts.from_json(group.broadcast(lambda: place.read(RUN)), place / RUN)
        origin = group.run(lambda: origin_of(place, run, table))
        run = replace(run, table=origin.path)
        group.run(lambda: require_unchanged(place, run, origin))
        ready = prepare(origin, run.options, group, cache, note, plain=run.plain)
        if prepared is not None:
            prepared(ready)
        begun = group.broadcast(lambda: _begun(place, ready, run))
        histories = group.run(lambda: histories_of(place, ready, group, run, went_on=True))
        group.run(lambda: place.write(PREPROCESSING, preprocessing_facts(ready, run)))
        with explained(ready, run.options, histories[0], tell):
            trained = train_members(place, ready, run, histories, progress, tell, begun)
        return write_results(place, ready, trained, histories, run, group)


def _begun(place: Folder, ready: Prepared, run: RunFacts) -> list[int]:
    """The trainings that have a checkpoint, counted from 0."""
    found = [checkpoint_of(place, ready, run, number) for number in range(ready.plan.trainings)]
    return [number for number, each in enumerate(found) if each is not None and Path(each.path).exists()]


@contextmanager
def _kept(place: Folder, went_on: bool = False) -> Iterator[None]:
    """Within it a run is made: when it is whole it stays alone; if not, nothing that was trained is lost."""
    try:
        yield
    except BaseException as error:
        if place.checkpoints() and (note := _how_to_go_on(place, error)):
            error.add_note(note)
        if went_on or isinstance(error, TrainingInterrupted):
            place.leave()
        else:
            place.abandon()
        raise
    place.keep()


def _how_to_go_on(place: Folder, error: BaseException) -> str:
    """What there is to say besides the error, if a checkpoint stays."""
    if isinstance(error, DivergedError):
        return f"The last checkpoint before that is kept: {place.checkpoints()[0]}."
    if isinstance(error, BacktalkError) or not isinstance(error, Exception):  # they say it themselves
        return ""
    return f"What was trained is kept: 'backtalk resume {place.path}' goes on with it."


def origin_of(place: Folder, run: RunFacts, table: Any) -> Origin:
    """The table that is given, or else that of the run."""
    if table is None and run.table is None:
        raise InputError(
            f"the table of the run in {place.path} was standard input or a data frame, of which nothing is kept: give "
            "it again."
        )
    return Origin.of(run.table if table is None else table)


def _digests(options: Options) -> dict[str, str]:
    """The SHA-256 of the files of validation and test."""
    return {part: Origin.of(file).digest() for part, file in options.files.items()}


def require_unchanged(place: Folder, run: RunFacts, table: Origin) -> None:
    """Refuse to go on with tables that are not there, or not what they were, or with files of another run.

    Process 0 tells it.
    """
    if table.path is not None and not table.path.exists():
        raise InputError(
            f"{table}, the table of this run, is no longer there: put it back, or name it after {place.path}."
        )
    if place.writes and table.digest() != run.sha256:
        raise InputError(f"{table} is not what it was when this run began: train anew, with --overwrite.")
    for part, file in run.options.files.items():
        if not Path(file).exists():
            raise InputError(f"{file}, the table for {part} of this run, is no longer there: put it back.")
    for part, sha256 in _digests(run.options).items() if place.writes else ():
        if sha256 != run.files[part]:
            file = run.options.files[part]
            raise InputError(f"{file} is not what it was when this run began: train anew, with --overwrite.")
    if place.writes and (place / PREPROCESSING).exists():
        learned = run_of(place.read(PREPROCESSING), place / PREPROCESSING)
        place.require_one_run([(RUN, run.run), (PREPROCESSING, learned)])


__all__ = ["Options", "Prepared", "Result", "resume", "train"]
