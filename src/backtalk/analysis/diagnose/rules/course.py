"""The course of training: what the curves and the telemetry of the layers say, with or without the data at hand."""

from __future__ import annotations

import math

import numpy as np

from ....core.activations import Sigmoid, Tanh
from ....core.losses import BinaryCrossEntropy, CrossEntropy
from ....core.network import Network
from ..finding import Finding, finding
from ..telemetry import Telemetry
from ..thresholds import LIMITS
from ..words import counted, percent, sentence
from .layers import lagging, ratio_findings


def scale_of(network: Network, telemetry: Telemetry) -> float | None:
    """A loss that means 'nothing was learned', if the data are not at hand: log k, or the first epoch's."""
    if not network.head.is_natural:
        return telemetry.losses[0] if telemetry.epochs and telemetry.losses[0] > 0 else None
    if isinstance(network.loss, CrossEntropy) and network.sizes[-1] > 1:
        return math.log(network.sizes[-1])
    if isinstance(network.loss, BinaryCrossEntropy):
        return network.sizes[-1] * math.log(2)
    return telemetry.losses[0] if telemetry.epochs and telemetry.losses[0] > 0 else None


def find_in_course(
    network: Network, telemetry: Telemetry, scale: float | None, *, noise: bool = False
) -> list[Finding]:
    """What the curves say, whether or not the data are at hand; ``noise``: whether noise was found in the batches."""
    return [
        *find_learning_rate_too_high(network, telemetry, scale, noise=noise),
        *find_learning_rate_too_low(telemetry, scale),
        *find_standstill(telemetry, scale),
        *find_overfitting(telemetry, scale),
        *find_still_layers(telemetry, network),
    ]


