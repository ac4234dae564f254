"""Networks from and to scikit-learn: the same bits, the same predictions, and its own gradients."""

from __future__ import annotations

import itertools
import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import check_is_fitted

import backtalk
from backtalk import InputError, InputTypeError, Network, forward, from_sklearn, gradients, to_sklearn
from engines import drawn, same_bits

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
ACTIVATIONS = ["identity", "logistic", "tanh", "relu"]
HIDDEN = [(5,), (1,), (4, 3), (3, 1, 4), ()]
KINDS = ["classes", "two", "labels", "number", "numbers", "counts"]


def data(kind, dtype="float64"):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)).astype(dtype)
    return X, {
        "classes": np.array(["b", "c", "a"])[rng.integers(3, size=60)],
        "two": np.array(["no", "yes"])[rng.integers(2, size=60)],
        "labels": rng.integers(2, size=(60, 3)),
        "number": X[:, 0].astype(dtype),
        "numbers": X[:, :2].astype(dtype),
        "counts": rng.poisson(2.0, size=60),
    }[kind]


def fitted(kind, hidden=(5,), activation="tanh", dtype="float64"):
    X, y = data(kind, dtype)
    options = {"hidden_layer_sizes": hidden, "activation": activation, "max_iter": 3, "random_state": 0}
    if kind in ("classes", "two", "labels"):
        return MLPClassifier(**options).fit(X, y)
    return MLPRegressor(**options, loss="poisson" if kind == "counts" else "squared_error").fit(X, y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_fitted_estimator_and_its_network_say_the_same(kind, activation, dtype):
    tolerance = 1e-6 if dtype == "float32" else 1e-13
    X, _ = data(kind, dtype)
    for hidden in HIDDEN:
        model = fitted(kind, hidden, activation, dtype)
        network = from_sklearn(model)
        assert network.spec.dtype_name == dtype
        assert all(np.array_equal(W, coef.T) for W, coef in zip(network.W.values(), model.coefs_, strict=True))
        output = forward(network, X).output
        if kind == "two":
            np.testing.assert_allclose(output[:, 0], model.predict_proba(X)[:, 1], rtol=0, atol=tolerance)
        elif isinstance(model, MLPClassifier):
            np.testing.assert_allclose(output, model.predict_proba(X), rtol=0, atol=tolerance)
        else:
            expected = model.predict(X)
            np.testing.assert_allclose(output.reshape(expected.shape), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_scikit_learn(kind, activation):
    X, y = data(kind)
    model = fitted(kind, (4, 3), activation)
    network = from_sklearn(model)
    target = {
        "classes": np.unique(y, return_inverse=True)[1],
        "two": (y == "yes") * 1.0,
    }.get(kind, y)
    model.alpha = 0.0
    encoded = model._label_binarizer.transform(y) if isinstance(model, MLPClassifier) else np.reshape(y, (len(y), -1))
    sizes = network.sizes
    loss, coefs, intercepts = model._backprop(
        X,
        encoded,
        None,
        [X, *[None] * network.depth],
        [None] * network.depth,
        [np.empty((n, m)) for n, m in itertools.pairwise(sizes)],
        [np.empty(n) for n in sizes[1:]],
    )
    grads = gradients(network, X, target)
    scale = 2.0 if kind == "counts" else 1.0  # scikit-learn takes half the deviance
    for i in network.W:
        np.testing.assert_allclose(grads.W[i], scale * coefs[i - 1].T, rtol=0, atol=1e-13 * scale)
        np.testing.assert_allclose(grads.b[i], scale * intercepts[i - 1], rtol=0, atol=1e-13 * scale)
    if kind in ("classes", "two", "labels", "number"):  # with more columns, scikit-learn reports their mean
        assert float(grads.loss) == pytest.approx(scale * loss, abs=1e-13)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("hidden", HIDDEN)
def test_there_and_back_is_the_same_to_the_bit(kind, hidden):
    X, _ = data(kind)
    model = fitted(kind, hidden)
    classes = model.classes_ if kind in ("classes", "two") else None
    network = from_sklearn(model)
    back = to_sklearn(network, classes)
    assert same_bits(from_sklearn(back), network)
    assert np.array_equal(back.predict(X), model.predict(X))
    assert back.predict(X).dtype == model.predict(X).dtype
    if isinstance(model, MLPClassifier):
        assert np.array_equal(back.predict_proba(X), model.predict_proba(X))
        assert np.array_equal(back.classes_, model.classes_)
    missing = {name for name in vars(model) if name not in vars(back)} - {"_random_state", "_optimizer"}
    assert not missing


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["identity", "sigmoid", "tanh", "relu"])
@pytest.mark.parametrize(
    ("loss", "outputs"),
    [
        ("cross_entropy", 4), ("cross_entropy", 2), ("binary_cross_entropy", 1), ("binary_cross_entropy", 3),
        ("squared_error", 1), ("squared_error", 3), ("poisson_deviance", 1), ("poisson_deviance", 2),
    ],
)  # fmt: skip
def test_an_estimator_predicts_what_the_network_says(loss, outputs, activation, dtype):
    tolerance = 2e-6 if dtype == "float32" else 1e-13
    for sizes in ([3, outputs], [3, 5, outputs], [3, 1, 4, outputs]):
        network, X, _, _ = drawn(sizes, activation, loss, 50, False, dtype)
        model = to_sklearn(network)
        output = forward(network, X).output
        check_is_fitted(model)
        assert model.coefs_[0].dtype == np.dtype(dtype)
        if loss == "cross_entropy":
            assert np.array_equal(model.predict(X), output.argmax(axis=1))
            np.testing.assert_allclose(model.predict_proba(X), output, rtol=0, atol=tolerance)
        elif loss == "binary_cross_entropy":
            assert np.array_equal(model.predict(X), np.squeeze(output > 0.5, axis=1) if outputs == 1 else output > 0.5)
            expected = np.hstack([1 - output, output]) if outputs == 1 else output
            np.testing.assert_allclose(model.predict_proba(X), expected, rtol=0, atol=tolerance)
        else:
            expected = output[:, 0] if outputs == 1 else output
            np.testing.assert_allclose(model.predict(X), expected, rtol=tolerance, atol=tolerance)


def test_classes_have_names():
    network = Network.create([4, 5, 3], rng=0)
    model = to_sklearn(network, ["cat", "dog", "emu"])
    X = data("classes")[0]
    assert model.classes_.tolist() == ["cat", "dog", "emu"]
    assert model.predict(X).tolist() == model.classes_[forward(network, X).output.argmax(axis=1)].tolist()
    two = to_sklearn(Network.create([4, 5, 1], loss="binary_cross_entropy", rng=0), [False, True])
    assert two.predict(X).dtype == bool


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_made_is_an_estimator_like_any_other(kind):
    X, y = data(kind)
    model = to_sklearn(from_sklearn(fitted(kind)), np.unique(y) if kind in ("classes", "two") else None)
    again = pickle.loads(pickle.dumps(model))
    assert np.array_equal(again.predict(X), model.predict(X))
    with pytest.raises(NotFittedError):
        clone(model).predict(X)
    before = model.score(X, y)
    for _ in range(20):
        model.partial_fit(X, y)
    assert (model.n_iter_, model.t_) == (1, 20 * len(X))
    assert model.score(X, y) >= before
    clone(model).set_params(max_iter=2).fit(X, y)


def test_training_goes_on_from_the_weights():
    X, y = data("number")
    network = from_sklearn(fitted("number"))
    model = to_sklearn(network).set_params(warm_start=True, max_iter=1, learning_rate_init=1e-9)
    model.fit(X, y)
    np.testing.assert_allclose(model.coefs_[0], network.W[1].T, atol=1e-6)


def test_the_network_is_a_copy():
    model = fitted("number")
    network = from_sklearn(model)
    before = network.W[1].copy()
    model.coefs_[0] += 1
    assert np.array_equal(network.W[1], before)
    there = to_sklearn(network)
    there.coefs_[0] += 1
    there.intercepts_[0] += 1
    assert np.array_equal(network.W[1], before)


def test_networks_of_other_libraries_become_estimators():
    import jax.numpy as jnp

    network = Network.create([4, 5, 3], rng=0)
    assert same_bits(from_sklearn(to_sklearn(network.to(jnp))), network)


def test_backtalks_own_estimators_are_taken():
    X, y = data("classes")
    own = backtalk.MLPClassifier([4], max_iter=3, random_state=0).fit(X, y)
    assert from_sklearn(own) is own.network_


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            lambda: LogisticRegression(),
            "model is a LogisticRegression, expected a fitted MLPClassifier or MLPRegressor.$",
        ),
        (
            lambda: make_pipeline(StandardScaler(), MLPClassifier()),
            r"is a Pipeline, .*: give its last step, model\[-1\], ",
        ),
        (lambda: "model", "model is a str, expected"),
        (
            lambda: GridSearchCV(MLPClassifier((2,), max_iter=2), {"alpha": [0.1]}, cv=2).fit(*data("two")),
            r"is a GridSearchCV, .*: give model\.best_estimator_",
        ),
        (lambda: backtalk.MLPClassifier(), "is a MLPClassifier, expected a fitted"),
    ],
)
def test_anything_else_is_refused_with_what_to_give(model, words):
    with pytest.raises(InputTypeError, match=words):
        from_sklearn(model())


