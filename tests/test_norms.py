from __future__ import annotations

import json

import numpy as np
import pytest

from backtalk import Network, gradients
from backtalk.core.norms import layer_norms


def test_the_norms_are_those_of_the_gradients():
    network = Network.create([3, 4, 2], activation="tanh", rng=0)
    grads = gradients(network, np.eye(3), [0, 1, 1])
    rows = layer_norms(network, grads)
    assert [(row.layer, row.units, row.function) for row in rows] == [
        (0, 3, "input"),
        (1, 4, "tanh"),
        (2, 2, "softmax"),
    ]
    assert rows[0].a is None
    for row in rows[1:]:
        for family in ("a", "h", "W", "b"):
            np.testing.assert_allclose(getattr(row, family), np.sqrt((getattr(grads, family)[row.layer] ** 2).sum()))


@pytest.mark.parametrize("size", [1e-300, 1e300])
def test_a_norm_is_right_where_the_squares_leave_the_range(size):
    network = Network([[[3.0, 4.0]]], [[0.0]], loss="absolute_error")
    grads = gradients(network, [[3 * size, 4 * size]], [-1.0])
    np.testing.assert_allclose(layer_norms(network, grads)[1].W, 5 * size)


def test_a_norm_that_is_not_finite_is_none_in_json():
    network = Network([[[1e4], [-1e4]]], [[0.0, 0.0]])
    row = layer_norms(network, gradients(network, [[1.0]], [1]))[1]
    assert row.h == np.inf
    assert json.loads(json.dumps(row.to_dict(), allow_nan=False))["h"] is None
