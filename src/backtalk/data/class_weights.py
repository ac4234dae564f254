"""The weights that classes give to examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.losses import BinaryCrossEntropy
from ..core.network import Network
from ..errors import InputError, InputTypeError


def class_weights(network: Network, class_weight: Any, y: Any) -> np.ndarray | None:
    """The weight of each example by its class, shape (N,); None where ``class_weight`` is None.

    'balanced': N/(k·N_c) for an example of class c, of which there are N_c, for k classes that occur. A mapping: the
    weight of each class, 1 for those that it does not name.
    """
    if class_weight is None:
        return None
    yes_or_no = isinstance(network.loss, BinaryCrossEntropy) or network.output.name == "sigmoid"
    if not (network.head.takes_labels or yes_or_no):
        raise InputError(
            f"class_weight is given, but the loss {network.loss} with the output function {network.output} has no "
            "classes."
        )
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
