"""The network: made, shown, moved, frozen, and refused where its parts do not fit."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from backtalk import InputError, InputTypeError, Layers, Network, UnknownNameError, gradients
from backtalk.core.activations import LeakyReLU, ReLU, Tanh
from backtalk.core.arrays import to_numpy
from backtalk.core.losses import Huber

W1, W2 = [[1.0, -1.0], [0.5, 1.0], [0.0, 2.0]], [[1.0, 2.0, 3.0]]
B1, B2 = [0.0, 0.5, -0.5], [0.25]
LIBRARIES = ["numpy", "jax.numpy", "torch", "array_api_strict"]
AGAIN = [lambda network: pickle.loads(pickle.dumps(network)), copy.deepcopy, copy.copy]


def example(**changes):
    return Network([W1, W2], [B1, B2], "tanh", "squared_error", **changes)


def assert_same(one: Network, other: Network) -> None:
    assert (one.sizes, one.activations, one.loss) == (other.sizes, other.activations, other.loss)
    for ours, theirs in zip(one.to_lists(), other.to_lists(), strict=True):
        for mine, yours in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(to_numpy(mine), to_numpy(yours))


def test_the_layers_of_a_deep_network_are_shown_in_line():
    lines = repr(Network.create([2, *[3] * 10, 2], activation="tanh", rng=0)).splitlines()
    assert lines[1] == "  1   2 → 3  tanh           W (3, 2)  b (3,)"
    assert lines[11] == "  11  3 → 2  softmax        W (2, 3)  b (2,)  cross_entropy"


def test_create_gives_the_sizes_asked_for():
    network = Network.create([64, 32, 10], rng=0)
    assert network.sizes == (64, 32, 10)
    assert network.depth == 2
    assert [w.shape for w in network.W.values()] == [(32, 64), (10, 32)]
    assert [b.shape for b in network.b.values()] == [(32,), (10,)]
    assert network.parameter_count == 32 * 65 + 10 * 33 == 2410
    assert list(network.W) == list(network.b) == [1, 2]
    assert network.activations == (ReLU(),)
    assert network.loss.name == "cross_entropy"


@pytest.mark.parametrize("sizes", [(3, 4, 2), np.array([3, 4, 2]), range(3, 5), [np.int64(3), 1]])
def test_sizes_may_be_any_whole_numbers_in_order(sizes):
    network = Network.create(sizes)
    assert network.sizes == tuple(sizes)
    assert all(type(size) is int for size in network.sizes)


def test_a_network_without_hidden_layers_has_depth_1():
    network = Network.create([3, 2])
    assert (network.depth, network.sizes, network.activations) == (1, (3, 2), ())
    assert network.parameter_count == 8


def test_one_activation_serves_all_hidden_layers_and_a_list_each_its_own():
    assert Network.create([2] * 5, activation="tanh").activations == (Tanh(),) * 3
    mixed = Network.create([2] * 4, activation=["leaky_relu(slope=0.2)", Tanh()])
    assert mixed.activations == (LeakyReLU(0.2), Tanh())


def test_lists_become_float64_arrays():
    network = example()
    assert network.sizes == (2, 3, 1)
    assert network.W[1].dtype == np.float64
    assert network.W[2].tolist() == W2
    assert network.b[1].tolist() == B1


def test_mappings_by_layer_number_are_taken_in_that_order():
    assert_same(Network({2: W2, 1: W1}, {1: B1, 2: B2}, "tanh", "squared_error"), example())
    network = example()
    assert_same(Network(network.W, network.b, "tanh", "squared_error"), network)


def test_to_lists_gives_what_made_the_network():
    W, b = example().to_lists()
    assert [w.tolist() for w in W] == [W1, W2]
    assert [v.tolist() for v in b] == [B1, B2]
    assert type(W) is type(b) is list
    assert_same(Network(W, b, "tanh", "squared_error"), example())


def test_tables_of_pandas_serve_as_weights():
    network = Network([pd.DataFrame(W1), pd.DataFrame(W2)], [pd.Series(B1), pd.Series(B2)], "tanh", "squared_error")
    assert_same(network, example())


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("int64", "int64", "float64"),
        ("uint8", "int32", "float64"),
        ("bool", "bool", "float64"),
        ("float16", "float16", "float32"),
        ("float32", "float16", "float32"),
        ("float32", "float32", "float32"),
        ("float64", "float64", "float64"),
        ("float32", "float64", "float64"),
        ("float16", "float64", "float64"),
        ("float32", "int8", "float64"),
        (">f4", "<f4", "float32"),
        (">f8", ">f8", "float64"),
    ],
)
def test_dtypes_become_float32_or_float64(first, second, expected):
    network = Network([np.ones((2, 3), first), np.ones((1, 2), second)], [np.ones(2, first), np.ones(1, second)])
    dtypes = {array.dtype for family in (network.W, network.b) for array in family.values()}
    assert dtypes == {np.dtype(expected)}
    assert network.spec.dtype_name == expected


def test_torch_and_jax_dtypes_follow_the_same_rule():
    torch = pytest.importorskip("torch")
    assert Network([torch.ones(2, 3, dtype=torch.bfloat16)], [torch.zeros(2)]).W[1].dtype == torch.float32
    assert Network([torch.ones(2, 3, dtype=torch.int8)], [torch.zeros(2, dtype=torch.int8)]).b[1].dtype == torch.float64
    assert Network([jnp.ones((2, 3), jnp.bfloat16)], [jnp.zeros(2, jnp.float16)]).W[1].dtype == jnp.float32


def test_lists_beside_an_array_go_to_its_library():
    network = Network([jnp.ones((3, 2)), W2], [B1, B2])
    assert all(isinstance(array, jax.Array) for family in (network.W, network.b) for array in family.values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_network_moves_to_another_library_and_back(name, dtype):
    library = pytest.importorskip(name)
    there = example().to(library, dtype=dtype)
    assert str(there.spec).startswith(f"{dtype}, {name.removesuffix('.numpy')}")
    assert there.W[1].dtype == getattr(library, dtype)
    assert_same(there.to(np), example())
    assert there.to(library).W[1].dtype == getattr(library, dtype)


def test_without_float64_jax_gives_float32_and_refuses_float64():
    jax.config.update("jax_enable_x64", False)
    try:
        assert example().to(jnp).W[1].dtype == jnp.float32
        with pytest.raises(InputError, match=r"^dtype is 'float64', which JAX has only after .*jax_enable_x64"):
            example().to(jnp, dtype="float64")
    finally:
        jax.config.update("jax_enable_x64", True)


def test_a_network_that_moves_to_its_own_library_is_a_copy():
    network = example()
    again = network.to(np)
    assert not np.shares_memory(again.W[1], network.W[1])
    assert not again.W[1].flags.writeable


def test_a_weight_too_big_for_float32_is_refused_when_the_network_moves():
    with pytest.raises(InputError, match=r"W\[1\]"):
        Network([[[1e300]]], [[0.0]]).to(np, dtype="float32")


def test_the_text_of_a_network_shows_every_layer():
    network = Network.create([64, 100, 10], activation="leaky_relu(slope=0.2)", dtype="float32", rng=0)
    assert repr(network) == (
        "Network 64 → 100 → 10, 7510 parameters, float32, numpy\n"
        "  1  64 → 100  leaky_relu(slope=0.2)  W (100, 64)  b (100,)\n"
        "  2  100 → 10  softmax        W (10, 100)  b (10,)   cross_entropy"
    )


def test_the_text_of_a_network_names_its_library_and_loss():
    text = repr(Network.create([3, 1], loss=Huber(2.0), rng=0).to(jnp))
    assert text == (
        "Network 3 → 1, 4 parameters, float64, jax\n  1  3 → 1  identity       W (1, 3)  b (1,)  huber(delta=2.0)"
    )


@pytest.mark.parametrize("name", ["W", "b", "activations", "head"])
def test_no_field_of_a_network_can_be_set_or_deleted(name):
    network = example()
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(network, name, None)
    with pytest.raises(dataclasses.FrozenInstanceError):
        delattr(network, name)


def test_the_arrays_are_read_only_copies():
    given = np.ones((2, 3))
    bias = np.ones(2)
    network = Network([given], [bias])
    given[0, 0] = bias[0] = 7
    assert network.W[1].tolist() == np.ones((2, 3)).tolist()
    assert network.b[1].tolist() == [1, 1]
    for array in (network.W[1], network.b[1], Network.create([2, 1]).W[1]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 2


def test_arrays_in_any_memory_order_are_kept_in_rows():
    given = np.arange(12.0).reshape(3, 4)
    for array in (np.asfortranarray(given), given[::-1, ::-1][::-1, ::-1]):
        network = Network([array], [np.zeros(3)])
        assert network.W[1].flags.c_contiguous
        np.testing.assert_array_equal(network.W[1], given)


def test_the_parameters_of_a_torch_model_are_held_outside_of_autograd():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    parameters = list(model.parameters())
    network = Network(parameters[::2], parameters[1::2], "tanh", "cross_entropy")
    X, y = torch.randn(5, 4), torch.tensor([0, 1, 1, 0, 1])
    grads = gradients(network, X, y)
    loss = torch.nn.functional.cross_entropy(model(X), y)
    assert float(grads.loss) == pytest.approx(float(loss.detach()), rel=1e-6)  # a warning would be an error
    assert not any(W.requires_grad for W in [*network.W.values(), *grads.W.values()])
    loss.backward()
    torch.testing.assert_close(grads.W[1], model[0].weight.grad)
    torch.testing.assert_close(grads.b[2], model[2].bias.grad)


def test_a_change_of_the_torch_tensors_that_were_given_changes_nothing():
    torch = pytest.importorskip("torch")
    given = torch.ones(2, 3, dtype=torch.float64)
    network = Network([given], [torch.zeros(2, dtype=torch.float64)])
    given[0, 0] = 7
    assert float(network.W[1][0, 0]) == 1


def test_a_network_is_equal_to_itself_alone_and_can_be_hashed():
    network = example()
    same = network
    assert network == same
    assert network != example()
    assert len({network, example()}) == 2


def test_replace_keeps_all_but_the_parameters():
    W, b = example().to_lists()
    network = example().replace([2 * w for w in W], b)
    assert network.W[1].tolist() == (2 * np.array(W1)).tolist()
    assert network.b[1] is b[0]
    assert isinstance(network.W, Layers)
    assert (network.activations, network.loss) == (example().activations, example().loss)


@pytest.mark.parametrize("name", LIBRARIES[:3])
@pytest.mark.parametrize("again", AGAIN, ids=["pickle", "deepcopy", "copy"])
def test_a_network_can_be_pickled_and_copied(again, name):
    network = Network([W1, W2], [B1, B2], "leaky_relu(slope=0.2)", "huber(delta=2)").to(pytest.importorskip(name))
    twin = again(network)
    assert_same(twin, network)
    assert repr(twin) == repr(network)
    assert twin.spec == network.spec


@pytest.mark.parametrize("again", AGAIN, ids=["pickle", "deepcopy", "copy"])
def test_a_pickled_or_copied_network_is_still_read_only(again):
    assert not again(example()).W[1].flags.writeable


def test_jax_sees_a_network_as_a_tree_of_its_parameters():
    network = example().to(jnp)
    doubled = jax.tree.map(lambda part: 2 * part, network)
    assert isinstance(doubled, Network)
    assert len(jax.tree.leaves(network)) == 4
    assert doubled.W[2].tolist() == [[2.0, 4.0, 6.0]]
    assert doubled.activations == network.activations


ONES = np.ones((2, 3))
REFUSED = {
    "no layers": (([], []), InputError, "W is empty, expected one weight matrix for each layer"),
    "bias missing": (([ONES], []), InputError, "b has 0 vectors, but W has 1 matrices: expected one each"),
    "W a vector": (([ONES[0]], [B2]), InputError, "W[1] has shape (3,), expected a matrix (units, units heard)"),
    "W a number": (([1.0], [B2]), InputError, "W[1] has shape (), expected a matrix"),
    "b a matrix": (([ONES], [ONES]), InputError, "b[1] has shape (2, 3), expected a vector (units,)"),
    "b too long": (([ONES], [B1]), InputError, "b[1] has 3 entries, but W[1] has 2 rows: expected one a unit"),
    "b too short": (([ONES, W2], [[0, 0], []]), InputError, "b[2] has shape (0,), expected a vector (units,), each"),
    "layers that do not fit": (
        ([ONES, ONES], [[0, 0], [0, 0]]),
        InputError,
        "W[2] has 3 columns, but W[1] has 2 rows: expected one column for each unit of layer 1",
    ),
    "no units": (([np.ones((0, 3))], [[]]), InputError, "W[1] has shape (0, 3), expected a matrix"),
    "no inputs": (([np.ones((2, 0))], [[0, 0]]), InputError, "W[1] has shape (2, 0), expected a matrix"),
    "W one array": (
        (ONES[None], [B2]),
        InputTypeError,
        "W is a ndarray, expected a list of arrays, one for each layer",
    ),
    "W text": (("ab", [B2]), InputTypeError, "W is a str, expected a list of arrays"),
    "W none": ((None, [B2]), InputTypeError, "W is a NoneType, expected a list of arrays"),
    "b an iterator": (([ONES], iter([B2])), InputTypeError, "b is a list_iterator, expected a list of arrays"),
    "keys from 0": (({0: ONES}, [B2]), InputError, "W has keys [0], expected the layer numbers 1 … L"),
    "keys with a gap": (({1: ONES, 3: ONES}, [B2]), InputError, "W has keys [1, 3], expected the layer numbers 1 … L"),
    "keys of two kinds": (({1: ONES, "2": ONES}, [B2]), InputError, "W has keys"),
    "NaN": (([[[1.0, np.nan]]], [[0.0]]), InputError, "W[1] holds nan at index [0, 1], expected finite numbers"),
    "inf": (([ONES], [[0.0, -np.inf]]), InputError, "b[1] holds -inf at index [1], expected finite numbers"),
    "object": (([ONES.astype(object)], [[0, 0]]), InputTypeError, "W[1] holds dtype object, expected real numbers"),
    "text inside": (([ONES], [["a", "b"]]), InputTypeError, "b[1] holds text, expected real numbers"),
    "complex": (([ONES + 1j], [[0, 0]]), InputTypeError, "W[1] holds dtype complex128, expected real numbers"),
    "masked": (([np.ma.array(ONES)], [[0, 0]]), InputTypeError, "W[1] is a masked array: fill the masked values first"),
    "sparse": (([scipy.sparse.eye_array(2)], [[0, 0]]), InputTypeError, "W[1] is a sparse matrix: make it dense first"),
    "ragged": (([[[1, 2], [3]]], [[0, 0]]), InputTypeError, "W[1] is a list whose parts differ in length, expected"),
    "two libraries": (
        ([ONES, jnp.ones((1, 2))], [[0, 0], [0]]),
        InputTypeError,
        "W[2] is an array of jax, but the network's are of numpy: use",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_parameters_that_do_not_fit_are_refused(what):
    arguments, kind, message = REFUSED[what]
    with pytest.raises(kind, match=r"^" + re.escape(message)) as caught:
        Network(*arguments)
    assert caught.type is kind


@pytest.mark.parametrize(
    ("sizes", "kind", "message"),
    [
        ([], InputError, "sizes is [], expected at least two: the inputs and the outputs"),
        ([3], InputError, "sizes is [3], expected at least two"),
        ([3, 0], InputError, "sizes[1] is 0, expected 1 or more units"),
        ([-3, 2], InputError, "sizes[0] is -3, expected 1 or more units"),
        ([3, 2.0], InputTypeError, "sizes[1] is 2.0, expected a whole number"),
        ([3, True], InputTypeError, "sizes[1] is True, expected a whole number"),
        ([3, None], InputTypeError, "sizes[1] is None, expected a whole number"),
        ("34", InputTypeError, "sizes[0] is '3', expected a whole number"),
        (5, InputTypeError, "sizes is 5, expected a list such as [64, 32, 10]"),
    ],
)
def test_sizes_that_make_no_network_are_refused(sizes, kind, message):
    with pytest.raises(kind, match=r"^" + re.escape(message)) as caught:
        Network.create(sizes)
    assert caught.type is kind


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"activation": "rellu"}, UnknownNameError, "activation is 'rellu', which is not known: did you mean 'relu'?"),
        ({"activation": ["nope"]}, UnknownNameError, "activation[0] is 'nope', which is not known"),
        ({"activation": ["relu", "tanh"]}, InputError, "activation has 2 entries, expected 1: one for each hidden"),
        ({"activation": []}, InputError, "activation has 0 entries, expected 1"),
        ({"activation": [3]}, InputTypeError, "activation[0] is 3, expected a name such as"),
        ({"activation": None}, InputTypeError, "activation is None, expected a name, or a list"),
        ({"activation": ReLU}, InputTypeError, "activation is <class "),
        ({"loss": "mse"}, UnknownNameError, "loss is 'mse', which is not known"),
        ({"loss": None}, InputTypeError, "loss is None, expected a name such as 'cross_entropy'"),
        ({"initialization": "he"}, UnknownNameError, "initialization is 'he', which is not known"),
        ({"dtype": "float16"}, UnknownNameError, "dtype is 'float16', which is not known: did you mean 'float64'?"),
        ({"dtype": "int32"}, UnknownNameError, "dtype is 'int32', which is not known"),
    ],
)
def test_what_create_does_not_know_is_refused(changes, kind, message):
    with pytest.raises(kind, match=r"^" + re.escape(message)) as caught:
        Network.create([3, 4, 2], **changes)
    assert caught.type is kind


def test_a_library_or_dtype_that_a_network_cannot_have_is_refused():
    with pytest.raises(InputTypeError, match=r"^library is 'torch', expected the module"):
        example().to("torch")
    with pytest.raises(UnknownNameError, match=r"^dtype is 'float16'"):
        example().to(np, dtype="float16")


def test_a_network_of_the_table_of_names_is_the_one_of_the_values():
    one = Network.create([3, 4, 2], "tanh", "huber(delta=2)", rng=1)
    other = Network.create([3, 4, 2], Tanh(), Huber(2.0), rng=1)
    X, y = np.eye(3), np.ones((3, 2))
    assert gradients(one, X, y).loss == gradients(other, X, y).loss


def test_a_dtype_may_be_given_as_a_dtype():
    assert Network.create([2, 1], dtype=np.float32).spec.dtype_name == "float32"
    assert Network.create([2, 1], rng=0).to(np, dtype=np.dtype("float32")).spec.dtype_name == "float32"
    with pytest.raises(UnknownNameError, match="dtype is 'int64'"):
        Network.create([2, 1], dtype=np.int64)
