"""A run is trained again, with recordings of its trainings: its networks to the bit, or a sentence says why not."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.network import Network
from ...errors import InputError
from ...train.recording import Recording
from .decisions import tempered_members
from .facts import read_run
from .folder import RUN, Folder
from .loaded import Run, load_run
from .members import Trained, Watch, train_members
from .options import settings_of
from .prepare import prepare
from .prepared import Prepared
from .run import origin_of, require_unchanged
from .time_limit import TIME_IS_OVER


@dataclass(frozen=True, slots=True, eq=False)
class Again:
    """A finished ``run``, its table as it was understood, and its trainings, taken again with their recordings."""

    run: Run
    ready: Prepared
    trained: Trained

    @property
    def recordings(self) -> list[Recording]:
        """Of the networks that predict together."""
        trainings = zip(self.trained.trainings, self.trained.weights, strict=True)
        return [training.record for training, weight in trainings if weight and training.record is not None]


def train_again(folder: str | os.PathLike[str], table: Any = None, *, progress: Watch = None) -> Again:
    """Train the run in a folder again, by its options and its seed.

    ``table``: where its table is now, if it was moved; needed if it was no file. Raises
    :class:`~backtalk.errors.InputError` if the table is not what it was, for a run whose steps cannot be taken again,
    and if the networks are not those of the run, to the bit.
    """
    run, place = load_run(folder), Folder(folder)
    facts = read_run(place)
    if facts.options.privacy is not None:
        raise InputError(
            f"the training of the run in {folder} was private: which rows taught it what is just what its noise hides; "
            "train without --epsilon and --noise-multiplier."
        )
    if not settings_of(facts.options, 1).by_steps:
        raise InputError(
            f"the run in {folder} was trained by {facts.options.optimizer!r}, whose search cannot be taken again step "
            "by step: train anew with another --optimizer."
        )
    if any(each.get("reason") == TIME_IS_OVER for each in run.metrics.get("trainings", [])):
        raise InputError(
            f"the run in {folder} was ended by its time limit, and would end elsewhere another time: train anew "
            "without --time-limit."
        )
    origin = origin_of(place, facts, table)
    require_unchanged(place, facts, origin)
    facts = replace(facts, options=replace(facts.options, memory=None, diagnose=False, time_limit=None))
    ready = prepare(origin, facts.options, plain=facts.plain)
    trained = train_members(None, ready, facts, (), progress, None, record=True)
    found = tempered_members(trained.members, run.metrics.get("temperature") or 1.0)
    if not _are_the_same(found, run.members):
        made = place.read(RUN).get("backtalk")
        raise InputError(
            f"the run in {folder}, trained again, gives other networks than it holds: it was made by backtalk {made}, "
            "perhaps on a processor of another kind, in several processes, or in parts; train anew with --overwrite."
        )
    return Again(run, ready, trained)


def _are_the_same(one: Sequence[Network], other: Sequence[Network]) -> bool:
    if len(one) != len(other):
        return False
    pairs = zip(one, other, strict=True)
    return all(
        np.array_equal(own, its)
        for first, second in pairs
        for own, its in zip(
            [*first.W.values(), *first.b.values()], [*second.W.values(), *second.b.values()], strict=True
        )
    )
