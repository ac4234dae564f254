"""The learning rate: too high, or too low, by what the steps did to the weights and to the loss."""

from __future__ import annotations

import math

import numpy as np

from ....core.network import Network
from ..finding import Finding, finding
from ..telemetry import Telemetry, sizes_of
from ..thresholds import LIMITS
from ..words import percent, sentence
from .curves import fall_of, guessing_of, is_small, losses_without_penalty

Sign = tuple[float, str]  # what counts as 1, and the clause that says so
Numbers = dict[str, float | int | str | None]


def find_learning_rate_too_high(
    network: Network, telemetry: Telemetry, scale: float | None, *, noise: bool = False
) -> list[Finding]:
    """Updates that are large beside the weights; a loss far above that of a constant output; one that rises; or that
    jumps, unless ``noise`` explains it; weights that were thrown far out.
    """
    rate = _rate(telemetry)
    numbers: Numbers = {"learning_rate": rate}
    losses = losses_without_penalty(telemetry)
    signs = [
        *_large_updates(telemetry, losses, scale, numbers),
        *_wild_loss(network, telemetry, losses, scale, numbers),
        *_rising_loss(losses, scale, numbers),
        *([] if noise else _jumping_loss(losses, scale, numbers)),
        *_thrown_weights(network, telemetry, numbers),
    ]
    signs = sorted((sign for sign in signs if sign[0] >= 1), reverse=True)
    if not signs:
        return []
    return finding(
        "learning_rate_too_high", signs[0][0], "the learning rate is too high",
        sentence("; and ".join(text for _, text in signs)) + _rate_text(rate),
        "Try a tenth of it, and a schedule that lowers it ('cosine', 'one_cycle'); clip_norm holds single steps back.",
        numbers=numbers,
    )  # fmt: skip


def _large_updates(telemetry: Telemetry, losses: np.ndarray, scale: float | None, numbers: Numbers) -> list[Sign]:
    ratios = [_whole_ratio(epoch) for epoch in telemetry.measured()]
    if not ratios:
        return []
    learned = bool(len(losses)) and is_small(float(losses[-1]), scale)
    # the first steps are large beside small initial weights: no harm, if the loss then fell
    numbers["update_ratio"] = largest = max(ratios[1:] or ratios) if learned else max(ratios)
    high = LIMITS.update_high if learned else LIMITS.update_high_in_vain
    return [(largest / high, f"a step changed the weights by {percent(largest)} of their size")]


def _wild_loss(
    network: Network, telemetry: Telemetry, losses: np.ndarray, scale: float | None, numbers: Numbers
) -> list[Sign]:
    constant = guessing_of(network) or scale
    if not len(losses) or not constant or not constant > 0:
        return []
    if begins_large(network, telemetry) or not _may_throw(telemetry):
        return []  # it began there
    numbers["highest_loss"] = highest = float(losses.max())
    said = f"the mean loss of an epoch was {highest:.3g}, where the best constant output costs {constant:.3g}"
    return [(highest / constant / LIMITS.loss_high, said)]


def _may_throw(telemetry: Telemetry) -> bool:
    """Whether the steps were large enough to throw the weights out, as far as that was told."""
    ratios = [_whole_ratio(epoch) for epoch in telemetry.measured()]
    if ratios:
        return max(ratios) >= LIMITS.throws
    return not (telemetry.start.sizes and telemetry.growth() < LIMITS.grows)


