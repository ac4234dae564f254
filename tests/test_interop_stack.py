"""A stack of layers of another library: what the four readers have in common."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from backtalk import InputError, MissingLibraryError, from_keras
from backtalk.core.activations import Identity, ReLU, Sigmoid
from backtalk.core.losses import as_loss
from backtalk.interop.stack import LOSS_OF_OUTPUT, Stack, need_library


def stack_of(*functions):
    stack = Stack("model")
    for i, function in enumerate(functions):
        stack.add_layer(np.eye(2), np.zeros(2))
        stack.add_function(function, f"place {i}")
    return stack


@pytest.mark.parametrize(("end", "output"), [(Identity(), "identity"), (Sigmoid(), "sigmoid"), ("exp", "exp")])
def test_the_last_function_is_the_output_function(end, output):
    stack = stack_of(ReLU(), Identity(), Sigmoid(), end)
    assert stack.output() == output
    network = stack.network(None)
    assert (network.output.name, repr(network.activations)) == (output, "(relu, identity, sigmoid)")


def test_each_output_function_has_a_loss():
    for output, loss in LOSS_OF_OUTPUT.items():
        assert as_loss(loss).natural_output == output


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error", "focal"])
def test_a_layer_at_the_end_takes_any_loss(loss):
    assert stack_of(ReLU(), Identity()).network(loss).loss.name == loss


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        (["softmax", Identity()], "^place 0 stands between two layers, but softmax is an output function"),
        ([ReLU()], "^model ends with place 0, which is no output function of a Network: expected softmax, sigmoid"),
        ([], "^model has no layer with weights"),
    ],
)
def test_what_is_no_network_is_refused(functions, words):
    with pytest.raises(InputError, match=words):
        stack_of(*functions).network(None)


def test_two_functions_of_one_layer_are_refused():
    stack = stack_of(ReLU())
    with pytest.raises(InputError, match=r"^there follows place 0, but a layer of a Network has one activation"):
        stack.add_function(Sigmoid(), "there")
    with pytest.raises(InputError, match=r"^here comes before the first layer with weights"):
        Stack("model").add_function(ReLU(), "here")


def test_a_library_that_is_missing_is_named(monkeypatch):
    words = r"^the test needs nothing_of_this_name, which is not installed: pip install it\.$"
    with pytest.raises(MissingLibraryError, match=words):
        need_library("nothing_of_this_name", "the test", "pip install it")
    monkeypatch.setitem(sys.modules, "keras", None)
    with pytest.raises(
        MissingLibraryError, match=r"^from_keras needs keras, which is not installed: pip install keras"
    ):
        from_keras(None)
