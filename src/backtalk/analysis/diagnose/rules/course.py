"""The course of training: what the curves and the telemetry of the layers say, with or without the data at hand."""

from __future__ import annotations

import math

import numpy as np

from ....core.activations import Sigmoid, Tanh
from ....core.network import Network
from ..finding import Finding, finding
from ..telemetry import Telemetry
from ..thresholds import LIMITS
from ..words import counted, part_of, percent
from .curves import fall_of, gain_of_as_much_again, is_small, losses_without_penalty, scale_of
from .layers import lagging, ratio_findings
from .rates import find_learning_rate_too_high, find_learning_rate_too_low


def find_in_course(
    network: Network,
    telemetry: Telemetry,
    scale: float | None,
    *,
    noise: bool = False,
    is_behind: bool = False,
    steps: int = 1,
) -> list[Finding]:
    """What the curves say, whether or not the data are at hand; ``noise``: whether noise was found in the batches;
    ``is_behind``: whether simple models explain more than the network; ``steps``: of an epoch, if that is known."""
    thrown = find_learning_rate_too_high(network, telemetry, scale, noise=noise)
    return [
        *thrown,
        *find_learning_rate_too_low(telemetry, scale, is_behind=is_behind, steps=steps),
        *([] if thrown else find_standstill(telemetry, scale)),  # a loss that steps throw about does not stand still
        *find_overfitting(telemetry, scale),
        *find_still_layers(telemetry, network),
    ]


def find_standstill(telemetry: Telemetry, scale: float | None) -> list[Finding]:
    """A loss that stays where it was."""
    losses = telemetry.losses
    if len(losses) < LIMITS.standstill or not losses[0] > 0 or is_small(losses[0], scale):
        return []
    fall = fall_of(losses)
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
    level = scale or start
    if not (half > end and level > 0):
        return []
    gain = gain_of_as_much_again(quarter, half, end)
    share, rates = gain / level, [rate for rate in telemetry.learning_rates if rate is not None]
    falling = bool(rates) and rates[-1] < LIMITS.annealed * max(rates)  # the schedule has ended the fall
    stopped = telemetry.settings.get("patience") is not None
    little = end <= LIMITS.small * level or (ahead is not None and ahead < LIMITS.abreast)
    return finding(
        "training_too_short", share, "the loss still falls",
        f"In the second half of {counted(len(losses), 'epoch')} the loss fell from {half:.4g} to {end:.4g}, after "
        f"{quarter:.4g} at a quarter of them. At this pace as many epochs again bring about {gain:.2g} more, "
        f"{part_of(share)} the loss of a constant output.",
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
    if lowest == 0 and not is_small(telemetry.losses[-1], scale):
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
