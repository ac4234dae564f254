"""Mistakes of the first talk, to the output units."""

from __future__ import annotations

import numpy as np

from ....core.losses import AbsoluteError, BinaryCrossEntropy, CrossEntropy, Huber, PoissonDeviance, SquaredError
from .known import Known, Variant, on
from .talks import OUTPUT, Link, Pass

TOP = "output"


def _one_hot(talk: Pass) -> np.ndarray | None:
    """e(y) for each example, of which the target is made; None where y holds no labels."""
    loss, target = talk.network.loss, talk.scene.target
    if not isinstance(loss, CrossEntropy):
        return None
    smoothing = loss.label_smoothing
    one_hot = np.round(target)
    smoothed = (1 - smoothing) * one_hot + smoothing / target.shape[1]
    return one_hot if np.allclose(smoothed, target) and bool((one_hot.sum(axis=1) == 1).all()) else None


def _softmax_jacobian(yhat: np.ndarray, grad: np.ndarray) -> np.ndarray:
    """Jᵀ∇ for each example, J = diag(ŷ) − ŷŷᵀ."""
    return yhat * (grad - (yhat * grad).sum(axis=1, keepdims=True))


def _output_slope(talk: Pass) -> np.ndarray | None:
    """O′ of each output unit by itself; None where O is the identity."""
    yhat = talk.trace.output
    if isinstance(talk.network.loss, CrossEntropy | BinaryCrossEntropy):
        return yhat * (1 - yhat)
    return yhat if isinstance(talk.network.loss, PoissonDeviance) else None


def _negated(talk: Pass, i: int, link: Link) -> np.ndarray:
    return -link(talk, i)


def _label_moved(talk: Pass, i: int, link: Link, by: int, wraps: bool) -> np.ndarray | None:
    loss, one_hot = talk.network.loss, _one_hot(talk)
    if one_hot is None or not isinstance(loss, CrossEntropy):
        return None
    moved = np.roll(one_hot, by, axis=1)
    if not wraps:
        moved[:, 0 if by == 1 else -1] = 0
    if not moved.any():  # that is a target that was left out
        return None
    smoothing = loss.label_smoothing
    return link(talk.on(target=(1 - smoothing) * moved + smoothing / moved.shape[1]), i)


def _moves(by: int) -> tuple[Variant, ...]:
    """e(y + by), where the label after the last is the first, or none."""
    return tuple(
        on(kinds, lambda talk, i, link, wraps=wraps: _label_moved(talk, i, link, by, wraps))
        for wraps in (True, False)
        for kinds in (OUTPUT, TOP)
    )


