"""How well the network fits: too little, too much, or held up by the noise of its mini-batches."""

from __future__ import annotations

import math

import numpy as np

from ...errors import DivergedError
from ...network import Network
from ...train import fit
from ...train.optimizers import Optimizer
from ...train.plan import as_any_optimizer
from ..examples import Examples
from ..finding import Finding
from ..measure import Measurements
from ..thresholds import LIMITS, RULES
from .course import overfitting
from .words import finding, percent


def find_overfitting_now(network: Network, measured: Measurements) -> list[Finding]:
    """From the loss on the validation set beside that on the examples."""
    del network
    other, baseline = measured.validation_loss, measured.baseline
    if other is None or baseline is None or not baseline > 0:
        return []
    gap = (other - measured.loss) / baseline
    return overfitting(
        gap / LIMITS.validation_gap,
        f"The loss is {measured.loss:.3g} on the {measured.examples} examples given, and {other:.3g} on the "
        f"{measured.validation_examples} of the validation set; without any input one gets {baseline:.3g}.",
        {"loss": measured.loss, "validation_loss": other, "baseline": baseline, "gap": gap},
    )


def find_underfitting(network: Network, measured: Measurements) -> list[Finding]:
    """A loss that a constant reaches as well."""
    del network
    share = measured.share_of_baseline
    if share is None:
        return []
    told = measured.telemetry.epochs > 0
    settings = measured.telemetry.settings
    held = [f"{name} {settings[name]:.3g}" for name in ("l2_penalty", "dropout") if _is_positive(settings.get(name))]
    return finding(
        "underfitting", share, "the network has learned next to nothing",
        f"The loss is {measured.loss:.4g}; the best output that is the same for all examples has "
        f"{measured.baseline:.4g}." + ("" if told else " That is as it should be before training."),
        "See the findings above. Else: more or wider layers, more epochs, a higher learning rate"
        + (f", and less of what holds it back ({', '.join(held)})" if held else "")
        + "; or the columns of X say nothing about y.",
        most="severe" if told else "note",
        numbers={"loss": measured.loss, "baseline": measured.baseline, "share": share},
    )  # fmt: skip


def find_batch_too_small(network: Network, measured: Measurements, examples: Examples) -> list[Finding]:
    """The noise of mini-batches keeps the loss up: a few steps over all examples at once bring it down."""
    telemetry, batch, scale = measured.telemetry, measured.telemetry.batch_size, measured.noise_scale
    share, rule = measured.share_of_baseline, RULES["batch_too_small"]
    if batch is None or scale is None or share is None or batch >= measured.examples:
        return []
    ratio = scale / batch
    if rule.judge(ratio) is None or share < LIMITS.small:
        return []
    after = _trial(network, examples, telemetry.settings, telemetry.learning_rates[-1] if telemetry.epochs else None)
    if after is None or not after[1] <= (1 - LIMITS.trial_fall) * after[0]:
        return []
    return finding(
        "batch_too_small", ratio, "the mini-batches are too small for this learning rate",
        f"At {batch} examples a step, noise is {'all' if math.isinf(ratio) else f'{ratio:.3g} times as strong'} as the "
        f"gradient (the noise scale is {scale:.3g} examples), and it keeps the loss up: {LIMITS.trial_steps} steps "
        f"at the same learning rate over all examples at once bring it from {after[0]:.3g} to {after[1]:.3g}, "
        f"{percent(1 - after[1] / after[0])} less.",
        "Use larger mini-batches, or a learning rate that falls to a tenth and less ('cosine', 'step').",
        numbers={"noise_scale": scale, "batch_size": batch, "ratio": ratio, "loss": after[0], "trial_loss": after[1]},
    )  # fmt: skip


def _trial(network: Network, examples: Examples, settings: object, rate: float | None) -> tuple[float, float] | None:
    """The loss before and after some steps over all examples, or over some, where there are very many."""
    get = getattr(settings, "get", None)
    given = get("optimizer") if get else None
    if not isinstance(given, str) or examples.unknown.any() or not np.isfinite(examples.X).all():
        return None
    try:
        optimizer = as_any_optimizer(given)
    except ValueError:
        return None
    if not isinstance(optimizer, Optimizer):
        return None
    rows = np.arange(examples.count)
    if examples.count > LIMITS.trial_examples:
        rows = np.sort(np.random.default_rng(0).choice(rows, LIMITS.trial_examples, replace=False))
    if rate is not None:
        optimizer = _with_rate(optimizer, rate)
    try:
        training = fit(
            network, examples.X[rows], examples.y[rows], examples.weight[rows], epochs=LIMITS.trial_steps + 1,
            batch_size=len(rows), optimizer=optimizer, rng=0,
        )  # fmt: skip
    except DivergedError:
        return None
    return training.losses[0], training.losses[-1]  # each is the loss before its step


def _with_rate(optimizer: Optimizer, rate: float) -> Optimizer:
    from dataclasses import replace

    return replace(optimizer, learning_rate=rate) if rate > 0 else optimizer


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and value > 0
