"""From a finding to a changed plan: what its advice asks for, as far as a training can follow it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

from ....core.losses import as_loss
from ....core.optimizers import Optimizer
from ....train.schedules import Constant
from ..finding import Finding
from .case import Action, Case, Change
from .heads import suited_loss, suited_output
from .plan import STOPPING, Plan, default_rate, why_rate
from .scaling import can_scale_targets

DROPOUT, PENALTY = 0.2, 1e-4  # where there was none, or too much
NORM = 1.0  # to which gradients are clipped
PATIENCE, LEAST_TO_STOP = 5, 50  # epochs without a better one; rows, to hold some out for that
WIDE = 32  # units of a hidden layer that had fewer, when the network is too small
FLAT = ("sigmoid", "hard_sigmoid", "hard_tanh", "tanh", "softsign", "exp", "relu6")
FAR = 30  # times the usual rate, or a part of it: a rate that suits only what is not scaled
SMALL_RATE = 0.01  # of the largest rate, the last one of a schedule that ended too low


def act(finding: Finding, case: Case, tried: Collection[Action] = ()) -> tuple[Plan, str, Action] | None:
    """The first action for such a finding that changes something, with what it gives; None if there is none.

    ``tried``: actions that did not help, which are passed over.
    """
    for action in ACTIONS.get(finding.kind, ()):
        if action not in tried and (change := action(finding, case)) is not None:
            return *change, action
    return None


def _leave_rows_out(_: Finding, case: Case) -> Change:
    """Rows that are not finite are never trained on: there is nothing else to change."""
    return (case.plan, "left out the rows that are not finite") if case.first and case.rows else None


def _scale_inputs(_: Finding, case: Case) -> Change:
    if case.plan.scales_inputs:
        return None
    return _with_usual_rate(
        replace(case.plan, scales_inputs=True),
        "scaled each column of X to mean 0 and standard deviation 1 (folded into the first layer, so that the "
        "network takes X as it is)",
    )


def _scale_targets(_: Finding, case: Case) -> Change:
    plan = case.plan
    if plan.scales_targets or not can_scale_targets(plan.loss, plan.output):
        return None
    return _with_usual_rate(
        replace(plan, scales_targets=True),
        "scaled the targets to about 1 (folded into the last layer, so that the network predicts in their own unit)",
    )


def _with_usual_rate(plan: Plan, said: str) -> Change:
    """A rate far from the optimizer's usual one was chosen for what is no longer so, and becomes the usual one."""
    optimizer = plan.settings.optimizer
    if not isinstance(optimizer, Optimizer):
        return plan, said
    usual = default_rate(optimizer)
    if usual / FAR < optimizer.learning_rate < usual * FAR:
        return plan, said
    changed, rate = _at(plan, usual)
    return changed, f"{said}, and {rate}"


def _redraw(_: Finding, case: Case) -> Change:
    """The weights of every round are drawn anew, which is all that the first one needs here."""
    said = "drew the initial weights anew, each layer by the scheme of its activation"
    return (case.plan, said) if case.first else None


def _bend(_: Finding, case: Case) -> Change:
    return _with_activations(case, lambda name: "relu" if name == "identity" else name)


def _open(_: Finding, case: Case) -> Change:
    """Activations that are flat at both ends become relu."""
    return _with_activations(case, lambda name: "relu" if name.partition("(")[0] in FLAT else name)


def _never_flat(_: Finding, case: Case) -> Change:
    flat = (*FLAT, "relu")
    return _with_activations(case, lambda name: "leaky_relu" if name.partition("(")[0] in flat else name)


def _with_activations(case: Case, changed: Callable[[str], str]) -> Change:
    before = case.plan.activations
    after = tuple(map(changed, before))
    if after == before:
        return None
    pairs = dict.fromkeys(f"{new} instead of {old}" for old, new in zip(before, after, strict=True) if new != old)
    return replace(case.plan, activations=after), f"activation {', '.join(pairs)}"


def _weaken_penalty(_: Finding, case: Case) -> Change:
    penalty = case.plan.settings.l2_penalty
    optimizer = case.plan.settings.optimizer
    if penalty > PENALTY / 10:
        weaker = min(penalty / 10, PENALTY)
        return case.plan.with_settings(l2_penalty=weaker), f"l2_penalty {weaker:g} instead of {penalty:g}"
    if isinstance(optimizer, Optimizer) and optimizer.weight_decay > 0:
        weaker = min(optimizer.weight_decay / 10, PENALTY)
        said = f"weight_decay {weaker:g} instead of {optimizer.weight_decay:g}"
        return case.plan.with_settings(optimizer=replace(optimizer, weight_decay=weaker)), said
    return None


