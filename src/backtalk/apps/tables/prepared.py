"""A table, understood: the networks before training, X and encoded y of each part, and what each training sees."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ...core.network import Network
from ...data.streams.source import BUFFER_BYTES
from .folds import ALWAYS, Plan
from .held_out import Place
from .parts import Inputs
from .preprocessing import Preprocessing
from .target import Target


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A table, understood: the network before training, X and encoded y of each part, and what there is to say.

    ``networks``: before training, of each recipe one after the other. ``fold``: of each training row, if there are
    folds. ``truth``: y of each part. In a cluster it has all rows, and ``parts`` those of this process. X of a table
    that is larger than memory lies in a file; ``buffer_bytes`` of it are shuffled at a time. ``weights``: of the rows
    in ``parts``, if a column has some. ``training_rows``: the rows of the table, counted from 0, of X for training.
    ``places``: of each part, where its rows stand, with the cells unless the table is larger than memory.
    """

    preprocessing: Preprocessing
    target: Target
    plan: Plan
    networks: list[Network]
    parts: dict[str, tuple[Inputs, np.ndarray]]  # training, and validation and test where they are asked for
    truth: dict[str, np.ndarray]
    training_rows: np.ndarray
    said: list[str]
    buffer_bytes: int = BUFFER_BYTES
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    fold: np.ndarray | None = None
    places: dict[str, Place] = field(default_factory=dict)
    kept: dict[int, Prepared] = field(
        default_factory=dict, repr=False
    )  # what ``beside`` gave, so that X is copied once

    @property
    def network(self) -> Network:
        """The first network before training."""
        return self.networks[0]

    @property
    def judged(self) -> np.ndarray:
        """The places of the training rows that some network does not see."""
        return np.empty(0, np.int64) if self.fold is None else np.flatnonzero(self.fold != ALWAYS)

    def held_out(self, training: int) -> np.ndarray | None:
        """The places of the training rows that training number ``training``, from 0, does not see; None for none."""
        return self._rows(training, False)

    def seen(self, training: int) -> np.ndarray | None:
        """The places of the training rows that it sees; None for all."""
        return self._rows(training, True)

    def _rows(self, training: int, seen: bool) -> np.ndarray | None:
        if self.fold is None or training >= self.plan.alike * len(self.plan.recipes):
            return None
        return np.flatnonzero((self.fold != training % self.plan.folds) == seen)

    def beside(self, training: int) -> Prepared:
        """The same with the fold that a training does not see as the validation set."""
        held_out = self.held_out(training)
        if held_out is None:
            return self
        fold = training % self.plan.folds
        if fold not in self.kept:
            self.kept[fold] = self._with("validation", held_out)
        return self.kept[fold]

    def of(self, training: int) -> Prepared:
        """The same as a training sees it: the rows that it sees, and its fold as the validation set."""
        seen = self.seen(training)
        if seen is None:
            return self
        found = self.beside(training)._with("training", seen)
        return replace(found, training_rows=self.training_rows[seen], fold=None)

    def _with(self, part: str, rows: np.ndarray) -> Prepared:
        """The same with these of the training rows as a part."""
        X, y = self.parts["training"]
        weights = self.weights.get("training")
        return replace(
            self,
            parts=self.parts | {part: (X[rows], y[rows])},
            truth=self.truth | {part: y[rows]},
            weights=self.weights | ({} if weights is None else {part: weights[rows]}),
        )
