"""Measure a network on its data, and find what is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...core.network import Network
from ...errors import InputError, InputTypeError
from ..per_example.pairs import MEMORY_LIMIT
from .doctor import Doctor
from .examples import Examples
from .finding import Finding
from .gather import measure
from .measure import Measurements
from .peers import Peers, compare
from .ranking import rank, without_rate_in_vain, worst_of_each_kind
from .rules import arrival, course, curves, finite, fit, held_back, inputs, layers, outputs, rates, targets
from .rules.examples import find_dominating, find_mislabelled
from .rules.features import find_uninformative_features
from .telemetry import Recorder, Telemetry
from .thresholds import LIMITS

OF_NETWORK_AND_DATA = (
    finite.find_non_finite,
    targets.find_one_target,
    targets.find_wrong_loss,
    outputs.find_wrong_output,
    inputs.find_input_scale,
    targets.find_target_scale,
    inputs.find_useless_columns,
    targets.find_missing_classes,
    arrival.find_linear_layers,
    arrival.find_symmetry,
    arrival.find_nothing_arrives,
    arrival.find_large_start,
    targets.find_class_imbalance,
    find_dominating,
    layers.find_silent_units,
    layers.find_layer_not_learning,
    fit.find_overfitting_now,
)


def examine(
    network: Network,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    validation: Any = None,
    history: Any = None,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    rows: Any = None,
    memory_limit: int = MEMORY_LIMIT,
) -> tuple[tuple[Finding, ...], Measurements]:
    """The findings, ranked, and what was measured; the arguments are those of :func:`backtalk.diagnose`."""
    examples = Examples.of(network, X, y, sample_weight)
    held_out = None if validation is None else _validation(network, validation)
    telemetry = _telemetry(history)
    if any(len(rows) != network.depth for rows in telemetry.measured()):
        raise InputError(f"history is of a network with other layers, expected that of one with {network.depth}.")
    count, width = examples.X.shape
    outputs = max(2, network.sizes[-1])
    named = _names(columns, width), _names(classes, outputs, "classes", "the network", "classes")
    measured = measure(examples, telemetry, held_out, *named, _numbers(rows, count), memory_limit)
    with np.errstate(all="ignore"):  # of a ratio of what is nearly infinite
        findings = rank(without_rate_in_vain(_findings(examples, measured)))
    return findings, measured


def _findings(examples: Examples, measured: Measurements) -> list[Finding]:
    network, telemetry = examples.network, measured.telemetry
    found = [each for rule in OF_NETWORK_AND_DATA for each in rule(network, measured)]
    found += inputs.find_duplicate_columns(network, measured, examples.X)
    peers = compare(examples, LIMITS.trial_work)
    share = measured.share_of_baseline or 0.0
    # weights of classes that training had and these examples have not make other probabilities
    own = telemetry.settings.get("class_weight") is not None and len(np.unique(examples.weight)) == 1
    alike = None if own else peers
    ahead = None if alike is None else alike.ahead
    is_behind = ahead is not None and telemetry.epochs > 0 and ahead >= LIMITS.ahead and share > LIMITS.small
    found += find_uninformative_features(network, measured, peers) + fit.find_underfitting(
        network, measured, alike, other_weights=own
    )
    found += find_mislabelled(network, measured, peers)
    found += held_back.find_penalty_too_strong(network, measured, examples, is_behind=is_behind)
    found += held_back.find_dropout_too_strong(network, telemetry)
    scale = measured.baseline or curves.scale_of(network, telemetry)
    high = rates.find_learning_rate_too_high(network, telemetry, scale, noise=True)
    steps = -(-examples.count // max(1, telemetry.batch_size or examples.count))
    by_rate = bool(high) and (telemetry.batch_size or 0) >= LIMITS.small_batch
    noise = [] if by_rate else fit.find_batch_too_small(network, measured, examples)
    found += noise + course.find_in_course(
        network, telemetry, scale, noise=bool(noise), is_behind=is_behind, steps=steps
    )
    ratios = layers.find_gradient_ratio(network, measured) + course.find_ratio_in_measures(telemetry)
    found += worst_of_each_kind(ratios)
    # with other weights the losses of the run are not those of these examples, nor of their best constant
    known = (None, None) if own else (scale, measured.loss)
    return found + course.find_training_too_short(
        telemetry, *known, ahead=None if alike is None else _to_gain(network, alike)
    )


def _to_gain(network: Network, peers: Peers) -> float:
    """How much more of the targets there is to explain: without hidden layers, what a linear model explains."""
    return peers.models[0].explained - max(peers.explained, 0.0) if network.depth == 1 else peers.ahead


def _telemetry(history: Any) -> Telemetry:
    if history is None:
        return Telemetry()
    if isinstance(history, Telemetry):
        return history
    if isinstance(history, Doctor):
        return history.telemetry
    if isinstance(history, str) or not isinstance(history, Iterable):
        raise InputTypeError(f"history is {history!r}, expected a Doctor, or a list of backtalk.Epoch objects.")
    recorder = Recorder()
    for epoch in history:
        recorder.note(epoch)
    return recorder.telemetry


def _validation(network: Network, given: Any) -> Examples:
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise InputTypeError("validation is neither (X, y) nor (X, y, sample_weight): expected one of them.")
    return Examples.of(network, *given)


def _names(given: Any, count: int, argument: str = "columns", of: str = "X", noun: str = "columns") -> tuple[str, ...]:
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise InputTypeError(f"{argument} is {given!r}, expected a list of names.")
    names = tuple(map(str, given))
    if len(names) != count:
        raise InputError(f"{argument} holds {len(names)} names, but {of} has {count} {noun}: expected one name each.")
    return names


def _numbers(rows: Any, count: int) -> np.ndarray | None:
    if rows is None:
        return None
    numbers = np.asarray(rows)
    if numbers.ndim != 1 or numbers.dtype.kind not in "iu":
        raise InputTypeError(f"rows is a {type(rows).__name__}, expected a list of whole numbers.")
    if len(numbers) != count:
        raise InputError(f"rows holds {len(numbers)} numbers, but X has {count} rows: expected one number each.")
    return numbers
