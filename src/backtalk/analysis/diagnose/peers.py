"""Simple models of the same rows, the measure for a network: a linear model, and the nearest neighbours.

Both tell each row's target from the other rows alone (leave-one-out), so that nothing is learned by heart. Neither
needs training, nor does the comparison with shuffled targets: ŷ = H t with a matrix H that depends on X alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, SquaredError
from ...core.network import Network
from ...core.outputs import Softmax
from ...engines.passes import forward
from .examples import Examples
from .thresholds import LIMITS

NUMERIC = (SquaredError, AbsoluteError, Huber)
OF_CLASSES = (CrossEntropy, BinaryCrossEntropy)  # others make probabilities of another kind
TINY = 1e-12


Model = Callable[[np.ndarray], np.ndarray]  # of targets, to what it tells of each from the others


@dataclass(frozen=True, slots=True, eq=False)
class Peer:
    """One simple model: its name, ŷ of each row (n, k), and the share of the targets' variance that it explains."""

    name: str
    model: Model
    predicted: np.ndarray
    explained: float


@dataclass(frozen=True, slots=True, eq=False)
class Peers:
    """What simple models make of some ``rows`` of the examples, and what the network explains of the same rows.

    ``targets`` (n, k): one-hot for classes. ``explained``: 1 − Σ‖t − ŷ‖² / Σ‖t − mean t‖², of the network.
    """

    rows: np.ndarray
    targets: np.ndarray
    explained: float
    models: tuple[Peer, ...]

    @property
    def best(self) -> Peer:
        """The one that explains most."""
        return max(self.models, key=lambda each: each.explained)

    @property
    def ahead(self) -> float:
        """How much more of the variance it explains than the network."""
        return self.best.explained - self.explained if math.isfinite(self.explained) else self.best.explained

    def beyond_chance(self) -> float:
        """By how many standard deviations the better model does better, or worse, than on shuffled targets."""
        t, generator = _ranked(self.targets), np.random.default_rng(0)
        spread = ((t - t.mean(axis=0)) ** 2).sum()
        orders = [generator.permutation(len(t)) for _ in range(LIMITS.shuffles)]

        def left(model: Model, target: np.ndarray) -> float:
            return float(((target - model(target)) ** 2).sum() / spread)

        away = []
        for each in self.models:
            of_chance = np.array([left(each.model, t[order]) for order in orders])
            away.append(abs(left(each.model, t) - of_chance.mean()) / max(float(of_chance.std()), TINY))
        return float(max(away))


def _ranked(t: np.ndarray) -> np.ndarray:
    """Each number by its place, so that no outlier drowns out the others; the order of classes stays."""
    return t.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable") / len(t) if len(np.unique(t)) > 2 else t


def compare(examples: Examples, work: float) -> Peers | None:
    """The peers, on as many rows as ``work`` multiplications allow; None if targets or inputs are not of that kind."""
    network = examples.network
    if examples.unknown.any() or not np.isfinite(examples.X).all() or examples.count < LIMITS.examples:
        return None
    rows = _rows(examples, work)
    target = _targets(network, examples, rows)
    if target is None:
        return None
    X = _scaled(examples.X[rows])
    weight = examples.weight[rows].astype(np.float64)
    if not weight.max() > 0 or not X.shape[1]:
        return None
    weight = weight / weight.sum()
    center = weight @ target
    spread = float(weight @ ((target - center) ** 2).sum(axis=1))
    if not spread > 0:
        return None
    with np.errstate(all="ignore"):
        output = forward(network, examples.X[rows]).output.astype(np.float64)

    def explained(predicted: np.ndarray) -> float:
        return 1 - float(weight @ ((target - predicted) ** 2).sum(axis=1)) / spread

    made = (("a linear model", _linear(X)), ("the nearest neighbours", _neighbours(X)))
    told = [(name, model, model(target)) for name, model in made]
    models = tuple(Peer(name, model, predicted, explained(predicted)) for name, model, predicted in told)
    return Peers(rows, target, explained(output), models)


def _rows(examples: Examples, work: float) -> np.ndarray:
    """Distances take rows² · columns multiplications, and sorting them some more."""
    most = int(min(LIMITS.peer_examples, np.sqrt(work / (examples.X.shape[1] + 40))))
    if examples.count <= most:
        return np.arange(examples.count)
    return np.sort(np.random.default_rng(0).choice(examples.count, max(most, LIMITS.examples), replace=False))


def _targets(network: Network, examples: Examples, rows: np.ndarray) -> np.ndarray | None:
    """Numbers whose squares can be compared: one-hot classes, probabilities or quantities."""
    softmax = isinstance(network.output, Softmax) and network.sizes[-1] > 1
    probabilities = softmax or network.output.name == "sigmoid"
    if not (isinstance(network.loss, NUMERIC) or (probabilities and isinstance(network.loss, OF_CLASSES))):
        return None
    if not softmax and min(network.sizes[1:]) < network.sizes[-1]:
        return None  # a code for many numbers is asked for, as of an autoencoder: simple models need none
    target = examples.target(slice(None))[rows].astype(np.float64)
    return target if target.shape[1] == network.sizes[-1] and np.isfinite(target).all() else None


def _scaled(X: np.ndarray) -> np.ndarray:
    X = X.astype(np.float64)
    with np.errstate(all="ignore"):
        X = X - X.mean(axis=0)
        size = X.std(axis=0)
        return X[:, size > 0] / size[size > 0]


def _linear(X: np.ndarray) -> Model:
    """Ridge regression with a constant: the residual of row n without row n is r_n / (1 − H_nn)."""
    n, columns = X.shape
    ridge = LIMITS.ridge * max(n, 100 * columns)  # many columns explain any row: then only what is strong counts
    if columns <= n:
        gram = X.T @ X + ridge * np.eye(columns)
        left = np.linalg.solve(gram, X.T)
    else:
        left = X.T @ np.linalg.inv(X @ X.T + ridge * np.eye(n))
    own = np.minimum(np.einsum("nc,cn->n", X, left) + 1 / n, 1 - 1e-9)[:, None]

    def predict(t: np.ndarray) -> np.ndarray:
        center = t.mean(axis=0)
        fitted = center + X @ (left @ (t - center))
        return t - (t - fitted) / (1 - own)

    return predict


def _neighbours(X: np.ndarray) -> Model:
    """The mean of the nearest rows, itself left out."""
    squares = (X**2).sum(axis=1)
    apart = squares[:, None] + squares[None, :] - 2 * (X @ X.T)
    np.fill_diagonal(apart, np.inf)
    count = min(LIMITS.neighbours, len(X) - 1)
    nearest = np.argpartition(apart, count - 1, axis=1)[:, :count]
    return lambda t: t[nearest].mean(axis=1)
