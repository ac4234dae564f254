"""TableClassifier and TableRegressor: tables as they are, by scikit-learn's interface."""

from __future__ import annotations

import datetime
import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from backtalk import InputError, InputTypeError, TableClassifier, TableRegressor
from backtalk.apps.tables import Options, predict, train

RNG = np.random.default_rng(0)
ROWS = 120
QUICK = {"epochs": 3, "hidden": (4,), "members": 2}
NUMBER = RNG.normal(size=ROWS)


def frame_of(rows=ROWS):
    return pl.DataFrame(
        {
            "number": pl.Series(NUMBER).set(pl.Series(RNG.random(ROWS) < 0.1), None),
            "word": RNG.choice(["x", "y", None], ROWS),
            "day": [datetime.date(2024, 1, 1) + datetime.timedelta(int(k)) for k in RNG.integers(0, 300, ROWS)],
            "flag": RNG.random(ROWS) < 0.5,
        }
    ).head(rows)


FRAME = frame_of()
PRICE = 100 + 20 * NUMBER
LABELS = {
    "texts": np.where(NUMBER > 0, "up", "down"),
    "texts whose case differs": np.where(NUMBER > 0, "yes", np.where(NUMBER < -1, "Yes", "no")),
    "texts with blanks": np.where(NUMBER > 0, "a", " a"),
    "whole numbers": np.where(NUMBER > 0, 10, np.where(NUMBER < -1, -2, 2)),
    "numbers as text": np.where(NUMBER > 0, "10", "9"),
    "floats": np.where(NUMBER > 0, 1.0, 2.0),
    "truth values": NUMBER > 0,
    "a list": np.where(NUMBER > 0, "up", "down").tolist(),
    "of pandas": pd.Series(np.where(NUMBER > 0, "up", "down"), dtype="category"),
    "of polars": pl.Series(np.where(NUMBER > 0, "up", "down")),
    "of pyarrow": pl.Series(np.where(NUMBER > 0, "up", "down")).to_arrow(),
}


@pytest.mark.parametrize("what", LABELS)
def test_labels_of_any_kind_come_back(what):
    y = LABELS[what]
    model = TableClassifier(epochs=40, hidden=(8,), members=2).fit(FRAME, y)
    values = np.asarray(y)
    assert model.classes_.tolist() == np.unique(values).tolist()
    assert model.predict(FRAME).dtype == model.classes_.dtype
    assert model.score(FRAME, values) > 0.7
    assert (model.predict_proba(FRAME).argmax(axis=1) == np.searchsorted(model.classes_, model.predict(FRAME))).all()


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "pyarrow"])
def test_frames_of_any_library_give_the_same(kind):
    given = {"polars": FRAME, "lazy": FRAME.lazy(), "pandas": FRAME.to_pandas(), "pyarrow": FRAME.to_arrow()}[kind]
    model = TableRegressor(**QUICK).fit(given, PRICE)
    expected = TableRegressor(**QUICK).fit(FRAME, PRICE).predict(FRAME)
    assert abs(model.predict(given) - expected).max() < 1e-9
    assert model.n_features_in_ == 4
    if kind != "lazy":
        assert model.feature_names_in_.tolist() == FRAME.columns


def test_what_is_learned_is_what_the_command_line_learns(tmp_path):
    y = LABELS["texts"]
    train(FRAME.with_columns(y=pl.Series(y)), tmp_path / "run", Options("y", epochs=3))
    predictions, _ = predict(tmp_path / "run", FRAME)
    model = TableClassifier(epochs=3).fit(FRAME, y)
    assert model.predict(FRAME).tolist() == predictions["prediction"].to_list()
    assert (model.predict_proba(FRAME) == predictions[:, 1:].to_numpy()).all()


def test_each_row_is_predicted_by_a_network_that_did_not_see_it():
    model = TableRegressor(epochs=30, members=3).fit(FRAME, PRICE)
    found = model.out_of_fold_
    assert found is not None
    assert found.shape == (ROWS,)
    assert np.isfinite(found).all()
    assert np.corrcoef(found, PRICE)[0, 1] > 0.5


