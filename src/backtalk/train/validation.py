"""The loss on a validation set, and the weights that classes give to examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arrays import Array, namespace, to_numpy
from ..errors import InputError, InputTypeError
from ..inputs import as_input, as_target, as_weight
from ..losses import BinaryCrossEntropy, CrossEntropy
from ..network import Network
from ..verbs import forward_in_blocks


@dataclass(frozen=True, slots=True, eq=False)
class ValidationSet:
    """X (N, n_0), the target (N, k) and the weights (N,), of sum 1.

    ``shared``: each process of a cluster holds some of the examples, and the sum is that of the weights of all.
    """

    X: Array
    target: Array
    weight: Array
    shared: bool = False

    @classmethod
    def of(cls, network: Network, given: Any) -> ValidationSet:
        """From (X, y) or (X, y, sample_weight), as the user gives them."""
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise InputTypeError(
                "validation is neither a fraction nor (X, y) nor (X, y, sample_weight): expected one of them."
            )
        X = as_input(network, given[0])
        weight = as_weight(network, given[2] if len(given) == 3 else None, X.shape[0])
        return cls(X, as_target(network, given[1], X.shape[0]), weight)

    def loss(self, network: Network) -> float:
        """ℒ = Σ_n w_n ℓ_n of a network, without dropout or penalty; where ``shared``, this process' part of the sum."""
        total = 0.0
        if not self.X.shape[0]:
            return total
        for rows, trace in forward_in_blocks(network, self.X):
            with np.errstate(over="ignore", invalid="ignore"):
                values = network.loss.value(trace.a[network.depth], trace.output, self.target[rows, :])
                weight = self.weight[rows]
                total += float(namespace(values).sum(namespace(values).where(weight > 0, values, weight) * weight))
        return total


def class_weights(network: Network, class_weight: Any, y: Any) -> np.ndarray | None:
    """The weight of each example by its class, shape (N,); None where ``class_weight`` is None.

    'balanced': N/(k·N_c) for an example of class c, of which there are N_c, for k classes that occur. A mapping: the
    weight of each class, 1 for those that it does not name.
    """
    if class_weight is None:
        return None
    if not isinstance(network.loss, CrossEntropy | BinaryCrossEntropy):
        raise InputError(f"class_weight is given, but the loss {network.loss} has no classes.")
    labels = np.asarray(to_numpy(y))
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise InputError(f"class_weight is given, but y has shape {labels.shape}: expected one label for each example.")
    classes, place, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if isinstance(class_weight, str) and class_weight == "balanced":
        return (len(labels) / (len(classes) * counts))[place]
    if not isinstance(class_weight, Mapping):
        raise InputTypeError(f"class_weight is {class_weight!r}, expected 'balanced' or a mapping of label to weight.")
    for label, value in class_weight.items():
        if label not in classes:
            raise InputError(f"class_weight names the class {label!r}, which does not occur in y.")
        if not (np.isscalar(value) and np.isreal(value) and 0 <= value < np.inf):  # pyright: ignore[reportOperatorIssue]
            raise InputError(
                f"class_weight gives class {label!r} the weight {value!r}, expected a number of 0 or more."
            )
    return np.array([float(class_weight.get(label.item(), 1.0)) for label in classes])[place]
