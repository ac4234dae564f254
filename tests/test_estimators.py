"""The estimators: scikit-learn's steps, its tools around them, and what goes beyond it."""

from __future__ import annotations

import pickle
import threading
import warnings
from importlib.util import find_spec
from io import BytesIO

import joblib
import numpy as np
import pytest
import sklearn
import threadpoolctl
from scipy import sparse
from sklearn import neural_network as theirs
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine, make_multilabel_classification
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import backtalk
from backtalk import Callback, HiddenUnits, InputError, InputTypeError, MLPClassifier, MLPRegressor, Network
from backtalk.engines.native import kernels
from backtalk.train.loggers import JsonLines, TensorBoard

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
DIGITS = load_digits(return_X_y=True)
IRIS = load_iris(return_X_y=True)
DIABETES = load_diabetes(return_X_y=True)
X_LABELS, Y_LABELS = make_multilabel_classification(n_samples=120, n_features=8, n_classes=4, random_state=0)


def error(ours, others) -> float:
    return max(np.abs(np.subtract(a, b)).max() / np.abs(b).max() for a, b in zip(ours, others, strict=True))


SOLVERS = [
    {},
    {"solver": "sgd", "learning_rate_init": 0.1},
    {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling", "learning_rate_init": 0.5},
    {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.5, "n_iter_no_change": 1, "tol": 0.05},
    {"solver": "sgd", "momentum": 0.0, "batch_size": 77, "shuffle": False},
    {"solver": "lbfgs"},
    {"activation": "logistic", "alpha": 1.0},
    {"activation": "logistic", "hidden_layer_sizes": (), "solver": "sgd", "momentum": 1.0},
    {"activation": "tanh", "hidden_layer_sizes": (30, 20), "early_stopping": True},
    {"activation": "identity", "early_stopping": True, "validation_fraction": 0.3, "tol": 0.01, "n_iter_no_change": 2},
]


@pytest.mark.parametrize("parameters", SOLVERS, ids=str)
@pytest.mark.parametrize("classes", [10, 2])
def test_training_takes_scikit_learns_steps(parameters, classes):
    X, y = DIGITS
    X, y = X[y < classes] / 16, y[y < classes]
    parameters = {"max_iter": 20, "random_state": 3, **parameters}
    ours, other = (kind(**parameters).fit(X, y) for kind in (MLPClassifier, theirs.MLPClassifier))
    assert error(ours.coefs_, other.coefs_) < 1e-9
    assert error(ours.intercepts_, other.intercepts_) < 1e-9
    assert ours.loss_ == pytest.approx(other.loss_, rel=1e-9)
    assert ours.n_iter_ == other.n_iter_
    if "solver" not in parameters or parameters["solver"] != "lbfgs":
        assert error([ours.loss_curve_], [other.loss_curve_]) < 1e-9
        assert ours.t_ == other.t_
        for name in ("best_loss_", "validation_scores_", "best_validation_score_"):
            if getattr(other, name) is None:
                assert getattr(ours, name) is None
            else:
                assert getattr(ours, name) == pytest.approx(getattr(other, name), rel=1e-9)
    np.testing.assert_allclose(ours.predict_proba(X[:50]), other.predict_proba(X[:50]), rtol=1e-8, atol=1e-12)
    np.testing.assert_array_equal(ours.predict(X), other.predict(X))
    for name in ("n_layers_", "n_outputs_", "out_activation_", "n_features_in_"):
        assert getattr(ours, name) == getattr(other, name)


@pytest.mark.parametrize("solver", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("loss", ["squared_error", "poisson"])
def test_the_regressor_takes_scikit_learns_steps(loss, solver):
    X, y = DIABETES
    y = y / 100
    parameters = {"loss": loss, "solver": solver, "max_iter": 20, "random_state": 1, "alpha": 0.1}
    ours, other = (kind(**parameters).fit(X, y) for kind in (MLPRegressor, theirs.MLPRegressor))
    assert error(ours.coefs_, other.coefs_) < 1e-8
    assert ours.loss_ == pytest.approx(other.loss_, rel=1e-9)
    np.testing.assert_allclose(ours.predict(X), other.predict(X), rtol=1e-7)
    assert ours.score(X, y) == pytest.approx(other.score(X, y))
    assert ours.out_activation_ == other.out_activation_


def test_with_several_outputs_the_steps_are_the_same_and_the_loss_is_the_one_that_they_follow():
    X, y = DIABETES
    Y = np.column_stack([y, -y, y**2 / 100]) / 100
    parameters = {"max_iter": 5, "random_state": 1, "alpha": 0.0, "batch_size": 442}
    ours, other = (kind(**parameters).fit(X, Y) for kind in (MLPRegressor, theirs.MLPRegressor))
    assert error(ours.coefs_, other.coefs_) < 1e-9
    assert ours.loss_ == pytest.approx(3 * other.loss_)  # theirs is the mean over the 3 columns
    assert ours.check(X[:20], Y[:20]).passed


def test_weights_count_as_in_scikit_learn():
    X, y = IRIS
    weights = np.random.default_rng(0).uniform(0, 2, len(y))
    parameters = {"max_iter": 20, "random_state": 3, "batch_size": 20}
    ours, other = (kind(**parameters).fit(X, y, weights) for kind in (MLPClassifier, theirs.MLPClassifier))
    assert error(ours.coefs_, other.coefs_) < 1e-9
    assert error([ours.loss_curve_], [other.loss_curve_]) < 1e-9


def test_partial_fit_and_warm_start_take_scikit_learns_steps():
    X, y = IRIS
    for parameters in ({}, {"solver": "sgd", "learning_rate": "invscaling"}):
        ours, other = (kind(random_state=3, **parameters) for kind in (MLPClassifier, theirs.MLPClassifier))
        for start in (0, 30, 60):
            for model in (ours, other):
                model.partial_fit(X[start : start + 90], y[start : start + 90], classes=[0, 1, 2])
        assert error(ours.coefs_, other.coefs_) < 1e-9
        assert (ours.t_, ours.n_iter_, len(ours.loss_curve_)) == (other.t_, other.n_iter_, len(other.loss_curve_))
        ours, other = (
            kind(random_state=3, warm_start=True, max_iter=5, **parameters)
            for kind in (MLPClassifier, theirs.MLPClassifier)
        )
        for _ in range(3):
            ours.fit(X, y)
            other.fit(X, y)
        assert error(ours.coefs_, other.coefs_) < 1e-9
        assert error([ours.loss_curve_], [other.loss_curve_]) < 1e-9


def test_both_engines_train_to_the_same():
    X, y = IRIS
    one, other = (
        MLPClassifier(max_iter=10, random_state=0, dropout=0.3, clip_norm=0.5, engine=engine).fit(X, y)
        for engine in ("auto", "formula")
    )
    assert error(one.coefs_, other.coefs_) < 1e-9


def test_float32_stays_float32_and_sparse_matrices_are_taken():
    X, y = DIGITS
    X = X[:300] / 16
    dense = MLPClassifier(max_iter=5, random_state=0).fit(X, y[:300])
    for kind in (sparse.csr_matrix, sparse.csc_matrix):
        model = MLPClassifier(max_iter=5, random_state=0).fit(kind(X), y[:300])
        np.testing.assert_array_equal(model.predict_proba(kind(X)), dense.predict_proba(X))
    single = MLPClassifier(max_iter=5, random_state=0).fit(X.astype("float32"), y[:300])
    assert single.coefs_[0].dtype == single.predict_proba(X).dtype == np.float32
    for large in (np.full((1, X.shape[1]), 1e300), [[1e300] * X.shape[1]]):
        with pytest.raises(InputError, match=r"X holds 1e\+300, which is too big for float32"):
            single.predict(large)


# In scikit-learn's tools


def test_pipeline_grid_search_and_cross_validation():
    X, y = IRIS
    model = make_pipeline(StandardScaler(), MLPClassifier([8], solver="lbfgs", random_state=0))
    assert cross_val_score(model, X, y, cv=3).mean() > 0.9
    search = GridSearchCV(
        model, {"mlpclassifier__alpha": [1e-4, 1.0], "mlpclassifier__activation": ["tanh", "gelu"]}, cv=2
    )
    assert search.fit(X, y).best_score_ > 0.9
    with joblib.parallel_backend("loky", n_jobs=2):
        assert (
            len(GridSearchCV(model, {"mlpclassifier__alpha": [1e-4, 1.0]}, cv=2).fit(X, y).cv_results_["params"]) == 2
        )
    scaled = TransformedTargetRegressor(
        MLPRegressor(hidden_layer_sizes=[8], solver="lbfgs", random_state=0), transformer=StandardScaler()
    )
    assert scaled.fit(*DIABETES).score(*DIABETES) > 0.4


def test_a_pickle_in_the_middle_of_partial_fit_goes_on_to_the_bit():
    X, y = IRIS
    model = MLPClassifier(random_state=0, dropout=0.2)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    file = BytesIO()
    joblib.dump(model, file)
    file.seek(0)
    again = joblib.load(file)
    for each in (model, again):
        each.partial_fit(X, y)
    np.testing.assert_array_equal(model.coefs_[0], again.coefs_[0])
    assert not hasattr(clone(model), "network_")


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_tables_keep_their_names(library):
    module = pytest.importorskip(library)
    X, y = IRIS
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    table = module.DataFrame({name: X[:, i] for i, name in enumerate(names)})
    model = MLPClassifier([8], max_iter=20, random_state=0).fit(table, module.Series(y))
    assert list(model.feature_names_in_) == names
    np.testing.assert_array_equal(model.predict(table), model.predict(table[names[:]]))
    with pytest.raises(ValueError, match="feature names"):
        model.predict(table[names[::-1]])
    units = HiddenUnits(model).set_output(transform=library).fit(table, y)
    assert list(units.transform(table).columns)[:3] == ["h1_1", "h1_2", "h1_3"]


def test_sample_weights_and_validation_sets_are_routed():
    X, y = IRIS
    weights = np.where(y == 0, 0.0, 1.0)
    with sklearn.config_context(enable_metadata_routing=True):
        model = MLPClassifier([8], max_iter=5, random_state=0).set_fit_request(
            sample_weight=True, X_val=True, y_val=True
        )
        pipe = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        pipe.fit(X, y, sample_weight=weights, X_val=X[:20], y_val=y[:20])
        assert len(pipe[-1].validation_loss_curve_) == 5
        model = MLPClassifier([8], max_iter=5).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search = GridSearchCV(model, {"alpha": [0.1]}, cv=2)
        search.fit(X, y, sample_weight=weights)
        model = MLPClassifier([8], max_iter=5, random_state=0)
        units = make_pipeline(HiddenUnits(clone(model).set_fit_request(sample_weight=True)))
        units.fit(X, y, sample_weight=weights)
        np.testing.assert_array_equal(units[0].estimator_.coefs_[0], model.fit(X, y, weights).coefs_[0])


def test_labels_of_any_kind_come_back():
    X, y = IRIS
    for names in (np.array(["a", "b", "c"]), np.array([10, 20, 30]), np.array([0.5, 1.0, 2.0]).astype(str)):
        model = MLPClassifier([8], solver="lbfgs", random_state=0).fit(X, names[y])
        assert set(model.predict(X)) <= set(names)
        assert model.score(X, names[y]) > 0.9
    two = MLPClassifier([8], solver="lbfgs", random_state=0).fit(X, y == 0)
    assert two.predict(X).dtype == bool
    np.testing.assert_allclose(two.predict_proba(X).sum(axis=1), 1)


# Beyond scikit-learn


def test_an_activation_for_each_layer():
    model = MLPClassifier([8, 6], ["gelu", "leaky_relu(slope=0.2)"], max_iter=5, random_state=0).fit(*IRIS)
    assert [repr(g) for g in model.network_.activations] == ["gelu", "leaky_relu(slope=0.2)"]
    with pytest.raises(InputError, match="activation has 1 entries, expected 2"):
        MLPClassifier([8, 6], ["gelu"]).fit(*IRIS)
    with pytest.raises(InputError, match="did you mean 'relu'"):
        MLPClassifier([8], "rleu").fit(*IRIS)


@pytest.mark.parametrize(
    ("solver", "rate"),
    [("nadam", 0.02), ("rmsprop(momentum=0.5)", 0.01), ("lion", 0.005), ("nag(momentum=0.8)", 0.1), ("gd", 1.0),
     ("gd(armijo=1e-4)", 4.0)],
)  # fmt: skip
def test_any_optimizer_is_a_solver_and_takes_its_rate_from_learning_rate_init(solver, rate):
    X, y = StandardScaler().fit_transform(IRIS[0]), IRIS[1]
    model = MLPClassifier([8], solver=solver, learning_rate_init=rate, max_iter=300, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert model.fit(X, y).score(X, y) > 0.9
    assert all(np.isfinite(model.loss_curve_))


@pytest.mark.parametrize(
    ("solver", "twice", "rate"),
    [
        ("momentum(momentum=0.5)", "momentum(momentum=0.5)", 0.005),
        ("gd", "gd", 0.005),
        ("nadam", "nadam(epsilon=2e-8)", 0.01),
        ("adagrad", "adagrad(epsilon=2e-10)", 0.01),
    ],
)
def test_a_solver_takes_the_same_steps_for_a_loss_that_scikit_learn_halves(solver, twice, rate):
    X, y = IRIS[0][:, :3], IRIS[0][:, 3] + 0.1
    settings = {"hidden_layer_sizes": [5], "max_iter": 3, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        halved = MLPRegressor("poisson", solver=solver, learning_rate_init=0.01, alpha=0.1, **settings).fit(X, y)
        whole = MLPRegressor("poisson_deviance", solver=twice, learning_rate_init=rate, alpha=0.2, **settings).fit(X, y)
    np.testing.assert_allclose(halved.network_.W[1], whole.network_.W[1], rtol=1e-10)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"solver": "adamm"}, "^solver is 'adamm', which is not known: did you mean 'adam'"),
        ({"solver": "nadam(learning_rate=0.1)"}, "but the learning rate is learning_rate_init: give it there"),
        ({"solver": "gd", "batch_size": 7}, "^batch_size is 7, but solver='gd' takes all 150 examples"),
        (
            {"solver": "gd(armijo=0.1)", "dropout": 0.5},
            r"^dropout is given, but solver='gd\(armijo=0.1\)' cannot use it",
        ),
        ({"learning_rate": "one_cycle", "max_iter": 2, "batch_size": 150}, "^schedule is one_cycle, which rises in"),
    ],
)
def test_a_solver_or_a_schedule_that_does_not_fit_is_refused(parameters, words):
    with pytest.raises(InputError, match=words):
        MLPClassifier([8], **parameters).fit(*IRIS)


