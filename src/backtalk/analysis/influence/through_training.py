"""``hypergradients``: how a loss after training hangs on the examples, rates, penalty and weights it began with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.batch import Batch
from ...core.layers import Layers
from ...errors import InputError, InputTypeError
from ...train.recording import Recording
from ...train.records import Training
from ..per_example.examples import as_batch
from ..per_example.pairs import as_bytes, slices
from .checkpoints import as_pair
from .own_gradients import ALL
from .unrolled.adjoints import Adjoints, require_known
from .unrolled.sweep import sweep
from .unrolled.trajectory import bytes_along

MEMORY_LIMIT = 2**30  # bytes


@dataclass(frozen=True, slots=True, eq=False)
class Hypergradients:
    """Derivatives of the loss of each of M test examples, ℓ_q(θ_T), through all T steps of a training.

    ``examples`` (M, N): by a factor on the weight of each training example: dℓ_q/dε_n at ε = 0 with weights
    w_n(1 + ε_n). Its negative is, to first order, by how much ℓ_q would rise without example n. ``learning_rates``
    (M, T): by the learning rate of each step. ``l2_penalty`` (M,): by λ. ``W``, ``b``: by the initial weights and
    biases, shapes (M, n_i, n_{i−1}) and (M, n_i).

    >>> from backtalk import Network, fit, hypergradients
    >>> start = Network([[[0.0]]], [[0.0]], loss="squared_error")
    >>> training = fit(start, [[1.0]], [1.0], epochs=2, optimizer="gd(learning_rate=0.25)", record=True)
    >>> found = hypergradients(training, ([[1.0]], [1.0]))  # W_1 + b_1 = ¾, and the residual is −¼ = −(1 − 2η)²
    >>> found.learning_rates, found.W[1][0]
    (array([[-0.25, -0.25]]), array([[-0.0625]]))
    """

    examples: np.ndarray
    learning_rates: np.ndarray
    l2_penalty: np.ndarray
    W: Layers
    b: Layers

    def _repr_html_(self) -> str:
        """What a notebook shows: how large the derivatives are by each thing."""
        from ...core.views import arrays_table
        from ...pages.view import view

        initial = {f"{name}_{i} at first": array for name in "Wb" for i, array in getattr(self, name).items()}
        things = {"examples": self.examples, "learning rates": self.learning_rates, "L2 penalty": self.l2_penalty}
        count = len(self.examples)
        title = f"Derivatives of the loss of {count} test example{'s' * (count != 1)}, through all steps of a training"
        return view(title, arrays_table("by", things | initial))


def hypergradients(
    training: Training | Recording, test: tuple[Any, Any], *, memory_limit: int = MEMORY_LIMIT
) -> Hypergradients:
    """The exact derivatives of test losses through a recorded training: back-propagation through its steps.

    From ∇ℓ_q(θ_T) each step is followed backwards: through the optimizer's update with its state (SGD, momentum,
    Nesterov, Adam in both forms, AdamW, gradient descent), clipping, weight decay, penalty and dropout's masks, and
    through the gradient, whose derivative along a direction is a product with the Hessian
    (:func:`~backtalk.hessian_product`). The steps are taken again from the recording, by the engine that took them.
    What training decided (when to stop, the factors of a schedule) counts as fixed. At a kink of an activation the
    derivative is that from one side.

    ``training``: from ``fit(…, record=True)``, or a :class:`Recording`. ``test``: a pair (X, y) of M examples.
    ``memory_limit``: bytes for the networks along the way, and for what is followed of each query: if not all T
    networks fit into half of it, or into 64 MiB, about 2√T are kept and the others computed again. The results are in
    float64. Raises :class:`~backtalk.errors.InputError` if the training was not recorded, by another optimizer, if its
    examples were changed since, or if the limit is too small (it names the least).

    Source: Maclaurin, Duvenaud and Adams 2015, "Gradient-based hyperparameter optimization through reversible
    learning"; for examples Hara, Nitanda and Maehara 2019, "Data cleansing for models trained with SGD".

    >>> from backtalk import Network, fit, hypergradients
    >>> X, y = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.2]]), [0, 1, 1]
    >>> training = fit(Network.create([2, 3, 2], "tanh", rng=0), X, y, epochs=20, rng=0, record=True)
    >>> found = hypergradients(training, ([[0.9, 0.1]], [1]))
    >>> found.examples.shape, bool(found.examples[0, 2] < 0)  # row 2 is like it: its weight lowers the loss
    ((1, 3), True)
    """
    recording = recording_of(training)
    require_known(recording.settings.optimizer)
    queries = as_batch(recording.end, *as_pair(test, "test"))
    found = list(_sweeps(recording, queries, as_bytes(memory_limit)))
    L = recording.start.depth

    start = [np.concatenate([each.parameters[k] for each in found]) for k in range(2 * L)]
    return Hypergradients(
        examples=np.concatenate([each.examples for each in found]),
        learning_rates=np.concatenate([each.rates for each in found]),
        l2_penalty=np.concatenate([each.penalty for each in found]),
        W=Layers(start[:L]),
        b=Layers(start[L:]),
    )


def recording_of(training: Any) -> Recording:
    """The recording of a training, or the one that is given, whose examples are as they were."""
    if not isinstance(training, Training | Recording):
        raise InputTypeError(f"training is a {type(training).__name__}, expected what fit(…, record=True) returned.")
    recording = training.record if isinstance(training, Training) else training
    if recording is None:
        raise InputError("training was not recorded: call fit(…, record=True).")
    if not isinstance(recording.start.W[1], np.ndarray):
        raise InputError("training is of a network of another library, expected one of NumPy: train network.to(numpy).")
    recording.require_unchanged()
    return recording


def require_the_same_examples(recording: Recording, train: Batch) -> None:
    """Raise :class:`~backtalk.errors.InputError` unless these are the examples of the recorded run."""
    own = recording.examples
    if own.X.shape != train.X.shape or not np.array_equal(own.X, train.X):
        raise InputError("train is not the X and y of the recorded run: give the same ones.")
    if not np.array_equal(own.target(), train.target()):
        raise InputError("train has other labels than the recorded run: give the same ones.")


def _sweeps(recording: Recording, queries: Batch, memory_limit: int) -> Iterator[Adjoints]:
    """Some queries after others, as many together as the limit has room for beside the networks along the way."""
    each = bytes_per_query(recording)
    stride, along = bytes_along(recording, memory_limit)
    for rows in slices(queries.count, max(1, (memory_limit - along) // each)):
        yield sweep(recording, queries.rows(rows), stride)


def bytes_per_query(recording: Recording) -> int:
    """What is followed of each query: θ̄, the state's adjoints and what a step makes of them; and its row."""
    size = 8 * sum(part.size for part in (*recording.start.W.values(), *recording.start.b.values()))
    of_batch = 16 * min(recording.batch_size, recording.examples.count) * sum(recording.start.sizes[1:])
    return size * (5 + len(recording.settings.optimizer.families)) + of_batch + 8 * recording.examples.count


class Unrolled:
    """The influence of the examples of a recorded run: to first order, what its end owes to each."""

    recording: Recording
    memory_limit: int

    def __init__(self, recording: Recording, memory_limit: int) -> None:
        require_known(recording.settings.optimizer)
        self.recording, self.memory_limit = recording, memory_limit

    def of(self, queries: Batch, columns: slice = ALL) -> np.ndarray:
        """(M, n): by how much the loss of each query would rise without each of the examples ``columns``."""
        sweeps = _sweeps(self.recording, queries, self.memory_limit)
        return -np.concatenate([each.examples[:, columns] for each in sweeps])

    def bytes_per_query(self) -> int:
        """What one more query takes."""
        return bytes_per_query(self.recording)