def find_learning_rate_too_high(
    network: Network, telemetry: Telemetry, scale: float | None, *, noise: bool = False
) -> list[Finding]:
    """Updates that are large beside the weights; a loss far above guessing; one that rises; or that jumps, unless
    ``noise`` explains it.
    """
    signs: list[tuple[float, str]] = []
    losses = np.array(telemetry.losses)
    ratios = [_whole_ratio(epoch) for epoch in telemetry.measured()]
    rate = _rate(telemetry)
    numbers: dict[str, float | int | str | None] = {"learning_rate": rate}
    if ratios:
        usual = max(ratios)
        numbers["update_ratio"] = usual
        signs.append((usual / LIMITS.update_high, f"a step changed the weights by {percent(usual)} of their size"))
    penalty = telemetry.settings.get("l2_penalty") or 0.0  # is part of the loss of an epoch
    if len(losses) and isinstance(network.loss, CrossEntropy | BinaryCrossEntropy) and penalty < LIMITS.penalty:
        guessing, highest = scale_of(network, telemetry) or math.inf, float(losses.max())
        numbers["highest_loss"] = highest
        said = f"the mean loss of an epoch was {highest:.3g}, where guessing costs {guessing:.3g}"
        signs.append((highest / guessing / LIMITS.loss_high, said))
    if len(losses) >= 3 and losses[0] > 0:
        late = float(np.median(losses[-max(1, len(losses) // 10) :]))
        numbers["first_loss"], numbers["last_loss"] = float(losses[0]), late
        rise = (late - losses[0]) / max(losses[0], LIMITS.level * (scale or 0.0))
        signs.append((rise / LIMITS.loss_rise, f"the loss rose from {losses[0]:.3g} in the first epoch to {late:.3g}"))
    jumps = jumpiness(losses, scale)
    if jumps is not None and not noise:
        numbers["jumps"] = jumps
        half = losses[len(losses) // 2 :]
        span = f"between {half.min():.3g} and {half.max():.3g}"
        signs.append((jumps / LIMITS.jumps, f"the loss jumps up and down {span} in the second half of the epochs"))
    signs = sorted((sign for sign in signs if sign[0] >= 1), reverse=True)
    if not signs:
        return []
    return finding(
        "learning_rate_too_high", signs[0][0], "the learning rate is too high",
        sentence("; and ".join(text for _, text in signs)) + _rate_text(rate),
        "Try a tenth of it, and a schedule that lowers it ('cosine', 'one_cycle'); clip_norm holds single steps back.",
        numbers=numbers,
    )  # fmt: skip


def jumpiness(losses: np.ndarray, scale: float | None) -> float | None:
    """The mean rise from one epoch to the next in their second half, of the loss there."""
    half = losses[len(losses) // 2 :]
    if len(losses) < LIMITS.epochs or len(half) < 3:
        return None
    level = max(float(np.median(half)), LIMITS.level * (scale or 0.0))
    return float(np.maximum(np.diff(half), 0).mean()) / level if level > 0 else None


def find_learning_rate_too_low(telemetry: Telemetry, scale: float | None) -> list[Finding]:
    """Updates that are tiny beside the weights, and a loss that hardly falls."""
    losses = telemetry.losses
    if len(losses) < 2 or not losses[0] > 0 or _is_small(losses[0], scale) or _fall(losses) > LIMITS.hardly:
        return []
    ratios = [row.update / row.W for epoch in telemetry.measured() for row in epoch if row.W > 0]
    if not ratios:
        ratios = [way for ways in telemetry.moved for way in ways]
    if not ratios:
        return []
    what = "step" if telemetry.measured() else "epoch"
    rate, largest = _rate(telemetry), max(ratios)
    return finding(
        "learning_rate_too_low", largest, "the learning rate is too low",
        f"No {what} changed the weights of any layer by more than {percent(largest)} of their size, and in "
        f"{len(losses)} epochs the loss went from {losses[0]:.4g} to {losses[-1]:.4g}." + _rate_text(rate),
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


def find_training_too_short(telemetry: Telemetry) -> list[Finding]:
    """A loss that still falls at an even pace."""
    losses = np.array(telemetry.losses)
    tenth = len(losses) // 10
    known = [loss for loss in telemetry.validation_losses if loss is not None]
    if len(known) == len(losses) > tenth > 0 and min(known[-tenth:]) > min(known):
        return []  # it falls in training alone, and more epochs would only make that worse
    if tenth < 1 or not losses[0] > losses[-1] > 0 or _fall(telemetry.losses) < LIMITS.hardly:
        return []
    part = float((losses[-1 - tenth] - losses[-1]) / (losses[0] - losses[-1]))
    return finding(
        "training_too_short", part, "the loss still falls",
        f"In the last {counted(tenth, 'epoch')} of {len(losses)} the loss fell from {losses[-1 - tenth]:.4g} to "
        f"{losses[-1]:.4g}, {percent(part)} of all that it fell.",
        "Train for more epochs, or with a higher learning rate.",
        numbers={"share_of_fall": part, "epochs": len(losses)},
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
    """Gradients that vanish or explode, and silent units, from the measures of the last epoch."""
    measured = telemetry.measured()
    if not measured:
        return []
    found = find_ratio_in_measures(telemetry)
    rows, batch = measured[-1], telemetry.batch_size
    for row in rows[:-1]:
        if row.silent is None or batch is None or batch < LIMITS.examples:
            continue  # in a small mini-batch a unit is silent by chance
        bounded = isinstance(network.activations[row.layer - 1], Sigmoid | Tanh)
        kind, word = ("saturated_units", "saturated") if bounded else ("dead_units", "dead")
        found += finding(
            kind, row.silent, f"{word} units in layer {row.layer}",
            f"{percent(row.silent)} of the units of layer {row.layer} pass nothing back for any example of a "
            "mini-batch.",
            "Use a smaller learning rate and scaled inputs; diagnose(network, X, y) names the units.",
            numbers={"share": row.silent, "units": network.sizes[row.layer]}, layer=row.layer,
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
