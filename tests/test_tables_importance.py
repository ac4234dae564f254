"""Which columns matter: permutation importance with its interval, partial dependence, near copies, the facts."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator
from sklearn.inspection import partial_dependence as sklearn_dependence
from sklearn.inspection import permutation_importance as sklearn_importance

from backtalk import Network, forward
from backtalk.apps.tables.importance.copies import near_copies
from backtalk.apps.tables.importance.dependence import partial_dependence
from backtalk.apps.tables.importance.measures import Measure
from backtalk.apps.tables.importance.of_run import Unseen, columns_that_matter
from backtalk.apps.tables.importance.permutation import Judge, affordable, permutation_importance
from backtalk.apps.tables.importance.values import encoded_columns
from backtalk.apps.tables.importance.words import sentences_of
from backtalk.apps.tables.metric_names import measure
from backtalk.apps.tables.model import Model
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target

LINEAR = Network([[[3.0, -1.0, 0.0]]], [[0.5]], loss="squared_error")


def squared(y: np.ndarray, output: np.ndarray) -> np.ndarray:
    return ((y - output) ** 2)[:, 0]


def normal(rows: int = 400, columns: int = 3, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def judge(network: Network, X: np.ndarray, noise: float = 0.0, weight: np.ndarray | None = None) -> Judge:
    y = Model((network,), None, None).output_of(X)  # type: ignore[arg-type]
    return Judge([network], X, y + noise * np.random.default_rng(9).normal(size=y.shape), weight)


def importance(judges, groups, **options):
    options = {"losses": squared, "repeats": 5, "rng": np.random.default_rng(1), **options}
    return {each.column: each for each in permutation_importance(judges, groups, **options)}


def test_a_linear_network_without_noise_has_the_importance_of_theory():
    X = normal(5000)
    found = importance([judge(LINEAR, X)], {"a": [0], "b": [1], "c": [2]})
    # E (w (x − x'))² = 2 w² Var x
    for name, weight in (("a", 3.0), ("b", -1.0)):
        assert found[name].value == pytest.approx(2 * weight**2, rel=0.06)
        assert found[name].low < 2 * weight**2 < found[name].high
    assert list(found) == ["a", "b", "c"]


def test_a_column_that_the_network_ignores_has_exactly_0_and_no_interval():
    found = importance([judge(LINEAR, normal(), noise=1.0)], {"c": [2]})["c"]
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


class Regressor(BaseEstimator):
    """A network, for scikit-learn."""

    def __init__(self, network: Network | None = None) -> None:
        self.network = network

    def fit(self, X, y):
        return self

    def predict(self, X):
        return forward(self.network, X).output[:, 0]

    def __sklearn_is_fitted__(self):
        return True

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type = "regressor"
        return tags


@pytest.mark.parametrize("activation", ["relu", "mish"])
def test_it_is_the_importance_of_scikit_learn(activation):
    X = normal(300, 4)
    y = X[:, 0] * X[:, 1] + X[:, 2]
    network = Network.create([4, 8, 1], activation, "squared_error", rng=0)
    theirs = sklearn_importance(
        Regressor(network), X, y, scoring="neg_mean_squared_error", n_repeats=40, random_state=0
    )
    groups = {str(k): [k] for k in range(4)}
    ours = importance([Judge([network], X, y[:, None])], groups, repeats=40)
    for k in range(4):
        by_permutations = theirs.importances[k].std() / 40**0.5
        assert ours[str(k)].value == pytest.approx(theirs.importances_mean[k], abs=5 * by_permutations)


def test_the_inputs_of_a_column_are_permuted_together():
    network = Network([[[1.0, -1.0]]], [[0.0]], loss="squared_error")
    x = normal(500, 1)
    X = np.hstack([x, x])  # the difference is 0 as long as both go together
    found = importance([judge(network, X)], {"both": [0, 1], "one": [0]})
    assert found["both"].value == pytest.approx(0.0, abs=1e-12)
    assert found["one"].value > 1


def test_each_row_is_judged_by_the_networks_that_did_not_see_it():
    X = normal(600)
    other = Network([[[0.0, 0.0, 2.0]]], [[0.0]], loss="squared_error")
    found = importance([judge(LINEAR, X[:300]), judge(other, X[300:])], {"a": [0], "c": [2]})
    assert found["a"].value == pytest.approx(9, rel=0.2)  # half of 18
    assert found["c"].value == pytest.approx(4, rel=0.2)  # half of 8


def test_several_networks_judge_by_their_mean():
    X = normal(300).astype(np.float32)
    networks = [Network.create([3, 5, 1], "tanh", "squared_error", rng=k, dtype="float32") for k in range(3)]
    model = Model(tuple(networks), None, None)  # type: ignore[arg-type]
    y = normal(300, 1, 5)
    together = importance([Judge(networks, X, y)], {"a": [0], "b": [1]})
    alone = importance([Judge([model.network], X, y)], {"a": [0], "b": [1]})
    for name in together:
        assert together[name].value == pytest.approx(alone[name].value, rel=1e-4, abs=1e-6)


def test_rows_count_by_their_weights():
    X = normal(400)
    halves = np.repeat([1.0, 0.0], 200)
    networks = judge(LINEAR, X, weight=halves)
    X[200:, 0] *= 100  # rows without weight
    assert importance([networks], {"b": [1]})["b"].value == pytest.approx(2, rel=0.4)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    truth, covered = 2 * 9.0, 0
    for seed in range(60):
        found = importance([judge(LINEAR, normal(80, 3, seed), noise=1.0)], {"a": [0]}, rng=np.random.default_rng(seed))
        covered += found["a"].low <= truth <= found["a"].high
    assert covered >= 54


def test_the_root_has_the_unit_of_the_target_and_an_interval_of_the_linear_parts():
    X = normal(2000)
    found = importance([judge(LINEAR, X, noise=1.0)], {"a": [0]}, is_root=True)["a"]
    theory = (1 + 18) ** 0.5 - 1
    assert found.value == pytest.approx(theory, rel=0.05)
    assert found.low < theory < found.high
    assert found.high - found.low < 0.5


def test_hundreds_of_columns_are_judged_with_fewer_permutations_and_rows():
    network = Network.create([10, 256, 256, 2], rng=0)
    few, many = affordable(10_000, 5, [network]), affordable(10_000, 500, [network])
    assert (few.repeats, many.rows, many.repeats) == (3, 500, 3)
    assert 500 < few.rows <= 5000
    assert affordable(300, 4, [network]).repeats == 10
    assert affordable(300, 4, [network]).rows == 300


DAYS = [dt.date(2024, 1, 1) + dt.timedelta(days=7 * k) for k in range(60)]


def table(rows: int = 60) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    return pl.DataFrame(
        {
            "cm": rng.uniform(100, 200, rows).round(1),
            "colour": rng.choice(["red", "green", None], rows),
            "when": DAYS[:rows],
            "paid": ["yes", "no"] * (rows // 2),
            "many": [None if k % 9 == 0 else 10.0 * k for k in range(rows)],
        }
    )


def encoded(frame: pl.DataFrame):
    preprocessing = Preprocessing.learn(frame, np.arange(frame.height))
    return preprocessing, encoded_columns(preprocessing), preprocessing.transform(frame)[0]


def test_the_values_of_encoded_columns_are_those_of_the_table():
    frame = table()
    _, columns, X = encoded(frame)
    for name in ("cm", "many"):
        found = [np.nan if value is None else value for value in columns[name].values(X)]
        np.testing.assert_allclose(found, frame[name].cast(pl.Float64).to_numpy(), rtol=1e-5)
    assert columns["colour"].values(X) == frame["colour"].to_list()
    assert columns["paid"].values(X) == frame["paid"].to_list()
    assert columns["when"].values(X) == [day.isoformat() for day in DAYS]


def test_numbers_that_are_taken_by_ranks_and_times_come_back_too():
    numbers = [*map(float, range(1, 300)), 1e6]
    frame = pl.DataFrame({"n": numbers, "at": [f"{k % 24:02}:{k % 60:02}" for k in range(300)]})
    _, columns, X = encoded(frame)
    np.testing.assert_allclose(columns["n"].values(X), numbers, rtol=0.02, atol=2)
    assert columns["at"].values(X) == frame["at"].to_list()


def test_partial_dependence_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({"a": rng.integers(0, 8, 200), "b": rng.normal(size=200)})
    preprocessing = Preprocessing.learn(frame, np.arange(200)).plain
    X = preprocessing.transform(frame)[0].astype(np.float64)
    network = Network.create([2, 8, 1], "tanh", "squared_error", rng=0)
    theirs = sklearn_dependence(Regressor(network), X, [0], kind="both")
    model = Model((network,), preprocessing, Target("y", "regression", ""))
    column = encoded_columns(preprocessing)["a"]
    found = partial_dependence(column, X, np.arange(200), model.output_of, ["y"])
    assert found.values == [float(k) for k in range(8)]
    assert sum(found.shares) == pytest.approx(1)
    np.testing.assert_allclose(found.curves[0].mean, theirs.average[0], rtol=1e-9)
    for ours, share in ((found.curves[0].low, 0.1), (found.curves[0].high, 0.9)):
        quantile = np.quantile(theirs.individual[0], share, axis=0, method="inverted_cdf")
        np.testing.assert_allclose(ours, quantile, rtol=1e-9)


def test_the_mean_and_the_spread_count_rows_by_their_weights():
    preprocessing = Preprocessing.learn(pl.DataFrame({"a": [1, 2, 3, 4] * 5, "b": range(20)}), np.arange(20)).plain
    X, weight = np.zeros((20, 2)), np.zeros(20)
    X[:, 1], weight[3] = np.arange(20), 1.0
    found = partial_dependence(
        encoded_columns(preprocessing)["a"], X, np.arange(20), lambda rows: rows[:, 1:], ["y"], weight
    )
    assert (found.curves[0].mean, found.curves[0].low, found.curves[0].high) == ([3.0], [3.0], [3.0])


def test_a_value_that_is_missing_comes_last():
    _, columns, X = encoded(table())
    found = partial_dependence(columns["many"], X, np.arange(60), lambda rows: rows[:, :1] * 0, ["y"])
    assert found.values[-1] is None
    assert found.values[0] == 10.0
    assert found.shares[-1] == pytest.approx(7 / 60)
    assert found.kind == "number"
    assert partial_dependence(columns["colour"], X, np.arange(60), lambda rows: rows[:, :1], ["y"]).values == [
        "green",
        "red",
        None,
    ]


def test_columns_that_nearly_say_the_same_are_near_copies():
    rng = np.random.default_rng(0)
    cm, code = rng.uniform(100, 200, 300), rng.integers(0, 3, 300)
    frame = pl.DataFrame(
        {
            "cm": cm,
            "inch": (cm / 2.54).round(1),
            "free": rng.normal(size=300),
            "code": code,
            "word": np.array(["one", "two", "three"])[code],
            "city": rng.choice(["A", "B", "C"], 300),
            "shop": [f"shop {k % 12}" for k in range(300)],
            "down": -cm + rng.normal(size=300),
        }
    )
    _, columns, X = encoded(frame)
    assert near_copies(columns, X) == [["cm", "inch", "down"], ["code", "word"]]
    assert near_copies({"cm": columns["cm"]}, X) == []
    assert near_copies(columns, X[:2]) == []


def model_of(frame: pl.DataFrame, target: Target, outputs: int, **options) -> tuple[Model, np.ndarray]:
    preprocessing, _, X = encoded(frame)
    network = Network.create([X.shape[1], 4, outputs], "tanh", rng=0, dtype="float32", **options)
    return Model((network,), preprocessing, target), X


@pytest.mark.parametrize("classes", [["no", "yes"], ["a", "b", "c"], []])
def test_the_facts_are_plain_values(classes):
    frame, rng = table(), np.random.default_rng(0)
    task = "classification" if classes else "regression"
    target = Target("y", task, "", classes=classes, mean=10.0, scale=2.0)
    loss = "cross_entropy" if classes else "squared_error"
    model, X = model_of(frame, target, len(classes) or 1, loss=loss)
    y = rng.integers(0, len(classes), 60) if classes else rng.normal(size=(60, 1)).astype(np.float32)
    unseen = [
        Unseen(model.members, None, X, y, None, np.arange(0, 30)),
        Unseen(model.members, None, X, y, None, np.arange(30, 60)),
    ]
    facts = json.loads(json.dumps(columns_that_matter(model, unseen, "out_of_fold"), allow_nan=False))
    assert {each["column"] for each in facts["importance"]} == set(frame.columns)
    values = [each["value"] for each in facts["importance"]]
    assert values == sorted(values, reverse=True)
    assert all(each["low"] <= each["value"] <= each["high"] for each in facts["importance"])
    words = "log loss" if classes else "RMSE"
    assert facts["importance_of"] == {"measure": words, "part": "out_of_fold", "rows": 60, "permutations": 10}
    shown = {2: ["yes"], 3: classes, 0: ["y"]}[len(classes)]
    for found in facts["dependence"].values():
        assert [curve["of"] for curve in found["curves"]] == shown
        lengths = {len(found["values"]), len(found["shares"]), *(len(curve["low"]) for curve in found["curves"])}
        assert len(lengths) == 1
        assert all(a <= b for curve in found["curves"] for a, b in zip(curve["low"], curve["high"], strict=True))


CLASSES, NUMBERS = Target("y", "classification", "", classes=["a", "b"]), Target("y", "regression", "")


@pytest.mark.parametrize(
    ("classes", "loss", "metric", "name"),
    [
        (True, "cross_entropy", None, "log_loss"),
        (True, "cross_entropy", "roc_auc", "log_loss"),
        (True, "cross_entropy", "accuracy", "accuracy"),
        (True, "categorical_hinge", None, "accuracy"),
        (False, "squared_error", None, "rmse"),
        (False, "squared_error", "mae", "mae"),
        (False, "squared_error", "mape", "mape"),
        (False, "squared_error", "r2", "rmse"),
        (False, "quantile(level=0.9)", None, "quantile_loss"),
        (False, "quantiles(levels=[0.1, 0.5])", None, "quantile_loss"),
    ],
)
def test_the_measure_is_the_metric_of_that_name(classes, loss, metric, name):
    rng, outputs = np.random.default_rng(0), 2 if classes or "quantiles" in loss else 1
    target = replace(NUMBERS, mean=3.0, scale=5.0) if not classes else CLASSES
    network = Network.create([2, outputs], loss=loss, rng=0)
    y = rng.integers(0, 2, 50) if classes else rng.normal(size=(50, 1))
    output = rng.dirichlet([1, 1], 50) if classes else np.sort(rng.normal(size=(50, outputs)), axis=1)
    found = Measure(target, network, metric)
    assert found.name == name
    value = found.losses(y, output).mean() ** (0.5 if found.is_root else 1)
    expected = measure(name, target, network.head, y, output)
    assert value == pytest.approx(1 - expected if name == "accuracy" else expected)


def test_rows_without_a_finite_target_or_without_weight_are_not_judged():
    target = Target("y", "regression", "", scale=1.0)
    model, X = model_of(table(), target, 1, loss="squared_error")
    y = np.zeros((60, 1), np.float32)
    y[3], weight = np.inf, np.ones(60)
    weight[5] = 0
    facts = columns_that_matter(model, [Unseen(model.members, None, X, y, weight, np.arange(60))], "test")
    assert facts["importance_of"]["rows"] == 58
    assert columns_that_matter(model, [Unseen(model.members, None, X, y, weight, np.array([3, 5]))], "test") == {}


def test_the_sentence_names_columns_that_matter_by_more_than_chance():
    def of(column, value, low):
        return {"column": column, "value": value, "low": low, "high": 2 * value}

    metrics = {"importance_of": {"measure": "log loss"}, "copies": []}
    found = [of("a", 0.5, 0.4), of("b", 0.2, 0.1), of("c", 0.1, -0.1)]
    assert sentences_of({**metrics, "importance": found}) == [
        "depends most on 'a' (log loss +0.5 if its cells are shuffled), then on 'b' (+0.2)"
    ]
    assert "no column matters" in sentences_of({**metrics, "importance": found[2:]})[0]
    assert sentences_of({}) == []
    copies = [{"columns": ["a", "b"], "value": 0.9, "low": 0.8, "high": 1.0}]
    assert "'a' and 'b' nearly say the same" in sentences_of({**metrics, "importance": found, "copies": copies})[1]
