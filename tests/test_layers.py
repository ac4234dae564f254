"""A family of arrays by layer number."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Mapping

import numpy as np
import pytest

from backtalk import BacktalkError, LayerError, Layers

FIRST, SECOND = np.zeros((3, 2)), np.zeros((1, 3))
W = Layers([FIRST, SECOND])
H = Layers([np.zeros((5, 2)), np.zeros((5, 3)), np.zeros((5, 1))], first=0)


def test_layers_are_a_mapping_numbered_as_in_the_formulas():
    assert isinstance(W, Mapping)
    assert list(W) == list(W.keys()) == [1, 2]
    assert list(H) == [0, 1, 2]
    assert (len(W), len(H)) == (2, 3)
    assert W[1] is FIRST
    assert W[2] is SECOND
    assert [array.shape for array in H.values()] == [(5, 2), (5, 3), (5, 1)]
    assert [layer for layer, _ in H.items()] == [0, 1, 2]
    assert dict(W) == {1: FIRST, 2: SECOND}


def test_a_whole_number_of_numpy_names_a_layer():
    assert W[np.int64(2)] is SECOND


@pytest.mark.parametrize("layer", [0, 3, -1, 1.5, "1", None, slice(1, 2), [1]])
def test_a_layer_that_is_not_there_is_refused_with_those_that_are(layer):
    with pytest.raises(LayerError) as caught:
        W[layer]
    assert str(caught.value) == f"layer is {layer!r}, expected a whole number from 1 to 2."
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, BacktalkError)


def test_the_input_is_layer_0_of_h_alone():
    assert 0 in H
    assert 0 not in W
    assert 2 in W
    assert 3 not in H
    assert "1" not in W
    assert W.get(0) is None


def test_layers_cannot_be_changed():
    with pytest.raises(TypeError):
        W[1] = SECOND
    with pytest.raises(TypeError):
        del W[1]
    with pytest.raises(AttributeError):
        W.update({1: SECOND})
    with pytest.raises(AttributeError):
        W.other = 1


def test_a_change_of_the_list_that_was_given_changes_nothing():
    given = [FIRST]
    layers = Layers(given)
    given.append(SECOND)
    assert len(layers) == 1


def test_layers_are_equal_to_themselves_alone_and_can_be_hashed():
    same = W
    assert same == W
    assert Layers([FIRST, SECOND]) != W
    assert len({W, same, H}) == 2


def test_layers_show_their_shapes():
    assert repr(W) == "Layers({1: (3, 2), 2: (1, 3)})"
    assert repr(H) == "Layers({0: (5, 2), 1: (5, 3), 2: (5, 1)})"


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda layers: pickle.loads(pickle.dumps(layers))])
def test_layers_can_be_copied_and_pickled(again):
    layers = again(H)
    assert list(layers) == [0, 1, 2]
    np.testing.assert_array_equal(layers[2], H[2])
