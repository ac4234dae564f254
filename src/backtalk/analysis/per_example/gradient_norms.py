"""The norm of every example's gradient: ‖∇_{W_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ · ‖h_{i−1}‖, and ‖∇_{b_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core.arrays import Array, namespace
from ...core.backward import talk_to_weights
from ...core.layers import Layers
from ...core.network import Network
from ...engines.native import passes as native
from ...engines.passes import forward_in_blocks
from ...errors import unknown_name
from .pairs import MEMORY_LIMIT, ExampleSet, Pairs, ParameterArrays, as_part, wide

SCALES = ("own", "share")


@dataclass(frozen=True, slots=True, eq=False)
class ExampleNorms:
    """Euclidean norms of each example's gradient, each of shape (N,).

    ``h[i]`` is ‖h_i‖ for i = 0 … L − 1, ``a[i]`` is ‖∇_{a_i}‖ for i = 1 … L. ``scale``: 'own' where the gradients are
    those of the example's own loss ℓ_n, 'share' where they are those of its share w_n ℓ_n of ℒ: an example of weight 0
    has norms of 0 then. ``losses`` is ℓ_n in either case. ``batch_gradient``: ∇_{W_i}ℒ and ∇_{b_i}ℒ, where they were
    asked for.

    They are in float64 where the network's arrays are NumPy's.
    """

    h: Layers
    a: Layers
    losses: Array
    scale: str
    batch_gradient: ParameterArrays | None = None

    @property
    def W(self) -> Layers:
        """‖∇_{W_i}‖ = ‖∇_{a_i}‖ · ‖h_{i−1}‖."""
        with np.errstate(over="ignore", invalid="ignore"):
            return Layers([self.a[i] * self.h[i - 1] for i in self.a])

    @property
    def b(self) -> Layers:
        """‖∇_{b_i}‖ = ‖∇_{a_i}‖."""
        return self.a

    @property
    def layers(self) -> Layers:
        """Of W_i and b_i together: ‖∇_{a_i}‖ · √(‖h_{i−1}‖² + 1)."""
        return Layers(together([self.W[i], self.b[i]]) for i in self.a)

    @property
    def whole(self) -> Array:
        """Of all weights and biases together."""
        return together(self.layers.values())

    @property
    def whole_without_biases(self) -> Array:
        """Of all weights together."""
        return together(self.W.values())


def norms(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    scale: str = "own",
    batch_gradient: bool = False,
    memory_limit: int = MEMORY_LIMIT,
) -> ExampleNorms:
    """The norm of each example's gradient, layer by layer and whole, without ever forming such a gradient.

    ‖∇_{W_i}ℓ_n‖ = ‖∇_{a_i}ℓ_n‖ · ‖h_{i−1}‖, since ∇_{W_i}ℓ_n is the outer product of the two vectors.

    X: (N, n_0). y, sample_weight: as for :func:`backtalk.gradients`. ``scale``: 'own', of ℓ_n, or 'share', of w_n ℓ_n,
    which add up to ℒ. ``batch_gradient``: the weights' and biases' gradients of ℒ as well, which costs one more product
    of matrices for each layer. ``memory_limit``: bytes that the computation may take besides X and the result.
    A norm is inf or NaN where an example's gradient is. Raises :class:`~backtalk.errors.InputError` for input that does
    not fit. Source: Goodfellow 2015, "Efficient per-example gradient computations"; notation, section 2.

    >>> from backtalk import Network
    >>> net = Network([[[3.0, 4.0]]], [[0.0]], loss="squared_error")
    >>> found = norms(net, [[1.0, 0.0], [0.0, 2.0]], [2.0, 7.0])
    >>> found.W[1], found.b[1]
    (array([1., 2.]), array([1., 1.]))
    >>> found.whole.round(4)
    array([1.4142, 2.2361])
    """
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    examples = ExampleSet.of(network, X, y, sample_weight)
    found = norms_of(examples, memory_limit, batch_gradient=batch_gradient)
    if scale == "own":
        return found
    shares = examples.exact_shares()
    heard = namespace(shares).where(shares > 0, namespace(shares).ones_like(shares), shares)
    h, a = ([as_part(norm, part) for norm in family.values()] for family, part in ((found.h, heard), (found.a, shares)))
    return replace(found, h=Layers(h, first=0), a=Layers(a), scale=scale)


def norms_of(
    examples: ExampleSet, memory_limit: int, *, batch_gradient: bool = False, clip_norm: float = 0.0
) -> ExampleNorms:
    """The norms of examples that are known to fit, of their own losses; and ∇ℒ, or the sum of the clipped gradients."""
    shares = examples.exact_shares() if batch_gradient else None
    blocks, total = [], Sum()
    for rows in examples.slices(memory_limit):
        block = norms_of_block(examples, rows, None if shares is None else shares[rows], clip_norm)
        if block.batch_gradient is not None:
            total.add(block.batch_gradient)
        blocks.append(replace(block, batch_gradient=None))  # kept once, and not for each block
    return replace(joined(blocks), batch_gradient=total.arrays)


def losses(network: Network, X: Any, y: Any) -> Array:
    """ℓ_n, each example's own loss, shape (N,): ℒ is their weighted mean.

    >>> from backtalk import Network
    >>> losses(Network([[[2.0]]], [[0.0]], loss="squared_error"), [[1.0], [3.0]], [1.0, 2.0])
    array([0.5, 8. ])
    """
    examples = ExampleSet.of(network, X, y)
    L = network.depth
    found = []
    for rows, trace in forward_in_blocks(network, examples.X):
        with np.errstate(over="ignore", invalid="ignore"):
            found.append(network.loss.value(trace.a[L], trace.output, examples.targets(rows)))
    return namespace(found[0]).concat(found)


def norms_of_block(
    examples: ExampleSet, rows: slice, parts: Array | None = None, clip_norm: float = 0.0
) -> ExampleNorms:
    """The norms of some rows; and, where each has a part or is clipped, the sums Σ_n c_n ∇ℓ_n of the block.

    c_n is the example's part, or 1, scaled down where its norm exceeds ``clip_norm`` (0: none is).
    """
    network, sums = examples.network, parts is not None or clip_norm > 0
    if native.serves(network):
        h, a, own, W, b = native.row_norms(network, *examples.block(rows), sums=sums, parts=parts, most_norm=clip_norm)
        gradient = ParameterArrays(Layers(W), Layers(b)) if sums else None
        return ExampleNorms(Layers(h, first=0), Layers(a), own, "own", gradient)
    pairs = examples.pairs(rows)
    h, a = Layers(map(row_norms, pairs.h.values()), first=0), Layers(map(row_norms, pairs.a.values()))
    found = ExampleNorms(h, a, pairs.losses, "own")
    if not sums:
        return found
    whole = found.whole
    c = namespace(whole).ones_like(whole) if parts is None else parts
    if clip_norm > 0:
        xp = namespace(whole)
        limit = xp.full_like(whole, clip_norm)  # a norm that is not finite makes the sum so
        c = c * limit / xp.where(whole < math.inf, xp.maximum(whole, limit), xp.full_like(whole, math.nan))
    return replace(found, batch_gradient=weighted_sums(pairs, c, network))


def joined(blocks: list[ExampleNorms]) -> ExampleNorms:
    """The norms of blocks that follow one another, as one."""
    xp = namespace(blocks[0].losses)
    h, a = (
        Layers((xp.concat([family[i] for family in families]) for i in families[0]), first=first)
        for first, families in ((0, [block.h for block in blocks]), (1, [block.a for block in blocks]))
    )
    return ExampleNorms(h, a, xp.concat([block.losses for block in blocks]), "own")


class Sum:
    """The sum of what blocks have for each W_i and b_i."""

    def __init__(self) -> None:
        self.arrays: ParameterArrays | None = None

    def add(self, more: ParameterArrays) -> None:
        """Add the sums of one more block."""
        if self.arrays is None:
            self.arrays = more
            return
        W, b = (Layers(one[i] + other[i] for i in one) for one, other in
                ((self.arrays.W, more.W), (self.arrays.b, more.b)))  # fmt: skip
        self.arrays = ParameterArrays(W, b)


def weighted_sums(pairs: Pairs, w: Array, network: Network) -> ParameterArrays:
    """Σ_n w_n ∇_{W_i}ℓ_n and Σ_n w_n ∇_{b_i}ℓ_n over a block: the third talk, of w ⊙ ∇_{a_i}."""
    with np.errstate(over="ignore", invalid="ignore"):
        pairs = pairs.heard(w)
        grad_a = {i: network.spec.cast(wide(pairs.a[i]) * w[:, None]) for i in pairs.a}
        talks = [talk_to_weights(grad_a[i], pairs.h[i - 1]) for i in pairs.a]
    return ParameterArrays(Layers(W for W, _ in talks), Layers(b for _, b in talks))


def row_norms(array: Array) -> Array:
    """The norm of each row, whatever its size."""
    rows, xp = wide(array), namespace(array)
    largest = positive(xp.max(xp.abs(rows), axis=1))
    with np.errstate(over="ignore", invalid="ignore"):  # of a row with inf, whose norm is inf
        scaled = rows / largest[:, None]
        return largest * xp.sqrt(xp.sum(scaled * scaled, axis=1))


def together(parts: Iterable[Array]) -> Array:
    """√(Σ x²) of some norms of each example, without squares that overflow or vanish."""
    stacked = list(parts)
    xp = namespace(stacked[0])
    array = xp.stack(stacked)
    largest = positive(xp.max(array, axis=0))
    with np.errstate(over="ignore", invalid="ignore"):
        return largest * xp.sqrt(xp.sum((array / largest) ** 2, axis=0))


def positive(sizes: Array) -> Array:
    """What to divide by: 1 where a size is 0 or not finite."""
    xp = namespace(sizes)
    return xp.where((sizes > 0) & (sizes < math.inf), sizes, xp.ones_like(sizes))
