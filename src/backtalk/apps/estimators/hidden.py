"""HiddenUnits: a fitted network's hidden units as features."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn import get_config
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.validation import check_is_fitted

from ...errors import InputTypeError


class HiddenUnits(TransformerMixin, MetaEstimatorMixin, BaseEstimator):
    """A transformer: from X to the hidden units h_i of a network that it trains on X and y.

    ``estimator``: an :class:`MLPClassifier` or :class:`MLPRegressor`, which is cloned and fitted; to use a fitted one
    as it is, wrap it in ``sklearn.frozen.FrozenEstimator``. ``layer``: i from 1, or from −1 for the last one.
    The features are named ``h1_1``, ``h1_2``, …: layer, unit.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from backtalk import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> features = HiddenUnits(MLPClassifier([8], solver="lbfgs", random_state=0))
    >>> make_pipeline(features, LogisticRegression(max_iter=1000)).fit(X, y).score(X, y) > 0.95
    True
    >>> features.fit(X, y).get_feature_names_out()[:2]
    array(['h1_1', 'h1_2'], dtype=object)
    """

    estimator_: Any

    def __init__(self, estimator: Any, layer: int = -1) -> None:
        self.estimator = estimator
        self.layer = layer

    def fit(self, X: Any, y: Any, **fit_params: Any) -> Self:
        """Fit the estimator; it gets ``fit_params``, with metadata routing those that it requests."""
        if get_config()["enable_metadata_routing"]:
            fit_params = process_routing(self, "fit", **fit_params).estimator.fit
        wrapped = getattr(self.estimator, "estimator", self.estimator)  # of a FrozenEstimator
        if not hasattr(wrapped, "hidden"):
            kind = type(wrapped).__name__
            raise InputTypeError(f"estimator is a {kind}, expected backtalk's MLPClassifier or MLPRegressor.")
        estimator: Any = clone(self.estimator)
        self.estimator_ = estimator.fit(X, y, **fit_params)
        self._model._hidden_layer(self.layer)  # refuses one that is not there
        return self

    def get_metadata_routing(self) -> MetadataRouter:
        """What ``fit`` passes on: everything that the estimator requests."""
        router = MetadataRouter(owner=self)
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return router.add(estimator=self.estimator, method_mapping=mapping)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = get_tags(self.estimator).input_tags.sparse
        return tags

    @property
    def _model(self) -> Any:
        return getattr(self.estimator_, "estimator", self.estimator_)  # of a FrozenEstimator

    def transform(self, X: Any) -> np.ndarray:
        """h_i for the rows of X, shape (N, n_i)."""
        check_is_fitted(self)
        return self._model.hidden(X, self.layer)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """The names of the hidden units."""
        check_is_fitted(self)
        layer = self._model._hidden_layer(self.layer)
        return np.array([f"h{layer}_{j}" for j in range(1, self._model.network_.sizes[layer] + 1)], dtype=object)

    @property
    def n_features_in_(self) -> int:
        """Columns of X."""
        return self._model.n_features_in_
