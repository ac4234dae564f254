"""What is held out from training, and how a network does on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import _check_sample_weight, validate_data

from ...core.network import Network
from ...engines.passes import ends_in_blocks
from .epochs import Judge
from .fitted import SPARSE, dense
from .solvers import searches


def hold_out(model: Any, X: np.ndarray, target: np.ndarray, weight: Any, validation: Any) -> Any:
    """X, target and weight to train on, and what judges a network on the rest: None if nothing is held out."""
    if validation is not None:
        X_val, y_val, weight_val = validation
        X_val = validate_data(model, X_val, reset=False, dtype=X.dtype, accept_sparse=SPARSE)
        weight_val = None if weight_val is None else _check_sample_weight(weight_val, X_val)
        return X, target, weight, _judge_on(model, dense(X_val), model._encode(y_val), weight_val)
    if searches(model) or not model.early_stopping:
        return X, target, weight, None
    stratify = target if is_classifier(model) and model.n_outputs_ == 1 else None
    arrays = [X, target] if weight is None else [X, target, weight]
    options = {"random_state": model._random_state, "test_size": model.validation_fraction, "stratify": stratify}
    split: list[Any] = train_test_split(*arrays, **options)
    X, X_val, target, target_val = split[:4]
    weight, weight_val = split[4:] if weight is not None else (None, None)
    if len(X_val) < 2:
        raise ValueError("The validation set is too small. Increase 'validation_fraction' or the size of your dataset.")
    return X, target, weight, _judge_on(model, X_val, target_val, weight_val)


def _judge_on(model: Any, X: np.ndarray, target: np.ndarray, weight: Any) -> Judge:
    _, scale = model._loss()
    share = np.full(len(X), 1 / len(X)) if weight is None else np.asarray(weight) / np.sum(weight)
    metric: Any = accuracy_score if is_classifier(model) else r2_score

    def judge(network: Network) -> tuple[float, float]:
        total, outputs = 0.0, []
        full = network.head.target(target, len(X), network.sizes[-1], network.spec)
        for rows, a, yhat in ends_in_blocks(network, X):
            outputs.append(yhat)
            values = network.head.value(a, yhat, full[rows])
            total += float((values * share[rows]).sum())
        output = np.concatenate(outputs)
        if not np.isfinite(output).all():
            return np.nan, total / scale
        return float(metric(model._decode(target), model._decode(output), sample_weight=weight)), total / scale

    return judge
