"""A linear model and boosted trees on the rows of a run: what they are given, give, and may take; and the verdict."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge

from backtalk import Network
from backtalk.apps.tables import Options
from backtalk.apps.tables.baseline import baseline_facts, baselines_of, besides
from backtalk.apps.tables.baseline.columns import are_codes, columns_in
from backtalk.apps.tables.baseline.effort import affordable, budget_of, seconds_of_trees
from backtalk.apps.tables.baseline.models import Asked, trees_for
from backtalk.apps.tables.baseline.trials import Trial, try_baselines
from backtalk.apps.tables.in_memory import learn
from backtalk.apps.tables.metrics import scores
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.apps.tables.verdict import Remark
from backtalk.apps.tables.verdict.beside import Beside, find_better_baseline, find_simpler
from backtalk.apps.tables.verdict.compare import Rows
from backtalk.core.losses import AbsoluteError, CrossEntropy, PoissonDeviance, Quantile, SquaredError
from backtalk.distributed import ALONE
from engines import run_python

ROWS = 240
RNG = np.random.default_rng(0)
FRAME = pl.DataFrame(
    {
        "size": [None if n % 17 == 0 else float(value) for n, value in enumerate(RNG.normal(size=ROWS))],
        "town": [["A", "B", "C"][k] for k in RNG.integers(0, 3, ROWS)],
        "day": pl.Series([f"2024-{1 + n % 12:02}-{1 + n % 28:02}" for n in range(ROWS)]),
    }
)
SIZE = FRAME["size"].fill_null(0).to_numpy()
TOWN = (FRAME["town"] == "B").to_numpy()
PREPROCESSING = Preprocessing.learn(FRAME, np.arange(ROWS))
X = PREPROCESSING.transform(FRAME)[0]
PLAIN = PREPROCESSING.plain_count
place = np.arange(ROWS) % 3
FOLDS = [(np.flatnonzero(place != k), np.flatnonzero(place == k)) for k in range(3)]

THREADS = """
import numpy as np, polars as pl
from threadpoolctl import threadpool_info
from backtalk.apps.tables.baseline import models, trials
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.core.losses import Quantiles
seen = []
fit = models._fit
def watched(*given):
    seen.extend(each["num_threads"] for each in threadpool_info())
    fit(*given)
