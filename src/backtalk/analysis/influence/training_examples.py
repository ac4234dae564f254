"""``influence``: the training examples that lowered the loss of a test example, and those that raised it."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from ...errors import InputError, InputTypeError
from ...train.recording import Recording
from .agreement import Agreement, agreement_of
from .checkpoints import as_pair
from .extremes import Extremes
from .methods import method_of, recordings_of
from .truth import changes_of, draw_sets

SHOWN = 5  # training examples in a notebook
LEAST_RETRAINED = 3  # to say anything of their order
RETRAINED = 8  # networks that an answer is compared with
LEFT_OUT = 0.5  # share of the examples that each of them does without


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """For each test example, the training examples that lowered its loss most, and those that raised it most.

    ``proponents``, ``opponents``: rows of train, shape (M, k). ``proponent_scores``: their influence, the largest
    first; ``opponent_scores``: the smallest first. Equal scores are in the order of the rows. With few training
    examples, or if all pull the same way, the last proponents have negative scores, or the last opponents positive
    ones.

    Scale: with ``method='tracin'`` the inner product of the gradients of each example's own loss, times the learning
    rate, summed over the networks; with the others, by how much the loss of the test example would rise, to first
    order, if the network were trained without the training example. ``agreement``: how far the influences agree with
    retraining, if that was measured. ``matrix``: all of them, (M, N), if they were asked for.

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
    method: str = "tracin"
    agreement: Agreement | None = None
    matrix: np.ndarray | None = None

    def __repr__(self) -> str:
        M, k = self.proponents.shape
        told = f"Influence on {M} test example{'s' * (M != 1)} by {self.method}, the {k} strongest of each"
        return told if self.agreement is None else f"{told}; {self.agreement}"

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
        agreed = [] if self.agreement is None else [sentence(f"The influences by {self.method}: {self.agreement}.")]
        return view(title, *agreed, rows_table(names, table, words=3), sentence(note))


