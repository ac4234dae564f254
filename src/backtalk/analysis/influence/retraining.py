"""``retrain``: the same run without some of its examples, many times; the truth that influence is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np

from ...core.network import Network
from ...engines.native.kernels import threads
from ...errors import InputError, InputTypeError
from ...train.recording import Recording
from ...train.records import Training
from .through_training import recording_of


def retrain(training: Training | Recording, without: Sequence[Any]) -> list[Network]:
    """The networks that a recorded run would have given without some of its examples.

    One for each entry of ``without``. Each is trained from the same initial weights, with the same order,
    mini-batches, rates and masks, by the same engine, and the examples that are left out have the weight 0. So
    ``retrain(training, [[]])[0]`` is, to the bit, the network of the run.

    ``training``: from ``fit(…, record=True)``, or a :class:`Recording`. ``without``: for each network a row number,
    from 0, or a list of them. With ``patience``, a run ends where the recorded one did. Raises
    :class:`~backtalk.errors.InputError` for rows that it does not have, or if nothing is left.

    >>> import numpy as np
    >>> from backtalk import Network, fit, retrain
    >>> training = fit(Network.create([2, 2], rng=0), np.eye(2), [0, 1], epochs=3, rng=0, record=True)
    >>> len(retrain(training, range(2))), bool((retrain(training, [[]])[0].W[1] == training.network.W[1]).all())
    (2, True)
    """
    recording = recording_of(training)
    sets = [_rows(recording, given, number) for number, given in enumerate(without)]
    with ThreadPoolExecutor(max_workers=threads()) as pool:
        return list(pool.map(lambda rows: _trained(recording, rows), sets))


def _rows(recording: Recording, given: Any, number: int) -> np.ndarray:
    rows = np.atleast_1d(np.asarray(given if np.ndim(given) or np.size(given) else [], dtype=None))
    if rows.size == 0:
        rows = np.zeros(0, np.int64)
    if rows.ndim != 1 or rows.dtype.kind not in "iu":
        raise InputTypeError(
            f"without[{number}] holds {rows.dtype} in the shape {rows.shape}, expected a row number or a list of them."
        )
    count = recording.examples.count
    if rows.size and (rows.min() < 0 or rows.max() >= count):
        raise InputError(f"without[{number}] holds a row outside of 0 to {count - 1}: expected rows of the training.")
    return rows


def _trained(recording: Recording, rows: np.ndarray) -> Network:
    examples = recording.examples
    weight = np.ones(examples.count, examples.X.dtype) if examples.weight is None else np.array(examples.weight)
    if len(rows):
        weight[rows] = 0
        examples = replace(examples, weight=weight)
    if not weight[recording.epochs[0].order].any():
        raise InputError("without leaves no example to train on.")
    return recording.network_of(examples)