def _weaken_dropout(_: Finding, case: Case) -> Change:
    given = case.plan.settings.dropout
    rates = list(given) if isinstance(given, tuple) else [given]
    weaker = [min(rate, DROPOUT) for rate in rates]
    if weaker == rates:
        return None
    dropout = tuple(weaker) if isinstance(given, tuple) else weaker[0]
    return case.plan.with_settings(dropout=dropout), f"dropout {dropout} instead of {given}"


def _balance(_: Finding, case: Case) -> Change:
    plan = case.plan
    takes = plan.start(0).head.takes_labels or (plan.sizes[-1] == 1 and plan.output.name == "sigmoid")
    if plan.class_weight is not None or not takes:
        return None
    return replace(plan, class_weight="balanced"), "class_weight 'balanced', so that each class counts alike"


def _clip(_: Finding, case: Case) -> Change:
    settings = case.plan.settings
    if not settings.by_steps or (settings.clip_norm is not None and settings.clip_norm <= NORM):
        return None
    return case.plan.with_settings(clip_norm=NORM), f"clip_norm {NORM:g}, which holds single steps back"


def _listen_less(_: Finding, case: Case) -> Change:
    plan = case.plan
    if plan.loss.name != "squared_error" or plan.output.name != "identity":
        return None
    changed = replace(plan, loss=as_loss("huber"), scales_targets=True)
    return changed, "loss huber instead of squared_error, on targets scaled to about 1"


def _fall(_: Finding, case: Case) -> Change:
    settings = case.plan.settings
    if not settings.by_steps or not isinstance(settings.schedule, Constant):
        return None
    return case.plan.with_settings(schedule="cosine"), "schedule 'cosine', which lowers the learning rate to 0"


def _larger_batches(_: Finding, case: Case) -> Change:
    settings = case.plan.settings
    batch = settings.batch_for(case.rows)
    if settings.takes_all or batch >= case.rows:
        return None
    larger = min(4 * batch, case.rows)
    return case.plan.with_settings(batch_size=larger), f"batch_size {larger} instead of {batch}"


def _slower(finding: Finding, case: Case) -> Change:
    """A tenth of the rate, or a hundredth if it is ten times too high, down to ten times the optimizer's usual one."""
    optimizer = case.plan.settings.optimizer
    if not isinstance(optimizer, Optimizer):
        return None
    rate = optimizer.learning_rate
    far = finding.kind == "learning_rate_too_high" and finding.excess >= 10
    return _at(case.plan, min(rate / (100 if far else 10), 10 * default_rate(optimizer)))


