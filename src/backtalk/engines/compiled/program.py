"""The formulas of forward.py and backward.py, compiled by JAX: a whole chunk of steps of training in one call.

Nothing is derived anew here: :func:`~backtalk.core.forward.propagate` and
:func:`~backtalk.core.backward.talk_back` are traced once for the shapes at hand, and what XLA makes of them runs on the
CPU, GPU or TPU that JAX finds.
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

from ...core.activations import Activation
from ...core.arrays import Array
from ...core.backward import talk_back
from ...core.forward import propagate
from ...core.head import Head
from ...core.layers import Layers
from ...core.network import Network
from ...core.objective import add_penalty, clip
from ...errors import MissingLibraryError
from ..devices import AXIS, Devices

AT_ONCE = 4096  # steps of a chunk, at the most
PRODUCTS = {"compiled": "float32", "compiled_bfloat16": "BF16_BF16_F32"}  # the engine's name: how products are made


class Batches(NamedTuple):
    """Mini-batches in the order in which they are taken, each filled up to the same number of rows by weights of 0.

    ``X`` (mini-batches, rows, n_0); ``labels`` (mini-batches, rows) of a one-hot target or ``target`` (…, k);
    ``weight`` (mini-batches, rows), of sum 1 in each; ``total`` (mini-batches,): the weight of all its rows.
    """

    X: Array
    labels: Array | None
    target: Array | None
    weight: Array
    total: Array


class DeviceState(NamedTuple):
    """Where the steps stand, on the devices: W_1 … W_L, b_1 … b_L, the optimizer's state, and the number of updates."""

    parameters: list[Array]
    optimizer: dict[str, list[Array]]
    step: Array


class Chunk(NamedTuple):
    """What a chunk did: where training stands after it, and the loss of each mini-batch.

    ``count``: mini-batches that were taken; fewer than asked for where the loss of the last one is not finite.
    """

    state: DeviceState
    losses: Array
    count: Array


@dataclass(frozen=True, slots=True)
class StepRule:
    """What a step minimizes and how, as :class:`~backtalk.engines.steps.StepSettings` says; frozen for the compiler.

    The learning rates and the size of the penalty are no part of it: they are given with the steps. ``penalizes``:
    whether there is a penalty. ``skips``: mini-batches without weight are left out.
    """

    optimizer: Any
    penalizes: bool
    l2_per_weight: bool
    clip_norm: float | None
    skips: bool = False


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
    head: Head

    @classmethod
    def of(cls, network: Network) -> Form:
        return cls(network.sizes, network.activations, network.head)

    def hollow(self) -> Network:
        """A network of this form without weights, to be given them by ``replace``."""
        shapes = list(itertools.pairwise(self.sizes))
        W, b = [np.zeros((n, m)) for m, n in shapes], [np.zeros(n) for _, n in shapes]
        return Network(W, b, self.activations, self.head.loss, output=self.head.output).replace((), ())


