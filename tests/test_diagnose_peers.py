"""Simple models tell each row from the others, and what they find is no chance."""

import numpy as np
import pytest

from backtalk import Network
from backtalk.analysis.diagnose import LIMITS, diagnose
from backtalk.analysis.diagnose.examples import Examples
from backtalk.analysis.diagnose.peers import compare
from backtalk.analysis.diagnose.rules.fit import budget_of

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 3)) * [1, 5, 0.2] + [0, 3, 1]
Y = X @ [1.0, 0.3, 0.0] + 0.1 * rng.normal(size=60)


def peers(X, y, loss="squared_error", outputs=1, work=1e9):
    found = compare(Examples.of(Network.create([X.shape[1], 4, outputs], loss=loss, rng=0), X, y), work)
    assert found is not None
    return found


@pytest.mark.parametrize("columns", [3, 90])
def test_the_linear_model_tells_a_row_as_if_it_had_not_seen_it(columns):
    wide = X if columns == 3 else rng.normal(size=(60, columns))
    linear = peers(wide, Y).models[0]
    scaled = (wide - wide.mean(axis=0)) / wide.std(axis=0)
    # the constant has no penalty
    for row in (0, 17, 59):
        kept = np.arange(60) != row
        both = np.column_stack([np.ones(60), scaled])
        penalty = LIMITS.ridge * max(60, 100 * columns) * np.diag([0.0] + [1.0] * columns)
        slopes = np.linalg.solve(both[kept].T @ both[kept] + penalty, both[kept].T @ Y[kept])
        assert linear.predicted[row, 0] == pytest.approx(both[row] @ slopes, rel=1e-6)


def test_the_nearest_rows_leave_the_row_itself_out():
    neighbours = peers(np.repeat(np.arange(40.0), 1)[:, None], np.arange(40.0) == 7).models[1]
    assert neighbours.predicted[7, 0] == 0
    assert neighbours.predicted[8, 0] == pytest.approx(1 / LIMITS.neighbours)


def test_shuffled_targets_are_no_more_than_chance_and_others_far_beyond():
    y = rng.normal(size=300)
    inputs = np.column_stack([y + rng.normal(size=300), rng.normal(size=(300, 4))])
    assert peers(inputs, y).beyond_chance() > 10
    assert peers(inputs, rng.permutation(y)).beyond_chance() < 3
    y[:2] = 1e6  # drowns out all others in a sum of squares
    assert peers(inputs, y).beyond_chance() > 10


def test_rows_are_as_many_as_the_work_allows():
    inputs = rng.normal(size=(1000, 20))
    assert len(peers(inputs, inputs[:, 0], work=60 * 200**2).rows) == 200
    assert len(peers(inputs, inputs[:, 0]).rows) == 1000


def test_a_code_for_many_numbers_has_no_peers():
    inputs = rng.normal(size=(50, 8))
    network = Network.create([8, 2, 8], loss="squared_error", rng=0)
    assert compare(Examples.of(network, inputs, inputs), 1e9) is None


def test_trials_take_an_epoch_and_a_half_or_a_moment():
    wide, narrow = Network.create([1000, 500, 10], rng=0), Network.create([2, 2, 2], rng=0)
    assert budget_of(wide, 100_000) == 150_000
    assert budget_of(narrow, 100) * 3 * 8 == pytest.approx(LIMITS.trial_work)


@pytest.mark.parametrize("seed", range(5))
def test_classes_that_overlap_accuse_no_label_above_a_note(seed):
    generator = np.random.default_rng(seed)
    y = np.arange(400) % 2
    angle, radius = generator.uniform(0, 2 * np.pi, 400), np.where(y, 0.5, 1.0)
    inputs = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]) + 0.25 * generator.normal(size=(400, 2))
    # sure of the class by the radius alone, whatever the noise
    sure = Network(
        [[[40.0, 0.0], [-40.0, 0.0], [0.0, 40.0], [0.0, -40.0]], [[-1.0] * 4, [1.0] * 4]],
        [np.zeros(4), [38.0, -38.0]],
        "relu",
    )
    found = {each.kind: each.severity for each in diagnose(sure, inputs, y).findings}
    assert found.get("mislabelled_examples") != "warning"


def test_labels_that_were_flipped_anywhere_are_a_warning():
    y = (X[:, 0] > 0).astype(int)
    inputs = np.repeat(X, 10, axis=0) + 0.02 * rng.normal(size=(600, 3))
    labels = np.repeat(y, 10)
    labels[::25] = 1 - labels[::25]
    sure = Network([[[-3.0, 0.0, 0.0], [3.0, 0.0, 0.0]]], [[0.0, 0.0]])
    found = {each.kind: each for each in diagnose(sure, inputs, labels).findings}["mislabelled_examples"]
    assert found.severity == "warning"
    assert all(n % 25 == 0 for n in found.examples)
    told = list(found.examples[:5])
    assert set(labels[told].tolist()) == {0, 1}
    assert all(f"{n + 1} ({labels[n]}, rather {1 - labels[n]})" in found.said for n in told)
