"""The public verb: measure a network on its data, and say what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...core.network import Network
from ..per_example.pairs import MEMORY_LIMIT
from .diagnosis import Diagnosis
from .doctor import Doctor
from .examination import examine
from .telemetry import Telemetry


def diagnose(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    validation: Any = None,
    history: Doctor | Telemetry | Iterable[Any] | None = None,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    rows: Any = None,
    memory_limit: int = MEMORY_LIMIT,
) -> Diagnosis:
    """What is wrong with a network on these examples, in words with the numbers behind them.

    ``X``, ``y``, ``sample_weight``: as for :func:`~backtalk.gradients`, best those that it was trained on; values of X
    and y that are not finite are accepted, and found. ``validation``: (X, y) or (X, y, sample_weight), for overfitting.
    ``history``: the :class:`Doctor` that was among the callbacks, or the epochs that callbacks got, for findings about
    the course of training. ``columns``, ``classes``: names of X's columns and of classes 0, 1, …, for the findings to
    use; ``rows``: the numbers of its rows, if sentences should not call them 1, 2, …, as in a part of a table.
    ``memory_limit``: bytes that a block of examples may take; besides these, some numbers are kept for each example.

    A NaN stays in every statistic that it belongs to. Arrays of other libraries are converted to NumPy. The thresholds,
    with their reasons, are in one table, ``RULES`` of the package ``backtalk.analysis.diagnose``.

    Raises :class:`~backtalk.errors.InputError` or :class:`~backtalk.errors.InputTypeError` for arguments that do not
    fit the network.

    >>> import numpy as np
    >>> from backtalk import Network
    >>> X = np.random.default_rng(0).normal(size=(100, 3)) * [1, 1, 500]
    >>> diagnosis = diagnose(Network.create([3, 8, 2], "tanh", rng=0), X, X[:, 0] > 0, columns=["a", "b", "salary"])
    >>> diagnosis.healthy, diagnosis.findings[0].kind
    (False, 'inputs_not_scaled')
    """
    findings, measured = examine(
        network,
        X,
        y,
        sample_weight,
        validation=validation,
        history=history,
        columns=columns,
        classes=classes,
        rows=rows,
        memory_limit=memory_limit,
    )
    return Diagnosis(findings, measured, repr(network).splitlines()[0])
