"""Scales of X and of the targets, and the network that needs neither: they are folded into its weights.

With x′ = (x − m)/s, W_1 x′ + b_1 = (W_1/s) x + b_1 − W_1 (m/s): a first layer that takes x itself. With t = s·t′ + m,
an output function of identity gives s·(W_L h + b_L) + m: a last layer whose output is in the units of t.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....core.losses import Loss
from ....core.network import Network
from ....core.outputs import Output

SHIFTED, MULTIPLIED, ADDED = {"identity"}, {"relu", "leaky_relu"}, {"exp"}  # output functions, by how scales fold
FAR = 1e3  # standard deviations from 0, beyond which float32 would lose digits of a folded layer


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Numbers v of shape (N, k) become (v − ``mean``)/``size``; a column that never changes becomes 0."""

    mean: np.ndarray
    size: np.ndarray

    @property
    def factor(self) -> np.ndarray:
        """1/size, and 0 for a column that never changes, which is left out in this way."""
        return np.divide(1.0, self.size, out=np.zeros_like(self.size), where=self.size > 0)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """The values, scaled, in float64."""
        return (np.asarray(values, np.float64) - self.mean) * self.factor

    @property
    def is_far(self) -> bool:
        """Whether a column lies so far from 0 that float32 does not hold its changes well."""
        return bool((np.abs(self.mean * self.factor) > FAR).any())


def scale_of_inputs(X: np.ndarray) -> Scale:
    """Mean and standard deviation of each column."""
    X = np.asarray(X, np.float64)
    size = X.std(axis=0)
    return Scale(X.mean(axis=0), np.where((X[:1] == X).all(axis=0), 0.0, size))


def scale_of_targets(target: np.ndarray, output: Output) -> Scale | None:
    """The scale of targets (N, k) that an output function can give back; None if it has none."""
    target = np.asarray(target, np.float64)
    none = np.zeros(target.shape[1])
    if output.name in SHIFTED:
        mean, size = target.mean(axis=0), target.std(axis=0)
    elif output.name in MULTIPLIED:
        mean, size = none, np.sqrt((target**2).mean(axis=0))
    elif output.name in ADDED:
        mean, size = none, target.mean(axis=0)
    else:
        return None
    return Scale(mean, np.where(size > 0, size, 1.0))


def can_scale_targets(loss: Loss, output: Output) -> bool:
    """Whether numbers may be scaled for this loss, and scaled back by the last layer."""
    if loss.outputs_for(1) != 1 or loss.takes_classes or loss.domain[1] == 1:
        return False
    return output.name in SHIFTED | MULTIPLIED | ADDED


def fold(network: Network, inputs: Scale | None, targets: Scale | None) -> Network:
    """The network that takes X as it is, and whose output is in the units of the targets."""
    W, b = ([np.asarray(part, np.float64) for part in parts] for parts in network.to_lists())
    if inputs is not None:
        W[0] = W[0] * inputs.factor
        b[0] = b[0] - W[0] @ inputs.mean
    if targets is not None:
        if network.output.name in ADDED:
            b[-1] = b[-1] + np.log(targets.size)
        else:
            W[-1], b[-1] = W[-1] * targets.size[:, None], b[-1] * targets.size + targets.mean
    wide = inputs is not None and inputs.is_far
    dtype = np.float64 if wide else network.W[1].dtype
    return Network(
        [part.astype(dtype) for part in W],
        [part.astype(dtype) for part in b],
        network.activations,
        network.loss,
        output=network.output,
    )
