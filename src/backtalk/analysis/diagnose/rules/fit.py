"""How well the network fits: too little, too much, or held up by the noise of its mini-batches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from ....core.batch import Batch
from ....core.network import Network
from ....core.optimizers import Optimizer, as_any_optimizer
from ....engines.passes import weighted_loss
from ....errors import DivergedError, InputError
from ....train import fit
from ..examples import Examples
from ..finding import Finding, finding
from ..measure import Measurements
from ..peers import Peers
from ..telemetry import Telemetry, sizes_of
from ..thresholds import LIMITS, RULES
from ..words import percent
from .course import overfitting
from .rates import usual_sizes


def find_overfitting_now(_: Network, measured: Measurements) -> list[Finding]:
    """From the loss on the validation set beside that on the examples."""
    other, baseline = measured.validation_loss, measured.baseline
    if other is None or baseline is None or not measured.loss < baseline:  # nothing learned, nothing known too well
        return []
    gap = (other - measured.loss) / baseline
    return overfitting(
        gap / LIMITS.validation_gap,
        f"The loss is {measured.loss:.3g} on the {measured.examples} examples given, and {other:.3g} on the "
        f"{measured.validation_examples} of the validation set; without any input one gets {baseline:.3g}.",
        {"loss": measured.loss, "validation_loss": other, "baseline": baseline, "gap": gap},
    )


def find_underfitting(
    network: Network, measured: Measurements, peers: Peers | None, *, other_weights: bool = False
) -> list[Finding]:
    """A loss that a constant reaches as well; or less of the targets explained than by simple models, which have not
    even seen them. ``other_weights``: the network was trained with other weights, so the losses cannot be compared.
    """
    share, told = measured.share_of_baseline, measured.telemetry.epochs > 0
    if share is None:
        return []
    trained = told or _looks_trained(network, share)
    ahead = peers.ahead if peers is not None and trained else 0.0
    if not told and ahead < LIMITS.far_ahead:
        ahead = 0.0
    settings = measured.telemetry.settings
    held = [f"{name} {settings[name]:.3g}" for name in ("l2_penalty", "dropout") if _is_positive(settings.get(name))]
    value = max(share, ahead / LIMITS.ahead * (RULES["underfitting"].warning or 1.0))
    little = share >= (RULES["underfitting"].warning or 0.0)
    # where simple models find no more either, there may be no more to find
    behind = ahead >= LIMITS.ahead and share > LIMITS.small
    plain = behind or (told and (not peers or share >= LIMITS.above))
    most = "severe" if plain and not other_weights else "note"
    said = (
        f"The loss is {measured.loss:.4g}; the best output that is the same for all examples has "
        f"{measured.baseline:.4g}."
    )
    if not trained and share < LIMITS.wild:
        said += " That is usual before training."
    if peers is not None and trained:
        best, explained = peers.best, max(peers.explained, 0.0)
        said += (
            f" Of the variance of the targets the network explains {percent(explained)}; {best.name} explain"
            f"{'s' if best.name.startswith('a ') else ''} {percent(max(best.explained, 0.0))}, from the other rows "
            "alone."
        )
    return finding(
        "underfitting", value,
        "the network has learned next to nothing" if little else "the network fits less than it could",
        said,
        "See the findings above. Else: more or wider layers, more epochs, a higher learning rate"
        + (f", and less of what holds it back ({', '.join(held)})" if held else "")
        + ("; or the columns of X say nothing about y." if ahead < LIMITS.ahead else "."),
        most=most,
        numbers={"loss": measured.loss, "baseline": measured.baseline, "share": share,
                 "explained": None if peers is None else peers.explained,
                 "by_simple_model": None if peers is None else peers.best.explained},
    )  # fmt: skip


def find_batch_too_small(network: Network, measured: Measurements, examples: Examples) -> list[Finding]:
    """The noise of mini-batches keeps the loss up: steps over all examples bring it down, as many small ones do not."""
    telemetry, batch, scale = measured.telemetry, measured.telemetry.batch_size, measured.noise_scale
    share = measured.share_of_baseline
    if batch is None or scale is None or share is None or batch >= measured.examples:
        return []
    ratio = scale / batch
    if RULES["batch_too_small"].judge(ratio) is None or share < LIMITS.small:
        return []
    trial = try_steps(network, examples, telemetry, batch)
    if trial is None or not trial.by_few - trial.by_all >= LIMITS.trial_fall * trial.before:
        return []
    if not trial.spread >= LIMITS.trial_spread * trial.before:
        return []
    strength = "far stronger than"
    if math.isfinite(scale):
        strength = f"{ratio:.3g} times as strong (the noise scale is {scale:.3g} examples) as"
    return finding(
        "batch_too_small", ratio, "the mini-batches are too small for this learning rate",
        f"With a batch_size of {batch}, noise is {strength} the gradient, and it keeps the loss up. In a trial, "
        f"{LIMITS.trial_steps} steps at the same learning rate took the loss from {trial.before:.3g} to "
        f"{trial.by_all:.3g} with all examples in each step, and to {trial.by_few:.3g} ± {trial.spread:.2g} "
        f"with {batch}.",
        "Use larger mini-batches, or a learning rate that falls to a tenth and less ('cosine', 'step').",
        numbers={"noise_scale": scale, "batch_size": batch, "ratio": ratio, "loss": trial.before,
                 "loss_by_all": trial.by_all, "loss_by_batches": trial.by_few},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Trial:
    """The loss ``before``, after some steps ``by_all`` examples, and after as many ``by_few`` of them (the mean).

    ``spread``: the standard deviation of the latter, which hangs on the examples that are drawn.
    """

    before: float
    by_all: float
    by_few: float
    spread: float


def try_steps(network: Network, examples: Examples, telemetry: Telemetry, batch: int) -> Trial | None:
    """What a few steps with the run's optimizer do; None if the run did not tell it, or they diverge."""
    optimizer = optimizer_of(telemetry)
    if optimizer is None or examples.unknown.any() or not np.isfinite(examples.X).all():
        return None
    rng, rows, steps = np.random.default_rng(0), np.arange(examples.count), LIMITS.trial_steps
    seen = budget_of(network, examples.count) / 2  # by steps on all examples, and as many by those on mini-batches
    most = int(min(LIMITS.trial_examples, seen / steps))
    draws = int(min(LIMITS.trial_draws, seen / (steps * batch)))
    if draws < LIMITS.fewest_draws or most < 2 * batch:
        return None
    if examples.count > most:
        rows = np.sort(rng.choice(rows, most, replace=False))
    X, y, weight = examples.X[rows], examples.y[rows], examples.weight[rows]
    if not weight.max() > 0:
        return None

    def after(drawn: np.ndarray, size: int, epochs: int) -> float:
        parts = X[drawn], y[drawn], weight[drawn]
        trained = fit(network, *parts, epochs=epochs, batch_size=size, optimizer=optimizer, rng=0).network
        return loss(trained)

    def loss(of: Network) -> float:
        return weighted_loss(of, Batch.of(of, X, y, weight, takes_labels=False))

    try:
        drawn_rows = [rng.integers(len(rows), size=steps * batch) for _ in range(draws)]
        few = [after(drawn, batch, 1) for drawn in drawn_rows if weight[drawn].max() > 0]
        return Trial(
            loss(network), after(np.arange(len(rows)), len(rows), steps), float(np.mean(few)), float(np.std(few))
        )
    except DivergedError:
        return None


def budget_of(network: Network, count: int) -> float:
    """How many examples all trials together may take a step on, or their worth: two epochs, or a moment's work."""
    parameters = sum(network.W[i].size for i in network.W)
    return max(LIMITS.trial_epochs * count, LIMITS.trial_work / (3 * parameters))


def optimizer_of(telemetry: Telemetry) -> Optimizer | None:
    """The run's, at its last learning rate."""
    given = telemetry.settings.get("optimizer")
    try:
        optimizer = as_any_optimizer(given) if isinstance(given, str | Optimizer) else None
    except InputError:
        return None
    if not isinstance(optimizer, Optimizer):
        return None
    rate = telemetry.learning_rates[-1] if telemetry.epochs else None
    return replace(optimizer, learning_rate=rate) if rate is not None and rate > 0 else optimizer


def _looks_trained(network: Network, share: float) -> bool:
    """Without a history: a loss below that of a constant, or weights that are far larger than initial ones.

    Small weights say nothing: other programs draw smaller ones.
    """
    sizes = zip(sizes_of(network), usual_sizes(network), strict=True)
    return share < (RULES["underfitting"].warning or 0.0) or any(
        size > LIMITS.begins_large * usual for size, usual in sizes
    )


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value > 0
