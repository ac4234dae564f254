"""MLPClassifier."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Real
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import _check_partial_fit_first_call, type_of_target, unique_labels

from ...core.head import natural_loss
from ...core.losses import BinaryCrossEntropy, CrossEntropy, Loss, as_loss
from ...core.outputs import Softmax, as_output
from ...errors import InputError
from .base import MultilayerPerceptron, is_stochastic
from .decorators import available_if, fit_context


def gives_probabilities(model: Any) -> bool:
    """Whether it has ``predict_proba``: scikit-learn asks, before ``fit`` as well."""
    if hasattr(model, "network_"):
        output, several = model.network_.output, model._one_output_a_class
    else:
        loss = model.loss if model.loss is not None else "cross_entropy"
        output, several = as_output(model.output or as_loss(loss).natural_output), False
    if isinstance(output, Softmax) or (output.name == "sigmoid" and not several):
        return True
    raise AttributeError(f"predict_proba is not available: the output function {output} gives no distribution.")


@dataclass(eq=False, repr=False, kw_only=True)
class MLPClassifier(ClassifierMixin, MultilayerPerceptron):
    """A multi-layer perceptron that classifies; scikit-learn's ``MLPClassifier``, trained by backtalk.

    Parameters, attributes and methods are scikit-learn's, and for the same ``random_state`` training takes the same
    steps. Two classes have one sigmoid output, several a softmax, and a label matrix of zeros and ones (multi-label)
    one sigmoid for each column. Training minimizes and reports the mean cross-entropy of the examples, summed over the
    columns, plus ½·alpha/N·Σ‖W‖², where N is the number of examples in the mini-batch.

    Beyond scikit-learn's parameters:

    activation
        Any of backtalk's, such as ``"gelu"``; or a list with one for each hidden layer.
    learning_rate
        Besides scikit-learn's three, which change the rate for ``"sgd"`` only, a schedule of
        :func:`backtalk.fit` for every solver, such as ``"cosine(warm_up=100)"``. It runs over ``max_iter`` epochs, or
        as many calls of ``partial_fit``.
    solver
        Besides scikit-learn's three, any optimizer of :func:`backtalk.fit` with its own parameters, such as ``"nadam"``
        or ``"rmsprop(momentum=0.9)"``; its learning rate is ``learning_rate_init``.
    dropout
        The rate of all hidden layers, or a list with one for each.
    clip_norm
        The largest norm of a gradient; a longer one is scaled down.
    class_weight
        ``"balanced"``, or a mapping of class to weight; it multiplies ``sample_weight``.
    label_smoothing
        The share of each target that is spread over all classes.
    callbacks
        Functions of an :class:`backtalk.Epoch`, or :class:`backtalk.Callback` objects; if one returns True, training
        ends.
    engine
        ``"native"``, ``"formula"``, or ``"auto"``: the first if it can.
    privacy
        A :class:`backtalk.Privacy` makes the steps private, and ``privacy_`` says what they have cost. Then training
        takes all ``max_iter`` epochs: the loss of private samples decides nothing. The classes themselves are not
        protected. Not with weights, ``partial_fit``, ``warm_start``, or ``early_stopping`` without ``X_val``.
    loss
        By default the natural one of ``output``, and without it cross-entropy, binary for two classes and for a label
        matrix. Any loss of classes, such as ``"focal"``, ``"kl_divergence"`` or ``"categorical_hinge"``, has one output
        for each class, also if there are two; so has any loss with ``output="softmax"``. Other losses, such as
        ``"squared_error"``, learn targets of 0 and 1, of one output for two classes.
    output
        The output function: ``"softmax"`` or any activation; by default the natural one of the loss. If it gives no
        distribution, there is no ``predict_proba``, as in scikit-learn for the hinge loss.

    ``fit`` and ``partial_fit`` take a validation set, ``X_val`` and ``y_val``: its loss after each epoch is in
    ``validation_loss_curve_``, and ``early_stopping=True`` watches the score on it instead of holding out a
    ``validation_fraction``. ``partial_fit`` stops early too: after ``n_iter_no_change`` calls without a better score it
    restores the best network and leaves it as it is.

    Beyond scikit-learn's attributes: ``network_``, the :class:`backtalk.Network`; ``validation_loss_curve_``;
    ``privacy_``, a :class:`backtalk.PrivacySpent`, or None.

    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> model = MLPClassifier([16], solver="lbfgs", random_state=0).fit(X, y)
    >>> model.score(X, y) > 0.95, model.hidden(X).shape
    (True, (150, 16))
    """

    class_weight: Any = None
    label_smoothing: float = 0.0
    loss: Any = None

    _parameter_constraints = {  # noqa: RUF012
        **MultilayerPerceptron._parameter_constraints,
        "class_weight": [StrOptions({"balanced"}), dict, list, None],
        "label_smoothing": [Interval(Real, 0, 1, closed="left")],
        "loss": [str, Loss, None],
    }

    @available_if(is_stochastic)
    @fit_context
    def partial_fit(
        self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None, *, X_val: Any = None, y_val: Any = None,
        sample_weight_val: Any = None,
    ) -> Self:  # fmt: skip
        """One epoch on X and y, with the optimizer as the call before left it.

        ``classes``: all that will ever occur; needed in the first call.
        """
        if _check_partial_fit_first_call(self, classes):
            multilabel = type_of_target(y).startswith("multilabel")
            self._label_binarizer = LabelBinarizer().fit(y if multilabel else classes)
        return self._fit(X, y, sample_weight, self._validation(X_val, y_val, sample_weight_val), incremental=True)

    def _learn_target(self, y: np.ndarray, incremental: bool) -> None:
        if not hasattr(self, "classes_") or (not self.warm_start and not incremental):
            self._label_binarizer = LabelBinarizer().fit(y)
            self.classes_: np.ndarray = self._label_binarizer.classes_
        else:
            found, known = unique_labels(y), self.classes_
            if self.warm_start and set(found) != set(known):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in the previous call to fit. "
                    f"Previously got {known}, `y` has {found}"
                )
            if len(np.setdiff1d(found, known, assume_unique=True)):
                raise ValueError(
                    f"`y` has classes not in `self.classes_`. `self.classes_` has {known}. 'y' has {found}."
                )
        if self._one_output_a_class:
            self.n_outputs_: int = max(2, len(self.classes_))
        else:
            self.n_outputs_ = self._label_binarizer.transform(y[:1]).shape[1]

    @property
    def _one_output_a_class(self) -> bool:
        """Whether the outputs compete for the one class of an example."""
        kind = self._label_binarizer.y_type_
        return kind == "multiclass" or (kind == "binary" and self._head().takes_labels)

    def _encode(self, y: Any) -> np.ndarray:
        if self._label_binarizer.y_type_.startswith("multilabel"):
            return self._label_binarizer.transform(y).astype(bool)  # small, whatever the dtype of X
        y = column_or_1d(y)
        labels = np.searchsorted(self.classes_, y)
        known = self.classes_[np.minimum(labels, len(self.classes_) - 1)] == y
        if not np.all(known):
            raise ValueError(f"y holds {np.asarray(y)[~known][0]!r}, expected one of the classes {self.classes_}.")
        if not self._one_output_a_class:
            return (labels == 1)[:, None]
        return labels if self._head().takes_labels else labels[:, None] == np.arange(self.n_outputs_)

    def _weights_of(self, y: Any, sample_weight: Any, incremental: bool) -> Any:
        if self.class_weight is None:
            return sample_weight
        if incremental and isinstance(self.class_weight, str):
            raise ValueError(
                f"class_weight={self.class_weight!r} is not supported by partial_fit, which does not see all data: "
                "give the weights as a mapping."
            )
        by_class = compute_sample_weight(self.class_weight, y)
        return by_class if sample_weight is None else by_class * sample_weight

    def _loss(self) -> tuple[Loss, float]:
        kind, smoothing = self._label_binarizer.y_type_, self.label_smoothing
        if self.loss is not None:
            loss = as_loss(self.loss)
        elif self.output is not None:
            loss = natural_loss(as_output(self.output))
        else:
            loss = CrossEntropy() if kind == "multiclass" else BinaryCrossEntropy()
        if kind.startswith("multilabel") and loss.takes_classes:
            raise InputError(
                f"loss is '{loss}', whose examples have one class each, but y is a label matrix: expected "
                "'binary_cross_entropy' or a loss of numbers."
            )
        if loss.outputs_for(1) != 1:
            raise InputError(f"loss is '{loss}', which predicts no classes: use MLPRegressor.")
        if smoothing and not isinstance(loss, CrossEntropy | BinaryCrossEntropy):
            raise InputError(f"label_smoothing is {smoothing}, but the loss '{loss}' has none: leave it out.")
        return (replace(loss, label_smoothing=smoothing) if smoothing else loss), 1.0

    def _decode(self, output: np.ndarray) -> np.ndarray:
        if self._one_output_a_class:
            labels = output if output.ndim == 1 else output.argmax(axis=1)
            return self.classes_[np.minimum(labels, len(self.classes_) - 1)]
        return self._label_binarizer.inverse_transform(output.ravel() if self.n_outputs_ == 1 else output)

    @available_if(gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probability of each class, shape (N, classes); of each label, if y was a label matrix."""
        output = self._output(X)
        return np.hstack([1 - output, output]) if self.n_outputs_ == 1 else output

    @available_if(gives_probabilities)
    def predict_log_proba(self, X: Any) -> np.ndarray:
        """The logarithm of ``predict_proba``."""
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
