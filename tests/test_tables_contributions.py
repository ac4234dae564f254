"""What each column contributes to one prediction: integrated gradients, and the check of their sum."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from backtalk import InputError, InputTypeError, Network, forward
from backtalk.apps.tables.importance.contributions import explain_rows
from backtalk.apps.tables.importance.explained import explained_of, log_odds
from backtalk.apps.tables.importance.integrated import BOUND, MOST_PANELS, integrate_gradients
from backtalk.apps.tables.importance.mean_input import mean_input
from backtalk.apps.tables.model import Model, in_order
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.core.activations import ACTIVATIONS


def first_output(a, yhat):
    return yhat[:, 0], np.eye(a.shape[1])[0] * np.ones_like(a)


def random_network(activation, sizes=(6, 16, 12, 3), loss="squared_error", seed=0, **options) -> Network:
    rng = np.random.default_rng(seed)
    network = Network.create(sizes, activation, loss, rng=seed, **options)
    b = [rng.normal(size=each.shape, scale=0.3) for each in network.b.values()]
    return network.replace([1.5 * each for each in network.W.values()], b)


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_the_contributions_are_all_whatever_the_activation(activation):
    network, rng = random_network(activation), np.random.default_rng(1)
    for _ in range(3):
        x, baseline = rng.normal(size=(2, 6))
        found = integrate_gradients(network, x, baseline, first_output)
        ends = forward(network, np.stack([x, baseline])).output[:, 0]
        assert (found.value, found.baseline) == pytest.approx(tuple(ends), rel=1e-12)
        assert found.is_exact
        assert abs(found.contributions.sum() - (ends[0] - ends[1])) <= BOUND * np.abs(found.contributions).sum()


def test_a_linear_network_gives_each_input_its_weight_times_its_way():
    network = Network([[[3.0, -1.0, 0.0]]], [[0.5]], loss="squared_error")
    x, baseline = np.array([1.0, 2.0, 5.0]), np.array([0.5, -1.0, 1.0])
    found = integrate_gradients(network, x, baseline, first_output)
    np.testing.assert_allclose(found.contributions, [1.5, -3.0, 0.0], rtol=1e-14)
    assert found.gradients == 8


def test_a_product_is_shared_between_its_factors():
    # tanh(x) tanh(y) by ((s + t)² − (s − t)²) / 4 is no network; the square of x + y is nearly one: softplus
    network = Network([[[1.0, 1.0]], [[1.0]]], [[0.0], [0.0]], "softplus", "squared_error")
    found = integrate_gradients(network, np.array([1.0, 3.0]), np.zeros(2), first_output)
    rise = np.log1p(np.exp(4)) - np.log(2)
    np.testing.assert_allclose(found.contributions, [rise / 4, 3 * rise / 4], rtol=1e-5)


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_an_input_that_the_network_ignores_or_that_is_at_the_baseline_has_0(activation):
    network = random_network(activation)
    W = [each.copy() for each in network.W.values()]
    W[0][:, 2] = 0
    network = network.replace(W, list(network.b.values()))
    x, baseline = np.random.default_rng(0).normal(size=(2, 6))
    x[4] = baseline[4]
    found = integrate_gradients(network, x, baseline, first_output)
    assert (found.contributions[2], found.contributions[4]) == (0.0, 0.0)
    assert np.count_nonzero(found.contributions) == 4


def test_a_path_with_kinks_is_divided_around_them():
    network = Network([[[1.0]], [[1.0]]], [[-0.3], [0.0]], "relu", "squared_error")
    found = integrate_gradients(network, np.array([1.0]), np.zeros(1), first_output)
    assert found.contributions[0] == pytest.approx(0.7, rel=1e-5)
    assert 8 < found.gradients < 8 * 100


def test_a_path_that_stays_uneven_is_not_called_exact():
    steep = Network([[[1e9]], [[1.0]]], [[-1e9 / 3], [0.0]], "sigmoid", "squared_error")  # a step at 1/3
    found = integrate_gradients(steep, np.array([1.0]), np.zeros(1), first_output)
    assert found.gradients <= 8 * MOST_PANELS
    assert found.is_exact == (found.error <= BOUND * abs(found.contributions[0]))


def test_no_way_has_no_contributions_and_is_exact():
    found = integrate_gradients(random_network("tanh"), np.ones(6), np.ones(6), first_output)
    assert not found.contributions.any()
    assert found.is_exact


def test_log_odds_are_those_of_the_shares_and_their_gradient_is_the_derivative():
    a = np.random.default_rng(0).normal(size=(4, 3)) * 3
    shares = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    f, grad_a = log_odds(1)(a, shares)
    np.testing.assert_allclose(f, np.log(shares[:, 1] / (1 - shares[:, 1])), rtol=1e-12)
    for j in range(3):
        step = 1e-6 * np.eye(3)[j]
        difference = (log_odds(1)(a + step, shares)[0] - log_odds(1)(a - step, shares)[0]) / 2e-6
        np.testing.assert_allclose(grad_a[:, j], difference, rtol=1e-6, atol=1e-9)


def test_log_odds_stay_finite_where_a_share_has_rounded_to_1():
    f, grad_a = log_odds(0)(np.array([[800.0, 0.0]]), np.array([[1.0, 0.0]]))
    assert (f.tolist(), grad_a.tolist()) == ([800.0], [[1.0, -1.0]])


CLASSES = Target("bought", "classification", "", classes=["no", "yes"])
THREE = Target("kind", "classification", "", classes=["a", "b", "c"])
NUMBERS = Target("price", "regression", "", mean=100.0, scale=25.0)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        (CLASSES, {}),
        (THREE, {}),
        (THREE, {"loss": "squared_error", "output": "sigmoid"}),
        (NUMBERS, {"loss": "squared_error"}),
        (NUMBERS, {"loss": "squared_error", "output": "softplus"}),
        (NUMBERS, {"loss": "gaussian_nll"}),
        (replace(NUMBERS, point=1), {"loss": "quantiles(levels=[0.1, 0.5, 0.9])"}),
    ],
)
def test_what_is_explained_has_the_gradient_of_what_it_is(target, options):
    outputs = {"gaussian_nll": 2, "quantiles(levels=[0.1, 0.5, 0.9])": 3}.get(options.get("loss"), target.outputs)
    network = random_network("tanh", (3, 5, outputs), **{"loss": "cross_entropy", **options})
    a = np.random.default_rng(0).normal(size=(1, outputs))
    output = network.output.value(a)
    explained = explained_of(target, network, output[0])
    f, grad_a = explained.quantity(a, output)
    for j in range(outputs):
        step = 1e-6 * np.eye(outputs)[j]
        above, below = (explained.quantity(b, network.output.value(b))[0] for b in (a + step, a - step))
        assert grad_a[0, j] == pytest.approx((above - below)[0] / 2e-6, rel=1e-6, abs=1e-8)
    if not target.classifies:
        assert f[0] == pytest.approx(target.decode(in_order(network, output))[0])
    if explained.unit == "log-odds":
        assert explained.shown(f[0]) == pytest.approx(output[0, target.classes.index(explained.of)])


def table() -> pl.DataFrame:
    rng = np.random.default_rng(0)
    columns = {"age": rng.integers(18, 80, 40), "town": rng.choice(["A", "B", None], 40), "pay": rng.normal(size=40)}
    return pl.DataFrame({**columns, "bought": ["no", "yes"] * 20})


def model_of(frame: pl.DataFrame, target: Target = CLASSES, members: int = 2, **options) -> Model:
    preprocessing = Preprocessing.learn(frame.drop("bought"), np.arange(40))
    X, _ = preprocessing.transform(frame.drop("bought"))
    sizes = [X.shape[1], 6, target.outputs]
    networks = [Network.create(sizes, "tanh", rng=k, dtype="float32", **options) for k in range(members)]
    return Model(tuple(networks), preprocessing, target, None, mean_input(X))


def test_rows_are_explained_by_their_columns():
    frame = table()
    model = model_of(frame)
    found = explain_rows(model, frame, [3, 12])
    assert (found.rows, found.columns) == ([3, 12], ["age", "town", "pay"])
    assert found.contributions.shape == (2, 3)
    X, _ = model.preprocessing.transform(frame.drop("bought"))
    shares = model.output_of(X)[[2, 11], 1]
    np.testing.assert_allclose(found.shown, shares, rtol=1e-5)
    np.testing.assert_allclose(found.prediction, np.log(shares / (1 - shares)), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.prediction - found.baseline, rtol=1e-4)
    assert found.exact.all()
    assert (found.of, found.unit, found.truth) == (["yes", "yes"], "log-odds", ["no", "yes"])
    assert found.cells[0] == [str(frame["age"][2]), frame["town"][2] or "", f"{frame['pay'][2]:.6g}"]


def test_the_contributions_of_a_column_are_those_of_its_inputs():
    frame = table()
    model = model_of(frame, members=1)
    x = model.preprocessing.transform(frame.drop("bought"))[0][4].astype(np.float64)
    network = model.network.to(np, dtype="float64")
    by_input = integrate_gradients(network, x, np.array(model.mean_input), log_odds(1)).contributions
    found = explain_rows(model, frame, [5])
    for k, places in enumerate(model.preprocessing.groups.values()):
        assert found.contributions[0, k] == pytest.approx(by_input[places].sum(), rel=1e-12)


def test_a_table_without_the_target_is_explained_alike():
    frame = table()
    model = model_of(frame)
    found, bare = explain_rows(model, frame, [7]), explain_rows(model, frame.drop("bought"), [7])
    np.testing.assert_array_equal(found.contributions, bare.contributions)
    assert bare.truth == [None]


def test_numbers_are_explained_in_the_unit_of_the_target():
    frame = table()
    model = model_of(frame, NUMBERS, loss="squared_error")
    found = explain_rows(model, frame, [1, 2, 3])
    predicted = model.target.decode(model.output_of(model.preprocessing.transform(frame.drop("bought"))[0][:3]))
    np.testing.assert_allclose(found.prediction, predicted, rtol=1e-5)
    np.testing.assert_allclose(found.shown, found.prediction)
    assert (found.unit, found.of) == ("price", ["price"] * 3)


def test_of_several_classes_the_predicted_one_is_explained():
    frame = table()
    found = explain_rows(model_of(frame, THREE), frame, list(range(1, 41)))
    assert found.of == found.predicted
    assert found.exact.all()


def test_the_plain_values_have_the_largest_contribution_first():
    frame = table()
    facts = json.loads(json.dumps(explain_rows(model_of(frame), frame, [3]).to_dict(), allow_nan=False))["rows"][0]
    sizes = [abs(each["contribution"]) for each in facts["columns"]]
    assert sizes == sorted(sizes, reverse=True)
    assert facts["row"] == 3
    assert facts["sum"] == pytest.approx(facts["prediction"] - facts["baseline"], abs=1e-6)


@pytest.mark.parametrize(
    ("rows", "kind", "words"),
    [
        ([0], InputError, "row is 0, but the table has 40 rows: expected 1 to 40"),
        ([41], InputError, "row is 41"),
        ([], InputError, "rows is empty"),
        ([1.5], InputTypeError, "row is 1.5"),
        ([True], InputTypeError, "row is True"),
    ],
)
def test_rows_that_are_not_there_are_refused(rows, kind, words):
    frame = table()
    with pytest.raises(kind, match=words):
        explain_rows(model_of(frame), frame, rows)


def test_a_frame_without_a_column_and_a_run_without_the_mean_are_refused():
    frame = table()
    model = model_of(frame)
    with pytest.raises(InputError, match="lacks the column 'age'"):
        explain_rows(model, frame.drop("age"), [1])
    with pytest.raises(InputError, match="train anew"):
        explain_rows(Model(model.members, model.preprocessing, model.target), frame, [1])


def test_the_mean_of_the_training_rows_has_the_shares_of_the_categories():
    frame = table()
    X, _ = Preprocessing.learn(frame.drop("bought"), np.arange(40)).transform(frame.drop("bought"))
    np.testing.assert_allclose(mean_input(X), X.mean(axis=0, dtype=np.float64), rtol=1e-6, atol=1e-9)