def test_schedules_dropout_and_clipping_change_training():
    X, y = IRIS
    base = {"hidden_layer_sizes": [8], "max_iter": 30, "random_state": 0}
    plain = MLPClassifier(**base).fit(X, y)
    for extra in (
        {"learning_rate": "cosine(warm_up=5)"},
        {"dropout": 0.5},
        {"clip_norm": 0.01},
        {"label_smoothing": 0.2},
    ):
        assert MLPClassifier(**base, **extra).fit(X, y).loss_ != plain.loss_
    rates = []
    MLPClassifier(**base, learning_rate="step(every=10)", callbacks=lambda e: rates.append(e.learning_rate)).fit(X, y)
    np.testing.assert_allclose(rates[::10], [1e-3, 1e-4, 1e-5])


def test_class_weights():
    X, y = IRIS
    keep = np.r_[0:50, 50:60, 100:150]  # 10 of the second class
    X, y = X[keep], y[keep]
    parameters = {"hidden_layer_sizes": [8], "max_iter": 30, "random_state": 0}
    balanced = MLPClassifier(**parameters, class_weight="balanced").fit(X, y)
    by_hand = MLPClassifier(**parameters).fit(X, y, np.array([110 / 150, 110 / 30, 110 / 150])[y])
    np.testing.assert_allclose(balanced.coefs_[0], by_hand.coefs_[0], rtol=1e-9)
    named = MLPClassifier(**parameters, class_weight={1: 5.0}).fit(X, y)
    np.testing.assert_allclose(named.coefs_[0], MLPClassifier(**parameters).fit(X, y, np.where(y == 1, 5, 1)).coefs_[0])
    with pytest.raises(ValueError, match="class_weight='balanced' is not supported by partial_fit"):
        MLPClassifier(class_weight="balanced").partial_fit(X, y, classes=[0, 1, 2])


