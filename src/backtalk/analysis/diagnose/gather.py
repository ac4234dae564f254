"""One pass over the examples, block by block, to all that is measured."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ...core.activations import Activation, Sigmoid, Tanh
from ...core.head import Head
from ...core.losses import (
    AbsoluteError,
    BinaryCrossEntropy,
    CrossEntropy,
    Huber,
    KLDivergence,
    PoissonDeviance,
    Quantile,
    Quantiles,
    SquaredError,
)
from ...core.network import Network
from ...core.norms import euclidean_norm
from ...core.outputs import Softmax
from ...engines.steps import SILENT
from ..per_example.statistics import estimate_noise
from .examples import ExampleBlock, Examples
from .locate import Locator
from .measure import Columns, LayerMeasurement, Measurements, Targets
from .statistics import RunningMoments, column_norms, median, root_mean_square
from .telemetry import Telemetry
from .thresholds import LIMITS

LARGEST_SLOPE: dict[type[Activation], float] = {Sigmoid: 0.25, Tanh: 1.0}  # of the activations with two ends
MOST_LEVELS = 100
ROUNDING = 1e-12  # of a sum of N weights, which makes of 1 a little less


def measure(
    examples: Examples,
    telemetry: Telemetry,
    validation: Examples | None,
    names: tuple[str, ...],
    classes: tuple[str, ...],
    rows: np.ndarray | None,
    memory_limit: int,
) -> Measurements:
    """All that the rules read."""
    network, count = examples.network, examples.count
    layers = [_Layer(network, i, count) for i in range(1, network.depth + 1)]
    norms, losses, residuals = np.zeros(count), np.zeros(count), np.zeros(count)
    targets, locator = _Targets(examples), Locator(examples)
    for block in examples.blocks(memory_limit):
        own = block.rows
        with np.errstate(all="ignore"):
            for layer in layers:
                layer.add(block, examples.weight[own])
            for i, layer in enumerate(layers, start=1):
                # ‖∇_{W_i}ℓ_n‖² + ‖∇_{b_i}ℓ_n‖² = ‖∇_{a_i}ℓ_n‖²(‖h_{i−1}‖² + 1)
                heard = np.hypot(column_norms(block.trace.h[i - 1].T.astype(np.float64)), 1.0)
                norms[own] = np.hypot(norms[own], layer.grad_a[own] * heard)
            losses[own] = block.losses
            residuals[own] = np.abs(block.trace.output - block.target).max(axis=1)
        targets.add(block)
        locator.look(block)
    with np.errstate(all="ignore"):
        loss = _weighted_sum(losses, examples.weight)
        gradient = euclidean_norm(np.array([norm for layer in layers for norm in layer.gradient_norms()]))
        noise_scale = _noise_scale(norms, examples.weight, gradient)
        validation_loss = None if validation is None else _loss(validation, memory_limit)
    measured = telemetry.measured()
    last = measured[-1] if measured and len(measured[-1]) == network.depth else None
    for i, layer in enumerate(layers):
        locator.look_at_gradient(i + 1, layer.grad_W, layer.grad_b)
        layer.update = None if last is None or not last[i].W > 0 else last[i].update / last[i].W
    return Measurements(
        examples=count,
        rows=np.arange(count) if rows is None else rows,
        counted_from=int(rows is None),
        columns=_columns(examples, names),
        targets=replace(targets.result(), names=classes),
        layers=tuple(layer.result() for layer in layers),
        weights=examples.weight.astype(np.float64),
        losses=losses,
        norms=norms,
        residuals=residuals,
        loss=loss,
        baseline=_baseline(network.head, targets, examples),
        gradient=gradient,
        noise_scale=noise_scale,
        validation_loss=validation_loss,
        validation_examples=None if validation is None else validation.count,
        telemetry=telemetry,
        non_finite=locator.places(),
    )


class _Layer:
    """What is gathered of one layer."""

    def __init__(self, network: Network, i: int, count: int) -> None:
        self.i, self.network = i, network
        self.hidden = i < network.depth
        units = network.sizes[i]
        self.a, self.h = RunningMoments(units), RunningMoments(units)
        self.zeros, self.largest, self.slope, self.flat = 0, np.zeros(units), np.zeros(units), np.zeros(units)
        self.grad_a = np.zeros(count)
        self.heard, self.wrong = np.zeros(units), np.zeros(units)  # of outputs: the largest |∂ℓ/∂a_Lj| and |ŷ_j − t_j|
        self.grad_W, self.grad_b = np.zeros(network.W[i].shape), np.zeros(units)
        self.update: float | None = None

    def add(self, block: ExampleBlock, weight: np.ndarray) -> None:
        a, h, grad_a = block.trace.a[self.i], block.trace.h[self.i], block.grad_a[self.i].astype(np.float64)
        self.a.add(a)
        self.h.add(h)
        self.zeros += int((h == 0).sum())
        self.largest = np.maximum(self.largest, np.abs(h).max(axis=0))
        if self.hidden:
            g = self.network.activations[self.i - 1]
            slope = np.abs(np.broadcast_to(g.g_prime(a), a.shape))
            self.slope = np.maximum(self.slope, slope.max(axis=0))
            if type(g) in LARGEST_SLOPE:
                self.flat += (slope < LIMITS.flat_slope * LARGEST_SLOPE[type(g)]).sum(axis=0)
        else:
            self.heard = np.maximum(self.heard, np.abs(grad_a).max(axis=0))
            self.wrong = np.maximum(self.wrong, np.abs(h - block.target).max(axis=0))
        self.grad_a[block.rows] = column_norms(grad_a.T)
        share = np.where(weight[:, None] > 0, grad_a, 0.0) * weight[:, None]
        self.grad_W += share.T @ block.trace.h[self.i - 1].astype(np.float64)
        self.grad_b += share.sum(axis=0)

    def gradient_norms(self) -> tuple[float, float]:
        return euclidean_norm(self.grad_W), euclidean_norm(self.grad_b)

    def result(self) -> LayerMeasurement:
        network, i, count = self.network, self.i, self.a.count
        a_mean, a_std = self.a.whole()
        h_mean, h_std = self.h.whole()
        size, gradient = euclidean_norm(network.W[i]), self.gradient_norms()[0]
        flat, saturated = self.flat / count, ()
        dead = tuple(np.flatnonzero((self.heard == 0) & (self.wrong > 0)).tolist())
        if self.hidden:
            # a unit that is silent for all examples is dead if it says nothing, and saturated if it shouts
            ends = type(network.activations[i - 1]) in LARGEST_SLOPE
            silent = self.slope < SILENT
            is_dead = silent & (self.largest < SILENT) & (not ends)
            is_saturated = (flat >= LIMITS.flat_examples) if ends else silent & ~is_dead
            dead, saturated = (tuple(np.flatnonzero(kind).tolist()) for kind in (is_dead, is_saturated))
        units = network.sizes[i]
        return LayerMeasurement(
            layer=i,
            units=units,
            function=repr(network.activations[i - 1]) if self.hidden else repr(network.output),
            a_mean=a_mean,
            a_std=a_std,
            h_mean=h_mean,
            h_std=h_std,
            zero=self.zeros / (count * units),
            grad_a=median(self.grad_a),
            grad_a_rms=root_mean_square(self.grad_a),
            grad_W=gradient,
            W=size,
            ratio=gradient / size if size else None,
            update=self.update,
            dead=len(dead) / units if self.hidden else None,
            saturated=len(saturated) / units if self.hidden else None,
            unit_mean=self.h.mean,
            unit_std=self.h.std,
            unit_largest=self.largest,
            unit_slope=self.slope,
            unit_flat=flat,
            dead_units=dead,
            saturated_units=saturated,
        )


class _Targets:
    """What is gathered of t, and of how the network answers."""

    def __init__(self, examples: Examples) -> None:
        network, count = examples.network, examples.count
        self.examples, self.outputs = examples, network.sizes[-1]
        self.moments = RunningMoments(self.outputs)
        self.least, self.most = np.full(self.outputs, np.inf), np.full(self.outputs, -np.inf)
        self.weighted = np.zeros(self.outputs)  # Σ_n w_n t_n
        self.whole, self.one_hot, self.levels = True, self.outputs > 1, set()
        kind = network.loss
        smoothed = bool(getattr(kind, "label_smoothing", 0.0))
        self.answers = (isinstance(network.output, Softmax) and self.outputs > 1) or (
            network.output.name == "sigmoid" and isinstance(kind, BinaryCrossEntropy) and self.outputs == 1
        )
        self.hard = self.answers
        self.hard_level = 0.5 if smoothed else 1.0
        self.given, self.predicted = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self.confidence, self.of_given = np.zeros(count), np.zeros(count)

    def add(self, block: ExampleBlock) -> None:
        t, yhat, rows = block.target, block.trace.output, block.rows
        with np.errstate(all="ignore"):
            self.moments.add(t)
            self.least, self.most = np.minimum(self.least, t.min(axis=0)), np.maximum(self.most, t.max(axis=0))
            w = self.examples.weight[rows]
            self.weighted += (np.where(w[:, None] > 0, t, 0.0) * w[:, None]).sum(axis=0)
            known = t[~np.isnan(t).any(axis=1)]
            self.whole = self.whole and bool((known == np.floor(known)).all())
            self.one_hot = self.one_hot and bool(
                (((known == 0) | (known == 1)).all(axis=1) & (known.sum(axis=1) == 1)).all()
            )
            if len(self.levels) <= MOST_LEVELS:
                self.levels.update(np.unique(known)[: MOST_LEVELS + 1].tolist())
        if not self.answers:
            return
        if self.outputs == 1:
            ends = np.minimum(np.abs(known), np.abs(1 - known))
            given, sure = (t[:, 0] > 0.5).astype(np.int64), np.where(yhat[:, 0] > 0.5, yhat[:, 0], 1 - yhat[:, 0])
            predicted = (yhat[:, 0] > 0.5).astype(np.int64)
            self.of_given[rows] = np.where(given == 1, yhat[:, 0], 1 - yhat[:, 0])
        else:
            ends = 1 - known.max(axis=1, initial=-np.inf)
            given, predicted, sure = t.argmax(axis=1), yhat.argmax(axis=1), yhat.max(axis=1)
            self.of_given[rows] = np.take_along_axis(yhat, given[:, None], axis=1)[:, 0]
        self.hard = self.hard and bool((ends <= 1 - self.hard_level).all())
        self.given[rows], self.predicted[rows], self.confidence[rows] = given, predicted, sure

    def result(self) -> Targets:
        levels = len(self.levels) if len(self.levels) <= MOST_LEVELS else None
        moments = self.moments
        found = Targets(moments.mean, moments.std, self.least, self.most, self.whole, levels, self.one_hot)
        if not self.hard or self.examples.unknown.any():
            return found
        classes = max(2, self.outputs)
        counts = np.bincount(self.given, minlength=classes)
        shares = np.bincount(self.given, weights=self.examples.weight, minlength=classes)
        right = np.bincount(self.given, weights=self.given == self.predicted, minlength=classes)
        with np.errstate(all="ignore"):
            recall = right / counts
        return replace(
            found, hard=True, counts=counts, shares=shares, recall=recall,
            given=self.given, predicted=self.predicted, confidence=self.confidence, of_given=self.of_given,
        )  # fmt: skip


def _columns(examples: Examples, names: tuple[str, ...]) -> Columns:
    X, columns = examples.X, examples.X.shape[1]
    moments = RunningMoments(columns)
    least, most, non_finite = np.full(columns, np.inf), np.full(columns, -np.inf), np.zeros(columns, np.int64)
    for first in range(0, len(X), 4096):
        block = X[first : first + 4096]
        moments.add(block)
        with np.errstate(all="ignore"):
            least, most = np.minimum(least, block.min(axis=0)), np.maximum(most, block.max(axis=0))
        non_finite += (~np.isfinite(block)).sum(axis=0)
    return Columns(names, moments.mean, moments.std, least, most, non_finite)


def _weighted_sum(values: np.ndarray, weight: np.ndarray) -> float:
    return float((np.where(weight > 0, values, 0.0) * weight).sum())


def _loss(examples: Examples, memory_limit: int) -> float:
    """ℒ of a validation set."""
    return math.fsum(
        _weighted_sum(block.losses, examples.weight[block.rows]) for block in examples.blocks(memory_limit)
    )


def _noise_scale(norms: np.ndarray, weight: np.ndarray, gradient: float) -> float | None:
    """tr Σ/‖∇ℒ‖², both without bias, from ‖∇ℓ_n‖ of N drawn examples and the norm of their mean."""
    w = weight.astype(np.float64)
    if not (w * w).sum() < 1 or not gradient > 0:
        return None
    found = estimate_noise(norms / gradient, 1.0, w)  # in units of ‖∇ℒ‖, so that nothing overflows
    return found.value if math.isfinite(found.trace) else None


def _baseline(head: Head, targets: _Targets, examples: Examples) -> float | None:
    """The least ℒ of one output for all x: at the mean of t, or at its median or quantile; None if it is not known."""
    mean = targets.weighted / float(examples.weight.astype(np.float64).sum())
    loss, softmax = head.loss, isinstance(head.output, Softmax)
    with np.errstate(all="ignore"):
        if isinstance(loss, CrossEntropy) and softmax:
            return _entropy(mean)
        if isinstance(loss, BinaryCrossEntropy) and not softmax:
            return math.fsum(_entropy(np.array([p, 1 - p])) for p in mean)
        t = examples.target(slice(None)).astype(np.float64)
        match loss:
            case SquaredError() | PoissonDeviance():
                best = mean
            case KLDivergence() if softmax:
                best = mean
            case AbsoluteError() | Huber():
                best = _quantiles(t, examples.weight, 0.5)
            case Quantile(level):
                best = _quantiles(t, examples.weight, level)
            case Quantiles(levels):
                of_outputs = np.repeat(levels, t.shape[1] // len(levels)).tolist()
                best = _quantiles(t, examples.weight, *of_outputs)
            case _:
                return None
        output = np.broadcast_to(np.clip(best, *head.output.range), t.shape)
        return _weighted_sum(loss.value(output, t), examples.weight)


def _entropy(p: np.ndarray) -> float:
    """−Σ_j p_j log p_j; 0 if one p_j is 1 but for rounding."""
    found = float(-np.where(p > 0, p * np.log(np.where(p > 0, p, 1)), 0 * p).sum())
    return 0.0 if abs(found) < ROUNDING else found


def _quantiles(t: np.ndarray, weight: np.ndarray, *levels: float) -> np.ndarray:
    """The weighted quantile of each column, at its level if there are several; NaN if one value is."""
    found = []
    for column, level in zip(t.T, np.broadcast_to(levels, t.shape[1]), strict=True):
        order = np.argsort(column)
        place = np.searchsorted(np.cumsum(weight[order].astype(np.float64)), level * float(weight.sum()))
        middle = column[order[min(place, len(order) - 1)]]
        found.append(np.nan if np.isnan(column).any() else middle)
    return np.array(found)
