"""Normalizations within an example: W multiplies what was normalized, element by element."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ....core.arrays import Array
from ....core.sizes import row_norms
from ....core.sums import sum_rows
from ...per_example.pairs import Pairs
from .layer import Kind, in_places


class LayerNorm(Kind):
    """a_t = W ⊙ h_t + b, where h_t is the input less its mean, over its deviation: ∇_Wℓ_n = Σ_t ∇_{a_t}ℓ_n ⊙ h_t."""

    use = "elements"
    has_factors = False

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """All but those that are normalized."""
        return len(shape) - len(module.normalized_shape)

    def sizes(self, module: Any, h: Array, a: Array) -> tuple[int, int, int]:
        """n is 1: each unit has one weight."""
        m = module.weight.numel()
        return a.numel() // m, 1, m

    def values(self, module: Any, n: int, m: int) -> int:
        """What was normalized has m."""
        return 2 * m

    def read(self, module: Any, h: Array, a: Array) -> tuple[Array, Array]:
        """What was normalized, and ∇_a."""
        of_place = len(module.normalized_shape)
        return in_places(self.normalize(module, _widened(h.to(a.dtype))), of_place), in_places(a, of_place)

    def normalize(self, module: Any, h: Array) -> Array:
        """The output of the module with weights of 1 and without biases."""
        from torch.nn.functional import layer_norm  # pyright: ignore[reportMissingImports]

        return layer_norm(h, module.normalized_shape, eps=module.eps)

    def pairs(self, module: Any) -> Callable[..., Pairs]:
        """Pairs of elements."""
        return ElementPairs


class RMSNorm(LayerNorm):
    """nn.RMSNorm: h_t is the input over the root of its mean square."""

    has_bias = False

    def normalize(self, module: Any, h: Array) -> Array:
        """The same without weights."""
        from torch.nn.functional import rms_norm  # pyright: ignore[reportMissingImports]

        return rms_norm(h, module.normalized_shape, eps=module.eps)


class GroupNorm(LayerNorm):
    """nn.GroupNorm: inputs (B, C, …), with a weight for each channel and groups of channels normalized together."""

    expected = "(B, C, …)"

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """The examples alone."""
        return 1 if len(shape) > 1 else 0

    def read(self, module: Any, h: Array, a: Array) -> tuple[Array, Array]:
        """With the channels last."""
        h = self.normalize(module, _widened(h.to(a.dtype)))
        return tuple(array.reshape(*array.shape[:2], -1).mT for array in (h, a))

    def normalize(self, module: Any, h: Array) -> Array:
        """The same without weights."""
        from torch.nn.functional import group_norm  # pyright: ignore[reportMissingImports]

        return group_norm(h, module.num_groups, eps=module.eps)


class InstanceNorm(GroupNorm):
    """nn.InstanceNorm1d, 2d, 3d without running statistics: each channel of an example is normalized alone."""

    methods: tuple[str, ...] = ("forward", "_apply_instance_norm", "_handle_no_batch_input")

    def leading(self, module: Any, shape: tuple[int, ...]) -> int:
        """The examples alone; an input without them is not heard."""
        return 1 if len(shape) > module._get_no_batch_dim() else 0

    def normalize(self, module: Any, h: Array) -> Array:
        """The same without weights."""
        from torch.nn.functional import instance_norm  # pyright: ignore[reportMissingImports]

        return instance_norm(h, eps=module.eps)


@dataclass(frozen=True, slots=True, eq=False)
class ElementPairs(Pairs):
    """Pairs of a layer that multiplies element by element: h and a have the same shape, and W is (m,)."""

    def sum_weights(self, a: Array, h: Array) -> Array:
        """Σ a ⊙ h."""
        return sum_rows(a * h)

    def weight_gradients(self, units: slice = slice(None)) -> Array:
        """(R, units)."""
        return self.total(self.a[:, units] * self.h[:, units])

    def weight_norms(self, of_a: Array, memory_limit: int) -> Array:
        """Of the gradients themselves, which are no larger than ∇_a."""
        return row_norms(self.weight_gradients())

    def sum_squared_weights(self, w: Array, memory_limit: int) -> Array:
        """Σ_n w_n (∇_Wℓ_n)²."""
        return sum_rows(self.weight_gradients() ** 2 * w[:, None])

    def talk_down(self, a: Array, W: Array) -> Array:
        """W ⊙ a."""
        return a * W

    def inner_products(self, other: Pairs) -> Array:
        """From the gradients themselves."""
        found: Any = self.weight_gradients() @ other.weight_gradients().T if self.weights else 0.0
        return found + self.total(self.a) @ other.total(other.a).T if self.biases else found


def _widened(array: Array) -> Array:
    return array if array.element_size() == 8 else array.float()