def test_a_validation_set_of_ones_own():
    X, y = IRIS
    model = MLPClassifier([8], max_iter=12, random_state=0).fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    alone = MLPClassifier([8], max_iter=12, random_state=0).fit(X[::2], y[::2])
    np.testing.assert_array_equal(model.coefs_[0], alone.coefs_[0])
    assert len(model.validation_loss_curve_) == 12
    assert model.validation_loss_curve_[-1] == pytest.approx(float(model.gradients(X[1::2], y[1::2]).loss))
    stopping = MLPClassifier([8], max_iter=500, early_stopping=True, n_iter_no_change=3, random_state=0)
    stopping.fit(X[::2], y[::2], X_val=X[1::2], y_val=y[1::2])
    assert stopping.n_iter_ < 500
    assert stopping.score(X[1::2], y[1::2]) == pytest.approx(max(stopping.validation_scores_))
    with pytest.raises(InputError, match="X_val and y_val belong together"):
        MLPClassifier().fit(X, y, X_val=X)


def test_partial_fit_stops_early():
    X, y = DIABETES
    model = MLPRegressor(
        hidden_layer_sizes=[8],
        early_stopping=True,
        n_iter_no_change=4,
        tol=1e-3,
        learning_rate_init=0.01,
        random_state=0,
    )
    calls = 0
    while not model._optimizer.stopped if calls else True:
        model.partial_fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
        calls += 1
        assert calls < 3000
    assert model.score(X[300:], y[300:]) == pytest.approx(max(model.validation_scores_))
    before = model.coefs_[0].copy()
    model.partial_fit(X[:300], y[:300], X_val=X[300:], y_val=y[300:])
    np.testing.assert_array_equal(model.coefs_[0], before)


