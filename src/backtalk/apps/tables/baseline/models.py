"""The two models: how they are fitted to some rows, and what they give for others."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....core.losses import AbsoluteError, Loss, PoissonDeviance, Quantile, Quantiles
from ..target import Target
from .columns import Recoded

STOPPED_EARLY = 10_000  # rows, above which scikit-learn by default holds some out to stop by
ITERATIONS = 500
BOOSTED = "boosted trees"
Predict = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is to be learned: encoded targets, and the weights of the rows if they do not count alike."""

    target: Target
    loss: Loss
    y: np.ndarray
    weight: np.ndarray | None = None

    def of(self, rows: np.ndarray) -> Asked:
        """The same of some rows."""
        return replace(self, y=self.y[rows], weight=None if self.weight is None else self.weight[rows])

    @property
    def levels(self) -> tuple[float, ...]:
        """Of the quantiles that the loss is of; none for another loss."""
        if isinstance(self.loss, Quantiles):
            return self.loss.levels
        return (self.loss.level,) if isinstance(self.loss, Quantile) else ()

    @property
    def outputs(self) -> int:
        """How many numbers a model gives for a row."""
        return len(self.levels) or self.target.outputs

    @property
    def are_counts(self) -> bool:
        """Whether the loss is that of counts."""
        return isinstance(self.loss, PoissonDeviance) and bool((self.y >= 0).all() and self.y.sum() > 0)


@dataclass(frozen=True, slots=True)
class Model:
    """A model: its ``name``, its ``kind``, which is its class in scikit-learn, and how it is fitted.

    What it was fitted to predicts outputs (rows, outputs) as the network gives them: the probability of each class, or
    the encoded number.
    """

    name: str
    kind: str
    fit: Callable[[np.ndarray, Asked], Predict]


def lines_for(asked: Asked) -> Model | None:
    """Ridge or logistic regression, with scikit-learn's penalty; for counts Poisson regression, with that of both.

    None for quantiles, of which scikit-learn's model takes hours for many rows.
    """
    if asked.levels:
        return None
    if asked.target.classifies:
        return Model("logistic regression", "LogisticRegression", _fit_lines)
    if asked.are_counts:
        return Model("Poisson regression", "PoissonRegressor", _fit_lines)
    return Model("ridge regression", "Ridge", _fit_lines)


def trees_for(asked: Asked, codes: np.ndarray) -> Model:
    """Boosted trees with scikit-learn's defaults; ``codes``: which of the columns are codes of categories."""
    kind = "HistGradientBoostingClassifier" if asked.target.classifies else "HistGradientBoostingRegressor"

    def fit(A: np.ndarray, asked: Asked) -> Predict:
        recoded = Recoded.of(A, codes)
        fitted = [_fitted(model, recoded(A), asked) for model in _trees(asked, codes)]
        return lambda A: np.hstack([predict(recoded(A)) for predict in fitted])

    return Model(BOOSTED, kind, fit)


def _fit_lines(X: np.ndarray, asked: Asked) -> Predict:
    from sklearn.linear_model import LogisticRegression, PoissonRegressor, Ridge

    if asked.target.classifies:
        return _fitted(LogisticRegression(max_iter=ITERATIONS), X, asked)
    if asked.are_counts:
        return _fitted(PoissonRegressor(alpha=1 / len(asked.y), max_iter=ITERATIONS), X, asked)
    return _fitted(Ridge(), X, asked)


def _trees(asked: Asked, codes: np.ndarray) -> list[Any]:
    """One model, or of quantiles one for each."""
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    settings: dict[str, Any] = {"categorical_features": codes, "random_state": 0}
    if asked.target.classifies:
        rows_of_class = np.bincount(asked.y)
        divisible = int(rows_of_class[rows_of_class > 0].min()) > 1  # or scikit-learn could not hold out each class
        early: Any = divisible and len(asked.y) > STOPPED_EARLY
        return [HistGradientBoostingClassifier(**settings, early_stopping=early)]
    if asked.levels:
        of_levels = [settings | {"loss": "quantile", "quantile": level} for level in asked.levels]
        return [HistGradientBoostingRegressor(**each) for each in of_levels]
    loss = "absolute_error" if isinstance(asked.loss, AbsoluteError) else "squared_error"
    return [HistGradientBoostingRegressor(**settings, loss="poisson" if asked.are_counts else loss)]


def _fitted(model: Any, X: np.ndarray, asked: Asked) -> Predict:
    outputs = asked.target.outputs
    if not asked.target.classifies:
        _fit(model, X, asked.y[:, 0].astype(np.float64), asked.weight)
        return lambda X: model.predict(X)[:, None]
    present = np.unique(asked.y)
    if len(present) == 1:  # which scikit-learn refuses
        return lambda X: np.tile(np.eye(outputs)[present[0]], (len(X), 1))
    _fit(model, X, asked.y, asked.weight)

    def shares(X: np.ndarray) -> np.ndarray:
        found = np.zeros((len(X), outputs))
        found[:, model.classes_] = model.predict_proba(X)
        return found

    return shares


def _fit(model: Any, X: np.ndarray, y: np.ndarray, weight: np.ndarray | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as that of an optimizer which is not quite at its end
        model.fit(X, y, sample_weight=weight)
