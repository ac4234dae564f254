"""A network from and to scikit-learn's ``MLPClassifier`` and ``MLPRegressor``."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.arrays import to_numpy
from ..core.head import as_head
from ..core.inputs import require_network
from ..core.network import Network
from ..errors import InputError, InputTypeError

# scikit-learn's names for what backtalk has under another name, or under the same
ACTIVATIONS = {"identity": "identity", "logistic": "sigmoid", "tanh": "tanh", "relu": "relu"}
SKLEARN_NAMES = {ours: theirs for theirs, ours in ACTIVATIONS.items()}
LOSSES = {
    "softmax": "cross_entropy", "logistic": "binary_cross_entropy", "identity": "squared_error",
    "exp": "poisson_deviance",
}  # fmt: skip


def from_sklearn(model: Any) -> Network:
    """The network of a fitted ``MLPClassifier`` or ``MLPRegressor`` of scikit-learn.

    W_i is ``coefs_[i − 1]`` transposed, b_i is ``intercepts_[i − 1]``, to the bit. The loss is that of the estimator:
    ``cross_entropy`` for several classes, where y is 0 … k−1 in the order of ``classes_``; ``binary_cross_entropy``
    with one output for two classes, where y is 1 for ``classes_[1]``, and with one output for each label of a label
    matrix; ``squared_error``; and ``poisson_deviance``, which is twice scikit-learn's Poisson loss. backtalk's own
    estimators are accepted too.

    Raises :class:`~backtalk.errors.InputError` for an estimator that is not fitted, and
    :class:`~backtalk.errors.InputTypeError` for anything else; for a pipeline or a search, the error says what to give
    instead.

    >>> from sklearn.datasets import load_iris
    >>> from sklearn.neural_network import MLPClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> from_sklearn(MLPClassifier([8], solver="lbfgs", max_iter=1000, random_state=0).fit(X, y))
    Network 4 → 8 → 3, 67 parameters, float64, numpy
      1  4 → 8  relu           W (8, 4)  b (8,)
      2  8 → 3  softmax        W (3, 8)  b (3,)  cross_entropy
    """
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    if isinstance(getattr(model, "network_", None), Network):  # of backtalk's own estimators
        return model.network_
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise InputTypeError(
            f"model is a {type(model).__name__}, expected a fitted MLPClassifier or MLPRegressor{_hint(model)}."
        )
    if not hasattr(model, "coefs_"):
        raise InputError(f"model is a {type(model).__name__} that is not fitted: call its fit first.")
    activation = ACTIVATIONS[model.activation]
    return Network([W.T for W in model.coefs_], model.intercepts_, activation, LOSSES[model.out_activation_])


def to_sklearn(network: Network, classes: Any = None) -> Any:
    """A fitted ``MLPClassifier`` or ``MLPRegressor`` of scikit-learn that predicts the same.

    ``cross_entropy`` gives a classifier, ``binary_cross_entropy`` one of two classes or, with several outputs, of a
    label matrix; ``squared_error`` and ``poisson_deviance`` give a regressor. A softmax with two outputs becomes
    scikit-learn's one logistic output, whose weights are the difference of the two: it predicts the same up to
    rounding.

    ``classes``: what the outputs stand for, in ascending order, by default 0 … k−1. The estimator has all attributes
    that ``fit`` sets; its curves are empty, ``n_iter_`` and ``t_`` are 0, ``loss_`` is NaN, and ``partial_fit`` or
    ``warm_start`` continue from its weights.

    Raises :class:`~backtalk.errors.InputError` if scikit-learn does not have such a network: activations that
    differ from layer to layer, or are not identity, sigmoid, tanh or relu; another pair of output function and loss; a
    softmax of one output.

    >>> net = Network.create([4, 8, 3], "tanh", rng=0)
    >>> model = to_sklearn(net, classes=["setosa", "versicolor", "virginica"])
    >>> model
    MLPClassifier(activation='tanh', hidden_layer_sizes=(8,))
    >>> model.predict(np.zeros((1, 4))).tolist(), model.predict_proba(np.zeros((1, 4))).shape
    (['setosa'], (1, 3))
    """
    require_network(network)
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    parameters = {"hidden_layer_sizes": network.sizes[1:-1], "activation": _activation(network)}
    output = _output(network)
    coefs = [np.array(to_numpy(W).T, order="C") for W in network.W.values()]
    intercepts = [np.array(to_numpy(b)) for b in network.b.values()]
    if output in ("softmax", "logistic"):
        model = MLPClassifier(**parameters)
        model._label_binarizer = _binarizer(classes, network.sizes[-1], labels=output == "logistic")
        model.classes_ = model._label_binarizer.classes_
        if output == "softmax" and network.sizes[-1] == 2:
            output = "logistic"
            coefs[-1], intercepts[-1] = coefs[-1][:, 1:] - coefs[-1][:, :1], intercepts[-1][1:] - intercepts[-1][:1]
    else:
        if classes is not None:
            raise InputError(f"classes is given, but a network with {network.loss} has none: leave it out.")
        model = MLPRegressor(**parameters, loss="poisson" if output == "exp" else "squared_error")
    _note_fitted(model, coefs, intercepts, output)
    return model


def _hint(model: Any) -> str:
    if hasattr(model, "steps"):
        return ": give its last step, model[-1], and X as the steps before it leave it"
    if hasattr(model, "best_estimator_"):
        return ": give model.best_estimator_"
    if hasattr(model, "estimators_"):
        return ": give one of model.estimators_"
    return ""


def _activation(network: Network) -> str:
    names = [repr(activation) for activation in network.activations]
    for i, name in enumerate(names):
        if name not in SKLEARN_NAMES:
            raise InputError(f"activations[{i}] is {name!r}, and scikit-learn has {', '.join(SKLEARN_NAMES)} only.")
        if name != names[0]:
            raise InputError(
                f"activations[{i}] is {name!r} and activations[0] is {names[0]!r}, "
                "but scikit-learn has one activation for all hidden layers."
            )
    return SKLEARN_NAMES[names[0]] if names else "relu"


def _output(network: Network) -> str:
    # equal: without a parameter such as smoothing
    output = next((theirs for theirs, ours in LOSSES.items() if as_head(ours) == network.head), None)
    if output is None:
        other = "" if network.head.is_natural else f" with the output function {network.output!r}"
        raise InputError(
            f"the loss of network is {network.loss!r}{other}, and scikit-learn has cross_entropy, "
            "binary_cross_entropy, squared_error and poisson_deviance only, each with its natural output function: "
            "make the network anew with one of them."
        )
    if output == "softmax" and network.sizes[-1] == 1:
        raise InputError("network has a softmax of 1 output, which is always 1: scikit-learn needs at least 2 classes.")
    return output


def _binarizer(classes: Any, outputs: int, labels: bool = False) -> Any:
    """The ``LabelBinarizer`` of these classes; ``labels``: of sigmoid outputs, of which one alone has two classes."""
    from sklearn.preprocessing import LabelBinarizer

    if labels and outputs > 1:
        if classes is not None:
            raise InputError(f"classes is given, but the network has {outputs} labels that may hold together.")
        return LabelBinarizer().fit(np.eye(outputs, dtype=int))
    count = 2 if labels else outputs
    given = np.arange(count) if classes is None else np.asarray(classes)
    if given.shape != (count,):
        raise InputError(f"classes has shape {given.shape}, expected {count} classes, as the network tells apart.")
    if not np.array_equal(np.unique(given), given):
        raise InputError(f"classes is {given.tolist()}, expected each once, in ascending order, as scikit-learn does.")
    return LabelBinarizer().fit(given)


def _note_fitted(model: Any, coefs: list[np.ndarray], intercepts: list[np.ndarray], output: str) -> None:
    """The attributes that ``fit`` sets, of a model that has not begun."""
    model.coefs_, model.intercepts_ = coefs, intercepts
    model._best_coefs, model._best_intercepts = [W.copy() for W in coefs], [b.copy() for b in intercepts]
    model.n_features_in_, model.n_outputs_ = len(coefs[0]), coefs[-1].shape[1]
    model.n_layers_, model.out_activation_ = len(coefs) + 1, output
    model.n_iter_ = model.t_ = model._no_improvement_count = 0
    model.loss_, model.loss_curve_, model.best_loss_ = np.nan, [], np.inf
    model.validation_scores_ = model.best_validation_score_ = None