def test_many_labels_also_by_partial_fit():
    model = MLPClassifier([16], solver="lbfgs", max_iter=300, random_state=0).fit(X_LABELS, Y_LABELS)
    assert model.predict(X_LABELS).shape == model.predict_proba(X_LABELS).shape == Y_LABELS.shape
    assert (model.predict(X_LABELS) == Y_LABELS).mean() > 0.85
    parts = MLPClassifier([16], random_state=0, early_stopping=True, n_iter_no_change=50)
    for _ in range(20):
        parts.partial_fit(X_LABELS, Y_LABELS, classes=[0, 1, 2, 3], X_val=X_LABELS, y_val=Y_LABELS)
    assert len(parts.validation_scores_) == 20
    assert parts.loss_curve_[-1] < parts.loss_curve_[0]


@pytest.mark.parametrize("loss", ["huber(delta=50)", "absolute_error", "poisson_deviance"])
def test_losses_of_backtalk(loss):
    X, y = DIABETES
    model = MLPRegressor(loss, [16], solver="lbfgs", max_iter=300, random_state=0).fit(X, y)
    assert repr(model.network_.loss).startswith(loss.partition("(")[0])
    assert model.score(X, y) > 0.3
    with pytest.raises(InputError, match="did you mean 'huber'"):
        MLPRegressor("hubr").fit(X, y)