@lru_cache(maxsize=32)
def compile_chunk(form: Form, rule: StepRule, devices: Devices) -> Callable[..., Chunk]:
    """A compiled function that takes many steps; the same one for the same arguments.

    It is called with a :class:`DeviceState`, whose buffers it takes over, :class:`Batches`, the mini-batch to begin at,
    the number of them, the learning rates, the L2 penalty and, with dropout, the masks of each of them.

    With many devices, each has its rows of every mini-batch, and the gradient is the sum of theirs. Where the
    parameters lie in parts, XLA gathers those that a product needs.
    """
    jax = jax_library()
    jnp, lax = jax.numpy, jax.lax
    hollow, depth = form.hollow(), len(form.sizes) - 1
    by_device = devices.count > 1 and not devices.sharded  # each device runs the program on its own rows

    def gradient_of(
        parameters: list[Array], batch: Batches, l2_penalty: Array, masks: Layers | None
    ) -> tuple[Array, list[Array]]:
        """The loss with its penalty, and the gradient of it, clipped."""
        current = hollow.replace(parameters[:depth], parameters[depth:])
        target = batch.target
        if batch.labels is not None:
            target = jax.nn.one_hot(batch.labels, form.sizes[-1], dtype=batch.X.dtype)
        drawn: Any = None if masks is None else _Drawn(masks)
        trace = propagate(current, batch.X, drawn)
        grads = talk_back(current, trace, target, batch.weight)
        loss, gradient = grads.loss, [*grads.W.values(), *grads.b.values()]
        if by_device:
            loss, gradient = summed(loss, gradient)
        if rule.penalizes:
            penalty = l2_penalty / (batch.total if rule.l2_per_weight else 1)
            loss, gradient = add_penalty(loss, gradient, parameters[:depth], penalty, number=lambda total: total)
        if rule.clip_norm is not None:
            gradient = clip(gradient, rule.clip_norm, norm_of, lambda most, norm: jnp.where(norm > most, norm, most))
        return loss, gradient

    def norm_of(gradient: Sequence[Array]) -> Array:
        return jnp.sqrt(sum(jnp.sum(part * part) for part in gradient))

    def summed(loss: Array, gradient: list[Array]) -> tuple[Array, list[Array]]:
        """The sums over the devices, by one message of all numbers rather than one for each array."""
        every = lax.psum(jnp.concatenate([loss[None], *[part.reshape(-1) for part in gradient]]), AXIS)
        ends = list(itertools.accumulate([1, *[part.size for part in gradient]]))
        parts = [every[first:last] for first, last in itertools.pairwise(ends)]
        return every[0], [part.reshape(like.shape) for part, like in zip(parts, gradient, strict=True)]

    def in_place(parts: list[Array]) -> list[Array]:
        """The same, lying where parameters do."""
        if not devices.sharded:
            return parts
        return [lax.with_sharding_constraint(part, devices.parameter_sharding(part.shape)) for part in parts]

    def updated(state: DeviceState, gradient: list[Array], rates: Array, taken: Array) -> DeviceState:
        step = state.step + 1
        parameters, optimizer = rule.optimizer.step(
            state.parameters, in_place(gradient), state.optimizer, t=step.astype(rates.dtype), rate=rates[taken]
        )
        return DeviceState(in_place(parameters), {name: in_place(parts) for name, parts in optimizer.items()}, step)

    def chunk(
        state: DeviceState, batches: Batches, first: Any, wanted: Any, rates: Array, l2_penalty: Any, masks: Any = None
    ) -> Chunk:
        began = state.step

        def goes_on(carry: Any) -> Any:
            number, _, losses = carry
            return (number < wanted) & ((number == 0) | jnp.isfinite(losses[number - 1]))

        def step(carry: Any) -> Any:
            number, state, losses = carry
            batch = jax.tree.map(lambda each: lax.dynamic_index_in_dim(each, first + number, keepdims=False), batches)
            drawn = None if masks is None else Layers(mask[number] for mask in masks)
            taken = state.step - began
            loss, gradient = gradient_of(state.parameters, batch, l2_penalty, drawn)
            if not rule.skips:
                state = updated(state, gradient, rates, taken)
            else:
                weighs = batch.total > 0
                state = lax.cond(weighs, lambda s: updated(s, gradient, rates, taken), lambda s: s, state)
                loss = jnp.where(weighs, loss, 0.0)
            return number + 1, state, losses.at[number].set(loss)

        empty = jnp.zeros(AT_ONCE, dtype=batches.X.dtype)
        number, state, losses = lax.while_loop(goes_on, step, (jnp.int32(0), state, empty))
        return Chunk(state, losses, number)

    if by_device:
        chunk = _by_device(chunk, devices)
    return jax.jit(chunk, donate_argnums=0)


def _by_device(chunk: Callable[..., Chunk], devices: Devices) -> Callable[..., Chunk]:
    """The same program on each device, with the device's rows of each mini-batch and of each mask."""
    import jax
    from jax.sharding import PartitionSpec

    whole, rows = PartitionSpec(), PartitionSpec(None, AXIS)

    def run(
        state: DeviceState, batches: Batches, first: Any, wanted: Any, rates: Any, l2_penalty: Any, *masks: Any
    ) -> Chunk:
        of_batches = Batches(rows, rows, rows, rows, whole)
        specs = (whole, of_batches, whole, whole, whole, whole, *[rows for _ in masks])
        each = jax.shard_map(chunk, mesh=devices.mesh, in_specs=specs, out_specs=whole)
        return each(state, batches, first, wanted, rates, l2_penalty, *masks)

    return run


def copy_of(state: DeviceState) -> DeviceState:
    """The same in buffers of its own."""
    return _copier()(state)


@cache
def _copier() -> Callable[[DeviceState], DeviceState]:
    jax = jax_library()
    return jax.jit(lambda state: jax.tree.map(jax.numpy.copy, state))


def all_finite(parameters: list[Array], devices: Devices) -> bool:
    """Whether every number of the parameters is finite."""
    if devices.is_host:  # NumPy looks at them in less than half the time
        return all(bool(np.isfinite(np.asarray(part)).all()) for part in parameters)
    return bool(np.asarray(_finite()(parameters)))


@cache
def _finite() -> Callable[[list[Array]], Array]:
    jax = jax_library()
    jnp = jax.numpy
    return jax.jit(lambda parameters: jnp.all(jnp.array([jnp.isfinite(part).all() for part in parameters])))


class _Drawn:
    """Masks that were drawn, instead of a dropout that draws them."""

    def __init__(self, masks: Layers) -> None:
        self.drawn = masks

    def masks(self, sizes: Sequence[int], count: int, spec: Any) -> list[Array]:
        return list(self.drawn.values())
