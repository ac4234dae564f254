"""How many networks a run has, and the folds: rows that a network does not see."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from backtalk import Network
from backtalk.apps.tables import Options
from backtalk.apps.tables.folds import ALWAYS, FEWER_FOLDS, FOLDS, MANY, VERY_MANY, folds_of, plan
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.target import Target
from backtalk.errors import InputError

NUMBERS = Target("y", "regression", "asked for")
CLASSES = Target("y", "classification", "asked for", classes=["u", "v", "w"])


def folds(target, y, count=5, groups=None, seed=0):
    return folds_of(target, np.asarray(y), groups, count, seed)


def planned(rows=1000, alone="", **asked):
    found = plan(Options("y", hidden=(8,), **asked), rows, alone)  # networks of one kind
    return found.members, found.folds, found.trainings, found.options.shares


# How many


def test_by_default_five_networks_share_all_rows():
    assert planned() == (5, 5, 5, {})
    assert (FOLDS, FEWER_FOLDS) == (5, 3)


@pytest.mark.parametrize(("members", "trainings"), [(None, 10), (3, 6), (1, 11)])
def test_by_default_there_are_networks_of_two_kinds_for_each_fold(members, trainings):
    assert plan(Options("y", members=members), 1000).trainings == trainings


def test_a_single_network_without_folds_is_of_one_kind():
    assert plan(Options("y", members=1, validation=0.1), 1000).trainings == 1


def test_many_rows_have_fewer_folds_and_very_many_none_unless_members_are_asked_for():
    assert planned(MANY - 1)[:2] == (5, 5)
    assert planned(MANY)[:2] == (3, 3)
    assert planned(VERY_MANY) == (1, 0, 1, {"validation": 0.1, "test": 0.2})
    assert planned(VERY_MANY, members=5)[:2] == planned(MANY, members=5)[:2] == (5, 5)
    for rows, word in ((MANY, "3 networks instead of 5"), (VERY_MANY, "one network, without folds")):
        (said,) = plan(Options("y"), rows).said
        assert word in said
        assert f"{rows:,} rows" in said


@pytest.mark.parametrize("rows", [MANY - 1, MANY])
def test_a_single_network_is_trained_once_more_after_its_folds(rows):
    count = 5 if rows < MANY else 3
    assert planned(rows, members=1) == (1, count, count + 1, {})
    assert planned(rows, members=2) == (2, 2, 2, {})


@pytest.mark.parametrize(
    ("asked", "shares"),
    [
        ({"validation": 0.3}, {"validation": 0.3, "test": 0.2}),
        ({"validation": 0.0}, {"test": 0.2}),
        ({"validation": "other.csv"}, {"test": 0.2}),
        ({"validation": 0.3, "test": 0.0}, {"validation": 0.3}),
        ({"split": "time=t"}, {"validation": 0.1, "test": 0.2}),
    ],
)
@pytest.mark.parametrize("members", [None, 1, 3])
def test_with_a_validation_set_or_by_time_there_are_no_folds(asked, shares, members):
    count = members or 5
    assert planned(**asked, members=members) == (count, 0, count, shares)


def test_what_allows_one_network_only_says_so():
    assert planned(alone="it is large") == (1, 0, 1, {"validation": 0.1, "test": 0.2})
    assert planned(alone="it is large", members=1, test=0.0) == (1, 0, 1, {"validation": 0.1})
    with pytest.raises(InputError, match="members is 3, but it is large, which is for one network"):
        planned(alone="it is large", members=3)


def test_more_folds_than_half_of_the_rows_are_refused():
    assert planned(10)[:2] == (5, 5)
    assert planned(10, members=5)[:2] == (5, 5)
    with pytest.raises(InputError, match="members is 6, but there are 10 rows to train on"):
        planned(10, members=6)


# Which rows


@pytest.mark.parametrize("rows", [10, 11, 57, 400])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_each_row_is_in_one_fold_and_folds_are_alike(rows, count):
    rng = np.random.default_rng(rows)
    y = rng.normal(size=(rows, 1))
    fold = folds(NUMBERS, y, count)
    sizes = np.bincount(fold, minlength=count)
    assert len(fold) == rows
    assert sizes.max() - sizes.min() <= 1
    labels = np.resize([0, 0, 1, 2], rows)
    fold = folds(CLASSES, labels, count)
    for label in range(3):
        of_class = np.bincount(fold[labels == label], minlength=count)
        assert of_class.max() - of_class.min() <= 1


def test_every_fold_has_small_and_large_numbers():
    y = np.random.default_rng(0).permutation(500).astype(float)[:, None]
    fold = folds(NUMBERS, y)
    for k in range(5):
        assert np.bincount((y[fold == k, 0] // 50).astype(int)).tolist() == [10] * 10


def test_folds_are_drawn_by_the_seed():
    y = np.arange(60.0)[:, None]
    one, same, other = (folds(NUMBERS, y, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_the_only_row_of_a_class_is_always_seen_and_the_others_fill_the_folds():
    labels = np.array([0] * 7 + [1] + [2] * 8)
    fold = folds(CLASSES, labels)
    assert np.flatnonzero(fold == ALWAYS).tolist() == [7]
    assert np.bincount(fold[fold != ALWAYS]).tolist() == [3] * 5


def test_two_rows_of_a_class_are_in_two_folds():
    labels = np.array([0] * 20 + [1] * 20 + [2] * 2)
    assert len(set(folds(CLASSES, labels)[-2:])) == 2


def test_too_few_rows_for_the_folds_are_refused():
    with pytest.raises(InputError, match="there are 5 folds, but 4 rows of the training that can be held out"):
        folds(CLASSES, [0, 0, 1, 1, 2])


def test_groups_stay_whole_and_folds_are_as_even_as_they_can_be():
    rng = np.random.default_rng(0)
    names = np.repeat([f"g{k}" for k in range(12)], [40, 30, 20, *[10] * 9])
    names = rng.permutation(names)
    fold = folds(NUMBERS, rng.normal(size=(len(names), 1)), 3, pl.Series("g", names))
    for name in set(names):
        assert len(set(fold[names == name])) == 1
    assert np.bincount(fold).tolist() == [60, 60, 60]


def test_fewer_groups_than_folds_are_refused():
    with pytest.raises(InputError, match="'g', of which the training rows have 2 different groups, expected 5 or more"):
        folds(NUMBERS, np.zeros((9, 1)), groups=pl.Series("g", ["p", "q", "q"] * 3))


# In a table


def frame(rows=60):
    a, b = np.random.default_rng(0).normal(size=(2, rows)).round(3)
    return pl.DataFrame({"a": a, "b": b, "y": np.where(a > b, "more", "less"), "g": [f"g{k % 6}" for k in range(rows)]})


def test_a_network_is_prepared_for_each_training_and_told_its_rows():
    ready = prepare(frame(), Options("y", members=1, test=0.2, hidden=(3,)))
    assert [len(ready.networks), ready.plan.trainings, len(ready.truth["training"])] == [5, 6, 48]
    firsts = {network.W[1].tobytes() for network in ready.networks}
    assert len(firsts) == 5
    for k in range(5):
        seen, held_out = ready.seen(k), ready.held_out(k)
        np.testing.assert_array_equal(np.sort(np.concatenate([seen, held_out])), np.arange(48))
        own, (X, y) = ready.of(k), ready.parts["training"]
        np.testing.assert_array_equal(own.parts["training"][0], X[seen])
        np.testing.assert_array_equal(own.parts["validation"][0], X[held_out])
        np.testing.assert_array_equal(own.truth["validation"], y[held_out])
        np.testing.assert_array_equal(own.training_rows, ready.training_rows[seen])
    assert (ready.seen(5), ready.held_out(5)) == (None, None)
    np.testing.assert_array_equal(ready.judged, np.arange(48))


def test_the_first_network_is_that_of_the_seed_alone():
    first = prepare(frame(), Options("y", seed=3, hidden=(3,))).networks[0]
    alone = Network.create(first.sizes, "mish", "cross_entropy", rng=3, dtype="float32")
    np.testing.assert_array_equal(first.W[1], alone.W[1])


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"members": 0}, "members is 0, expected 1 to 100"),
        ({"members": 101}, "members is 101, expected 1 to 100"),
        ({"members": 31}, "members is 31, but there are 60 rows to train on"),
        ({"split": "group=g", "members": 7}, "which the training rows have 6 different groups, expected 7"),
        ({"split": "group=g", "test": 0.4}, "which the training rows have 4 different groups, expected 5"),
        ({"target": "a", "test": 0.95}, "there are 5 folds, but 3 rows of the training that can be held out"),
        ({"weight": "w"}, "weight 'w' is 0 in all rows of a fold"),
    ],
)
def test_folds_that_cannot_be_are_refused(asked, words):
    table = frame().with_columns(w=pl.Series([1.0] + [0.0] * 59))
    with pytest.raises(InputError, match=words):
        prepare(table, Options(**{"target": "y"} | asked))


def test_groups_are_held_out_whole_as_folds_too():
    table = frame()
    ready = prepare(table, Options("y", split="group=g"))
    groups = table["g"].gather(ready.training_rows).to_numpy()
    for name in set(groups):
        assert len(set(ready.fold[groups == name])) == 1