@pytest.mark.parametrize(
    ("loss", "output", "distribution"),
    [("focal", None, True), ("kl_divergence", None, True), ("categorical_hinge", None, False),
     ("squared_error", "softmax", True), ("squared_error", "sigmoid", False), (None, "sigmoid", False)],
)  # fmt: skip
def test_a_classifier_takes_any_output_function_with_any_loss(loss, output, distribution):
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = MLPClassifier([8], solver="lbfgs", loss=loss, output=output, max_iter=60, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert clone(model).fit(X, y).score(X, y) > 0.9
        two = clone(model).fit(X, np.where(y == 2, "yes", "no"))
        model.fit(X, y)
    assert two.score(X, np.where(y == 2, "yes", "no")) > 0.9
    assert hasattr(model, "predict_proba") == distribution
    if distribution:
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)
        np.testing.assert_allclose(two.predict_proba(X).sum(axis=1), 1)
    model.coefs_ = model.coefs_
    assert model.network_.output.name == (output or model.network_.loss.natural_output)


def test_a_classifier_without_probabilities_says_so():
    with pytest.raises(AttributeError) as caught:
        MLPClassifier(loss="categorical_hinge").predict_proba  # noqa: B018
    assert "the output function identity gives no distribution" in str(caught.value.__cause__)


def test_a_regressor_learns_deviations_and_quantiles_and_stays_above_zero():
    X, y = load_diabetes(return_X_y=True)
    y = y / 100
    options = {"hidden_layer_sizes": [8], "solver": "lbfgs", "max_iter": 100, "random_state": 0}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = MLPRegressor("gaussian_nll", **options).fit(X, y)
        high = MLPRegressor("quantile(level=0.9)", **options).fit(X, y)
        positive = MLPRegressor("squared_error", output="softplus", **options).fit(X, y)
        both = MLPRegressor("gaussian_nll", **options).fit(X, np.column_stack([y, y]))
    mean, deviation = model.predict(X, return_std=True)
    np.testing.assert_array_equal(mean, model.predict(X))
    assert model.score(X, y) > 0.3
    assert 0.5 < (np.abs(y - mean) <= deviation).mean() < 0.85
    assert [part.shape for part in both.predict(X, return_std=True)] == [(*y.shape, 2)] * 2
    assert (y <= high.predict(X)).mean() == pytest.approx(0.9, abs=0.03)
    assert positive.predict(X).min() > 0
    with pytest.raises(InputError, match="only 'gaussian_nll' learns deviations"):
        high.predict(X, return_std=True)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (MLPClassifier(loss="focal", label_smoothing=0.1), "^label_smoothing is 0.1, but the loss 'focal' has none"),
        (MLPClassifier(loss="gaussian_nll"), "^loss is 'gaussian_nll', which predicts no classes: use MLPRegressor"),
        (MLPClassifier(output="sofmax"), "did you mean 'softmax'"),
        (MLPRegressor("focal"), "^loss is 'focal', whose y is classes: expected a loss of numbers, or use MLPClass"),
    ],
)
def test_a_loss_that_does_not_suit_the_estimator_is_refused(model, words):
    with pytest.raises(InputError, match=words):
        model.fit([[0.0], [1.0], [2.0]], [0, 1, 2])


def test_a_label_matrix_takes_no_loss_of_classes():
    with pytest.raises(InputError, match=r"^loss is 'focal', whose examples have one class each"):
        MLPClassifier(loss="focal").fit([[0.0], [1.0]], [[0, 1], [1, 1]])


