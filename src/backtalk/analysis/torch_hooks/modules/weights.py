"""The weights of a module: copies among its units, constant weights, and how their gradient compares with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....core.arrays import to_numpy
from ...diagnose.copies import copies_among
from ...diagnose.thresholds import LIMITS
from .kinds import matrices
from .measures import Measures, dense


class Weights:
    """Of one module. ``gradients``: of its own parameters, by their keys, if known."""

    gradients: Mapping[str, Any]
    trained: dict[Any, Any]
    matrices: dict[str, Any]

    def __init__(self, torch: Any, module: Any, gradients: Mapping[str, Any], measures: Measures) -> None:
        self._torch, self._measures = torch, measures
        self.gradients = gradients
        own = {key: part for key, part in module._parameters.items() if part is not None and part.requires_grad}
        self.trained = {key: part.detach() for key, part in own.items()}
        self.matrices = {key: self.trained[key] for key in matrices(module) if key in self.trained}
        self._embeds = isinstance(module, (torch.nn.Embedding, torch.nn.EmbeddingBag))
        self._transposed = getattr(module, "transposed", False)
        self._recurrent = isinstance(module, (torch.nn.RNNBase, torch.nn.RNNCellBase))

    def norm(self) -> float | None:
        """Of all trained parameters together."""
        return self._together(self.trained) if self.trained else None

    def grad_norm(self) -> float | None:
        """Of their gradients."""
        return self._together(self.gradients) if self.gradients else None

    def ratio(self) -> float | None:
        """‖∇_W‖/‖W‖ of the matrices that have a gradient."""
        known = [key for key in self.matrices if key in self.gradients]
        if not known:
            return None
        weights = {key: self.matrices[key] for key in known}
        if self._embeds:
            weights = {key: self._touched(key) for key in known}
        size = self._together(weights)
        return self._together({key: self.gradients[key] for key in known}) / size if size else None

    def hear(self) -> bool | None:
        """Whether a matrix has a gradient that is not exactly 0; None if that is not known."""
        known = [self._measures.norm(self.gradients[key]) != 0 for key in self.matrices if key in self.gradients]
        return any(known) if known else None

    def constant(self) -> bool:
        """Whether all matrices with more than one unit hold one number alone."""
        several = [each for each in self.matrices.values() if each.shape[0] > 1 and each.numel() > each.shape[0]]
        return bool(several) and all(_is_constant(each.flatten()) for each in several)

    def copies(self) -> tuple[tuple[int, ...], ...]:
        """Groups of units with equal weights and equal gradients."""
        if self._embeds or any(key not in self.gradients for key in self.matrices):
            return ()
        found: list[list[int]] = []
        for keys in self._groups():
            parts = [self._rows(family[key], key) for key in keys for family in (self.trained, self.gradients)]
            units = len(parts[0])
            if units < 2 or any(len(part) != units for part in parts):
                continue
            some = self._maybe_alike(parts[0])
            if len(some) < 2:
                continue
            chosen = [self._scaled(part[self._torch.as_tensor(some, device=part.device)]) for part in parts]
            alike = copies_among(np.concatenate(chosen, axis=1))
            found += [[int(some[k]) for k in group] for group in alike]
        return tuple(tuple(group) for group in found)

    def _groups(self) -> list[list[str]]:
        """The parameters whose rows are of the same units: a matrix and its bias; of an LSTM all of one layer."""
        if self._recurrent:
            ends: dict[str, list[str]] = {}
            for key in self.trained:
                ends.setdefault(key.split("_", 2)[-1] if key.count("_") > 1 else "", []).append(key)
            return [keys for keys in ends.values() if any(key in self.matrices for key in keys)]
        return [
            [key, *(each for each in (key.replace("weight", "bias"),) if each in self.gradients and each != key)]
            for key in self.matrices
        ]

    def _rows(self, array: Any, key: str) -> Any:
        array = array.transpose(0, 1) if self._transposed and key in self.matrices else array
        return array.reshape(array.shape[0], -1)

    def _scaled(self, part: Any) -> np.ndarray:
        """In units of the largest, so that weights and gradients count alike."""
        rows = to_numpy(part.double())
        return rows / (np.abs(rows).max(initial=0.0) or 1.0)

    def _maybe_alike(self, weight: Any) -> np.ndarray:
        """The units whose weights have nearly the same product with one vector as another one's: all copies are there.

        So a head with 50,000 units need not come to NumPy whole.
        """
        weight = weight if weight.element_size() >= 4 else weight.float()
        vector = np.random.default_rng(0).normal(size=weight.shape[1])
        places = to_numpy(weight @ weight.new_tensor(vector)).astype(np.float64)
        sizes = to_numpy(self._torch.linalg.vector_norm(weight, dim=1)).astype(np.float64)
        order = np.argsort(places, kind="stable")
        near = np.diff(places[order]) <= 10 * LIMITS.copies * sizes[order[1:]]
        return np.sort(order[np.append(near, False) | np.append(False, near)])

    def _touched(self, key: str) -> Any:
        """The rows of an embedding's table that have a gradient."""
        gradient = self.gradients[key]
        if gradient.is_sparse:
            return self.matrices[key][gradient.coalesce().indices()[0]]
        return self.matrices[key][(gradient != 0).any(1)]

    def _together(self, tensors: Mapping[str, Any]) -> float:
        return float(np.hypot.reduce([self._measures.norm(dense(each)) for each in tensors.values()]))


def _is_constant(values: Any) -> bool:
    return bool(values[0] == values[1]) and bool((values == values[0]).all())