def test_an_array_has_columns_by_their_places():
    X = np.column_stack([NUMBER, NUMBER**2])
    X[3, 1] = np.nan
    model = TableRegressor(**QUICK).fit(X, PRICE)
    assert model.n_features_in_ == 2
    assert not hasattr(model, "feature_names_in_")
    with pytest.warns(UserWarning, match="fitted without feature names"):
        assert (model.predict(pl.DataFrame(X, schema=["a", "b"])) == model.predict(X)).all()


def test_an_array_may_hold_words_among_numbers():
    X = np.array([[1.5 * k, "x" if k % 2 else None] for k in range(40)], dtype=object)
    model = TableClassifier(**QUICK).fit(X, np.arange(40) % 2)
    assert [column["kind"] for column in model.model_.preprocessing.described()] == ["number", "yes/no"]


def test_columns_are_found_by_their_names():
    model = TableRegressor(**QUICK).fit(FRAME, PRICE)
    other = FRAME.select(["flag", "day", "word", "number"]).with_columns(more=pl.lit(1))
    with pytest.warns(UserWarning, match="not used, since the model does not know them: more"):
        assert (model.predict(other) == model.predict(FRAME)).all()
    with pytest.raises(InputError, match="lacks columns 'word', 'flag'"):
        model.predict(FRAME.select("number", "day"))


def test_a_word_that_was_never_seen_is_a_warning():
    model = TableRegressor(**QUICK).fit(FRAME, PRICE)
    with pytest.warns(UserWarning, match="'new', never seen in training"):
        model.predict(FRAME.with_columns(word=pl.lit("new")))


def test_weights_and_groups_count():
    model = TableRegressor(**QUICK).fit(FRAME, PRICE, sample_weight=RNG.random(ROWS) + 0.1)
    assert not (model.predict(FRAME) == TableRegressor(**QUICK).fit(FRAME, PRICE).predict(FRAME)).all()
    groups = np.arange(ROWS) // 10
    grouped = TableClassifier(**QUICK).fit(FRAME, LABELS["texts"], groups=groups)
    assert any("group" in sentence for sentence in grouped.said_) or grouped.out_of_fold_ is not None
    by_class = TableClassifier(**QUICK, class_weight={"up": 10.0, "down": 1.0}).fit(FRAME, LABELS["texts"])
    assert by_class.predict_proba(FRAME)[:, 1].mean() > grouped.predict_proba(FRAME)[:, 1].mean()


def test_intervals_and_quantiles_are_in_the_unit_of_y():
    model = TableRegressor(epochs=40, members=2, quantiles=(0.1, 0.5, 0.9)).fit(FRAME, PRICE)
    found = model.predict_quantiles(FRAME)
    assert found.shape == (ROWS, 3)
    assert (np.diff(found, axis=1) >= 0).all()
    assert abs(found[:, 1].mean() - PRICE.mean()) < 10
    low, high = model.predict_interval(FRAME).T
    assert 0.6 < ((low <= PRICE) & (high >= PRICE)).mean() <= 1


def test_they_are_copied_searched_piped_and_pickled():
    model = TableClassifier(**QUICK, random_state=3, types={"word": "category"})
    assert clone(model).get_params() == model.get_params()
    X, y = FRAME.to_pandas(), LABELS["texts"]
    piped = make_pipeline(FunctionTransformer(), model)
    assert len(cross_val_score(piped, X, y, cv=2)) == 2
    found = GridSearchCV(model, {"hidden": [(2,), (3,)]}, cv=2).fit(X, y)
    assert found.best_params_["hidden"] in [(2,), (3,)]
    again = pickle.loads(pickle.dumps(found.best_estimator_))
    assert (again.predict_proba(X) == found.best_estimator_.predict_proba(X)).all()
    assert repr(TableRegressor(epochs=3)) == "TableRegressor(epochs=3)"
    assert len(list(GroupKFold(2).split(X, y, np.arange(ROWS) % 4))) == 2


