"""The formulas of forward.py and backward.py, compiled by JAX: a whole chunk of steps of training in one call.

Nothing is derived anew here: :func:`~backtalk.forward.propagate` and :func:`~backtalk.backward.talk_back` are traced
once for the shapes at hand, and what XLA makes of them runs on the CPU, GPU or TPU that JAX finds.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..activations import Activation
from ..arrays import Array
from ..backward import talk_back
from ..errors import MissingLibraryError
from ..forward import propagate
from ..layers import Layers
from ..losses import Loss
from ..network import Network

AT_ONCE = 4096  # steps of a chunk, at the most
PRODUCTS = {"compiled": "float32", "compiled_bfloat16": "BF16_BF16_F32"}  # the engine's name: how products are made


class Batches(NamedTuple):
    """Examples in the order in which they are taken, on the device, filled up to whole mini-batches.

    ``X`` (rows, n_0); ``labels`` (rows,) of a one-hot target or ``target`` (rows, k); ``weight`` (rows,) or None.
    """

    X: Array
    labels: Array | None
    target: Array | None
    weight: Array | None


class Standing(NamedTuple):
    """Where training stands: W_1 … W_L, b_1 … b_L, the optimizer's state, and the number of updates."""

    parameters: list[Array]
    state: dict[str, list[Array]]
    step: Array


class Chunk(NamedTuple):
    """What a chunk did: where training stands after it, and of each mini-batch its loss and by how much it counts.

    ``count``: mini-batches that were taken; fewer than asked for where the loss of the last one is not finite.
    """

    standing: Standing
    losses: Array
    counts: Array
    count: Array


@dataclass(frozen=True, slots=True)
class StepRule:
    """What a step minimizes and how, as :class:`~backtalk.train.steps.StepSettings` says; frozen for the compiler."""

    optimizer: Any
    l2_penalty: float
    l2_per_weight: bool
    loss_by_count: bool
    clip_norm: float | None


def jax_library() -> Any:
    """JAX, or the error that says how to have it."""
    if find_spec("jax") is None:
        raise MissingLibraryError("engine is 'compiled', which needs JAX: pip install 'backtalk[jax]'.")
    import jax

    return jax


def numbers_as(dtype: str, products: str) -> ExitStack:
    """A context in which JAX keeps float64, where the network has it, and makes matrix products as the engine says."""
    jax = jax_library()
    stack = ExitStack()
    stack.enter_context(jax.enable_x64(dtype == "float64"))
    stack.enter_context(jax.default_matmul_precision(products))
    return stack


@dataclass(frozen=True, slots=True)
class Form:
    """A network but for its weights."""

    sizes: tuple[int, ...]
    activations: tuple[Activation, ...]
    loss: Loss

    @classmethod
    def of(cls, network: Network) -> Form:
        return cls(network.sizes, network.activations, network.loss)

    def hollow(self) -> Network:
        """A network of this form without weights, to be given them by ``replace``."""
        shapes = list(itertools.pairwise(self.sizes))
        W, b = [np.zeros((n, m)) for m, n in shapes], [np.zeros(n) for _, n in shapes]
        return Network(W, b, self.activations, self.loss).replace((), ())


