"""Inner products of examples' gradients, from pairs: Gram matrices and cosines; and the gradients themselves."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from types import MappingProxyType
from typing import Any

from ...core.arrays import Array, namespace
from ...core.norms import euclidean_norm
from ...errors import InputError, unknown_name
from ..per_example.directions import Cosines, warn_undefined, where_defined
from ..per_example.explicit import ExampleGradients
from ..per_example.gradient_norms import SCALES, positive
from ..per_example.pairs import as_bytes, rows_within, slices
from .moments import gradient_norm
from .norms import norms_of, weighted_sums
from .pairs import BatchPairs, Pairs, by_name, outer_products, scaled, units_within


def gram_of(one: BatchPairs, two: BatchPairs, layers: Sequence[str] | None, memory_limit: int) -> Array:
    """⟨∇ℓ_n, ∇ℓ_m⟩ of every example of one pass and every one of the other."""
    lefts = one.chosen(layers)
    rights = {(part.name, part.weights, part.biases): part for part in two.chosen(layers)}
    total: Array = 0
    for left in lefts:
        right = rights.get((left.name, left.weights, left.biases))
        if right is None or (right.inputs, right.outputs) != (left.inputs, left.outputs):
            raise InputError(f"other has no layer '{left.name}' like that of this pass: expected the same model.")
        found: Array = 0
        if left.weights:
            found = _of_weights(left, right, as_bytes(memory_limit))
        if left.biases:
            a, other = (
                namespace(part.hearings[0].a).concat([a.sum(1) for _, _, a in part.blocks(memory_limit)])
                for part in (left, right)
            )
            found = found + a @ other.mT
        total = total + found.to(lefts[0].hearings[0].a.device)
    if len(rights) != len(lefts):
        raise InputError("other has heard other layers than this pass: expected the same ones, or a choice of layers.")
    return one.factor * two.factor * total


def _of_weights(left: Pairs, right: Pairs, memory_limit: int) -> Array:
    """Σ_{t,s} (∇_{a_t}·∇_{a_s}′)(h_t·h_s′), or of the sums over t themselves, where that is less work and has room."""
    n, m, T, S = left.inputs, left.outputs, left.places, right.places
    of_a_unit = left.itemsize * n * (left.count + right.count)
    if T * S * (n + m) > n * m and 4 * of_a_unit <= memory_limit:
        at_once = units_within(memory_limit // 4, of_a_unit, m)
        return sum(
            _sums(left, units, memory_limit // 4) @ _sums(right, units, memory_limit // 4).mT
            for units in slices(m, at_once)
        )
    xp, rows_at_once = namespace(left.hearings[0].a), _square_of(left, right, memory_limit)
    found = []
    for rows in slices(left.count, rows_at_once):
        h, a = (part.flatten(0, 1) for part in left.block(rows))
        row = []
        for columns in slices(right.count, rows_at_once):
            h_other, a_other = (part.flatten(0, 1) for part in right.block(columns))
            products = (a @ a_other.mT) * (h @ h_other.mT)
            row.append(products.reshape(-1, T, products.shape[1] // S, S).sum((1, 3)))
        found.append(xp.concat(row, axis=1))
    return xp.concat(found)


def _sums(part: Pairs, units: slice, memory_limit: int) -> Array:
    """Σ_t ∇_{a_t} h_tᵀ of all examples for some units, (B, units·n)."""
    found = [(a[:, :, units].mT @ h).flatten(1) for _, h, a in part.blocks(max(memory_limit, _one(part)))]
    return namespace(found[0]).concat(found)


def _one(part: Pairs) -> int:
    return part.itemsize * 3 * part.places * (part.inputs + part.outputs)


def _square_of(left: Pairs, right: Pairs, memory_limit: int) -> int:
    """Rows of a block, so that two blocks and the products of their places stay within the limit."""
    each, entry = _one(left) + _one(right), 2 * left.itemsize * left.places * right.places
    rows = rows_within(memory_limit, each + entry, f"one example at layer '{left.name}'")
    while rows > 1 and rows * each + rows * rows * entry > memory_limit:
        rows //= 2
    return rows


def cosines_of(batch: BatchPairs, memory_limit: int) -> Cosines:
    """cos(∇ℓ_n, ∇s) of each example."""
    norms, sums = norms_of(batch, memory_limit, "share"), weighted_sums(batch, None, memory_limit)
    layers, whole = norms.layers, norms.whole
    W, b = sums.W, sums.b
    lengths = {
        name: math.hypot(*(euclidean_norm(family[name]) for family in (W, b) if name in family)) for name in layers
    }
    parts: dict[str, Array] = {}
    for part in batch.parts:
        length, norm = lengths[part.name] or 1.0, positive(layers[part.name])
        blocks = []
        for rows, h, a in part.blocks(memory_limit, part.places * part.inputs):
            a, size = scaled(a)
            inner: Array = 0
            if part.weights:
                inner = ((a @ (W[part.name] / length)) * h).sum((1, 2))
            if part.biases:
                inner = inner + a.sum(1) @ (b[part.name] / length)
            blocks.append(inner * (size / norm[rows]))
        found = namespace(blocks[0]).concat(blocks)
        parts[part.name] = parts[part.name] + found if part.name in parts else found
    # Σ over layers of cos · ‖∇ℓ_n of the layer‖/‖∇ℓ_n‖ · ‖∇s of the layer‖/‖∇s‖
    length = gradient_norm(sums)
    terms = [
        (parts[name] * layers[name] * (lengths[name] / (length or 1.0))).to(whole.device) / positive(whole)
        for name in parts
    ]
    undefined = warn_undefined(whole, length)
    return Cosines(
        where_defined(sum(terms[1:], terms[0]), whole, length),
        MappingProxyType({name: where_defined(parts[name], layers[name], lengths[name]) for name in parts}),
        undefined,
    )


def gradients_of(
    batch: BatchPairs, layers: Sequence[str] | None, scale: str, memory_limit: int
) -> Iterator[ExampleGradients]:
    """The gradients of single examples, a block of examples after the other."""
    if scale not in SCALES:
        raise unknown_name("scale", scale, SCALES)
    parts = batch.chosen(layers)
    each = sum(
        part.itemsize * (3 * part.places + part.outputs) * (part.inputs + part.outputs) for part in parts
    )  # the pairs, and the gradients
    rows_at_once = rows_within(memory_limit, each, "one example with its gradient")
    factor = batch.factor if scale == "own" else 1.0
    return (_explicit(parts, rows, factor, scale) for rows in slices(batch.count, rows_at_once))


def _explicit(parts: list[Pairs], rows: slice, factor: float, scale: str) -> ExampleGradients:
    blocks: dict[int, Any] = {id(part): part.block(rows) for part in parts}

    def of_weights(part: Pairs) -> Array:
        h, a = blocks[id(part)]
        return factor * next(W for _, W in outer_products(h, a, part.outputs))

    W = by_name(parts, "weights", of_weights)
    b = by_name(parts, "biases", lambda part: factor * blocks[id(part)][1].sum(1))
    return ExampleGradients(rows, MappingProxyType(W), MappingProxyType(b), scale)
