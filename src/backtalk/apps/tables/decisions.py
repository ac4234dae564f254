"""What a run makes of its networks' output, learned from rows that they did not see.

Probabilities get a temperature, which becomes part of the last layer; two classes get a threshold, if one is asked for;
numbers get an interval.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ...core.arrays import to_numpy
from ...core.losses import CrossEntropy, GaussianNLL, Quantiles
from ...core.network import Network
from ...core.outputs import Softmax
from ...errors import InputError, quoted
from .judging.intervals import LEVEL, Interval, coverage, distances, excesses, reach
from .judging.threshold import AUTO, BY, best_threshold
from .target import Target

if TYPE_CHECKING:
    from .options import Options

Weight = np.ndarray | None
Ends = tuple[np.ndarray, np.ndarray]
Unseen = tuple[np.ndarray, np.ndarray, Weight]  # encoded targets, outputs and weights of rows


def require_threshold(options: Options, target: Target, gives_shares: bool) -> None:
    """Refuse a threshold for what has no two classes with probabilities."""
    if options.threshold is None:
        return
    given = f"threshold is {options.threshold}, but"
    if not target.classifies:
        raise InputError(f"{given} {quoted(target.name)} holds numbers, which have no classes: leave it out.")
    if target.outputs > 2:
        raise InputError(
            f"{given} {quoted(target.name)} has {target.outputs} classes, and it parts two: give --class-weight "
            "balanced, if rare ones are to count as much as others."
        )
    if not gives_shares:
        raise InputError(f"{given} the output gives no probabilities: expected softmax.")


def decided(options: Options, network: Network, target: Target, unseen: Unseen | None) -> Target:
    """The target with the threshold and the interval, from rows that their network did not see, if there are some."""
    if target.classifies:
        return replace(target, threshold=threshold_for(options, unseen))
    return replace(target, interval=None if unseen is None else interval_for(options, network, target, *unseen))


def said_of_decisions(target: Target, options: Options) -> list[str]:
    """What there is to say of them."""
    said = []
    if options.threshold is not None and target.threshold is not None:
        said.append(
            f"a row is {quoted(target.classes[1])} if its probability of that is {target.threshold:.3g} or more."
        )
    elif options.threshold is not None:
        said.append("no threshold was chosen: no rows were held out that could tell, or all of them are of one class.")
    if not target.classifies and target.interval is None and level_of(options):
        said.append(f"no intervals: too few rows were held out to tell between which ends {level_of(options):.3g} lie.")
    return said


def threshold_for(options: Options, unseen: Unseen | None) -> float | None:
    """The threshold that was asked for, or the best one for rows that their network did not see."""
    if options.threshold != AUTO:
        return None if options.threshold is None else float(options.threshold)
    if unseen is None:
        return None
    labels, output, weight = unseen
    return best_threshold(labels == 1, output[:, 1], options.metric if options.metric in BY else BY[0], weight)


def interval_for(
    options: Options, network: Network, target: Target, truth: np.ndarray, output: np.ndarray, weight: Weight
) -> Interval | None:
    """The interval at the level that was asked for, from such rows; None if they are too few for it."""
    level = level_of(options)
    if target.classifies or not level:
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        found = reach(_scores(network, target, truth, output), level, weight)
    return None if found is None else Interval(level, found)


def level_of(options: Options) -> float:
    """The level of the intervals, 0 for none: what was asked for, else that between the outer quantiles, else 0.9."""
    if options.interval is not None:
        return options.interval
    if len(options.quantiles) > 1:
        return round(options.quantiles[-1] - options.quantiles[0], 12)
    return LEVEL


def _scores(network: Network, target: Target, truth: np.ndarray, output: np.ndarray) -> np.ndarray:
    """How far each number lies outside of what was predicted, on the scale of the network."""
    y = truth[:, 0].astype(np.float64)
    if _has_ends(network):
        return excesses(y, *(output[:, k].astype(np.float64) for k in (0, -1)))
    return distances(y, _point(target, output), _spread(network, output))


def interval_of(network: Network, target: Target, output: np.ndarray) -> Ends | None:
    """The ends of each row's interval, in the units of the table; None if the run has none."""
    if target.interval is None:
        return None
    far = target.interval.reach
    if _has_ends(network):
        lower, upper = (output[:, k].astype(np.float64) for k in (0, -1))
    else:
        lower = upper = _point(target, output)
        spread = _spread(network, output)
        far = far if spread is None else far * spread
    lower, upper = lower - far, upper + far
    middle = (lower + upper) / 2  # of ends that were drawn past each other
    low, high = network.output.range
    ends = (np.clip(each, low, high) for each in (np.minimum(lower, middle), np.maximum(upper, middle)))
    lower, upper = (target.decode(each[:, None]) for each in ends)
    return lower, upper


def interval_scores(
    network: Network, target: Target, truth: np.ndarray, output: np.ndarray, weight: Weight = None
) -> dict[str, Any]:
    """How many of these numbers lie within their intervals, and how wide these are; nothing if there are none."""
    ends = interval_of(network, target, output)
    if ends is None or not len(truth):
        return {}
    y, (lower, upper) = target.decode(truth), ends
    width = float(np.average(upper - lower, weights=weight))
    return {"interval_coverage": coverage(y, lower, upper, weight), "interval_width": width}


def can_be_tempered(network: Network, options: Options) -> bool:
    """Whether a temperature can mend the probabilities: not if they are meant to be others than the shares."""
    return (
        isinstance(network.output, Softmax) and isinstance(network.loss, CrossEntropy) and options.class_weight is None
    )


def tempered_members(members: Sequence[Network], temperature: float) -> tuple[Network, ...]:
    """The same networks with a_L/T: T is part of the last layer, W_L/T and b_L/T."""
    if temperature == 1:
        return tuple(members)
    return tuple(_cooled(each, temperature) for each in members)


def _cooled(network: Network, temperature: float) -> Network:
    W, b = ([to_numpy(each) for each in family] for family in network.to_lists())
    W[-1], b[-1] = (each / each.dtype.type(temperature) for each in (W[-1], b[-1]))
    spec = network.spec
    return network.replace(*([spec.xp.asarray(each, device=spec.device) for each in family] for family in (W, b)))


def with_point(target: Target, levels: Sequence[float]) -> Target:
    """The same, of quantiles: the one nearest to the median is what is predicted."""
    return replace(target, point=min(range(len(levels)), key=lambda k: abs(levels[k] - 0.5)))


def _has_ends(network: Network) -> bool:
    return isinstance(network.loss, Quantiles) and len(network.loss.levels) > 1


def _point(target: Target, output: np.ndarray) -> np.ndarray:
    return output[:, target.point if output.shape[1] > 1 else 0].astype(np.float64)


def _spread(network: Network, output: np.ndarray) -> np.ndarray | None:
    """The standard deviation that each row is given, if the network learned one."""
    return network.loss.deviation(output.astype(np.float64))[:, 0] if isinstance(network.loss, GaussianNLL) else None
