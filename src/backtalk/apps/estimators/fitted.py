"""What follows from a trained network: predictions, hidden units, gradients, and scikit-learn's names for its parts."""

from __future__ import annotations

from copy import copy
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from ...analysis.check import CheckReport
from ...analysis.check import check as check_gradients
from ...analysis.diagnose import Diagnosis, diagnose
from ...core.backward import Gradients
from ...core.head import Head, as_head
from ...core.losses import Loss
from ...core.network import Network
from ...engines.passes import forward_in_blocks, gradients, output_of
from ...errors import InputError, InputTypeError
from ...interop.scikit_learn import from_sklearn
from ...train import PrivacySpent
from .epochs import OptimizerState, telemetry_of

SPARSE, FLOATS = ["csr", "csc"], (np.float64, np.float32)  # the forms of X that are taken

# Attributes that scikit-learn's fit sets: those that follow from the network here, and those without a _ at the end
OF_ITS_WEIGHTS = ("coefs_", "intercepts_", "n_layers_", "out_activation_")
KEPT = ("_label_binarizer", "_no_improvement_count", "n_features_in_", "_random_state")


class FittedPerceptron(BaseEstimator):
    """An estimator with a ``network_``."""

    network_: Network
    n_outputs_: int
    output: Any
    privacy_: PrivacySpent | None = None
    _optimizer: OptimizerState
    _label_binarizer: Any  # of a classifier

    @classmethod
    def from_sklearn(cls, model: Any) -> Self:
        """This estimator from scikit-learn's fitted one of the same name: its parameters, weights and curves.

        It predicts the same, and ``partial_fit`` and ``warm_start`` go on from its weights, but with an optimizer that
        begins anew. Raises :class:`~backtalk.errors.InputTypeError` for anything else.
        """
        network = from_sklearn(model)
        if type(model).__name__ != cls.__name__ or isinstance(model, FittedPerceptron):
            raise InputTypeError(f"model is a {type(model).__name__}, expected a {cls.__name__} of scikit-learn.")
        own = cls(**model.get_params(deep=False))
        for name, value in vars(model).items():
            if name not in OF_ITS_WEIGHTS and (name.endswith("_") or name in KEPT):
                setattr(own, name, copy(value))
        state = OptimizerState(model.learning_rate_init)
        vars(own).update(network_=network, validation_loss_curve_=[], _optimizer=state)
        return own

    def _encode(self, y: Any) -> np.ndarray:
        """y as the network's target of shape (N, k) or as labels of shape (N,)."""
        raise NotImplementedError

    def _loss(self) -> tuple[Loss, float]:
        """The network's loss, and how many times the reported loss it is."""
        raise NotImplementedError

    def _head(self) -> Head:
        """The network's output function and loss."""
        return as_head(self._loss()[0], self.output)

    def _weights_of(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        """The weights of the samples, those of their classes included."""
        return sample_weight

    def _decode(self, output: np.ndarray) -> np.ndarray:
        """Predictions from the network's output, or y from what ``_encode`` gave."""
        raise NotImplementedError

    @property
    def coefs_(self) -> list[np.ndarray]:
        """The weights of each layer, shape (inputs, outputs): W_iᵀ."""
        return [W.T for W in self._fitted("coefs_").W.values()]

    @coefs_.setter
    def coefs_(self, coefs: Any) -> None:
        network = self._fitted("coefs_")
        W, b = [np.asarray(c).T for c in coefs], list(network.b.values())
        self.network_ = Network(W, b, network.activations, network.loss, output=network.output)

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """The biases of each layer: b_i."""
        return list(self._fitted("intercepts_").b.values())

    @intercepts_.setter
    def intercepts_(self, intercepts: Any) -> None:
        network = self._fitted("intercepts_")
        W = list(network.W.values())
        self.network_ = Network(W, list(intercepts), network.activations, network.loss, output=network.output)

    @property
    def n_layers_(self) -> int:
        """Layers, the input's among them."""
        return self._fitted("n_layers_").depth + 1

    @property
    def out_activation_(self) -> str:
        """The output function."""
        name = self._fitted("out_activation_").output.name
        return "logistic" if name == "sigmoid" else name

    def _fitted(self, name: str) -> Network:
        network = vars(self).get("network_")
        if network is None:
            raise AttributeError(f"{type(self).__name__} has no {name} before it is fitted")
        return network

    def _input(self, X: Any, finite: bool = True) -> np.ndarray:
        own = vars(self)
        if "network_" in own and "feature_names_in_" not in own and is_plain(X, own.get("n_features_in_")):
            return self._in_dtype(X)  # nothing that scikit-learn's checks could find
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse=SPARSE, dtype=FLOATS, reset=False, ensure_all_finite=finite)
        X = dense(X)
        return self._in_dtype(X) if finite else np.asarray(X, dtype=self.network_.W[1].dtype)

    def _in_dtype(self, X: np.ndarray) -> np.ndarray:
        return X if X.dtype == self.network_.W[1].dtype else self.network_.spec.cast_finite(X, "X")

    def _output(self, X: Any) -> np.ndarray:
        X = self._input(X)  # first: it refuses an estimator without a network
        return output_of(self.network_, X)

    def predict(self, X: Any) -> np.ndarray:
        """Predictions for the rows of X, in the form of the y that was fitted."""
        return self._decode(self._output(X))

    def hidden(self, X: Any, layer: int = 1) -> np.ndarray:
        """The hidden units h_i for the rows of X, shape (N, n_i); ``layer`` from 1, or from −1 for the last."""
        X = self._input(X)
        number = self._hidden_layer(layer)
        return np.concatenate([trace.h[number] for _, trace in forward_in_blocks(self.network_, X)])

    def _hidden_layer(self, layer: int) -> int:
        """Its number in the formulas, from 1."""
        count = self.network_.depth - 1
        if isinstance(layer, bool) or not isinstance(layer, Integral):
            raise InputTypeError(f"layer is {layer!r}, expected a whole number from 1 to {count}.")
        number = layer + count + 1 if layer < 0 else layer
        if not 1 <= number <= count:
            raise InputError(f"layer is {layer}, expected 1 to {count}, the hidden layers of this network.")
        return number

    def gradients(self, X: Any, y: Any, sample_weight: Any = None) -> Gradients:
        """The loss of ``network_`` and every gradient of it; without the L2 penalty, as :func:`backtalk.gradients`."""
        X = self._input(X)
        return gradients(self.network_, X, self._encode(y), sample_weight)

    def check(self, X: Any = None, y: Any = None) -> CheckReport:
        """Whether every gradient is the derivative of the loss (:func:`backtalk.check`), on X and y or at random."""
        check_is_fitted(self)
        if X is None:
            return check_gradients(self.network_)
        return check_gradients(self.network_, self._input(X), self._encode(y))

    @staticmethod
    def _validation(X_val: Any, y_val: Any, sample_weight_val: Any) -> tuple[Any, Any, Any] | None:
        if (X_val is None) != (y_val is None):
            raise InputError("X_val and y_val belong together, but one of them is missing.")
        if X_val is None and sample_weight_val is not None:
            raise InputError("sample_weight_val is given, but X_val and y_val are missing.")
        return None if X_val is None else (X_val, y_val, sample_weight_val)

    def diagnose(self, X: Any, y: Any, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None) -> Diagnosis:
        """What is wrong with ``network_`` and its training, in words, by :func:`backtalk.diagnose`.

        X and y are best what was fitted; ``X_val`` and ``y_val`` show whether it overfits. The curves of the training
        count as well. X may hold NaN, to be found.
        """
        X = self._input(X, finite=False)
        given = self._validation(X_val, y_val, None)
        return diagnose(
            self.network_,
            X,
            self._encode(y),
            self._weights_of(y, sample_weight, False),
            validation=None if given is None else (self._input(X_val), self._encode(y_val)),
            history=telemetry_of(self, len(X), self._loss()[1]),
            columns=getattr(self, "feature_names_in_", None),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def is_plain(X: Any, columns: int | None) -> bool:
    """Whether it is a NumPy array of finite floats, at least one row, with so many columns.

    scikit-learn's checks find nothing against it, and take longer than a prediction for a few rows.
    """
    if type(X) is not np.ndarray or X.dtype.type not in FLOATS or X.ndim != 2 or X.shape[1] != columns or not len(X):
        return False
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(X.sum()))  # if the sum alone is too large, scikit-learn looks at each number


def dense(X: Any) -> np.ndarray:
    return X.toarray() if hasattr(X, "toarray") else X
