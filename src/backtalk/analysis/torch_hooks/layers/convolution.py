"""Convolutions: a place is one of the output, and h is the patch of the input that it hears."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from ....core.arrays import Array
from ....core.sums import sum_rows
from ...per_example.pairs import Pairs, outer_products
from .layer import Kind


class Convolution(Kind):
    """nn.Conv1d, Conv2d, Conv3d: a_t = W h_t + b, where h_t holds the patches of all C channels, (C·K,), for place t.

    So a convolution is a Linear of its patches, with weights in blocks if it has groups.
    """

    use = "patches"
    methods: tuple[str, ...] = ("forward", "_conv_forward")
    expected = "(B, C, …)"

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """The examples alone."""
        return 1 if len(shape) == len(module.kernel_size) + 2 else 0

    def sizes(self, module: Any, h: Array, a: Array) -> tuple[int, int, int]:
        """T places, patches of C·K, m channels."""
        patch = module.in_channels * module.weight.shape[2:].numel()
        return a.shape[0] * a.shape[2:].numel(), patch, a.shape[1]

    def values(self, module: Any, n: int, m: int) -> int:
        """With groups, some more for the gradients of units."""
        return n + m if module.groups == 1 else 2 * n + m

    def read(self, module: Any, h: Array, a: Array) -> tuple[Array, Array]:
        """The patches, and ∇_a with the channels last."""
        return patches(module, h.to(a.dtype)), a.flatten(2).mT

    def pairs(self, module: Any) -> Callable[..., Pairs]:
        """Pairs of patches, if need be in groups."""
        patch = module.weight.shape[2:].numel()
        if module.groups == 1:
            return partial(PatchPairs, patch=patch)
        return partial(GroupedPairs, patch=patch, groups=module.groups)


def patches(module: Any, h: Array) -> Array:
    """What each place of the output hears, (R, T, C·K), from (R, C, …)."""
    from torch.nn.functional import pad  # pyright: ignore[reportMissingImports]

    mode = module.padding_mode
    h = pad(h, _padding(module), mode="constant" if mode == "zeros" else mode)
    axes = range(2, h.ndim)
    for axis, size, stride, dilation in zip(axes, module.kernel_size, module.stride, module.dilation, strict=True):
        h = h.unfold(axis, (size - 1) * dilation + 1, stride)[..., ::dilation]
    places = (0, *axes, 1, *range(h.ndim - len(axes), h.ndim))  # (R, C, places, patch) to (R, places, C, patch)
    shape = h.shape
    return h.permute(places).reshape(shape[0], shape[2 : 2 + len(axes)].numel(), -1)


def _padding(module: Any) -> list[int]:
    """As torch.nn.functional.pad takes it: of the last dimension first, before and after."""
    if module.padding_mode != "zeros":
        return list(module._reversed_padding_repeated_twice)
    if module.padding == "valid":
        return [0] * 2 * len(module.kernel_size)
    if module.padding == "same":
        whole = [d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True)]
        return [part for each in reversed(whole) for part in (each // 2, each - each // 2)]
    return [each for each in reversed(module.padding) for _ in range(2)]


@dataclass(frozen=True, slots=True, eq=False)
class PatchPairs(Pairs):
    """Pairs whose h are patches: ``patch`` columns for each channel."""

    patch: int = 1

    def input_effects(self, effects: Array) -> Array:
        """Of each channel, (R, C)."""
        return self.total(effects).unflatten(1, (-1, self.patch)).sum(2)


@dataclass(frozen=True, slots=True, eq=False)
class GroupedPairs(PatchPairs):
    """Pairs of a layer whose units hear only the inputs of their own group: W is (m, n/G), and E[h hᵀ] (G, n/G, n/G).

    The columns of h and of a come group by group.
    """

    groups: int = 1

    def sum_weights(self, a: Array, h: Array) -> Array:
        """Group by group."""
        return self._by_group(a).mT.matmul(self._by_group(h)).flatten(0, 1)

    def weight_gradients(self, units: slice = slice(None)) -> Array:
        """(R, units, n/G)."""
        m, n = self.a.shape[1] // self.groups, self.h.shape[1] // self.groups
        start, stop, _ = units.indices(self.a.shape[1])
        if start % m == stop % m == 0:  # whole groups at once
            first, last = start // m, stop // m
            a, h = (self._of_examples(array)[:, first:last] for array in (self.a, self.h))
            return (a.mT @ h).flatten(1, 2)
        found = []
        for group in range(start // m, -(-stop // m)):
            a = self.a[:, max(start, group * m) : min(stop, (group + 1) * m)]
            found.append(self.split(a).mT @ self.split(self.h[:, group * n : (group + 1) * n]))
        return found[0].new_empty(0) if not found else _concat(found, 1)

    def weight_norms(self, of_a: Array, memory_limit: int) -> Array:
        """By the sums over the places."""
        of_a, of_h, a, h = self.scaled()
        count = a.shape[0]
        squares = sum((W * W).reshape(count, -1).sum(1) for W in self._gradients(a, h, memory_limit))
        return of_a * of_h * squares**0.5

    def sum_squared_weights(self, w: Array, memory_limit: int) -> Array:
        """Σ_n w_n (∇_Wℓ_n)²."""
        w = w[:, None, None, None]
        blocks = self._gradients(self.split(self.a), self.split(self.h), memory_limit)
        return _concat([sum_rows(W * W * w) for W in blocks], 1).flatten(0, 1)

    def talk_down(self, a: Array, W: Array) -> Array:
        """Group by group."""
        found = self._by_group(a) @ W.reshape(self.groups, -1, W.shape[1])
        return found.transpose(0, 1).flatten(1)

    def inner_products(self, other: Pairs) -> Array:
        """The sum over the groups."""
        found: Any = self.total(self.a) @ other.total(other.a).T if self.biases else 0.0
        if self.weights:
            families = (self._by_group(array) for pairs in (self, other) for array in (pairs.a, pairs.h))
            for a, h, other_a, other_h in zip(*families, strict=True):
                products = (h @ other_h.T) * (a @ other_a.T)
                found = found + products.reshape(-1, self.places, products.shape[1] // other.places, other.places).sum(
                    (1, 3)
                )
        return found

    def factor(self, weighted: Array, array: Array) -> Array:
        """One for each group."""
        return self._by_group(weighted).mT @ self._by_group(array)

    def mean_of_inputs(self, weighted: Array) -> Array:
        """(G, n/G)."""
        return sum_rows(weighted).reshape(self.groups, -1)

    def _by_group(self, array: Array) -> Array:
        """(G, R·T, k/G)."""
        return array.reshape(array.shape[0], self.groups, -1).transpose(0, 1)

    def _of_examples(self, array: Array) -> Array:
        """(R, G, T, k/G)."""
        return self.split(array).unflatten(2, (self.groups, -1)).transpose(1, 2)

    def _gradients(self, a: Array, h: Array, memory_limit: int) -> Any:
        """∇_Wℓ_n in blocks of units of each group, (R, G, units, n/G), from (R, T, m) and (R, T, n)."""
        a, h = (array.unflatten(2, (self.groups, -1)).transpose(1, 2).flatten(0, 1) for array in (a, h))
        for W in outer_products(a, h, memory_limit // 2):
            yield W.unflatten(0, (-1, self.groups))


def _concat(arrays: list[Array], axis: int) -> Array:
    from torch import cat  # pyright: ignore[reportMissingImports]

    return cat(arrays, axis)