def influence(
    networks: Any,
    train: tuple[Any, Any],
    test: tuple[Any, Any],
    *,
    method: str = "tracin",
    k: int = 10,
    damping: float | None = None,
    agreement: int | None = None,
    matrix: bool = False,
    learning_rates: Any = None,
    layers: Any = None,
    memory_limit: int | None = None,
) -> Influence:
    """Which training examples lowered, and which raised, the loss of each test example.

    ``method``:

    - ``"tracin"``: Σ_t η_t ∇ℓ(θ_t, z) · ∇ℓ(θ_t, z′): to first order, by how much the loss of z′ falls in a step of
      gradient descent on z alone, summed over networks θ_t from several moments of training ("TracInCP"). The inner
      product of two gradients is Σ_i (δ_i · δ′_i)(h_{i−1} · h′_{i−1} + 1), so none is formed.
    - ``"ekfac"``: ∇ℓ(z′)ᵀ f(G) ∇ℓ(z)/N, with the Gauss-Newton matrix G of each layer in the eigenvectors of its
      Kronecker factors. f is what a run of that length makes of an inverse: (1 − e^{−τΛ})/Λ, with τ the sum of its
      learning rates, each weight's own with Adam. Gradients and G are means over networks along the run.
    - ``"fisher"``: the same with the exact G of all layers together, for some thousand weights or examples.
    - ``"trak"``: φ(z′)ᵀ (ΦᵀΦ + λ)⁻¹ φ(z), times ∂ℓ/∂f of both, with gradients of the output function f (the log-odds
      of the label), projected at random to 1024 numbers; the mean over the networks.
    - ``"unrolled"``: the exact derivative through all steps of the run, as by :func:`~backtalk.hypergradients`.
    - ``"midpoint"``: the same derivative where z has half its weight: in ten runs, each with half the weight of a tenth
      of the examples. Nearer to leaving z out than a small change, at ten times the cost.
    - ``"retrain"``: the run is made again without z, N times: what leaving it out does. What several examples do
      together need not be the sum.

    All of them say by how much the loss of z′ would rise without z, tracin in units of its own. ℓ is each example's own
    loss, without dropout and penalty. The matrix of all influences is not held: only the ``k`` largest and smallest of
    a row are kept, unless ``matrix=True``.

    ``networks``: for tracin one :class:`~backtalk.Network`, or a list; of networks, of pairs (network, learning rate),
    of the :class:`~backtalk.Epoch` records that ``fit(…, callbacks=[kept.append])`` puts into a list ``kept``, or of
    files that :func:`~backtalk.save` wrote or that are checkpoints. They may differ in their hidden layers. For every
    method what ``fit(…, record=True)`` returned, or its :class:`Recording`, or a list of such (of other seeds), whose
    mean is taken (by unrolled and midpoint, of three or more, the median, as one can be enormous); for ekfac, fisher
    and trak a network as well, without its run. ``train``, ``test``: pairs (X, y) of N and M examples, as for
    :func:`~backtalk.gradients`; with recorded trainings ``train`` is what they were trained on. ``k``: how many at
    most; if it is larger than N, all N. ``damping``: for ekfac, fisher and trak, f(Λ) = 1/(Λ + λ), with λ that multiple
    of the mean eigenvalue (of each layer; of G; of ΦᵀΦ); by default as above, for a network without its run 0.3 for
    ekfac and 2 for fisher; for trak 3. ``agreement``: with so many networks, retrained without half of the examples
    each, recorded trainings show how far the result agrees with the truth; 8 by default, 0 for none.
    ``learning_rates``: for tracin, a number, or one for each network, instead of the epochs' own; networks without a
    learning rate have the factor 1. ``layers``: for tracin, the numbers of the layers whose weights and biases count,
    all by default; for large networks the paper takes the last ones. ``memory_limit``: bytes that the computation may
    take besides the networks, the examples and the result: 64 MiB by default for tracin, 1 GiB for the others.

    The arrays of the networks may be of any library for tracin, which computes the products; the result is of NumPy, in
    float32 if all the networks are. The other methods take networks of NumPy and count in float64. Raises
    :class:`~backtalk.errors.InputError` if a gradient, or an influence, is not finite; the error names network and
    example; if a training was not recorded, or its examples were changed since; or if the limit is too small.

    Sources: Pruthi, Liu, Kale, Sundararajan 2020, "Estimating training data influence by tracing gradient descent";
    Grosse et al. 2023, "Studying large language model generalization with influence functions"; Bae, Lin, Lorraine,
    Grosse 2024, "Training data attribution via approximate unrolled differentiation"; Park, Georgiev, Ilyas, Leclerc,
    Madry 2023, "TRAK: attributing model behavior at scale".

    >>> from backtalk import Network
    >>> net = Network([[[0.0]]], [[0.0]], loss="squared_error")  # δ = −y, so the influence is y·y′·(x·x′ + 1)
    >>> train, test = ([[1.0], [2.0], [3.0]], [1.0, -1.0, 1.0]), ([[1.0]], [1.0])
    >>> found = influence(net, train, test, k=2)
    >>> found.proponents, found.proponent_scores
    (array([[2, 0]]), array([[4., 2.]]))
    >>> found.opponents, found.opponent_scores
    (array([[1, 0]]), array([[-3.,  2.]]))
    >>> from backtalk import fit
    >>> training = fit(net, *train, epochs=10, optimizer="sgd(learning_rate=0.1, momentum=0)", rng=0, record=True)
    >>> influence(training, train, test, method="unrolled", k=1).proponents  # without it the loss would rise most
    array([[0]])
    """
    if isinstance(k, bool) or not isinstance(k, Integral):
        raise InputTypeError(f"k is {k!r}, expected a whole number.")
    if k < 1:
        raise InputError(f"k is {k}, expected 1 or more.")
    recordings = recordings_of(networks)
    retrained = _as_retrained(agreement, bool(recordings))
    chosen, limit = method_of(
        method, networks, train, test,
        damping=damping, learning_rates=learning_rates, layers=layers, memory_limit=memory_limit,
    )  # fmt: skip
    sets = _sets(recordings, retrained)
    (M, N) = (len(as_pair(pair, name)[0]) for pair, name in ((test, "test"), (train, "train")))
    k = min(int(k), N)
    rows_of = [np.empty((M, k), np.int64) for _ in range(2)]
    scores_of = [np.empty((M, k), chosen.dtype) for _ in range(2)]
    whole = np.empty((M, N), chosen.dtype) if matrix else None
    sums = np.zeros((M, len(sets)))
    left_out = np.zeros((N, len(sets)))
    for number, rows in enumerate(sets):
        left_out[rows, number] = 1
    for rows, blocks in chosen.blocks(limit, 2 * Extremes.bytes_per_row(k, chosen.dtype.itemsize)):
        best = [Extremes(rows.stop - rows.start, k, sign, chosen.dtype) for sign in (1, -1)]
        for columns, block in blocks:
            for extremes in best:
                extremes.offer(block, columns.start)
            if whole is not None:
                whole[rows, columns] = block
            if sets:
                sums[rows] += block @ left_out[columns]
        for place, extremes in enumerate(best):
            rows_of[place][rows], scores_of[place][rows] = extremes.in_order()
    found = None
    if sets:
        found = agreement_of(method, sums, changes_of(recordings, as_pair(test, "test"), sets), len(sets[0]))
    return Influence(rows_of[0], scores_of[0], rows_of[1], scores_of[1], method, found, whole)


def _as_retrained(agreement: Any, recorded: bool) -> int:
    if agreement is None:
        return RETRAINED if recorded else 0
    if isinstance(agreement, bool) or not isinstance(agreement, Integral):
        raise InputTypeError(f"agreement is {agreement!r}, expected how many networks to retrain.")
    if agreement != 0 and not recorded:
        raise InputError(
            f"agreement is {agreement}, but networks are no recorded trainings: call fit(…, record=True) and give what "
            "it returns."
        )
    count = int(agreement)
    if count < 0 or 0 < count < LEAST_RETRAINED:
        raise InputError(f"agreement is {agreement}, expected {LEAST_RETRAINED} networks or more, or 0 for none.")
    return count


def _sets(recordings: list[Recording], count: int) -> list[np.ndarray]:
    """The rows that each retrained network does without: always the same ones."""
    if not count:
        return []
    rows = np.unique(np.concatenate([epoch.order for each in recordings for epoch in each.epochs]))
    return draw_sets(rows, count, LEFT_OUT, np.random.default_rng(0)) if len(rows) > 1 else []