@lru_cache(maxsize=32)
def compile_chunk(form: Form, rule: StepRule, batch_size: int) -> Callable[..., Chunk]:
    """A compiled function that takes many steps; the same one for the same arguments.

    It is called with a :class:`Standing`, whose buffers it takes over, :class:`Batches`, the row to begin at, how many
    rows there are, the number of mini-batches, the learning rates and, with dropout, the masks of each of them.
    """
    jax = jax_library()
    jnp, lax = jax.numpy, jax.lax
    hollow, depth = form.hollow(), len(form.sizes) - 1

    def mini_batch(batches: Batches, place: Any, last: Any) -> tuple[Array, Array, Array, Array]:
        """X, t, w of sum 1, and the weight of the rows together; rows beyond the last have weight 0."""

        def rows(array: Array) -> Array:
            return lax.dynamic_slice_in_dim(array, place, batch_size)

        X = rows(batches.X)
        there = (place + jnp.arange(batch_size) < last).astype(X.dtype)
        weight = there if batches.weight is None else there * rows(batches.weight)
        together = jnp.sum(weight)
        if batches.labels is not None:
            target = jax.nn.one_hot(rows(batches.labels), form.sizes[-1], dtype=X.dtype)
        else:
            assert batches.target is not None
            target = rows(batches.target)
        return X, target, weight / jnp.where(together > 0, together, 1), together

    def gradient_of(
        parameters: list[Array], X: Array, target: Array, weight: Array, together: Array, masks: Layers | None
    ) -> tuple[Array, list[Array]]:
        """The loss with its penalty, and the gradient of it, clipped."""
        current = hollow.replace(parameters[:depth], parameters[depth:])
        drawn: Any = None if masks is None else _Drawn(masks)
        trace = propagate(current, X, drawn)
        grads = talk_back(current, trace, target, weight)
        loss, gradient = grads.loss, [*grads.W.values(), *grads.b.values()]
        if rule.l2_penalty:
            # ½λ Σ_i ‖W_i‖² is part of what is minimized: its value of the loss, its derivative λW_i of ∇_{W_i}
            penalty = rule.l2_penalty / (together if rule.l2_per_weight else 1)
            loss = loss + 0.5 * penalty * sum(jnp.sum(W * W) for W in current.W.values())
            gradient = [
                grad + penalty * theta if theta.ndim == 2 else grad
                for grad, theta in zip(gradient, parameters, strict=True)
            ]
        if rule.clip_norm is not None:
            norm = jnp.sqrt(sum(jnp.sum(part * part) for part in gradient))
            factor = jnp.where(norm > rule.clip_norm, rule.clip_norm / norm, 1.0)
            gradient = [part * factor for part in gradient]
        return loss, gradient

    def updated(standing: Standing, gradient: list[Array], rates: Array, taken: Array) -> Standing:
        step = standing.step + 1
        parameters, state = rule.optimizer.step(
            standing.parameters, gradient, standing.state, t=step.astype(rates.dtype), rate=rates[taken]
        )
        return Standing(parameters, state, step)

    def chunk(
        standing: Standing, batches: Batches, place: Any, last: Any, wanted: Any, rates: Array, masks: Any = None
    ) -> Chunk:
        began = standing.step

        def goes_on(carry: Any) -> Any:
            number, _, losses, _ = carry
            return (number < wanted) & ((number == 0) | jnp.isfinite(losses[number - 1]))

        def step(carry: Any) -> Any:
            number, standing, losses, counts = carry
            X, target, weight, together = mini_batch(batches, place + number * batch_size, last)
            drawn = None if masks is None else Layers(mask[number] for mask in masks)
            taken = standing.step - began
            loss, gradient = gradient_of(standing.parameters, X, target, weight, together, drawn)
            count = together
            if batches.weight is None:
                standing = updated(standing, gradient, rates, taken)
            else:  # a mini-batch without weight is left out
                heard = together > 0
                standing = lax.cond(heard, lambda s: updated(s, gradient, rates, taken), lambda s: s, standing)
                loss = jnp.where(heard, loss, 0.0)
                if rule.loss_by_count:
                    rows = jnp.minimum(batch_size, last - (place + number * batch_size))
                    count = jnp.where(heard, rows, 0).astype(loss.dtype)
            return number + 1, standing, losses.at[number].set(loss), counts.at[number].set(count)

        empty = jnp.zeros(AT_ONCE, dtype=batches.X.dtype)
        number, standing, losses, counts = lax.while_loop(goes_on, step, (jnp.int32(0), standing, empty, empty))
        return Chunk(standing, losses, counts, number)

    return jax.jit(chunk, donate_argnums=0)


def copy_of(standing: Standing) -> Standing:
    """The same in buffers of its own."""
    return _copier()(standing)


@cache
def _copier() -> Callable[[Standing], Standing]:
    jax = jax_library()
    return jax.jit(lambda standing: jax.tree.map(jax.numpy.copy, standing))


class _Drawn:
    """Masks that were drawn, in the place of a dropout that draws them."""

    def __init__(self, masks: Layers) -> None:
        self.drawn = masks

    def masks(self, sizes: Sequence[int], count: int, home: Any) -> list[Array]:
        return list(self.drawn.values())
