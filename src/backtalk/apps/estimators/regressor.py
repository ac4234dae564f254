"""MLPRegressor."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin, _fit_context
from sklearn.metrics import r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from ...core.losses import Loss, PoissonDeviance, as_loss
from .base import MultilayerPerceptron
from .classifier import _is_stochastic
from .fitted import dense


class MLPRegressor(RegressorMixin, MultilayerPerceptron):
    """A multi-layer perceptron that predicts numbers; scikit-learn's ``MLPRegressor``, trained by backtalk.

    Parameters, attributes and methods are scikit-learn's, and for the same ``random_state`` training takes the same
    steps. Training minimizes and reports the mean loss of the examples, *summed* over the columns of y, plus
    ½·alpha/N·Σ‖W‖², where N is the number of examples in the mini-batch. For several columns, scikit-learn reports the
    mean over the columns and follows the gradient of their sum, which is not the gradient of what it reports; backtalk
    reports the sum. The steps of ``"adam"`` and ``"sgd"`` are the same, but ``tol`` is compared with the sum; the
    steps of ``"lbfgs"``, which uses the loss, differ.

    Beyond scikit-learn's parameters:

    loss
        Besides ``"squared_error"`` (½ of it) and ``"poisson"`` (half the Poisson deviance, with exp as output),
        any regression loss of backtalk: ``"absolute_error"``, ``"huber(delta=1.5)"``, ``"poisson_deviance"``.

    and ``activation``, ``learning_rate``, ``dropout``, ``clip_norm``, ``callbacks``, ``engine``, and the validation set
    of ``fit`` and ``partial_fit``, as for :class:`MLPClassifier`.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor("huber(delta=50)", [16], solver="lbfgs", alpha=1.0, random_state=0, max_iter=3000)
    >>> model.fit(X, y).score(X, y) > 0.4
    True
    """

    _parameter_constraints = {**MultilayerPerceptron._parameter_constraints, "loss": [str, Loss]}  # noqa: RUF012

    loss: Any

    def __init__(
        self,
        loss: Any = "squared_error",
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: str = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate: str = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: Any = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: int = 15000,
        dropout: Any = 0.0,
        clip_norm: float | None = None,
        callbacks: Any = None,
        engine: str = "auto",
    ) -> None:
        self._keep(locals())

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:  # fmt: skip
        """Train on X (N, features), dense or sparse, and y (N,) or (N, outputs) of numbers."""
        return self._fit(X, y, sample_weight, self._validation(X_val, y_val, sample_weight_val))

    @available_if(_is_stochastic)
    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> MLPRegressor:  # fmt: skip
        """One epoch on X and y, with the optimizer as the call before left it."""
        return self._fit(X, y, sample_weight, self._validation(X_val, y_val, sample_weight_val), incremental=True)

    def _encode(self, X: Any, y: Any, incremental: bool, reset: bool) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(
            self,
            X,
            y,
            accept_sparse=["csr", "csc"],
            multi_output=True,
            y_numeric=True,
            dtype=(np.float64, np.float32),
            reset=reset,
        )
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        y = y[:, None] if y.ndim == 1 else y
        self.n_outputs_ = y.shape[1]
        return dense(X), y

    def _encode_more(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        return y[:, None] if y.ndim == 1 else y

    def _plain(self, target: np.ndarray) -> np.ndarray:
        return target[:, 0] if target.shape[1] == 1 else target

    def _loss(self) -> tuple[Loss, float]:
        if self.loss == "poisson":
            return PoissonDeviance(), 2.0  # scikit-learn's is half the deviance
        return as_loss(self.loss), 1.0

    def _decode(self, output: np.ndarray) -> np.ndarray:
        return output.ravel() if output.shape[1] == 1 else output

    def _score_of(self, y: np.ndarray, predicted: np.ndarray, sample_weight: Any) -> float:
        return float(r2_score(y, predicted, sample_weight=sample_weight))
