"""Mistakes of the first talk, to the output units."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ....core.head import Head
from ....core.losses import (
    LOSSES,
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    Loss,
    PoissonDeviance,
    SquaredError,
)
from ....core.outputs import ElementWise, Softmax
from .known import Known, Variant, on
from .talks import OUTPUT, RIGHT, Link, Pass


def _one_hot(talk: Pass) -> np.ndarray | None:
    """e(y) for each example, of which the target is made; None if y holds no labels."""
    network, target = talk.network, talk.scene.target
    if not network.head.takes_labels or target.shape[1] < 2:
        return None
    one_hot = np.round(target)
    is_label = bool(np.isin(one_hot, (0, 1)).all() and (one_hot.sum(axis=1) == 1).all())
    return one_hot if is_label and np.allclose(network.loss.smoothed(one_hot), target) else None


def _output_slope(talk: Pass) -> np.ndarray | None:
    """O′ of each output unit by itself; None if O is the identity."""
    output = talk.network.output
    if isinstance(output, ElementWise):
        return None if output.name == "identity" else output.activation.g_prime(talk.trace.a[talk.L])
    yhat = talk.trace.output
    return yhat * (1 - yhat)


def _is_softmax(talk: Pass) -> bool:
    return isinstance(talk.network.output, Softmax)


def _labels_moved(by: int) -> tuple[Variant, ...]:
    """e(y + by), where the label after the last is the first, or none."""

    def moved(talk: Pass, i: int, link: Link, *, wraps: bool) -> np.ndarray | None:
        one_hot = _one_hot(talk)
        if one_hot is None:
            return None
        target = np.roll(one_hot, by, axis=1)
        if not wraps:
            target[:, 0 if by == 1 else -1] = 0
        if not target.any():  # that is a target that was left out
            return None
        return link(talk.on(target=talk.network.loss.smoothed(target)), i)

    return (*on(partial(moved, wraps=True), OUTPUT, "output"), *on(partial(moved, wraps=False), OUTPUT, "output"))


def _label_as_number(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    one_hot = _one_hot(talk)
    if one_hot is None or one_hot[:, 0].all():  # ŷ − 0 is a target that was left out
        return None
    labels = one_hot.argmax(axis=1)[:, None]
    return (talk.trace.output - labels) * talk.scene.weight[:, None]


def _label_times_one_hot(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    one_hot = _one_hot(talk)
    if one_hot is None or one_hot[:, 0].all():
        return None
    return (talk.trace.output - one_hot * one_hot.argmax(axis=1)[:, None]) * talk.scene.weight[:, None]


def _smoothing_left_out(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    loss, target = talk.network.loss, talk.scene.target
    if not isinstance(loss, CrossEntropy | BinaryCrossEntropy) or not 0 < loss.label_smoothing < 1:
        return None
    smoothing = loss.label_smoothing
    classes = target.shape[1] if isinstance(loss, CrossEntropy) else 2
    return link(talk.on(target=(target - smoothing / classes) / (1 - smoothing)), i)


def _slope_once_more(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    slope = _output_slope(talk)
    return None if slope is None else link(talk, i) * slope


def _jacobian_once_more(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if not _is_softmax(talk):
        return None
    yhat, grad = talk.trace.output, link(talk, i)
    return yhat * (grad - (yhat * grad).sum(axis=1, keepdims=True))  # Jᵀ∇, J = diag(ŷ) − ŷŷᵀ


NATURAL = (
    ("softmax", "cross_entropy"),
    ("softmax", "kl_divergence"),
    ("sigmoid", "binary_cross_entropy"),
    ("exp", "poisson_deviance"),
)


def _slope_of_other_output(slope: Callable[[np.ndarray], np.ndarray]) -> tuple[Variant, ...]:
    """∂ℒ/∂ŷ through the derivative of another output function, as it is written with ŷ."""

    def change(talk: Pass, i: int, link: Link) -> np.ndarray | None:
        slopes = slope(talk.trace.output)
        if _output_slope(talk) is None or _is_softmax(talk) or (slopes == 1).all():
            return None
        return talk.h(i) * slopes

    return on(change, "output")


def _closed_form_of_other(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    """ŷ − t, if this pair has another gradient at a_L."""
    output, loss = talk.network.output.name, talk.network.loss.name
    if (output, loss) in NATURAL or output == "identity":
        return None
    if loss == "squared_error" and output not in ("softmax", "sigmoid"):  # there it is ∂ℓ/∂ŷ, and J is left out
        return None
    return (talk.trace.output - talk.scene.target) * talk.scene.weight[:, None]


def _of_other_loss(kind: type[Loss]) -> Variant:
    """∇_{a_L} of another loss than the network's, through its output function."""

    def change(talk: Pass, i: int, link: Link) -> np.ndarray | None:
        if isinstance(talk.network.loss, kind):
            return None
        gradient = Head(talk.network.output, kind()).gradient(
            talk.trace.a[talk.L], talk.trace.output, talk.scene.target
        )
        return gradient * talk.scene.weight[:, None] if np.isfinite(gradient).all() else None

    return Variant({"output": change})