def test_hidden_units_are_features():
    X, y = IRIS
    model = MLPClassifier([8, 5], solver="lbfgs", random_state=0).fit(X, y)
    assert (model.hidden(X).shape, model.hidden(X, 2).shape, model.hidden(X, -1).shape) == (
        (150, 8),
        (150, 5),
        (150, 5),
    )
    np.testing.assert_array_equal(model.hidden(X, 2), model.hidden(X, -1))
    np.testing.assert_allclose(model.hidden(X), np.maximum(X @ model.coefs_[0] + model.intercepts_[0], 0), rtol=1e-12)
    for layer in (0, 3, -3):
        with pytest.raises(InputError, match=f"layer is {layer}, expected 1 to 2"):
            model.hidden(X, layer)
    frozen = HiddenUnits(FrozenEstimator(model), layer=1).fit(X, y)
    np.testing.assert_array_equal(frozen.transform(X), model.hidden(X))
    assert list(frozen.get_feature_names_out()) == [f"h1_{j}" for j in range(1, 9)]
    pipe = make_pipeline(
        HiddenUnits(MLPClassifier([6], solver="lbfgs", random_state=0)), LogisticRegression(max_iter=999)
    )
    assert pipe.fit(X, y).score(X, y) > 0.9
    with pytest.raises(NotFittedError):
        HiddenUnits(MLPClassifier()).transform(X)


@pytest.mark.parametrize("model", [MLPClassifier([6], max_iter=3), MLPRegressor("poisson", [6], max_iter=3)])
def test_gradients_and_check_of_a_fitted_estimator(model):
    X, y = IRIS
    model = clone(model).fit(X, y)
    grads = model.gradients(X, y)
    assert grads.h[0].shape == X.shape
    assert grads.W[1].shape == model.coefs_[0].T.shape
    assert model.check(X[:9], y[:9]).passed
    assert model.check().passed
    assert isinstance(model.network_, Network)


def test_gradients_take_labels_as_they_are():
    X, y = IRIS
    names = np.array(["a", "b", "c"])[y]
    model = MLPClassifier([6], max_iter=3, random_state=0).fit(X, names)
    expected = backtalk.gradients(model.network_, X, y)
    np.testing.assert_array_equal(model.gradients(X, names).W[1], expected.W[1])
    with pytest.raises(ValueError, match="expected one of the classes"):
        model.gradients(X[:1], ["d"])


def test_callbacks_are_told_and_stop():
    told = []

    class Watch(Callback):
        def on_start(self, settings):
            told.append(settings["solver"])

        def on_epoch(self, epoch):
            return epoch.number == 4

        def on_end(self, training):
            told.append(len(training.losses))

    model = MLPClassifier([6], callbacks=[Watch(), lambda epoch: told.append(epoch.number)], random_state=0).fit(*IRIS)
    assert told == ["adam", 1, 2, 3, 4, 4]
    assert model.n_iter_ == 4
    searched = MLPClassifier([6], solver="lbfgs", callbacks=lambda epoch: epoch.number == 4, random_state=0).fit(*IRIS)
    assert searched.n_iter_ == len(searched.loss_curve_) == 4


def test_an_estimator_with_loggers_is_cloned_pickled_and_searched(tmp_path):
    loggers = [JsonLines(tmp_path / "log.jsonl")]
    if find_spec("tensorboard") is not None:
        loggers.append(TensorBoard(tmp_path / "runs"))
    model = MLPClassifier([4], max_iter=3, callbacks=loggers, random_state=0)
    assert model.get_params()["callbacks"] is loggers
    assert [repr(each) for each in clone(model).callbacks] == [repr(each) for each in loggers]
    search = GridSearchCV(pickle.loads(pickle.dumps(model)), {"alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2)
    assert list(tmp_path.iterdir()) == []
    with joblib.parallel_config("threading"):
        search.fit(*IRIS)
    logs = sorted(each.name for each in tmp_path.glob("*.jsonl"))  # four fits and that of the best on all data
    assert logs == ["log-2.jsonl", "log-3.jsonl", "log-4.jsonl", "log-5.jsonl", "log.jsonl"]
    assert all(len((tmp_path / each).read_text().splitlines()) == 3 for each in logs)
    assert len(list(tmp_path.rglob("*tfevents*"))) == 5 * (len(loggers) - 1)
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(best.predict(IRIS[0]), search.predict(IRIS[0]))


def test_callbacks_that_one_fit_would_use_up_are_refused():
    with pytest.raises(InputTypeError, match="callbacks is an iterator, which one fit would use up: expected a list"):
        MLPClassifier([4], callbacks=(each for each in [print])).fit(*IRIS)


def test_ctrl_c_keeps_what_was_learned():
    def interrupt(epoch):
        if epoch.number == 3:
            raise KeyboardInterrupt

    with pytest.warns(UserWarning, match="interrupted"):
        model = MLPClassifier([6], callbacks=interrupt, random_state=0).fit(*IRIS)
    assert model.n_iter_ == 3
    assert model.predict(IRIS[0]).shape == (150,)


def test_weights_can_be_put_in():
    model = MLPClassifier([6], max_iter=2, random_state=0).fit(*IRIS)
    model.coefs_ = [np.zeros_like(c) for c in model.coefs_]
    model.intercepts_ = [np.zeros(6), np.array([0.0, 9.0, 0.0])]
    assert (model.predict(IRIS[0]) == 1).all()


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"learning_rate": "cosin"}, "did you mean 'cosine'"),
        ({"dropout": [0.5, 0.5]}, "dropout has 2 rates, expected 1"),
        ({"solver": "lbfgs", "dropout": 0.5}, "dropout is given, but solver='lbfgs'"),
        ({"solver": "lbfgs", "clip_norm": 1.0}, "clip_norm is given, but solver='lbfgs'"),
        ({"hidden_layer_sizes": [0]}, "hidden_layer_sizes must be > 0"),
        ({"label_smoothing": 1.0}, "label_smoothing"),
        ({"engine": "gpu"}, "engine"),
        ({"class_weight": "balance"}, "class_weight"),
    ],
)
def test_what_cannot_be_used_is_named(parameters, words):
    with pytest.raises(ValueError, match=words):
        MLPClassifier(**parameters).fit(*IRIS)


