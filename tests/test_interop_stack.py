"""A stack of layers of another library: what the four readers have in common."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from backtalk import InputError, MissingLibraryError, from_keras
from backtalk.core.activations import Exponential, Identity, ReLU, Sigmoid, Tanh
from backtalk.core.head import NATURAL_LOSSES
from backtalk.core.losses import as_loss
from backtalk.interop.stack import Stack, need_library


def stack_of(*functions):
    stack = Stack("model")
    for i, function in enumerate(functions):
        stack.add_layer(np.eye(2), np.zeros(2))
        stack.add_function(function, f"place {i}")
    return stack


@pytest.mark.parametrize(
    ("end", "output"), [(Identity(), "identity"), (Exponential(), "exp"), (ReLU(), "relu"), ("softmax", "softmax")]
)
def test_the_last_function_is_the_output_function(end, output):
    stack = stack_of(ReLU(), Identity(), Sigmoid(), end)
    assert repr(stack.output()) == output
    network = stack.network(None)
    assert (network.output.name, repr(network.activations)) == (output, "(relu, identity, sigmoid)")


def test_each_output_function_has_a_loss():
    for output, loss in NATURAL_LOSSES.items():
        assert as_loss(loss).natural_output == output
    assert stack_of(ReLU()).network(None).loss.name == "squared_error"
    assert stack_of("softmax").network(None).loss.name == "cross_entropy"


def test_any_output_function_goes_with_any_loss():
    head = stack_of(ReLU(), "softmax").head("squared_error")
    assert (repr(head.output), repr(head.loss)) == ("softmax", "squared_error")
    head = stack_of(ReLU(), Identity()).head("squared_error", "tanh")  # a layer at the end, whose function is named
    assert (repr(head.output), repr(head.loss)) == ("tanh", "squared_error")
    head = stack_of(ReLU(), Identity()).head("cross_entropy", "identity")
    assert (repr(head.output), repr(head.loss)) == ("identity", "cross_entropy")
    assert repr(stack_of(Identity()).head(None, "sigmoid").loss) == "binary_cross_entropy"


@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error", "focal"])
def test_a_layer_at_the_end_takes_any_loss(loss):
    assert stack_of(ReLU(), Identity()).network(loss).loss.name == loss


@pytest.mark.parametrize(
    ("functions", "words"),
    [
        (["softmax", Identity()], "^place 0 stands between two layers, but softmax is an output function"),
        ([], "^model has no layer with weights"),
    ],
)
def test_what_is_no_network_is_refused(functions, words):
    with pytest.raises(InputError, match=words):
        stack_of(*functions).network(None)


def test_an_output_function_that_is_not_the_models_is_refused():
    with pytest.raises(
        InputError, match=r"^output is 'sigmoid', but model ends with place 0: leave output out for tanh"
    ):
        stack_of(Tanh()).network(None, "sigmoid")
    assert repr(stack_of(Tanh()).network(None, "tanh").output) == "tanh"


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