def _one_term(*, of_target: bool) -> Variant:
    """Of a loss −t log ŷ − (1 − t) log(1 − ŷ), the gradient of one term alone."""

    def at_yhat(talk: Pass, i: int, link: Link) -> np.ndarray | None:
        if not isinstance(talk.network.loss, BinaryCrossEntropy):
            return None
        yhat, t = talk.trace.output, talk.scene.target
        return (-t / yhat if of_target else (1 - t) / (1 - yhat)) * talk.scene.weight[:, None]

    def at_a(talk: Pass, i: int, link: Link) -> np.ndarray | None:
        gradient = at_yhat(talk, i, link)
        if gradient is None:
            return None
        return talk.network.output.gradient(talk.trace.a[i], talk.trace.output, gradient)

    return Variant({"yhat": at_yhat, "output": at_a})


def _residual(change: Callable[[np.ndarray], np.ndarray]) -> tuple[Variant, ...]:
    return on(
        lambda talk, i, link: change(talk.trace.output - talk.scene.target) * talk.scene.weight[:, None], "output"
    )


def _factor_two(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    loss = talk.network.loss
    if isinstance(loss, PoissonDeviance):
        return link(talk, i) / 2
    return 2 * link(talk, i) if isinstance(loss, SquaredError | Huber) else None


def _squared_for_other(talk: Pass, i: int, link: Link) -> np.ndarray | None:
    if not isinstance(talk.network.loss, AbsoluteError | Huber) or talk.network.output.name != "identity":
        return None
    return (talk.trace.output - talk.scene.target) * talk.scene.weight[:, None]


MISTAKES = (
    Known(
        "output_sign",
        "the sign at the output is turned: ∇_{a_L} is t − ŷ",
        "∇_{a_L}ℒ = (ŷ − t) · w",
        "subtract the target from the output, not the output from the target",
        on(lambda talk, i, link: -link(talk, i), "output"),
        scales=True,
    ),
    Known(
        "label_plus_one",
        "the labels are off by one: e(y + 1) stands instead of e(y)",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w, where label y = 0 is the first output",
        "count the labels from 0",
        _labels_moved(1),
    ),
    Known(
        "label_minus_one",
        "the labels are off by one: e(y − 1) stands instead of e(y)",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w, where label y = 0 is the first output",
        "count the labels from 0",
        _labels_moved(-1),
    ),
    Known(
        "label_as_number",
        "the label itself is subtracted, as a number: ∇_{a_L} is ŷ − y",
        "∇_{a_L}ℒ = (ŷ − e(y)) · w",
        "make the label one-hot first: e(y) is 1 at place y and 0 elsewhere",
        on(_label_as_number, "output") + on(_label_times_one_hot, "output"),
    ),
    Known(
        "target_left_out",
        "the target is left out: ∇_{a_L} is made of ŷ alone",
        "∇_{a_L}ℒ = (ŷ − t) · w; for a label, t = e(y)",
        "subtract the target from ŷ",
        on(lambda talk, i, link: RIGHT["output"](talk.on(target=np.zeros_like(talk.scene.target)), i), "output")
        + on(lambda talk, i, link: talk.trace.output * talk.scene.weight[:, None], "output"),
    ),
    Known(
        "smoothing_left_out",
        "label smoothing is left out: the target is the label's own",
        "t = (1 − s) · e(y) + s/k",
        "smooth the target before it is subtracted from ŷ",
        on(_smoothing_left_out, OUTPUT, "output"),
    ),
    Known(
        "closed_form_of_other_loss",
        "ŷ − t stands for ∇_{a_L}: the closed form of cross-entropy is used under another loss",
        "ŷ − t belongs to softmax with cross-entropy and to the sigmoid with binary cross-entropy; any other pair has "
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ",
        "take ∂ℒ/∂ŷ of your loss through the output function",
        on(_closed_form_of_other, "output"),
    ),
    Known(
        "jacobian_left_out",
        "the output function's derivative is left out: ∂ℒ/∂ŷ is taken for ∂ℒ/∂a_L",
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ with J = ∂ŷ/∂a_L; for softmax J = diag(ŷ) − ŷ ŷᵀ, and both together are (ŷ − e(y)) · w",
        "take ∂ℒ/∂ŷ through the output function, or use the closed form of the pair",
        on(lambda talk, i, link: talk.h(i), "output"),
        hidden_by=("closed_form_of_other_loss",),
    ),
    Known(
        "jacobian_diagonal",
        "only the diagonal of softmax's Jacobian is used: ∂ℒ/∂ŷ is multiplied by ŷ(1 − ŷ)",
        "∂ŷ_j/∂a_m = ŷ_j(1 − ŷ_j) for m = j, and −ŷ_j ŷ_m for m ≠ j",
        "sum over all outputs, since each ŷ_j depends on every a_m; or write ŷ − e(y) at once",
        on(lambda talk, i, link: talk.h(i) * _output_slope(talk)
           if _is_softmax(talk) else None, "output"),
    ),
    Known(
        "output_slope_of_other_function",
        "the derivative at the output is that of another output function, such as ŷ(1 − ŷ) or 1 − ŷ²",
        "∇_{a_L}ℒ = O′(a_L) ⊙ ∇_ŷℒ; for the sigmoid O′ = ŷ(1 − ŷ), for tanh 1 − ŷ², for the identity 1",
        "differentiate the output function of the network",
        _slope_of_other_output(lambda yhat: yhat * (1 - yhat)) + _slope_of_other_output(lambda yhat: 1 - yhat**2)
        + _slope_of_other_output(lambda yhat: (yhat > 0) * 1.0),
        hidden_by=("g_prime_at_output",),
    ),
    Known(
        "jacobian_twice",
        "the output function's derivative is applied once more",
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ, with J once; for the pairs whose gradient is (ŷ − t) · w it is in there already",
        "leave the factor out at the output",
        on(_slope_once_more, "output") + on(_jacobian_once_more, "output"),
    ),
    Known(
        "one_term_at_output",
        "one of the two terms of the gradient is missing: −t/ŷ and (1 − t)/(1 − ŷ)",
        "binary cross-entropy: ∂ℓ/∂ŷ = (1 − t)/(1 − ŷ) − t/ŷ, and ∂ℓ/∂a = ŷ − t",
        "differentiate both terms of the loss",
        (_one_term(of_target=True), _one_term(of_target=False)),
    ),
    Known(
        "residual_changed",
        "the error ŷ − t is squared, or its absolute value is taken",
        "∇_{a_L}ℒ = (ŷ − t) · w, with its sign",
        "leave ŷ − t as it is: the square is that of the loss",
        _residual(lambda r: r**2) + _residual(np.abs) + _residual(lambda r: r**2 / 2),
    ),
    Known(
        "g_prime_at_output",
        "g′ of the hidden layers is applied at the output as well, which has no g",
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ with J = ∂ŷ/∂a_L, where g has no part",
        "begin with g′ at layer L − 1",
        on(lambda talk, i, link: link(talk, i) * talk.g_prime(i - 1, talk.trace.a[i]), "output")
        + on(lambda talk, i, link: link(talk, i) * talk.g_prime(i - 1, talk.trace.output), "output")
        + tuple(on(lambda talk, i, link, slope=slope: link(talk, i) * slope(talk.trace.output), "output")[0]
                for slope in (lambda h: h * (1 - h), lambda h: 1 - h**2)),
        hidden_by=("jacobian_twice", "output_slope_of_other_function"),
    ),
    Known(
        "at_a_for_at_yhat",
        "∂ℒ/∂a_L is given for ∂ℒ/∂ŷ: h[L] is the gradient at the output ŷ itself",
        "for cross-entropy ∂ℒ/∂ŷ_j = −w t_j/ŷ_j, and only ∂ℒ/∂a_L is (ŷ − t) · w",
        "differentiate ℒ by ŷ alone for h[L]",
        on(lambda talk, i, link: RIGHT["output"](talk, i), "yhat"),
    ),
    Known(
        "factor_two",
        "a factor 2 is amiss: the loss that was differentiated is twice, or half, this one",
        "squared error and Huber have a ½ in them, so that ∂ℓ/∂a = ŷ − t; Poisson's deviance has a 2: 2(ŷ − t)",
        "differentiate the loss of the network, with the factor that it has",
        on(_factor_two, OUTPUT, "output"),
        scales=True,
    ),
    Known(
        "mean_over_outputs",
        "the loss of an example is the mean over the outputs instead of the sum",
        "ℓ is summed over the k outputs of an example, never averaged",
        "do not divide by the number of outputs: a mean over the whole array divides by B · k",
        (*on(lambda talk, i, link: link(talk, i) / talk.network.sizes[-1], OUTPUT, "output"),
         *on(lambda talk, i, link: 2 * link(talk, i) / talk.network.sizes[-1]
             if isinstance(talk.network.loss, SquaredError) else None, OUTPUT, "output")),
        scales=True,
    ),
    Known(
        "squared_error_for_other",
        "∇_{a_L} is ŷ − t, which is the gradient of the squared error and not of this loss",
        "absolute error: sign(ŷ − t); Huber: ŷ − t clipped to [−δ, δ]",
        "differentiate the loss of the network",
        on(_squared_for_other, OUTPUT, "output"),
    ),
)  # fmt: skip
LAST: tuple[Known, ...] = (
    Known(
        "gradient_of_other_loss",
        "∇_{a_L} is the gradient of another loss than the network's, through its output function",
        "∇_{a_L}ℒ = Jᵀ ∇_ŷℒ, with the loss of the network in it",
        "differentiate the loss of the network, or give the network the loss that you differentiate",
        tuple(_of_other_loss(kind) for kind in LOSSES.values() if isinstance(kind, type)),
        hidden_by=("constant_factor",),
        is_last_resort=True,
    ),
)  # fmt: skip
