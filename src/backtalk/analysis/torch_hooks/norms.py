"""The norm of each example's gradient in the layers of a model of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ...core.arrays import Array, to_numpy
from ...core.sizes import combined_norm
from ...errors import InputError
from ..per_example.gradient_norms import GradientNorms, norms_by_layer
from ..per_example.pairs import Group, Pairs, ParameterArrays, Sums
from ..per_example.statistics import NoiseScale, estimate_noise, length_of


@dataclass(frozen=True, slots=True, eq=False)
class HeardNorms(GradientNorms):
    """Euclidean norms of each example's gradient, each of shape (B,), by the names of the layers.

    ``W[name]``, ``b[name]``: of the weights' and of the biases' gradient, if these are trained; of parameters that
    several layers share, under the first one's name. ``a[name]``: of ∇_aℓ_n, over all places and calls.
    ``layers[name]``: of W and b together; ``whole``, ``whole_without_biases``: of all layers. ``scale``: 'own' if they
    are of ℓ_n, 'share' if they are of its part in s. ``lacks``: why they are not those of the whole model, in words;
    ``whole`` and ``whole_without_biases`` refuse then, so that nobody clips by a norm which leaves something out.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Linear(2, 1, bias=False)
    >>> with listen(model, reduction="sum") as heard:
    ...     model(torch.tensor([[3.0, 4.0], [0.0, 2.0]])).sum().backward()
    >>> heard.norms().W["model"], heard.norms().a["model"]
    (tensor([5., 2.]), tensor([1., 1.]))
    """

    W: Mapping[str, Array]
    b: Mapping[str, Array]
    a: Mapping[str, Array]
    scale: str
    lacks: str = ""

    @property
    def whole(self) -> Array:
        """Of all weights and biases together; :class:`~backtalk.errors.InputError` if ``lacks`` says why not."""
        self._require_all()
        return combined_norm(self.layers.values())

    @property
    def whole_without_biases(self) -> Array:
        """Of all weights together; :class:`~backtalk.errors.InputError` if none are trained."""
        self._require_all()
        if not self.W:
            raise InputError("no weights are trained in the layers that were heard, expected some.")
        return combined_norm(self.W.values())

    def _require_all(self) -> None:
        if self.lacks:
            raise InputError(self.lacks)


def norms_and_sum(
    groups: Iterable[Group], memory_limit: int, *readers: Callable[[Pairs], None]
) -> tuple[HeardNorms, ParameterArrays]:
    """The norms, and Σ_n ∇ℓ_n; the readers are given all pairs as well, so that these are read once."""
    sums = Sums()
    W, b, a = norms_by_layer(groups, memory_limit, sums.add, *readers)
    return HeardNorms(W, b, a, "own"), sums.arrays()


def noise_of(norms: HeardNorms, total: ParameterArrays) -> NoiseScale:
    """The noise scale; all examples count alike."""
    whole = to_numpy(norms.whole).astype(np.float64)
    return estimate_noise(whole, length_of(total) / len(whole), np.full(len(whole), 1 / len(whole)))