models._fit = watched
frame = pl.DataFrame({"x": np.sqrt(np.arange(90.0))})
learned = Preprocessing.learn(frame, np.arange(90))
asked = models.Asked(Target("y", "regression", ""), Quantiles([0.1, 0.9]), np.arange(90.0)[:, None])
rows = np.arange(90)
trial = trials.Trial(learned, learned.transform(frame)[0], asked, [(rows[:60], rows[60:])], {})
trials.try_baselines(trial, budget=2)
print(sorted(set(seen)))
"""


def classes(truth: np.ndarray) -> Asked:
    return Asked(Target("y", "classification", "", classes=["a", "b", "c"]), CrossEntropy(), truth)


def numbers(truth: np.ndarray, loss=None) -> Asked:
    return Asked(Target("y", "regression", ""), loss or SquaredError(), truth.astype(np.float32)[:, None])


def test_columns_are_numbers_with_what_is_missing_and_codes():
    A, codes = columns_in(PREPROCESSING, X), are_codes(PREPROCESSING)
    assert codes.tolist() == [False, True] + [False] * (A.shape[1] - 2)
    assert np.isnan(A[:, 0]).tolist() == FRAME["size"].is_null().to_list()
    assert (A[:, 1] == 1).tolist() == TOWN.tolist()
    names = PREPROCESSING.inputs
    assert names[PLAIN - 1] == "town = C"  # and then come the pieces of the numbers
    assert all(" in " in name for name in names[PLAIN:])
    order = np.argsort(A[:, 0], kind="stable")  # in the order of the numbers themselves
    assert (np.diff(FRAME["size"].to_numpy()[order][: -int(np.isnan(A[:, 0]).sum())]) >= 0).all()


def test_each_row_is_given_by_models_that_were_not_fitted_to_it():
    truth = np.where(SIZE > 0.5, 2, TOWN.astype(int))
    found, said = try_baselines(Trial(PREPROCESSING, X, classes(truth), FOLDS, {"test": X[:10]}), budget=60)
    assert said == []
    assert [each.model for each in found] == ["LogisticRegression", "HistGradientBoostingClassifier"]
    A = columns_in(PREPROCESSING, X)
    peers = [LogisticRegression(), HistGradientBoostingClassifier(categorical_features=are_codes(PREPROCESSING))]
    for baseline, peer, inputs in zip(found, peers, (X[:, :PLAIN], A), strict=True):
        trained, fold = FOLDS[1]
        expected = peer.fit(inputs[trained], truth[trained]).predict_proba(inputs[fold])
        assert baseline.rows["out_of_fold"].tolist() == list(range(ROWS))
        np.testing.assert_allclose(baseline.outputs["out_of_fold"][fold], expected, atol=1e-4)
        assert baseline.outputs["test"].shape == (10, 3)
        np.testing.assert_allclose(baseline.outputs["test"].sum(axis=1), 1)
        assert (baseline.training_rows, baseline.sampled) == (160, False)


def test_without_folds_the_held_out_rows_are_given_by_one_model_of_all_training_rows():
    asked = numbers(SIZE + TOWN)
    folds = [(np.arange(ROWS), np.arange(0))]
    found, _ = try_baselines(Trial(PREPROCESSING, X, asked, folds, {"validation": X[:50]}), budget=60)
    assert [list(each.outputs) for each in found] == [["validation"]] * 2
    expected = Ridge().fit(X[:, :PLAIN], asked.y[:, 0]).predict(X[:50, :PLAIN])
    np.testing.assert_allclose(found[0].outputs["validation"][:, 0], expected, rtol=1e-5)


def test_weights_count_in_the_fit():
    weight = np.where(TOWN, 1.0, 0.0)
    asked = Asked(numbers(SIZE).target, SquaredError(), np.where(TOWN, 1, 5).astype(np.float32)[:, None], weight)
    found, _ = try_baselines(Trial(PREPROCESSING, X, asked, FOLDS, {}), budget=60)
    for baseline in found:
        np.testing.assert_allclose(baseline.outputs["out_of_fold"], 1, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "kinds"),
    [
        (Quantile(0.9), ["HistGradientBoostingRegressor"]),
        (PoissonDeviance(), ["PoissonRegressor", "HistGradientBoostingRegressor"]),
        (AbsoluteError(), ["Ridge", "HistGradientBoostingRegressor"]),
    ],
)
def test_the_loss_of_the_network_is_that_of_the_baselines(loss, kinds):
    y = np.random.default_rng(1).poisson(2, ROWS)
    found, _ = try_baselines(Trial(PREPROCESSING, X, numbers(y, loss), FOLDS, {}), budget=60)
    assert [each.model for each in found] == kinds
    outputs = found[-1].outputs["out_of_fold"][:, 0]
    if isinstance(loss, Quantile):
        assert 0.75 < (y <= outputs).mean() < 0.97
    if isinstance(loss, PoissonDeviance):
        assert all((each.outputs["out_of_fold"] > 0).all() for each in found)


def test_a_fold_without_a_class_and_one_of_a_single_class_are_given_shares_of_all_classes():
    truth = np.zeros(ROWS, int)
    truth[FOLDS[0][1]] = 1
    truth[FOLDS[0][1][0]] = 2
    found, _ = try_baselines(Trial(PREPROCESSING, X, classes(truth), FOLDS, {}), budget=60)
    for baseline in found:
        shares = baseline.outputs["out_of_fold"]
        assert shares.shape == (ROWS, 3)
        np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
        assert (shares[FOLDS[0][1]] == [1, 0, 0]).all()  # its model knows class a alone


def test_trees_take_categories_of_more_values_than_they_have_codes():
    codes = np.concatenate([np.arange(300), np.arange(300), np.zeros(100, int)])[:, None].astype(np.float32)
    y = numbers(np.where(codes[:, 0] == 0, 5, 0))
    predict = trees_for(y, np.array([True])).fit(codes, y)
    assert predict(np.array([[0.0]], np.float32))[0, 0] > 4
    assert abs(predict(np.array([[299.0], [np.nan]], np.float32))).max() < 1


def test_effort_takes_fewer_folds_first_and_then_fewer_rows():
    assert affordable(lambda rows: rows / 1000, 3000, 5, budget=15) == (5, 3000)
    assert affordable(lambda rows: rows / 1000, 3000, 5, budget=7) == (2, 3000)
    assert affordable(lambda rows: rows / 1000, 40_000, 5, budget=10) == (1, 10_000)
    assert affordable(lambda rows: 4.0, 1000, 5, budget=2) == (1, 1000)
    assert affordable(lambda rows: 50.0, 40_000, 5, budget=10) == (0, 0)
    assert seconds_of_trees(1000, 10, outputs=2) < seconds_of_trees(1000, 10, outputs=3)
    assert 3 < seconds_of_trees(160, 3000, outputs=2) < 6  # each leaf looks at each column, of however few rows
    assert budget_of(100, 10_000) < budget_of(100_000, 10_000_000)


def test_a_budget_leaves_folds_rows_or_a_model_away_and_says_so():
    asked = classes(np.where(SIZE > 0.5, 2, TOWN.astype(int)))
    found, said = try_baselines(Trial(PREPROCESSING, X, asked, FOLDS, {}), budget=0.2)
    assert ([len(each.rows["out_of_fold"]) for each in found], said) == ([ROWS, 80], [])
    many = Asked(Target("y", "classification", "", classes=list(map(str, range(240)))), CrossEntropy(), asked.y)
    found, said = try_baselines(Trial(PREPROCESSING, X, many, FOLDS, {}), budget=0.2)
    assert [each.name for each in found] == ["logistic regression"]
    assert said == ["no boosted trees beside the network: with 240 outputs they take too long."]


def test_small_tables_take_one_thread_also_if_scikit_learn_was_not_loaded_before():
    assert run_python(THREADS, OMP_NUM_THREADS="2").strip() == "[1]"


# The verdict


def network_of(asked: Asked, **options) -> Network:
    return Network.create([1, asked.loss.outputs_for(asked.target.outputs)], loss=asked.loss, rng=0, **options)


def better(asked: Asked, own: np.ndarray, other: np.ndarray, balanced: bool = False) -> list[Remark]:
    rows = Rows("test", asked.y, own, asked.weight)
    beside = [Beside("a rival", rows, other, "use it"), Beside("a twin", rows, own)]
    return find_better_baseline(asked.target, network_of(asked), beside, balanced)


def test_a_baseline_that_is_better_by_more_than_chance_is_named_with_figures_and_advice():
    asked = numbers(SIZE)
    (remark,) = better(asked, asked.y + RNG.normal(size=(ROWS, 1)), asked.y + 0.5 * RNG.normal(size=(ROWS, 1)))
    assert (remark.name, remark.advice) == ("worse_than_baseline", "use it")
    words = r"a rival does better than the network: root mean squared error 0\.\d+ against [01]\.\d+ on 240 test rows"
    assert re.search(words, remark.sentence)
    assert better(asked, asked.y, asked.y + RNG.normal(size=(ROWS, 1))) == []
    noise = RNG.normal(size=(2, ROWS, 1))
    assert better(asked, asked.y + noise[0], asked.y + noise[1]) == []  # chance makes as much


def test_of_classes_the_log_loss_is_compared_and_then_the_share_of_right_ones():
    labels = RNG.integers(0, 3, ROWS)
    asked = classes(labels)
    right, sure = np.eye(3)[labels], lambda share, rows: share * rows + (1 - share) / 3
    (remark,) = better(asked, sure(0.3, right), sure(0.6, right))
    assert "a rival does better than the network: log loss 0.3102 against 0.6286 on 240 test rows" in remark.sentence
    assert better(asked, sure(0.6, right), sure(0.3, right)) == []
    assert better(asked, right, right) == []
    assert better(asked, sure(0.999, right), right) == []  # both are nearly perfect


def test_weights_and_balance_count_in_the_comparison():
    labels = np.r_[np.zeros(200, int), np.ones(40, int)]
    first, second = np.tile([0.9, 0.1], (ROWS, 1)), np.tile([0.4, 0.6], (ROWS, 1))
    target = Target("y", "classification", "", classes=["a", "b"])
    asked = Asked(target, CrossEntropy(), labels)
    assert better(asked, first, second) == []
    (remark,) = better(asked, first, second, balanced=True)
    assert "log loss" in remark.sentence
    weighted = Asked(target, CrossEntropy(), labels, np.where(labels == 1, 1.0, 0.0))
    assert better(weighted, first, second)[0].name == "worse_than_baseline"


def test_a_simpler_baseline_that_is_as_good_is_named_with_all_figures():
    labels = RNG.integers(0, 3, ROWS)
    asked, good = classes(labels), 0.8 * np.eye(3)[labels] + 0.2 / 3

    def simpler(own: np.ndarray, other: np.ndarray, is_simpler: bool = True) -> list[Remark]:
        beside = [Beside("a rival", Rows("test", labels, own), other, "use it", is_simpler)]
        return find_simpler(asked.target, network_of(asked), beside)

    (remark,) = simpler(good, good)
    assert remark.name == "baseline_as_good"
    assert re.match(
        r"a rival is simpler and does as well as the network: log loss (0\.\d+) against \1, accuracy 1\.000 against "
        r"1\.000 on 240 test rows, too close to tell apart$",
        remark.sentence,
    )
    assert simpler(good, good, is_simpler=False) == []
    assert simpler(good, np.full((ROWS, 3), 1 / 3)) == []


# Of a run


CLASSES = FRAME.with_columns(y=np.where(SIZE > 0.5, 2, TOWN.astype(int)), w=np.where(TOWN, 2.0, 1.0))
COUNTS = FRAME.with_columns(y=pl.Series(np.exp(0.5 * SIZE + TOWN).round(1) + np.arange(ROWS) % 7))


@pytest.mark.parametrize(
    ("table", "options", "kinds"),
    [
        (CLASSES, {}, ["LogisticRegression", "HistGradientBoostingClassifier"]),
        (
            CLASSES,
            {"weight": "w", "class_weight": "balanced"},
            ["LogisticRegression", "HistGradientBoostingClassifier"],
        ),
        (CLASSES, {"loss": "categorical_hinge", "output": "identity"}, ["LogisticRegression", "HistGradient"]),
        (CLASSES, {"test": 0.2, "split": "group=day"}, ["LogisticRegression", "HistGradientBoostingClassifier"]),
        (CLASSES, {"split": "time=day", "members": 1}, ["LogisticRegression", "HistGradientBoostingClassifier"]),
        (CLASSES, {"validation": 0.2, "members": 1}, ["LogisticRegression", "HistGradientBoostingClassifier"]),
        (COUNTS, {}, ["Ridge", "HistGradientBoostingRegressor"]),
        (COUNTS, {"loss": "gaussian_nll"}, ["Ridge", "HistGradientBoostingRegressor"]),
        (COUNTS, {"loss": "poisson_deviance"}, ["PoissonRegressor", "HistGradientBoostingRegressor"]),
        (COUNTS, {"loss": "quantile(level=0.8)"}, ["HistGradientBoostingRegressor"]),
        (COUNTS, {"quantiles": (0.1, 0.5, 0.9)}, ["HistGradientBoostingRegressor"]),
    ],
)
def test_a_run_of_any_loss_and_split_is_judged_beside_others_by_the_scores_of_the_loss(table, options, kinds):
    finished = learn(table, Options("y", hidden=(2,), epochs=1, members=options.pop("members", 2), **options))
    found, said = baselines_of(finished, ALONE)
    assert said == []
    assert [each.model.startswith(kind) for each, kind in zip(found, kinds, strict=True)] == [True] * len(kinds)
    facts = baseline_facts(finished, found)
    part = finished.judged_part
    own = scores(finished.model.target, finished.truth[part], finished.outputs[part], finished.model.members[0])
    assert facts[0]["name"] == "constant"
    for each in facts:
        told = {name for name, value in each["scores"][part].items() if isinstance(value, float)}
        assert told >= {name for name, value in own.items() if isinstance(value, float)} - {"share_within", "d2"}
    for beside in besides(finished, found):
        assert len(beside.output) == len(beside.rows.output) == facts[1]["scores"][part]["rows"]
    find_better_baseline(finished.model.target, finished.model.members[0], besides(finished, found))