def test_divergence_says_where():
    X, y = DIABETES
    model = MLPRegressor(hidden_layer_sizes=[8], solver="sgd", learning_rate_init=1e12, random_state=0)
    with pytest.raises(ValueError, match=r"non-finite parameter weights.*diverged at step \d+"):
        model.fit(X, y)


def test_a_single_row_and_a_single_class():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        assert MLPClassifier([3], max_iter=2).fit([[1.0, 2.0]], [7]).predict([[1.0, 2.0]]) == [7]
        assert MLPRegressor(hidden_layer_sizes=[3], max_iter=2).fit([[1.0, 2.0]], [7.0]).predict(
            [[1.0, 2.0]]
        ).shape == (1,)


def test_labels_that_were_never_seen_are_refused_with_two_classes_too():
    X, y = IRIS[0][:100], np.array(["cat", "dog"])[IRIS[1][:100]]
    model = MLPClassifier([4], max_iter=2, random_state=0).fit(X, y)
    for wrong in (["bird"] * 100, ["bird", "fish"] * 50, ["cat", "bird"] * 50):
        with pytest.raises(ValueError, match=r"y holds .*bird.*, expected one of the classes"):
            model.gradients(X, wrong)
        with pytest.raises(ValueError, match="expected one of the classes"):
            MLPClassifier([4], max_iter=2).fit(X, y, X_val=X, y_val=wrong)


def test_a_schedule_runs_over_the_calls_of_partial_fit():
    rates = []
    model = MLPClassifier(
        [4], learning_rate="cosine", max_iter=4, batch_size=150, callbacks=lambda e: rates.append(e.learning_rate)
    )
    for _ in range(4):
        model.partial_fit(*IRIS, classes=[0, 1, 2])
    np.testing.assert_allclose(rates, 1e-3 * (1 + np.cos(np.pi * np.arange(4) / 4)) / 2)


def test_divergence_of_lbfgs_is_a_value_error_with_the_last_good_network():
    with pytest.raises(ValueError, match="non-finite parameter weights") as caught:
        MLPRegressor(hidden_layer_sizes=[4], solver="lbfgs", random_state=0).fit(IRIS[0] * 1e200, IRIS[0][:, 0])
    assert isinstance(caught.value, backtalk.DivergedError)
    assert caught.value.network.sizes == (4, 4, 1)


def test_what_is_no_perceptron_of_backtalk_has_no_hidden_units():
    with pytest.raises(TypeError, match="estimator is a LogisticRegression, expected backtalk's MLPClassifier"):
        HiddenUnits(LogisticRegression()).fit(*IRIS)
    with pytest.raises(TypeError, match="layer is 'a', expected a whole number from 1 to 1"):
        MLPClassifier([4], max_iter=2).fit(*IRIS).hidden(IRIS[0], "a")


def test_training_that_goes_on_with_another_dtype_goes_on_in_it():
    X, y = IRIS
    model = MLPClassifier([4], max_iter=2, warm_start=True, random_state=0).fit(X, y)
    for dtype in ("float32", "float64"):
        before = model.coefs_[0]
        model.set_params(learning_rate_init=1e-12).fit(X.astype(dtype), y)
        assert model.coefs_[0].dtype == model.intercepts_[0].dtype == dtype
        np.testing.assert_allclose(model.coefs_[0], before, rtol=1e-6)


