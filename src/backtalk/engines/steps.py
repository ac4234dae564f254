"""What every engine shares in training: the settings of a step, the state, the report, and the ``Steps`` contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from ..core.batch import Batch
from ..core.dropout import Dropout
from ..core.network import Network
from ..core.optimizers import Optimizer
from ..data.sources import Order
from ..distributed import ALONE, Group
from .private import PrivateSettings

ENDLESS = 2**62
SECONDS = 0.08  # of a call, after which Python gets control: Ctrl-C is heard, callbacks and progress go on


@dataclass(frozen=True, slots=True)
class LayerMeasures:
    """The measures of one layer: Euclidean norms, each the mean over the measured steps of an epoch.

    ``grad_a``, ``grad_h``: of ∇_{a_i}ℒ and ∇_{h_i}ℒ over the mini-batch (None for the output layer).
    ``grad_W``: of ∇_{W_i}, with the share of the L2 penalty. ``W``: of W_i before the step. ``update``: of the change
    of W_i in the step; update/W is the update-to-weight ratio. ``silent``: the share of the layer's units whose
    ``|g′(a)|`` stays below 0.001 for every example of the mini-batch, dead or saturated (None for the output layer).
    In float32 the kernels square in float32, so that a norm below 1e-20 reads 0.

    >>> import numpy as np
    >>> from backtalk import Network, fit
    >>> epochs = []
    >>> net = Network.create([4, 3, 2], "tanh", rng=0)
    >>> training = fit(net, np.eye(4), [0, 1, 0, 1], epochs=1, measure_every=1, rng=0, callbacks=epochs.append)
    >>> first = epochs[0].measures[0]
    >>> first.layer, first.grad_W > 0, 0 < first.update / first.W < 0.1, first.silent
    (1, True, True, 0.0)
    """

    layer: int
    grad_a: float | None
    grad_h: float | None
    grad_W: float
    W: float
    update: float
    silent: float | None


FIRST_MEASURED = (
    5  # steps of a run that are measured whatever ``measure_every`` is: a rate that is too high shows in them
)
SILENT = 1e-3  # |g′| below which a unit passes on less than a thousandth of its gradient


@dataclass(frozen=True, slots=True)
class Measured:
    """Sums over the measured ``steps`` of an epoch so far: for each layer those of the fields of
    :class:`LayerMeasures`, without its number."""

    steps: int = 0
    sums: tuple[tuple[float | None, ...], ...] = ()

    def with_step(self, rows: tuple[tuple[float | None, ...], ...]) -> Measured:
        """The same and one more step."""
        if not self.steps:
            return Measured(1, rows)
        pairs = [zip(sums, row, strict=True) for sums, row in zip(self.sums, rows, strict=True)]
        sums = tuple(tuple(None if a is None or b is None else a + b for a, b in each) for each in pairs)
        return Measured(self.steps + 1, sums)

    def means(self) -> tuple[LayerMeasures, ...]:
        """The mean of each layer; nothing if no step was measured."""
        if not self.steps:
            return ()
        means: list[Any] = [[None if total is None else total / self.steps for total in row] for row in self.sums]
        return tuple(LayerMeasures(i, *row) for i, row in enumerate(means, start=1))


@dataclass(frozen=True, slots=True, eq=False)
class StepState:
    """Where the steps stand, besides W and b: the number of updates, and the optimizer's own arrays.

    ``arrays`` has a list for each of ``Optimizer.families``, in the order W_1 … W_L, b_1 … b_L. ``measured``: what was
    measured since :meth:`Steps.measures` was called last.
    """

    step: int
    arrays: dict[str, list[np.ndarray]]
    measured: Measured = Measured()


@dataclass(frozen=True, slots=True)
class StepSettings:
    """What a step minimizes, and how.

    ``l2_penalty`` λ: ½λ Σ_i ‖W_i‖² is added to ℒ; where ``l2_per_weight``, λ is divided by the weight of the
    mini-batch (the number of its examples, without weights); where ``loss_by_count``, mini-batches count in the loss by
    the number of their examples, and not by that weight. ``clip_norm``: where the norm of the gradient, of all
    W_i and b_i together and with the penalty's share, exceeds it, the gradient is scaled down to it. ``dropout``:
    its step counts the updates from 1. ``measure_every``: every so many steps are measured, and the first ones, or none
    if it is 0. ``group``: the processes that take the steps together. ``private``: what makes the steps private; their
    mini-batches come as :class:`~backtalk.data.sources.Samples`, without weights.
    """

    optimizer: Optimizer
    l2_penalty: float = 0.0
    l2_per_weight: bool = False
    loss_by_count: bool = False
    clip_norm: float | None = None
    dropout: Dropout | None = None
    measure_every: int = 0
    group: Group = ALONE
    private: PrivateSettings | None = None


class Taken(NamedTuple):
    """Steps that were taken: the place in the order after them, how many updates, and the sums so far.

    ``loss`` sums, over the mini-batches, the mean loss (with its penalty) times the mini-batch's weight, and
    ``weight`` that weight (or how many examples it has, with ``loss_by_count``): loss/weight is the mean. Both begin at
    what the caller gave, so that the sum is the same to the bit however many calls it takes.
    """

    place: int
    steps: int
    loss: float
    weight: float


class Steps(Protocol):
    """A network in training. ``engine``: the name by which it is chosen. ``takes_labels``: whether it reads y as labels
    if the target is their one-hot form."""

    engine: ClassVar[str]
    takes_labels: ClassVar[bool]
    step: int

    def __init__(self, network: Network, settings: StepSettings) -> None: ...

    @property
    def network(self) -> Network:
        """The network as it stands."""
        ...

    def use(self, batch: Batch) -> None:
        """The examples that the next steps are taken on."""
        ...

    def take(
        self,
        order: Order,
        place: int,
        batch_size: int,
        rates: np.ndarray,
        *,
        most: int = ENDLESS,
        loss: float = 0.0,
        weight: float = 0.0,
    ) -> Taken:
        """Steps on mini-batches of ``order`` from ``place`` on, until it ends, ``most`` are taken or time is up.

        ``order`` (N,), int64: rows of the examples. ``rates``, float64: the learning rate of each update of this
        call, in order. A mini-batch whose weights are all 0 is left out, but no private step is. Raises
        :class:`~backtalk.errors.DivergedError`.
        """
        ...

    def require_finite(self) -> None:
        """Raise :class:`~backtalk.errors.DivergedError` where a parameter is not finite."""
        ...

    def state(self) -> StepState:
        """Where the steps stand."""
        ...

    def restore(self, network: Network, state: StepState | None) -> None:
        """Stand there again; without a state, at the beginning with this network."""
        ...

    def measures(self) -> tuple[LayerMeasures, ...]:
        """The means over the measured steps since the last call."""
        ...
