"""The course of training: what the curves and the telemetry of the layers say, with or without the data at hand."""

from __future__ import annotations

import math

import numpy as np

from ....core.activations import Sigmoid, Tanh
from ....core.losses import BinaryCrossEntropy, CrossEntropy
from ....core.network import Network
from ..finding import Finding, finding
from ..telemetry import Telemetry, sizes_of
from ..thresholds import LIMITS
from ..words import counted, percent, sentence
from .layers import lagging, ratio_findings


def scale_of(network: Network, telemetry: Telemetry) -> float | None:
    """A loss that means 'nothing was learned', if the data are not at hand: log k, or the first epoch's."""
    return guessing_of(network) or (telemetry.losses[0] if telemetry.epochs and telemetry.losses[0] > 0 else None)


def guessing_of(network: Network) -> float | None:
    """The loss of equal probabilities: log k, or log 2 for each yes or no; None for another loss."""
    if not network.head.is_natural:
        return None
    if isinstance(network.loss, CrossEntropy) and network.sizes[-1] > 1:
        return math.log(network.sizes[-1])
    return network.sizes[-1] * math.log(2) if isinstance(network.loss, BinaryCrossEntropy) else None


def find_in_course(
    network: Network, telemetry: Telemetry, scale: float | None, *, noise: bool = False, is_behind: bool = False
) -> list[Finding]:
    """What the curves say, whether or not the data are at hand; ``noise``: whether noise was found in the batches;
    ``is_behind``: whether simple models explain more than the network."""
    return [
        *find_learning_rate_too_high(network, telemetry, scale, noise=noise),
        *find_learning_rate_too_low(telemetry, scale, is_behind=is_behind),
        *find_standstill(telemetry, scale),
        *find_overfitting(telemetry, scale),
        *find_still_layers(telemetry, network),
    ]


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


def losses_without_penalty(telemetry: Telemetry) -> np.ndarray:
    """Of each epoch, as far as it can be told from the weights after it: the penalty ½λ Σ_i ‖W_i‖² is part of what
    epochs report."""
    losses, penalty = np.array(telemetry.losses), telemetry.settings.get("l2_penalty")
    if not isinstance(penalty, int | float) or not penalty or len(telemetry.sizes) != len(losses):
        return losses
    squares = np.array([sum(size * size for size in sizes) for sizes in telemetry.sizes])
    return np.maximum(losses - 0.5 * penalty * squares, 0.0)


def _large_updates(telemetry: Telemetry, losses: np.ndarray, scale: float | None, numbers: Numbers) -> list[Sign]:
    ratios = [_whole_ratio(epoch) for epoch in telemetry.measured()]
    if not ratios:
        return []
    numbers["update_ratio"] = largest = max(ratios)
    learned = bool(len(losses)) and _is_small(float(losses[-1]), scale)
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