def test_a_diagnosis_of_a_classifier_names_columns_and_knows_the_curves():
    frame = load_wine(as_frame=True)
    model = MLPClassifier([16], random_state=0).fit(frame.data, frame.target)
    diagnosis = model.diagnose(frame.data, frame.target)
    assert diagnosis.findings[0].kind == "inputs_not_scaled"
    assert "proline" in diagnosis.findings[0].said
    assert list(diagnosis.measurements.telemetry.losses) == model.loss_curve_
    assert diagnosis.measurements.telemetry.batch_size == 178


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"solver": "lbfgs"},
        {"early_stopping": True, "n_iter_no_change": 100},
        {"solver": "sgd", "learning_rate_init": 0.1},
        {"class_weight": "balanced"},
        {"dropout": [0.1]},
    ],
)
def test_a_classifier_that_learned_is_healthy(options):
    X, y = IRIS
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    options = {"learning_rate_init": 0.02} | options  # at 0.001 it gets 84 % right, and the doctor says what is left
    model = MLPClassifier([16], max_iter=400, random_state=0, **options).fit(X, names)
    diagnosis = model.diagnose(X, names, X_val=X[::5], y_val=names[::5])
    assert diagnosis.healthy, diagnosis
    assert diagnosis.measurements.validation_examples == 30


def test_a_diagnosis_counts_class_weights_as_in_training():
    X, y = IRIS[0][45:], (IRIS[1][45:] > 0).astype(int)
    balanced = MLPClassifier([4], class_weight="balanced", random_state=0).fit(X, y).diagnose(X, y)
    plain = MLPClassifier([4], random_state=0).fit(X, y).diagnose(X, y)
    np.testing.assert_allclose(balanced.measurements.targets.shares, [0.5, 0.5])
    assert plain.measurements.targets.shares[0] < 0.05
    weighted = MLPClassifier([4], random_state=0).fit(X, y).diagnose(X, y, np.where(y == 0, 20.0, 1.0))
    np.testing.assert_allclose(weighted.measurements.targets.shares, [0.5, 0.5])


def test_a_diagnosis_of_a_regressor_is_in_units_of_the_network_s_loss():
    X, y = DIABETES
    model = MLPRegressor("poisson", [8], max_iter=50, random_state=0).fit(X * 20, y / 100)
    diagnosis = model.diagnose(X * 20, y / 100)
    np.testing.assert_allclose(diagnosis.measurements.telemetry.losses, 2 * np.array(model.loss_curve_))
    raw = MLPRegressor(hidden_layer_sizes=[8], max_iter=5, random_state=0).fit(X, y).diagnose(X, y)
    assert raw.findings[0].kind == "targets_not_scaled"


def test_a_diagnosis_of_several_labels_and_of_several_numbers():
    labels = MLPClassifier([8], max_iter=20, random_state=0).fit(X_LABELS, Y_LABELS)
    assert labels.diagnose(X_LABELS, Y_LABELS).measurements.examples == 120
    numbers = MLPRegressor(hidden_layer_sizes=[8], max_iter=20, random_state=0).fit(IRIS[0], IRIS[0][:, :2])
    assert numbers.diagnose(IRIS[0], IRIS[0][:, :2]).measurements.layers[-1].units == 2


def test_a_diagnosis_finds_nan_and_refuses_what_does_not_fit():
    X, y = IRIS
    model = MLPClassifier([8], max_iter=20, random_state=0)
    with pytest.raises(NotFittedError):
        model.diagnose(X, y)
    model.fit(X, y)
    broken = X.copy()
    broken[7, 1] = np.nan
    assert model.diagnose(broken, y).findings[0].examples == (7,)
    with pytest.raises(ValueError, match="expected one of the classes"):
        model.diagnose(X, y + 1)
    with pytest.raises(ValueError, match="X has 3 features"):
        model.diagnose(X[:, :3], y)
    with pytest.raises(InputError, match="X_val and y_val belong together"):
        model.diagnose(X, y, X_val=X)


def test_a_diagnosis_after_partial_fits_knows_what_it_can():
    X, y = IRIS
    model = MLPClassifier([8], random_state=0)
    for _ in range(3):
        model.partial_fit(X, y, classes=[0, 1, 2])
    assert model.diagnose(X, y).measurements.telemetry.epochs == 3


@pytest.mark.skipif(kernels.kernels() is None, reason="no native kernels here")
def test_a_search_on_two_threads_of_python_uses_no_more_threads_than_there_are():
    counts, both = [], threading.Barrier(2)

    def tell(epoch):
        if epoch.number == 2:
            both.wait(60)  # now two of the four fits train
            counts.append(kernels.threads())
            both.wait(60)

    model = MLPClassifier([4], max_iter=3, callbacks=tell, random_state=0)
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-2]}, cv=2, n_jobs=2, refit=False)
    with threadpoolctl.threadpool_limits(4, user_api="openmp"), joblib.parallel_config("threading"):
        search.fit(*IRIS)
    assert counts == [2, 2, 2, 2]