def _label_as_number(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    one_hot = _one_hot(talk)
    if one_hot is None or one_hot[:, 0].all():  # ŷ − 0 is a target that was left out
        return None
    labels = one_hot.argmax(axis=1)[:, None]
    return (talk.trace.output - labels) * talk.scene.weight[:, None]


def _target_left_out(talk: Pass, i: int, link: Link) -> np.ndarray:
    loss, a, yhat = talk.network.loss, talk.trace.a[talk.L], talk.trace.output
    return loss.gradient(a, yhat, np.zeros_like(yhat)) * talk.scene.weight[:, None]


def _smoothing_left_out(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    loss, target = talk.network.loss, talk.scene.target
    if not isinstance(loss, CrossEntropy | BinaryCrossEntropy) or not 0 < loss.label_smoothing < 1:
        return None
    smoothing = loss.label_smoothing
    classes = target.shape[1] if isinstance(loss, CrossEntropy) else 2
    return link(talk.on(target=(target - smoothing / classes) / (1 - smoothing)), i)


def _jacobian_left_out(talk: Pass, i: int, link: Link) -> np.ndarray:
    return talk.h(i)


def _jacobian_diagonal(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    slope = _output_slope(talk)
    return talk.h(i) * slope if isinstance(talk.network.loss, CrossEntropy) and slope is not None else None


def _slope_once_more(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    slope = _output_slope(talk)
    return None if slope is None else link(talk, i) * slope


def _jacobian_once_more(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    softmax = isinstance(talk.network.loss, CrossEntropy)
    return _softmax_jacobian(talk.trace.output, link(talk, i)) if softmax else None


def _at_a_for_at_yhat(talk: Pass, i: int, link: Link) -> np.ndarray:
    loss, a, yhat = talk.network.loss, talk.trace.a[talk.L], talk.trace.output
    return loss.gradient(a, yhat, talk.scene.target) * talk.scene.weight[:, None]


def _factor_two(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    loss = talk.network.loss
    if isinstance(loss, PoissonDeviance):
        return link(talk, i) / 2
    return 2 * link(talk, i) if isinstance(loss, SquaredError | Huber) else None


def _squared_for_other(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if not isinstance(talk.network.loss, AbsoluteError | Huber):
        return None
    return (talk.trace.output - talk.scene.target) * talk.scene.weight[:, None]


def _mean_over_outputs(talk: Pass, i: int, link: Link) -> np.ndarray:
    return link(talk, i) / talk.network.sizes[-1]


def _mean_squared_error(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    squared = isinstance(talk.network.loss, SquaredError)
    return 2 * link(talk, i) / talk.network.sizes[-1] if squared else None


MISTAKES = (
    Known(
        "output_sign",
        "the sign at the output is turned: ∇_{a_L} is t − ŷ",
        "∇_{a_L}ℒ = (ŷ − t) · w",
        "subtract the target from the output, not the output from the target",
        (on(TOP, _negated),),
        scales=True,
    ),
    Known(
        "label_plus_one",
        "the labels are off by one: e(y + 1) stands instead of e(y)",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w, where label y = 0 is the first output",
        "count the labels from 0",
        _moves(1),
    ),
    Known(
        "label_minus_one",
        "the labels are off by one: e(y − 1) stands instead of e(y)",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w, where label y = 0 is the first output",
        "count the labels from 0",
        _moves(-1),
    ),
    Known(
        "label_as_number",
        "the label itself is subtracted, as a number: ∇_{a_L} is ŷ − y",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w",
        "make the label one-hot first: e(y) is 1 at place y and 0 elsewhere",
        (on(TOP, _label_as_number),),
    ),
    Known(
        "target_left_out",
        "the target is left out: ∇_{a_L} is made of ŷ alone",
        "∇_{a_L}ℒ = (ŷ − t) · w; for a label, t = e(y)",
        "subtract the target from ŷ",
        (on(TOP, _target_left_out),),
    ),
    Known(
        "smoothing_left_out",
        "label smoothing is left out: the target is the label's own",
        "t = (1 − s) · e(y) + s/k",
        "smooth the target before it is subtracted from ŷ",
        (on(OUTPUT, _smoothing_left_out), on(TOP, _smoothing_left_out)),
    ),
    Known(
        "jacobian_left_out",
        "the output function's derivative is left out: ∂ℒ/∂ŷ is taken for ∂ℒ/∂a_L",
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ with J = ∂ŷ/∂a_L; for softmax J = diag(ŷ) − ŷ ŷᵀ, and both together are (ŷ − e(y)) · w",
        "take ∂ℒ/∂ŷ through the output function, or write ŷ − t at once",
        (on(TOP, _jacobian_left_out),),
    ),
    Known(
        "jacobian_diagonal",
        "only the diagonal of softmax's Jacobian is used: ∂ℒ/∂ŷ is multiplied by ŷ(1 − ŷ)",
        "∂ŷ_j/∂a_m = ŷ_j(1 − ŷ_j) for m = j, and −ŷ_j ŷ_m for m ≠ j",
        "sum over all outputs, since each ŷ_j depends on every a_m; or write ŷ − e(y) at once",
        (on(TOP, _jacobian_diagonal),),
    ),
    Known(
        "jacobian_twice",
        "the output function's derivative is applied once more: ŷ − t holds it already",
        "∇_{a_L}ℒ = (ŷ − t) · w",
        "leave the factor out at the output",
        (on(TOP, _slope_once_more), on(TOP, _jacobian_once_more)),
    ),
    Known(
        "at_a_for_at_yhat",
        "∂ℒ/∂a_L is given for ∂ℒ/∂ŷ: h[L] is the gradient at the output ŷ itself",
        "for cross-entropy ∂ℒ/∂ŷ_j = −w t_j/ŷ_j, and only ∂ℒ/∂a_L is (ŷ − t) · w",
        "differentiate ℒ by ŷ alone for h[L]",
        (on("yhat", _at_a_for_at_yhat),),
    ),
    Known(
        "factor_two",
        "a factor 2 is amiss: the loss that was differentiated is twice, or half, this one",
        "squared error and Huber have a ½ in them, so that ∂ℓ/∂a = ŷ − t; Poisson's deviance has a 2: 2(ŷ − t)",
        "differentiate the loss of the network, with the factor that it has",
        (on(OUTPUT, _factor_two), on(TOP, _factor_two)),
        scales=True,
    ),
    Known(
        "mean_over_outputs",
        "the loss of an example is the mean over the outputs instead of the sum",
        "ℓ is summed over the k outputs of an example, never averaged",
        "do not divide by the number of outputs: a mean over the whole array divides by B · k",
        (on(OUTPUT, _mean_over_outputs), on(TOP, _mean_over_outputs), on(OUTPUT, _mean_squared_error),
         on(TOP, _mean_squared_error)),
        scales=True,
    ),
    Known(
        "squared_error_for_other",
        "∇_{a_L} is ŷ − t, which is the gradient of the squared error and not of this loss",
        "absolute error: sign(ŷ − t); Huber: ŷ − t clipped to [−δ, δ]",
        "differentiate the loss of the network",
        (on(OUTPUT, _squared_for_other), on(TOP, _squared_for_other)),
    ),
)  # fmt: skip