def test_the_seed_decides():
    fitted = [TableRegressor(**QUICK, random_state=seed).fit(FRAME, PRICE).predict(FRAME) for seed in (1, 1, 2)]
    assert (fitted[0] == fitted[1]).all()
    assert (fitted[0] != fitted[2]).any()


def test_a_time_limit_ends_the_training():
    model = TableRegressor(time_limit="1ms", hidden=(4,)).fit(FRAME, PRICE)
    assert np.isfinite(model.predict(FRAME)).all()


REFUSED = {
    "one row": ({}, FRAME.head(1), ["a"], InputError, r"n_samples=1 rows, expected 10 or more"),
    "one class": ({}, FRAME, ["a"] * ROWS, InputError, r"y has one class, 'a', expected two"),
    "y that lacks one": ({}, FRAME, ["a"] * (ROWS - 1) + [None], InputError, r"y is missing in 1 of 120 .* y\[119\]"),
    "too few y": ({}, FRAME, LABELS["texts"][:-1], InputError, r"y has 119 entries, but X has 120 rows"),
    "a name twice": (
        {}, pd.DataFrame(np.ones((ROWS, 2)), columns=["a", "a"]), LABELS["texts"], InputError, r"two columns named 'a'"
    ),
    "no columns": ({}, pl.DataFrame(), ["a"] * 10, InputError, r"X has 0 rows and 0 columns"),
    "nothing to learn from": (
        {}, pl.DataFrame({"a": [1] * ROWS}), LABELS["texts"], InputError, r"no column to learn from \(a: one value only"
    ),
    "hidden that is no size": ({"hidden": "many"}, FRAME, LABELS["texts"], InputTypeError, r"hidden is 'many'"),
    "types that are none": ({"types": ["a"]}, FRAME, LABELS["texts"], InputTypeError, r"types is \['a'\]"),
    "a metric of numbers": ({"metric": "rmse"}, FRAME, LABELS["texts"], InputError, r"metric is"),
    "a time that is none": ({"time_limit": "soon"}, FRAME, LABELS["texts"], InputError, r"time_limit is 'soon'"),
    "groups beside a split": ({"split": "time=day"}, FRAME, LABELS["texts"], InputError, r"groups are given, but"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_learned_is_refused_with_a_sentence(what):
    asked, X, y, error, words = REFUSED[what]
    groups = np.arange(ROWS) if what.startswith("groups") else None
    with pytest.raises(error, match=words):
        TableClassifier(**asked).fit(X, y, groups=groups)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (["dear"] * ROWS, "y holds 'dear', expected numbers"),
        ([1.0] * ROWS, "y is 1 in every row"),
        ([*PRICE[:-1], np.nan], "Input y contains NaN"),
        ([*PRICE[:-1], np.inf], "Input y contains infinity"),
    ],
)
def test_y_of_a_regression_is_numbers(y, words):
    with pytest.raises(ValueError, match=words):
        TableRegressor().fit(FRAME, y)


EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": (
        "rows are divided into folds and mini-batches by their places, so a row that counts twice is not two rows"
    ),
}


@parametrize_with_checks(
    [TableClassifier(epochs=8, hidden=(16,)), TableRegressor(epochs=8, hidden=(16,))],
    expected_failed_checks=lambda _: EXPECTED,
)
@pytest.mark.filterwarnings("ignore")
def test_scikit_learns_checks_of_every_estimator(estimator, check):
    check(estimator)


@pytest.mark.parametrize(("offset", "unit"), [(1e12, 1e-2), (1.7e9, 20.0), (0.0, 1e-100)])
def test_numbers_whose_spread_float32_does_not_hold_are_predicted(offset, unit):
    plain = TableRegressor(**QUICK).fit(FRAME, PRICE)
    model = TableRegressor(**QUICK).fit(FRAME, offset + unit * PRICE)
    np.testing.assert_allclose((model.predict(FRAME) - offset) / unit, plain.predict(FRAME), atol=0.5)