def test_one_that_is_not_fitted_is_refused():
    with pytest.raises(InputError, match=r"^model is a MLPRegressor that is not fitted: call its fit first"):
        from_sklearn(MLPRegressor())


@pytest.mark.parametrize(
    ("sizes", "activation", "loss", "words"),
    [
        (
            [2, 3, 1],
            "gelu",
            "squared_error",
            r"^activations\[0\] is 'gelu', and scikit-learn has identity, sigmoid, tanh,",
        ),
        (
            [2, 3, 3, 1],
            ["relu", "tanh"],
            "squared_error",
            r"^activations\[1\] is 'tanh' and activations\[0\] is 'relu'",
        ),
        ([2, 3, 3, 1], ["relu", "elu"], "squared_error", r"^activations\[1\] is 'elu', and scikit-learn has"),
        (
            [2, 3, 1],
            "relu",
            "huber",
            r"^the loss of network is huber, and scikit-learn has cross_entropy, .*: make the n",
        ),
        (
            [2, 3, 3],
            "relu",
            "cross_entropy(label_smoothing=0.1)",
            r"^the loss of network is cross_entropy\(label_smooth",
        ),
        ([2, 3, 1], "relu", "cross_entropy", r"^network has a softmax of 1 output"),
    ],
)
def test_a_network_that_scikit_learn_does_not_have_is_refused(sizes, activation, loss, words):
    with pytest.raises(InputError, match=words):
        to_sklearn(Network.create(sizes, activation, loss, rng=0))


