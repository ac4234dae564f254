"""A bounded run of tests/fuzz/random_networks.py: ``check`` never fails a gradient of ours."""

from __future__ import annotations

import numpy as np

from backtalk import Network, check
from fuzz.random_networks import run


def test_check_fails_no_random_network_with_extreme_numbers():
    outcomes, findings = run(seed=1, count=300)
    assert not findings, "\n".join(map(str, findings))
    assert outcomes["passed"] > 200


def test_check_passes_a_softmax_whose_largest_outputs_tie_but_for_rounding():
    report = check(Network([np.eye(2)], [[0.3, 0.1 + 0.2]], [], "cross_entropy"), [[0.0, 0.0]], [0])
    assert report.passed
    assert report.undecided == 0


def test_an_example_that_hardly_counts_is_not_called_wrong():
    network = Network.create([2, 3, 2], "tanh", rng=0)
    assert check(network, np.eye(2), [0, 1], sample_weight=[1.0, 1e-300]).passed


def test_a_factor_that_leaves_no_step_is_not_judged():
    report = check(Network([[[1e308]]], [[0.0]], loss="squared_error"), [[1e-308]], [0.5])
    assert report.passed
    assert {row.quantity: row.compared for row in report.rows}["h[0]"] == 0


def test_infinite_numbers_on_the_way_leave_what_they_reach_unjudged():
    network = Network([[[1e200]], [[1e200]]], [[0.0], [0.0]], "relu", "huber", output="relu6")
    report = check(network, [[1e200]], [0.0])
    assert report.passed
    assert report.undecided > 0