def test_numbers_that_differ_by_less_than_their_squares_can_hold_are_refused():
    with pytest.raises(InputError, match=r"'y' holds numbers that differ by no more than .*e-299: multiply them"):
        TableRegressor(**QUICK).fit(FRAME, 1e-300 * PRICE)


@pytest.mark.parametrize("unit", ["D", "h", "s", "ms", "ns"])
@pytest.mark.parametrize("kind", ["m8", "M8"])
def test_arrays_of_durations_and_dates_in_any_unit_are_read(kind, unit):
    X = (1000 * NUMBER).astype(np.int64)[:, None].astype(f"{kind}[{unit}]")
    model = TableClassifier(**QUICK).fit(X, NUMBER > 0)
    assert model.model_.preprocessing.columns[0].kind == ("number" if kind == "m8" else "date")
    assert model.predict(X).shape == (ROWS,)


def test_arrays_of_long_doubles_are_numbers():
    X = NUMBER[:, None]
    probabilities = [TableClassifier(**QUICK).fit(A, NUMBER > 0).predict_proba(A) for A in (X, X.astype(np.longdouble))]
    np.testing.assert_array_equal(*probabilities)


def test_what_a_mask_hides_is_missing():
    X, hidden = np.stack([NUMBER, NUMBER**2], axis=1), NUMBER > 1
    masked = np.ma.masked_array(X, np.stack([hidden, hidden], axis=1))
    empty = np.where(hidden[:, None], np.nan, X)
    probabilities = [TableClassifier(**QUICK).fit(A, NUMBER > 0).predict_proba(A) for A in (masked, empty)]
    np.testing.assert_array_equal(*probabilities)
    with pytest.raises(InputError, match=f"y is missing in {hidden.sum()} of 120 rows"):
        TableClassifier(**QUICK).fit(X, np.ma.masked_array(NUMBER > 0, hidden))


def test_numbers_at_both_ends_of_float64_are_taken_by_ranks():
    X = np.where(NUMBER > 0, 1.79e308, -1.79e308)[:, None]
    assert TableClassifier(epochs=40, hidden=(8,), members=2).fit(X, NUMBER > 0).score(X, NUMBER > 0) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"members": 2.5}, r"members is 2\.5, expected a whole number"),
        ({"members": "3"}, "members is '3', expected a whole number"),
        ({"patience": 1.5}, r"patience is 1\.5, expected a whole number"),
        ({"interval": "a"}, "interval is 'a', expected a number"),
        ({"validation": [0.2]}, r"validation is \[0\.2\], expected a number"),
        ({"quantiles": "a"}, r"quantiles is \('a',\), expected numbers"),
        ({"quantiles": (0.1, None)}, "quantiles is .*, expected numbers"),
    ],
)
def test_options_of_another_kind_are_refused(options, said):
    with pytest.raises(InputTypeError, match=said):
        TableRegressor(**QUICK | options).fit(FRAME, PRICE)


def test_a_group_may_have_the_name_of_what_is_missing():
    names = np.array(["NA", "none", "nan", "DE", "US", "FR"])[np.arange(ROWS) % 6]
    model = TableRegressor(**QUICK).fit(FRAME, PRICE, groups=names)
    assert not np.isnan(model.out_of_fold_).any()


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_groups_that_are_missing_are_refused(nothing):
    groups = [nothing if k == 3 else k % 6 for k in range(ROWS)]
    with pytest.raises(InputError, match=r"groups is missing in 1 of 120 rows, the first of them groups\[3\]"):
        TableRegressor(**QUICK).fit(FRAME, PRICE, groups=groups)
    with pytest.raises(InputTypeError, match="groups is 'a', expected the group of each row"):
        TableRegressor(**QUICK).fit(FRAME, PRICE, groups="a")