@pytest.mark.parametrize(
    ("outputs", "loss", "classes", "words"),
    [
        (3, "cross_entropy", ["a", "b"], r"^classes has shape \(2,\), expected 3 classes"),
        (3, "cross_entropy", ["b", "a", "c"], r"^classes is \['b', 'a', 'c'\], expected each once, in ascending order"),
        (3, "cross_entropy", [1, 1, 2], r"^classes is \[1, 1, 2\], expected each once"),
        (1, "binary_cross_entropy", [1], r"^classes has shape \(1,\), expected 2 classes"),
        (
            3,
            "binary_cross_entropy",
            [1, 2, 3],
            r"^classes is given, but the network has 3 labels that may hold together",
        ),
        (1, "squared_error", [1], r"^classes is given, but a network with squared_error has none"),
    ],
)
def test_classes_that_do_not_fit_are_refused(outputs, loss, classes, words):
    with pytest.raises(InputError, match=words):
        to_sklearn(Network.create([2, 3, outputs], "relu", loss, rng=0), classes)


def test_what_is_no_network_is_refused():
    with pytest.raises(InputTypeError, match=r"^network is a MLPRegressor, expected a backtalk.Network"):
        to_sklearn(MLPRegressor())  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("kind", KINDS)
def test_backtalks_estimator_goes_on_where_scikit_learns_left_off(kind, solver):
    X, y = data(kind)
    model = fitted(kind).set_params(solver=solver, max_iter=5).fit(X, y)
    cls = backtalk.MLPClassifier if isinstance(model, MLPClassifier) else backtalk.MLPRegressor
    own = cls.from_sklearn(model)
    assert {name: own.get_params()[name] for name in model.get_params()} == model.get_params()
    np.testing.assert_allclose(own.coefs_[0], model.coefs_[0], rtol=0, atol=0)
    assert (own.n_iter_, own.out_activation_, own.n_layers_) == (model.n_iter_, model.out_activation_, model.n_layers_)
    assert getattr(own, "loss_curve_", []) == getattr(model, "loss_curve_", [])
    if isinstance(model, MLPClassifier):
        assert np.array_equal(own.predict(X), model.predict(X))
        np.testing.assert_allclose(own.predict_proba(X), model.predict_proba(X), rtol=0, atol=1e-12)
    else:
        np.testing.assert_allclose(own.predict(X), model.predict(X), rtol=1e-12)
    before = own.score(X, y)
    if solver == "lbfgs":
        own.set_params(warm_start=True, max_iter=20).fit(X, y)
    else:
        for _ in range(20):
            own.partial_fit(X, y)
    assert own.score(X, y) >= before
    assert pickle.loads(pickle.dumps(own)).score(X, y) == own.score(X, y)


def test_backtalks_estimator_is_made_of_scikit_learns_of_the_same_name_only():
    own = backtalk.MLPRegressor.from_sklearn(fitted("number"))
    for model in (fitted("two"), own):
        with pytest.raises(InputTypeError, match=r"^model is a MLP\w*, expected a MLPRegressor of scikit-learn\.$"):
            backtalk.MLPRegressor.from_sklearn(model)
    with pytest.raises(InputError, match="not fitted"):
        backtalk.MLPClassifier.from_sklearn(MLPClassifier())
