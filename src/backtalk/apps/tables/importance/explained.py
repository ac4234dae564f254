"""What is explained of a prediction: the log-odds of a class, or the number, with its gradient by the output units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ....core.losses import Quantiles
from ....core.network import Network
from ..metrics import gives_shares
from ..model import in_order
from ..target import Target
from .integrated import Quantity


@dataclass(frozen=True, slots=True)
class Explained:
    """f of one row: of which class or target it is, in which unit, and from f as people know it: a probability."""

    of: str
    unit: str
    quantity: Quantity
    shown: Callable[[float], float]


def explained_of(target: Target, network: Network, output: np.ndarray) -> Explained:
    """What is explained of a row whose ŷ is ``output``, (outputs,).

    A number: the prediction, in the target's unit. One of two classes: the log-odds log(p / (1 − p)) of the second, in
    all rows; of more classes, those of the one that is predicted. If the output function gives no shares, the score of
    that class.
    """
    if not target.classifies:
        return Explained(target.name, target.name, _number(target, network), float)
    place = 1 if target.outputs == 2 else int(output.argmax())
    if not gives_shares(network):
        return Explained(target.classes[place], "score", _score(network, place), float)
    return Explained(target.classes[place], "log-odds", log_odds(place), _share)


def log_odds(place: int) -> Quantity:
    """log(p_k / (1 − p_k)) = a_k − log Σ_{m≠k} e^{a_m} of class k, counted from 0, if ŷ is softmax of a.

    >>> f, grad_a = log_odds(1)(np.array([[0.0, 2.0, 0.0]]), np.empty((1, 3)))
    >>> round(float(f[0]), 6), grad_a.tolist()
    (1.306853, [[-0.5, 1.0, -0.5]])
    """

    def quantity(a: np.ndarray, _: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        others = np.delete(a, place, axis=1)
        most = others.max(axis=1, keepdims=True)
        powers = np.exp(others - most)
        total = powers.sum(axis=1, keepdims=True)
        # forward: f = a_k − log Σ_{m≠k} e^{a_m}
        grad_a = np.insert(-powers / total, place, 1.0, axis=1)
        return a[:, place] - (most + np.log(total))[:, 0], grad_a

    return quantity


def _share(odds: float) -> float:
    return float(1 / (1 + np.exp(-odds)))


def _number(target: Target, network: Network) -> Quantity:
    def quantity(a: np.ndarray, yhat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        grad_yhat = np.zeros_like(yhat)
        # forward: f = ŷ_k · scale + mean, with k the place of the number among the quantiles, in their order
        places = np.argsort(yhat, axis=1, kind="stable") if isinstance(network.loss, Quantiles) else None
        own = target.point if yhat.shape[1] > 1 else 0
        grad_yhat[np.arange(len(yhat)), own if places is None else places[:, own]] = target.scale
        return target.decode(in_order(network, yhat)), network.output.gradient(a, yhat, grad_yhat)

    return quantity


def _score(network: Network, place: int) -> Quantity:
    def quantity(a: np.ndarray, yhat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        grad_yhat = np.zeros_like(yhat)
        # forward: f = ŷ_k
        grad_yhat[:, place] = 1.0
        return yhat[:, place], network.output.gradient(a, yhat, grad_yhat)

    return quantity
