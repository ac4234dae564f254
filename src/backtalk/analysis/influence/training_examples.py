"""``influence``: the training examples that lowered the loss of a test example, and those that raised it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from ...errors import InputError, InputTypeError
from ..per_example.pairs import MEMORY_LIMIT
from .checkpoints import as_moments, as_pair, batches_of, layers_of_each
from .extremes import Extremes
from .products import Products

SHOWN = 5  # training examples in a notebook


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """For each test example, the training examples that lowered its loss most, and those that raised it most.

    ``proponents``, ``opponents``: rows of train, shape (M, k). ``proponent_scores``: their influence, the largest
    first; ``opponent_scores``: the smallest first. Equal scores are in the order of the rows. With few training
    examples, or if all pull the same way, the last proponents have negative scores, or the last opponents positive
    ones.

    Scale: the inner product of the gradients of each example's own loss, times the learning rate, summed over the
    networks.

    >>> from backtalk import Network, influence
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> found = influence(net, ([[1.0], [2.0], [3.0]], [1.0, -1.0, 1.0]), ([[1.0]], [1.0]), k=1)
    >>> found.proponents, found.opponents, found.opponent_scores
    (array([[2]]), array([[1]]), array([[-3.]]))
    """

    proponents: np.ndarray
    proponent_scores: np.ndarray
    opponents: np.ndarray
    opponent_scores: np.ndarray

    def _repr_html_(self) -> str:
        """What a notebook shows: the strongest rows of train for each test example."""
        from ...pages.view import rows_table, sentence, view

        def told(rows: np.ndarray, scores: np.ndarray) -> str:
            pairs = zip(rows[:SHOWN], scores[:SHOWN], strict=True)
            return ", ".join(f"{row} ({score:.3g})" for row, score in pairs)

        columns = (self.proponents, self.proponent_scores), (self.opponents, self.opponent_scores)
        table = [[str(n), *(told(rows[n], scores[n]) for rows, scores in columns)] for n in range(len(self.proponents))]
        names = ["test example", "lowered its loss", "raised its loss"]
        note = f"Rows of train with their influence, at most {SHOWN} each, counted from 0."
        title = f"Influence on {len(table)} test example{'s' * (len(table) != 1)}"
        return view(title, rows_table(names, table, words=3), sentence(note))


def influence(
    networks: Any,
    train: tuple[Any, Any],
    test: tuple[Any, Any],
    *,
    k: int = 10,
    learning_rates: Any = None,
    layers: Any = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Influence:
    """Which training examples lowered, and which raised, the loss of each test example: TracIn.

    The influence of z on z′ is Σ_t η_t ∇ℓ(θ_t, z) · ∇ℓ(θ_t, z′): to first order, by how much the loss of z′ falls in
    a step of gradient descent on z alone, summed over networks θ_t from several moments of training ("TracInCP"). ℓ is
    each example's own loss. The inner product of two gradients is Σ_i (δ_i · δ′_i)(h_{i−1} · h′_{i−1} + 1), so none is
    formed, and neither is the matrix of all influences: only the ``k`` largest and smallest of a row are kept. Dropout
    and L2 penalty have no part in ℓ.

    ``networks``: one :class:`~backtalk.Network`, or a list; of networks, of pairs (network, learning rate), of the
    :class:`~backtalk.Epoch` records that ``fit(…, callbacks=[kept.append])`` puts into a list ``kept``, or of files
    that :func:`~backtalk.save` wrote or that are checkpoints. ``learning_rates``: a number, or one for each network,
    instead of the epochs' own; networks without a learning rate have the factor 1. They may differ in their hidden
    layers. ``train``, ``test``: pairs (X, y) of N and M examples, as for :func:`~backtalk.gradients`. ``k``: how many
    at most; if it is larger than N, all N. ``layers``: the numbers of the layers whose weights and biases count, all by
    default; for large networks the paper takes the last ones. ``memory_limit``: bytes that the computation may take
    besides the networks, the examples and the result.

    The arrays of the networks may be of any library, which computes the products; the result is of NumPy, in float32 if
    all the networks are. Raises :class:`~backtalk.errors.InputError` if a gradient, or an influence, is not finite; the
    error names network and example. The whole matrix (M, N) for one network is
    ``per_example.gram(network, *test, train)``.

    Source: Pruthi, Liu, Kale, Sundararajan 2020, "Estimating training data influence by tracing gradient descent".

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")  # δ = −y, so the influence is y·y′·(x·x′ + 1)
    >>> found = influence(net, ([[1.0], [2.0], [3.0]], [1.0, -1.0, 1.0]), ([[1.0]], [1.0]), k=2)
    >>> found.proponents, found.proponent_scores
    (array([[2, 0]]), array([[4., 2.]]))
    >>> found.opponents, found.opponent_scores
    (array([[1, 0]]), array([[-3.,  2.]]))
    """
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise InputTypeError(f"k is {k!r}, expected a whole number.")
    if k < 1:
        raise InputError(f"k is {k}, expected 1 or more.")
    moments = as_moments(networks, learning_rates)
    chosen = layers_of_each(layers, moments)
    sets = {name: batches_of(moments, *as_pair(pair, name), name) for name, pair in (("train", train), ("test", test))}
    products = Products(moments, chosen, sets["test"], sets["train"])
    M, k = sets["test"][0].count, min(int(k), sets["train"][0].count)
    rows_of = [np.empty((M, k), np.int64) for _ in range(2)]
    scores_of = [np.empty((M, k), products.dtype) for _ in range(2)]
    for rows, blocks in products.blocks(memory_limit, 2 * Extremes.bytes_per_row(k, products.dtype.itemsize)):
        best = [Extremes(rows.stop - rows.start, k, sign, products.dtype) for sign in (1, -1)]
        for columns, block in blocks:
            for extremes in best:
                extremes.offer(block, columns.start)
        for place, extremes in enumerate(best):
            rows_of[place][rows], scores_of[place][rows] = extremes.in_order()
    return Influence(rows_of[0], scores_of[0], rows_of[1], scores_of[1])