def _rising_loss(losses: np.ndarray, scale: float | None, numbers: Numbers) -> list[Sign]:
    if len(losses) < 3 or not losses[0] > 0:
        return []
    late = float(np.median(losses[-max(1, len(losses) // 10) :]))
    numbers["first_loss"], numbers["last_loss"] = float(losses[0]), late
    rise = (late - losses[0]) / max(losses[0], LIMITS.level * (scale or 0.0))
    return [(rise / LIMITS.loss_rise, f"the loss rose from {losses[0]:.3g} in the first epoch to {late:.3g}")]


def _jumping_loss(losses: np.ndarray, scale: float | None, numbers: Numbers) -> list[Sign]:
    jumps = jumpiness(losses, scale)
    if jumps is None:
        return []
    numbers["jumps"], half = jumps, losses[len(losses) // 2 :]
    span = f"between {half.min():.3g} and {half.max():.3g}"
    return [(jumps / LIMITS.jumps, f"the loss jumps up and down {span} in the second half of the epochs")]


def jumpiness(losses: np.ndarray, scale: float | None) -> float | None:
    """The mean rise from one epoch to the next in their second half, of the loss there."""
    half = losses[len(losses) // 2 :]
    if len(losses) < LIMITS.epochs or len(half) < 3:
        return None
    level = max(float(np.median(half)), LIMITS.level * (scale or 0.0))
    return float(np.maximum(np.diff(half), 0).mean()) / level if level > 0 else None


def _thrown_weights(network: Network, telemetry: Telemetry, numbers: Numbers) -> list[Sign]:
    if not telemetry.start.sizes or begins_large(network, telemetry):
        return []
    now = telemetry.sizes[-1] if telemetry.sizes else sizes_of(network)
    pairs = zip(now, telemetry.start.sizes, usual_sizes(network), strict=False)
    numbers["growth"] = growth = max(size / max(start, usual) for size, start, usual in pairs)
    return [(growth / LIMITS.thrown, f"the weights of a layer became {growth:.3g} times as large")]


def begins_large(network: Network, telemetry: Telemetry) -> bool:
    """Whether a layer's weights were far larger than usual before the first step, so that what the first epochs show is
    their doing."""
    return any(
        size > LIMITS.begins_large * usual
        for size, usual in zip(telemetry.start.sizes, usual_sizes(network), strict=False)
    )


def usual_sizes(network: Network) -> list[float]:
    """‖W_i‖ of the usual initial weights: n_i n_{i−1} of them, with a mean square of 2/n_{i−1} (He et al. 2015)."""
    return [math.sqrt(2 * units) for units in network.sizes[1:]]


def find_learning_rate_too_low(
    telemetry: Telemetry, scale: float | None, *, is_behind: bool = False, steps: int = 1
) -> list[Finding]:
    """Updates that are tiny beside the weights, and a loss that hardly falls, ends above that of a constant output, or
    explains less than simple models do (``is_behind``). ``steps``: of an epoch, which small ones go in one direction.
    """
    losses = telemetry.losses
    if len(losses) < 2 or not losses[0] > 0 or is_small(losses[0], scale):
        return []
    above = scale is not None and losses[-1] >= scale
    if not (fall_of(losses) <= LIMITS.hardly or above or is_behind):
        return []
    ratios = [row.update / row.W for epoch in telemetry.measured() for row in epoch if row.W > 0]
    if not ratios:
        ratios = [way / steps for ways in telemetry.moved for way in ways]
    if not ratios:
        return []
    what = "step" if telemetry.measured() or steps > 1 else "epoch"
    rate, largest = _rate(telemetry), max(ratios)
    constant = f", where the best constant output has {scale:.4g}" if above else ""
    return finding(
        "learning_rate_too_low", largest, "the learning rate is too low",
        f"No {what} changed the weights of any layer by more than {percent(largest)} of their size, and in "
        f"{len(losses)} epochs the loss went from {losses[0]:.4g} to {losses[-1]:.4g}{constant}." + _rate_text(rate),
        "Try ten times as much, and again, until the loss falls within the first epochs.",
        numbers={"update_ratio": largest, "learning_rate": rate, "fall": fall_of(losses)},
    )  # fmt: skip


def _whole_ratio(rows: tuple) -> float:
    """‖update‖/‖W‖ over all layers."""
    size = math.hypot(*(row.W for row in rows))
    return math.hypot(*(row.update for row in rows)) / size if size > 0 else math.nan


def _rate(telemetry: Telemetry) -> float | None:
    known = [rate for rate in telemetry.learning_rates if rate is not None]
    return max(known) if known else None


def _rate_text(rate: float | None) -> str:
    return "" if rate is None else f" The learning rate is {rate:.3g}."