def _faster(_: Finding, case: Case) -> Change:
    """Ten times the rate, or the optimizer's usual one if that is more; and no schedule that takes it away."""
    optimizer, rates = case.plan.settings.optimizer, case.measured.telemetry.learning_rates
    known = [rate for rate in rates if rate is not None]
    if not isinstance(optimizer, Optimizer):
        return None
    falls = bool(known) and known[len(known) // 2] < SMALL_RATE * max(known)
    if falls and not isinstance(case.plan.settings.schedule, Constant):
        said = f"no schedule instead of {case.plan.settings.schedule!r}, which took the learning rate away"
        return case.plan.with_settings(schedule="constant"), said
    return _at(case.plan, max(10 * optimizer.learning_rate, default_rate(optimizer)))


def _at(plan: Plan, rate: float) -> tuple[Plan, str]:
    optimizer = plan.settings.optimizer
    changed = replace(optimizer, learning_rate=rate)
    said = f"learning rate {rate:g} instead of {optimizer.learning_rate:g}{why_rate(changed, optimizer.learning_rate)}"
    return plan.with_settings(optimizer=changed), said


def _longer(_: Finding, case: Case) -> Change:
    """Twice the epochs of the run, once."""
    epochs = case.plan.settings.epochs
    if epochs >= 2 * case.epochs:
        return None
    return case.plan.with_settings(epochs=2 * case.epochs), f"{2 * case.epochs} epochs instead of {epochs}"


def _stop_early(_: Finding, case: Case) -> Change:
    """At the best epoch, by rows of those that are trained on: the rows that judge decide nothing here."""
    settings = case.plan.settings
    if settings.patience is not None or case.rows < LEAST_TO_STOP:
        return None
    patience = max(PATIENCE, settings.epochs // 10)
    changed = replace(case.plan.with_settings(patience=patience), held_out=STOPPING)
    return changed, f"patience {patience}, by {STOPPING:.0%} of the rows to train on: the best epoch is the result"


def _hold_back(_: Finding, case: Case) -> Change:
    """A penalty ten times as strong, and dropout if there are hidden layers with room for it."""
    settings, plan = case.plan.settings, case.plan
    penalty = min(max(10 * settings.l2_penalty, 10 * PENALTY), 100 * PENALTY)
    values: dict[str, object] = {}
    if penalty > settings.l2_penalty:
        values["l2_penalty"] = penalty
    if settings.by_steps and not settings.drops and min(plan.sizes[1:-1], default=0) >= WIDE // 2:
        values["dropout"] = DROPOUT
    if not values:
        return None
    said = " and ".join(f"{name} {value:g}" for name, value in values.items())
    return plan.with_settings(**values), f"{said}, to hold the network back"


def _free(_: Finding, case: Case) -> Change:
    """Nothing that holds it back."""
    settings = case.plan.settings
    held = {"l2_penalty": settings.l2_penalty, "dropout": settings.dropout if settings.drops else 0.0}
    held = {name: value for name, value in held.items() if value}
    if not held:
        return None
    changed = case.plan.with_settings(**dict.fromkeys(held, 0.0))
    return changed, " and ".join(f"{name} 0 instead of {value}" for name, value in held.items())


def _anew(_: Finding, case: Case) -> Change:
    """A first training, if nothing is known of one: any step beyond it may not be needed."""
    if not case.first or case.measured.telemetry.epochs:
        return None
    return case.plan, f"trained from new random weights, for {case.epochs} epochs"


def _adam(_: Finding, case: Case) -> Change:
    optimizer = case.plan.settings.optimizer
    if isinstance(optimizer, Optimizer) and optimizer.name.startswith(("adam", "nadam", "amsgrad")):
        return None
    return case.plan.with_settings(optimizer="adam"), f"optimizer adam instead of {optimizer!r}"


def _wider(_: Finding, case: Case) -> Change:
    inputs, *hidden, outputs = case.plan.sizes
    wide = [max(size, WIDE) for size in hidden] or [WIDE]
    if wide == hidden:
        return None
    activations = case.plan.activations or ("relu",)
    changed = replace(case.plan, sizes=(inputs, *wide, outputs), activations=activations)
    was = ", ".join(map(str, hidden)) or "no hidden layer"
    return changed, f"hidden layers of {', '.join(map(str, wide))} units instead of {was}"


ACTIONS: dict[str, tuple[Action, ...]] = {
    "non_finite_data": (_leave_rows_out,),
    "wrong_loss": (suited_loss,),
    "wrong_output": (suited_output,),
    "inputs_not_scaled": (_scale_inputs,),
    "inputs_too_small": (_scale_inputs,),
    "targets_not_scaled": (_scale_targets,),
    "targets_too_small": (_scale_targets,),
    "linear_layers": (_bend,),
    "symmetry": (_redraw,),
    "penalty_too_strong": (_weaken_penalty,),
    "dropout_too_strong": (_weaken_dropout,),
    "nothing_arrives": (suited_output, _never_flat, _redraw),
    "class_imbalance": (_balance,),
    "dominating_examples": (_listen_less, _clip),
    "exploding_gradient": (_redraw, _clip, _slower),
    "batch_too_small": (_fall, _larger_batches),
    "learning_rate_too_high": (_slower,),
    "non_finite": (_slower,),
    "saturated_units": (_open, _redraw, _slower),
    "dead_units": (_never_flat, _slower),
    "vanishing_gradient": (_open, _redraw),
    "layer_not_learning": (_open, _redraw),
    "learning_rate_too_low": (_faster,),
    "training_too_short": (_longer, _faster),
    "overfitting": (_stop_early, _hold_back),
    "loss_stands_still": (_faster, _adam),
    "underfitting": (_anew, _free, _adam, _wider, _longer),
}
