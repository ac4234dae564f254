"""MLPRegressor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin

from ...core.losses import GaussianNLL, Loss, PoissonDeviance, as_loss
from ...errors import InputError
from .base import MultilayerPerceptron, is_stochastic
from .decorators import available_if, fit_context


@dataclass(eq=False, repr=False)
class WithLoss:
    """``loss`` as the first parameter of the constructor: fields begin with those of the last base."""

    loss: Any = "squared_error"


@dataclass(eq=False, repr=False)
class MLPRegressor(RegressorMixin, MultilayerPerceptron, WithLoss):
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
        any loss of numbers: ``"absolute_error"``, ``"huber(delta=1.5)"``, ``"quantile(level=0.9)"``,
        ``"poisson_deviance"``, ``"gaussian_nll"``, ``"binary_cross_entropy"`` for a y between 0 and 1, or your own.
        With ``"gaussian_nll"`` the network has two outputs for each column of y, and ``predict(X, return_std=True)``
        gives the means and the standard deviations. With ``"quantiles(levels=[0.1, 0.5, 0.9])"`` it has one for each
        level, and ``predict`` gives those of the level nearest to ½.
    output
        The output function: any activation, such as ``"softplus"`` for a y above 0; by default the natural one of the
        loss.

    and ``activation``, ``learning_rate``, ``dropout``, ``clip_norm``, ``callbacks``, ``engine``, ``privacy``, and the
    validation set of ``fit`` and ``partial_fit``, as for :class:`MLPClassifier`.

    >>> from sklearn.datasets import load_diabetes
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = MLPRegressor("huber(delta=50)", [16], solver="lbfgs", alpha=1.0, random_state=0, max_iter=3000)
    >>> model.fit(X, y).score(X, y) > 0.4
    True
    """

    _parameter_constraints = {**MultilayerPerceptron._parameter_constraints, "loss": [str, Loss]}  # noqa: RUF012

    @available_if(is_stochastic)
    @fit_context
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:  # fmt: skip
        """One epoch on X and y, with the optimizer as the call before left it."""
        return self._fit(X, y, sample_weight, self._validation(X_val, y_val, sample_weight_val), incremental=True)

    def _learn_target(self, y: np.ndarray, incremental: bool) -> None:
        self.n_outputs_: int = 1 if y.ndim == 1 else y.shape[1]

    def _encode(self, y: Any) -> np.ndarray:
        y = np.asarray(y)
        return y[:, None] if y.ndim == 1 else y

    def _loss(self) -> tuple[Loss, float]:
        if self.loss == "poisson":
            return PoissonDeviance(), 2.0  # scikit-learn's is half the deviance
        loss = as_loss(self.loss)
        if loss.takes_classes:
            raise InputError(f"loss is '{loss}', whose y is classes: expected a loss of numbers, or use MLPClassifier.")
        return loss, 1.0

    def _decode(self, output: np.ndarray) -> np.ndarray:
        return self._as_y(np.asarray(self._loss()[0].prediction(output)))

    def _as_y(self, values: np.ndarray) -> np.ndarray:
        return values.ravel() if self.n_outputs_ == 1 else values

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """Predictions for the rows of X, in the form of the y that was fitted.

        ``return_std``: a pair of the means and the standard deviations, with the loss ``"gaussian_nll"``.
        """
        if not return_std:
            return super().predict(X)
        output, loss = self._output(X), self.network_.loss
        if not isinstance(loss, GaussianNLL):
            raise InputError(f"return_std is True, but the loss is '{loss}': only 'gaussian_nll' learns deviations.")
        return self._decode(output), self._as_y(loss.deviation(output))