def jumpiness(losses: np.ndarray, scale: float | None) -> float | None:
    """The mean rise from one epoch to the next in their second half, of the loss there."""
    half = losses[len(losses) // 2 :]
    if len(losses) < LIMITS.epochs or len(half) < 3:
        return None
    level = max(float(np.median(half)), LIMITS.level * (scale or 0.0))
    return float(np.maximum(np.diff(half), 0).mean()) / level if level > 0 else None


def find_learning_rate_too_low(telemetry: Telemetry, scale: float | None, *, is_behind: bool = False) -> list[Finding]:
    """Updates that are tiny beside the weights, and a loss that hardly falls, ends above that of a constant output, or
    explains less than simple models do (``is_behind``).
    """
    losses = telemetry.losses
    if len(losses) < 2 or not losses[0] > 0 or _is_small(losses[0], scale):
        return []
    above = scale is not None and losses[-1] >= scale
    if not (_fall(losses) <= LIMITS.hardly or above or is_behind):
        return []
    ratios = [row.update / row.W for epoch in telemetry.measured() for row in epoch if row.W > 0]
    if not ratios:
        ratios = [way for ways in telemetry.moved for way in ways]
    if not ratios:
        return []
    what = "step" if telemetry.measured() else "epoch"
    rate, largest = _rate(telemetry), max(ratios)
    constant = f", where the best constant output has {scale:.4g}" if above else ""
    return finding(
        "learning_rate_too_low", largest, "the learning rate is too low",
        f"No {what} changed the weights of any layer by more than {percent(largest)} of their size, and in "
        f"{len(losses)} epochs the loss went from {losses[0]:.4g} to {losses[-1]:.4g}{constant}." + _rate_text(rate),
        "Try ten times as much, and again, until the loss falls within the first epochs.",
        numbers={"update_ratio": largest, "learning_rate": rate, "fall": _fall(losses)},
    )  # fmt: skip


def find_standstill(telemetry: Telemetry, scale: float | None) -> list[Finding]:
    """A loss that stays where it was."""
    losses = telemetry.losses
    if len(losses) < LIMITS.standstill or not losses[0] > 0 or _is_small(losses[0], scale):
        return []
    fall = _fall(losses)
    return finding(
        "loss_stands_still", max(fall, 0.0), "the loss stands still",
        f"In {len(losses)} epochs the loss went from {losses[0]:.4g} to {losses[-1]:.4g}, and was never "
        f"more than {percent(max(fall, 0.0))} below where it began.",
        "Look at the other findings first. If there are none, try to fit ten examples alone: a network that cannot do "
        "that has a fault in its data or in its layers.",
        numbers={"fall": fall, "first_loss": losses[0], "last_loss": losses[-1]},
    )  # fmt: skip


def find_training_too_short(
    telemetry: Telemetry, scale: float | None, loss: float | None = None, *, ahead: float | None = None
) -> list[Finding]:
    """A loss that still falls: what as many epochs again would bring, if it falls as it did in the second half.

    The loss falls less from doubling to doubling of the steps, or as much (power laws, exponentials): if it fell by f_1
    from a quarter of them to the half, and by f_2 from there to the end, then by about f_2 · min(f_2/f_1, 1) in as many
    again. ``loss``: of the network as it stands, if it is known; an epoch's is the mean over its steps. ``ahead``: how
    much more of the targets' variance simple models explain: if it is nothing, what there is to gain is learned by
    heart.
    """
    losses = losses_without_penalty(telemetry)
    known = [each for each in telemetry.validation_losses if each is not None]
    last = max(1, len(losses) // 10)
    if not len(losses) or not np.isfinite(losses).all() or (scale is None and len(losses) < LIMITS.epochs):
        return []
    if len(known) == len(losses) and min(known[-last:]) > min(known):
        return []  # it falls in training alone, and more epochs would only make that worse
    times, values = np.arange(len(losses)) + 0.5, losses
    drops = np.any(telemetry.settings.get("dropout") or 0.0)  # then an epoch's loss is of another network
    if loss is not None and math.isfinite(loss) and not drops:
        end = min(loss, float(losses[-last:].mean()))
        times, values = np.append(times, float(len(losses))), np.append(values, end)
    start = max(float(losses[0]), scale or 0.0)
    times, values = np.append(0.0, times), np.append(start, values)
    quarter, half, end = (float(np.interp(times[-1] * part, times, values)) for part in (0.25, 0.5, 1.0))
    second, first, level = half - end, quarter - half, scale or start
    if not (second > 0 and level > 0):
        return []
    gain = second * min(second / first, 1.0) if first > 0 else second
    share, rates = gain / level, [rate for rate in telemetry.learning_rates if rate is not None]
    falling = bool(rates) and rates[-1] < LIMITS.annealed * max(rates)  # the schedule has ended the fall
    stopped = telemetry.settings.get("patience") is not None
    little = end <= LIMITS.small * level or (ahead is not None and ahead < LIMITS.abreast)
    little = little or (scale is not None and end - gain >= LIMITS.no_better * scale)  # it falls to a constant's
    return finding(
        "training_too_short", share, "the loss still falls",
        f"In the second half of {counted(len(losses), 'epoch')} the loss fell from {half:.4g} to {end:.4g}, after "
        f"{quarter:.4g} at a quarter of them. At this pace as many epochs again bring about {gain:.2g} more, "
        f"{percent(share)} of the loss of a constant output.",
        "Train for more epochs, or with a higher learning rate; smaller mini-batches make more steps of an epoch.",
        most="note" if falling or stopped or little else "warning",
        numbers={"gain": gain, "share": share, "epochs": len(losses)},
    )  # fmt: skip


def find_overfitting(telemetry: Telemetry, scale: float | None) -> list[Finding]:
    """From the curves: validation that lies far behind training, or that has risen since its best epoch."""
    pairs = zip(telemetry.losses, telemetry.validation_losses, strict=True)
    known = [(loss, other) for loss, other in pairs if other is not None]
    if len(known) < LIMITS.epochs or not scale or not scale > 0:
        return []
    others = [other for _, other in known]
    loss, last, best = known[-1][0], others[-1], min(others)
    if not loss < scale:  # it has learned nothing that it could know too well
        return []
    stopped_early = telemetry.settings.get("patience") is not None
    if stopped_early:  # the network is that of the best epoch
        loss, last = next(pair for pair in known if pair[1] == best)
    gap = (last - loss) / scale / LIMITS.validation_gap
    rise = (last - best) / scale / LIMITS.validation_rise
    if last - best < LIMITS.relative_rise * best or stopped_early:
        rise = 0.0  # with patience the network of the best epoch is the result
    number = telemetry.first + telemetry.validation_losses.index(best)
    said = f"The loss is {loss:.3g} on the examples that it was trained on, and {last:.3g} on the validation set."
    if rise >= 1:
        said += f" That was {best:.3g} after epoch {number}, and has risen since."
    return overfitting(
        max(gap, rise), said, {"loss": loss, "validation_loss": last, "best": best, "best_epoch": number}
    )


def overfitting(value: float, said: str, numbers: dict[str, float | int | str | None]) -> list[Finding]:
    """What both ways of seeing it say."""
    return finding(
        "overfitting", value, "the network overfits", said,
        "Stop at the best epoch (patience), use dropout or l2_penalty, a smaller network, or more examples.",
        numbers=numbers,
    )  # fmt: skip


def find_in_measures(telemetry: Telemetry, network: Network) -> list[Finding]:
    """Gradients that vanish, explode or do not arrive at all, and silent units, from the measures of the last epoch."""
    measured = telemetry.measured()
    if not measured:
        return []
    found = find_ratio_in_measures(telemetry)
    rows, batch, scale = measured[-1], telemetry.batch_size, scale_of(network, telemetry)
    lowest = rows[0].grad_W if len(rows) == 1 else rows[0].grad_a
    if lowest == 0 and not _is_small(telemetry.losses[-1], scale):
        stop = max(row.layer for row in rows if not (row.grad_W if row.grad_a is None else row.grad_a))
        found += finding(
            "nothing_arrives", 1.0, f"no gradient arrives in layer {stop}",
            f"In the steps that were measured, the gradient of a is exactly 0 in layer {stop}: nothing that it hears "
            "changes.",
            "Use a smaller learning rate, the usual initial weights, and an activation that is never flat, such as "
            "leaky_relu; diagnose(network, X, y) says where it stops, and why.",
            numbers={"layer": stop}, layer=stop,
        )  # fmt: skip
    for row in rows[:-1]:
        if row.silent is None or batch is None or batch < LIMITS.examples:
            continue  # in a small mini-batch a unit is silent by chance
        most = "severe"
        if scale is not None and telemetry.losses[-1] <= LIMITS.small * scale:  # they did not keep it from learning
            most = "note" if telemetry.losses[-1] <= LIMITS.solved * scale else "warning"
        bounded = isinstance(network.activations[row.layer - 1], Sigmoid | Tanh)
        kind, word = ("saturated_units", "saturated") if bounded else ("dead_units", "dead")
        found += finding(
            kind, row.silent, f"{word} units in layer {row.layer}",
            f"{percent(row.silent)} of the units of layer {row.layer} pass nothing back for any example of a "
            "mini-batch.",
            "Use a smaller learning rate and scaled inputs; diagnose(network, X, y) names the units.",
            most=most, numbers={"share": row.silent, "units": network.sizes[row.layer]}, layer=row.layer,
        )  # fmt: skip
    return found


def find_ratio_in_measures(telemetry: Telemetry) -> list[Finding]:
    """Gradients that vanish or explode, in the middle of the epochs that were measured (their median)."""
    measured = [[row.grad_a for row in epoch[:-1]] for epoch in telemetry.measured()]
    sizes = np.array([[np.nan if size is None else size for size in epoch] for epoch in measured])
    if sizes.ndim != 2 or sizes.shape[1] < 2:
        return []
    with np.errstate(all="ignore"):
        relative = sizes / sizes[:, -1:]
    return ratio_findings(
        np.median(relative, axis=0), f"in the mini-batches of {counted(len(sizes), 'epoch')} (their median)",
        telemetry.growth(),
    )  # fmt: skip


def find_still_layers(telemetry: Telemetry, network: Network) -> list[Finding]:
    """Layers that do not move."""
    moved = [ways for ways in telemetry.moved if len(ways) == network.depth]
    if not moved:
        return []
    ways = np.median(np.array(moved), axis=0)
    return lagging(ways, "moved by", f" of its size in an epoch (median of {len(moved)})")


def _whole_ratio(rows: tuple) -> float:
    """‖update‖/‖W‖ over all layers."""
    size = math.hypot(*(row.W for row in rows))
    return math.hypot(*(row.update for row in rows)) / size if size > 0 else math.nan


def _rate(telemetry: Telemetry) -> float | None:
    known = [rate for rate in telemetry.learning_rates if rate is not None]
    return max(known) if known else None


def _rate_text(rate: float | None) -> str:
    return "" if rate is None else f" The learning rate is {rate:.3g}."


def _fall(losses: tuple[float, ...]) -> float:
    """How much of the first epoch's loss is gone."""
    return 1 - min(losses) / losses[0] if losses[0] > 0 else 0.0


def _is_small(loss: float, scale: float | None) -> bool:
    return scale is not None and loss < LIMITS.small * scale
