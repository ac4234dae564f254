"""Two networks in training on the same rows and mini-batches, which take their steps together."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import numpy as np

from ....core.network import Network
from ....engines.passes import forward
from ....errors import DivergedError
from ..datasets import LabData
from ..settings import Settings
from ..trainer import MOST_JUDGED, TIMEOUT, Trainer
from .planes import View

NAMES = ("left", "right")
MOST_PATH = 200  # networks that are kept of the path of a side
MOST_NUMBERS = 4_000_000  # in them: of a large network fewer are kept


class Pair:
    """Both sides, from their first step on. Not for two threads at once: its session sees to that.

    Each side learns, to the bit, what :func:`~backtalk.fit` learns alone, from the same generator: if one side has
    dropout, whose seed is drawn before the rows are shuffled, the other draws it as well, and leaves it.
    """

    sides: tuple[Side, Side]

    def __init__(self, settings: tuple[Settings, Settings], data: LabData) -> None:
        dropout = any(each.dropout for each in settings)
        left, right = (Side(Trainer(each, data, draws_dropout=dropout)) for each in settings)
        self.sides = left, right

    def reset(self) -> None:
        """Back to the first step."""
        for side in self.sides:
            side.reset()

    @property
    def step(self) -> int:
        """The steps of the side that is ahead: of both, if neither has diverged."""
        return max(side.trainer.step for side in self.sides)

    @property
    def going(self) -> list[Side]:
        """The sides that have not diverged."""
        return [side for side in self.sides if not side.stopped]

    def views(self) -> list[View]:
        """Both sides as they stand, for pictures that take a while."""
        return [side.view(name) for name, side in zip(NAMES, self.sides, strict=True)]

    def advance(self, count: int = 1) -> None:
        """Take so many steps, or as many as there is time for, at least one; in turn, so that both take as many.

        A side that diverges stops, says why, and shows its last good network; the other goes on.
        """
        for side in self.sides:
            side.begin_frame()
        until = time.monotonic() + TIMEOUT
        for _ in range(count):
            for side in self.going:
                side.advance()
            if not self.going or time.monotonic() >= until:
                break


class Side:
    """One of the two networks.

    ``stopped``: why it can take no further step, else empty. ``losses``: of the mini-batches since the last frame, each
    before its step. ``before``: the network before the last step. ``path``: its way through its weights.
    """

    trainer: Trainer
    stopped: str
    losses: list[float]
    before: Network
    path: Path

    def __init__(self, trainer: Trainer) -> None:
        self.trainer = trainer
        self._begin()

    def reset(self) -> None:
        self.trainer.reset()
        self._begin()

    def _begin(self) -> None:
        network = self.trainer.network
        self.stopped, self.losses, self.before = "", [], network
        self.path = Path(network, min(MOST_PATH, max(2, MOST_NUMBERS // network.parameter_count)))

    def begin_frame(self) -> None:
        self.losses = []

    def advance(self) -> None:
        """One step."""
        trainer = self.trainer
        before = trainer.network
        try:
            trainer.advance(1)
        except DivergedError as error:
            self.stopped = error.message
            return
        self.before = before
        self.losses.append(trainer.loss_before)
        self.path.add(trainer.step, trainer.network)

    def loss(self) -> float:
        """Mean loss of the mini-batches since the last frame, each before its step; if there are none, that of now."""
        return float(np.mean(self.losses)) if self.losses else self.trainer.loss_now()

    def view(self, name: str) -> View:
        """The path, and the last step with its mini-batch."""
        trainer = self.trainer
        path = (
            self.path.networks if self.path.networks[-1] is trainer.network else [*self.path.networks, trainer.network]
        )
        return View(
            name,
            tuple(path),
            self.before,
            trainer.X_training,
            trainer.y_training,
            trainer.batch_rows,
            self.trainer.settings.l2_penalty,
        )

    def flow(self) -> list[float]:
        """‖∇_{a_i}ℒ‖ of each layer, over the mini-batch that it learned from last."""
        with np.errstate(all="ignore"):
            _, grads = self.trainer.passes()
            return [float(np.sqrt(np.vdot(grad, grad))) for grad in grads.a.values()]

    def units(self) -> dict[str, int]:
        """How many hidden units there are, how many are ``dead``, and how many are ``different``.

        A dead unit has g′(a) = 0 for every row that is trained on, so that no gradient goes through it. Units of a
        layer that say the same of every row count as one.
        """
        trainer = self.trainer
        network = trainer.network
        with np.errstate(all="ignore"):
            trace = forward(network, trainer.X_training[:MOST_JUDGED])
            dead = different = 0
            for i, g in enumerate(network.activations, start=1):
                dead += int((g.g_prime(trace.a[i]) == 0).all(axis=0).sum())
                different += len({unit.tobytes() for unit in np.ascontiguousarray(trace.h[i].T)})
        return {"count": sum(network.sizes[1:-1]), "dead": dead, "different": different}


@dataclass(slots=True)
class Path:
    """The way of a network through its weights: at most so many networks at even distances, the first among them."""

    start: Network
    most: int
    every: int = 1
    steps: list[int] = field(init=False)
    networks: list[Network] = field(init=False)

    def __post_init__(self) -> None:
        self.steps, self.networks = [0], [self.start]

    def add(self, step: int, network: Network) -> None:
        """The network after a step, if it is the turn of that step."""
        if step % self.every:
            return
        self.steps.append(step)
        self.networks.append(network)
        if len(self.steps) > self.most:
            self.every *= 2
            kept = [k for k, each in enumerate(self.steps) if each % self.every == 0]
            self.steps, self.networks = [self.steps[k] for k in kept], [self.networks[k] for k in kept]
