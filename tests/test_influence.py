"""Influence and scores of examples, against gradients of single rows, formed one by one and multiplied out."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from backtalk import Epoch, InputError, InputTypeError, LayerError, Network, fit, forward, gradients, save
from backtalk.analysis.influence import el2n, grand, influence, self_influence
from backtalk.analysis.influence.extremes import Extremes
from backtalk.analysis.per_example import gram
from backtalk.analysis.per_example import norms as norms_of
from backtalk.engines.native import passes as native
from backtalk.engines.native.kernels import kernels
from engines import drawn, needs_kernels

RELATIVE = 1e-10
CASES = [
    ([5, 3], "relu", "cross_entropy"),
    ([4, 6, 3], "relu", "cross_entropy(label_smoothing=0.1)"),
    ([4, 6, 5, 2], "tanh", "binary_cross_entropy"),
    ([3, 7, 1], "gelu", "squared_error"),
    ([3, 5, 4, 3, 2], "sigmoid", "huber"),
    ([3, 5, 2], "silu", "absolute_error"),
    ([3, 5, 2], "elu", "poisson_deviance"),
]
KINDS = ["kernels", "formulas"]


each_engine = pytest.mark.parametrize("engine", KINDS, indirect=True)


@pytest.fixture(autouse=True)
def engine(request, monkeypatch):
    """Which engine computes NumPy arrays, where a test asks for each."""
    wanted = getattr(request, "param", None)
    if wanted == "formulas":
        monkeypatch.setattr(native, "serves", lambda network: False)
    elif wanted == "kernels" and kernels() is None:
        pytest.skip("no native kernels here, or BACKTALK_KERNELS=none")


def gradient_of(network, x, y, layers=None):
    """The gradient of one example's own loss, over all weights and biases of these layers, as one vector."""
    grads = gradients(network, x[None, :], y[None])
    return np.concatenate(
        [np.concatenate([np.asarray(grads.W[i]).ravel(), np.asarray(grads.b[i])]) for i in layers or grads.W]
    )


def matrix_of(network, train, test, layers=None):
    """(M, N): all inner products."""
    ours, theirs = (
        np.array([gradient_of(network, x, y, layers) for x, y in zip(*each, strict=True)]) for each in (test, train)
    )
    return ours @ theirs.T


def sorted_extremes(matrix, k, sign):
    """By a full sort, the lower row first where scores are equal."""
    order = np.argsort(-sign * matrix, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(matrix, order, axis=1)


def examples(sizes, activation, loss, seed=0, train=23, test=7, dtype="float64"):
    """A network, and two sets of examples for it."""
    network, X, y, _ = drawn(sizes, activation, loss, train + test, False, dtype, seed=seed)
    return network, (X[:train], y[:train]), (X[train:], y[train:])


def assert_extremes(found, matrix, k):
    scale = np.abs(matrix).max()
    for rows, scores, sign in (
        (found.proponents, found.proponent_scores, 1),
        (found.opponents, found.opponent_scores, -1),
    ):
        assert rows.dtype == np.int64
        _, expected = sorted_extremes(matrix, k, sign)
        np.testing.assert_allclose(scores, expected, rtol=0, atol=RELATIVE * scale)
        # the rows are those of these scores, each once
        np.testing.assert_allclose(np.take_along_axis(matrix, rows, axis=1), scores, rtol=0, atol=RELATIVE * scale)
        assert all(len(set(row)) == k for row in rows.tolist())


@each_engine
@pytest.mark.parametrize(("sizes", "activation", "loss"), CASES)
def test_influence_is_the_inner_product_of_explicit_gradients(sizes, activation, loss):
    network, train, test = examples(sizes, activation, loss)
    found = influence(network, train, test, k=5)
    assert_extremes(found, matrix_of(network, train, test), 5)


@each_engine
@pytest.mark.parametrize(("sizes", "activation", "loss"), CASES)
def test_influence_adds_up_over_networks_times_their_rates(sizes, activation, loss):
    network, train, test = examples(sizes, activation, loss)
    others = [examples(sizes, activation, loss, seed=seed)[0] for seed in (1, 2)]
    rated = list(zip([network, *others], [0.3, 0.1, 0.02], strict=True))
    expected = sum(rate * matrix_of(each, train, test) for each, rate in rated)
    assert_extremes(influence(rated, train, test, k=4), expected, 4)
    assert_extremes(
        influence([each for each, _ in rated], train, test, k=4, learning_rates=[0.3, 0.1, 0.02]), expected, 4
    )


@each_engine
@pytest.mark.parametrize(("sizes", "activation", "loss"), CASES)
def test_self_influence_and_grand_are_norms_of_explicit_gradients(sizes, activation, loss):
    network, (X, y), _ = examples(sizes, activation, loss)
    other = examples(sizes, activation, loss, seed=1)[0]
    squares = [
        [gradient_of(each, x, t) @ gradient_of(each, x, t) for x, t in zip(X, y, strict=True)]
        for each in (network, other)
    ]
    squares = np.array(squares)
    found = self_influence([(network, 0.5), (other, 0.25)], X, y)
    assert found.shape == (len(X),)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, 0.5 * squares[0] + 0.25 * squares[1], rtol=RELATIVE)
    np.testing.assert_allclose(grand([network, other], X, y), np.sqrt(squares).mean(axis=0), rtol=RELATIVE)


@each_engine
@pytest.mark.parametrize(("sizes", "activation", "loss"), CASES)
def test_el2n_is_the_distance_of_the_output_from_the_target(sizes, activation, loss):
    network, (X, y), _ = examples(sizes, activation, loss)
    other = examples(sizes, activation, loss, seed=1)[0]
    if loss.startswith("cross_entropy"):
        target = np.eye(sizes[-1])[y]
        if "smoothing" in loss:
            target = 0.9 * target + 0.1 / sizes[-1]
    else:
        target = y.reshape(len(X), -1)
    expected = np.mean([np.linalg.norm(forward(each, X).output - target, axis=1) for each in (network, other)], axis=0)
    np.testing.assert_allclose(el2n([network, other], X, y), expected, rtol=RELATIVE)


def test_el2n_with_cross_entropy_is_the_norm_of_the_gradient_at_the_output():
    network, (X, y), _ = examples([4, 6, 3], "tanh", "cross_entropy")
    np.testing.assert_allclose(el2n(network, X, y), norms_of(network, X, y).a[2], rtol=RELATIVE)


@pytest.mark.parametrize("loss", ["squared_error", "focal", "kl_divergence"])
def test_el2n_of_softmax_is_the_distance_of_probabilities_whatever_the_loss(loss):
    network = Network([[[1.0], [0.0]]], [[0.0, 0.0]], loss=loss, output="softmax")
    np.testing.assert_allclose(el2n(network, [[40.0]], [0]), np.sqrt(2) * np.exp(-40.0), rtol=1e-12)


def test_el2n_of_a_gaussian_is_that_of_its_mean():
    network = Network([[[1.0], [0.5]]], [[0.0, 0.0]], loss="gaussian_nll")
    np.testing.assert_allclose(el2n(network, [[3.0]], [1.0]), 2.0)


def test_el2n_keeps_its_digits_where_the_output_is_nearly_right():
    network = Network([[[0.0], [0.0]]], [[40.0, 0.0]])
    np.testing.assert_allclose(el2n(network, [[0.0]], [0]), np.sqrt(2) * np.exp(-40.0), rtol=RELATIVE)


@pytest.mark.parametrize("layers", [[3], [1, 3], (2,), 1, [3, 1, 2]])
def test_only_the_layers_that_are_named_count(layers):
    network, train, test = examples([4, 6, 5, 3], "tanh", "cross_entropy")
    named = [layers] if isinstance(layers, int) else sorted(layers)
    expected = matrix_of(network, train, test, named)
    assert_extremes(influence(network, train, test, k=3, layers=layers), expected, 3)
    own = np.diag(matrix_of(network, train, train, named))
    np.testing.assert_allclose(self_influence(network, *train, layers=layers), own, rtol=RELATIVE)
    np.testing.assert_allclose(grand(network, *train, layers=layers), np.sqrt(own), rtol=RELATIVE)


@pytest.mark.parametrize("library", ["torch", "jax.numpy"])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared_error"])
def test_networks_of_other_libraries_give_the_same_as_numpy(library, loss):
    xp = pytest.importorskip(library)
    network, train, test = examples([4, 6, 5, 3], "tanh", loss)
    there = network.to(xp)
    train_there, test_there = ((xp.asarray(X), xp.asarray(y)) for X, y in (train, test))
    networks = [(there, 0.3), (there, 0.2)]
    expected = 0.5 * matrix_of(network, train, test)
    found = influence(networks, train_there, test_there, k=6)
    assert type(found.proponents) is type(found.opponent_scores) is np.ndarray
    assert_extremes(found, expected, 6)
    for score in (self_influence, grand, el2n):
        ours = score(there, *train_there)
        assert type(ours) is np.ndarray
        np.testing.assert_allclose(ours, score(network, *train), rtol=RELATIVE)


def test_a_tensor_that_requires_a_gradient_can_be_asked_about():
    torch = pytest.importorskip("torch")
    network, (X, y), test = examples([4, 6, 3], "tanh", "cross_entropy")
    X = torch.asarray(X).requires_grad_()
    found = influence(network.to(torch), (X, y.tolist()), (torch.asarray(test[0]), test[1].tolist()), k=2)
    assert_extremes(found, matrix_of(network, (X.detach().numpy(), y), test), 2)


@needs_kernels
def test_float32_networks_are_computed_in_float32():
    network, train, test = examples([30, 20, 10], "relu", "cross_entropy", train=200, test=30, dtype="float32")
    found = influence(network, train, test)
    assert found.proponent_scores.dtype == np.float32
    wide = influence(network.to(np, dtype="float64"), train, test)
    np.testing.assert_allclose(found.proponent_scores, wide.proponent_scores, rtol=1e-4)
    np.testing.assert_allclose(found.opponent_scores, wide.opponent_scores, rtol=1e-4)


def test_a_float64_network_among_float32_ones_makes_the_result_float64():
    narrow, train, test = examples([4, 3], "relu", "cross_entropy", dtype="float32")
    X, Z = train[0].astype("float64"), test[0].astype("float64")
    wide = narrow.to(np, dtype="float64")
    found = influence([narrow, wide], (X, train[1]), (Z, test[1]))
    assert found.proponent_scores.dtype == np.float64
    assert found.proponent_scores == pytest.approx(
        influence([wide, wide], (X, train[1]), (Z, test[1])).proponent_scores, rel=1e-4
    )


def test_networks_of_different_hidden_layers_may_stand_together():
    first, train, test = examples([4, 6, 3], "relu", "cross_entropy")
    second = Network.create([4, 5, 7, 3], activation="tanh", rng=3)
    expected = matrix_of(first, train, test) + matrix_of(second, train, test)
    assert_extremes(influence([first, second], train, test, k=5), expected, 5)
    assert_extremes(
        influence([first, second], train, test, k=5, layers=[2]),
        matrix_of(first, train, test, [2]) + matrix_of(second, train, test, [2]),
        5,
    )


def test_networks_of_different_losses_each_take_y_their_way():
    first, train, test = examples([4, 3], "relu", "cross_entropy")
    second = Network(*first.to_lists(), loss="cross_entropy(label_smoothing=0.2)")
    expected = matrix_of(first, train, test) + matrix_of(second, train, test)
    assert_extremes(influence([first, second], train, test, k=5), expected, 5)


# Blocks and the search for the largest


@each_engine
def test_the_result_does_not_depend_on_the_blocks():
    network, train, test = examples([5, 6, 3], "tanh", "cross_entropy", train=61, test=17)
    networks = [(network, 0.7), (network, 0.1)]
    matrix = 0.8 * matrix_of(network, train, test)
    smallest = _smallest_limit(lambda limit: influence(networks, train, test, k=9, memory_limit=limit))
    whole = influence(networks, train, test, k=9)
    for limit in (smallest, smallest + 1, 2 * smallest, 10_000, 50_000):
        found = influence(networks, train, test, k=9, memory_limit=limit)
        assert_extremes(found, matrix, 9)
        np.testing.assert_array_equal(found.proponents, whole.proponents)
        np.testing.assert_array_equal(found.opponents, whole.opponents)
        for score in (self_influence, grand):
            np.testing.assert_allclose(
                score(network, *train, memory_limit=limit), score(network, *train), rtol=RELATIVE
            )


def _smallest_limit(call):
    """What the error for a limit of 1 byte says is the least."""
    with pytest.raises(InputError, match="memory_limit is 1 bytes, but") as error:
        call(1)
    return int(str(error.value).split("takes ")[1].split(":")[0])


def test_the_smallest_memory_limit_is_enough_and_one_byte_less_is_not():
    network, train, test = examples([5, 6, 3], "tanh", "cross_entropy")
    smallest = _smallest_limit(lambda limit: influence(network, train, test, memory_limit=limit))
    influence(network, train, test, memory_limit=smallest)
    with pytest.raises(InputError, match=f"memory_limit is {smallest - 1} bytes"):
        influence(network, train, test, memory_limit=smallest - 1)


@pytest.mark.parametrize(("limit", "k"), [(2**18, 3), (2**20, 3), (2**20, 150)])
def test_memory_stays_within_the_limit_besides_the_result(limit, k):
    network, train, test = examples([20, 30, 10], "relu", "cross_entropy", train=2000, test=1500)
    networks = [network, Network.create([20, 40, 10], rng=1)]
    influence(networks, (train[0][:5], train[1][:5]), (test[0][:5], test[1][:5]))  # what is made once
    tracemalloc.start()
    found = influence(networks, train, test, k=k, memory_limit=limit)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    result = 4 * found.proponents.nbytes
    targets = (10 + 1) * (train[1].nbytes + test[1].nbytes)  # one-hot for the formulas
    assert peak <= limit + result + targets + 2**16  # all influences would be 24 MB


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("width", [1, 2, 3, 7, 10, 100])
@pytest.mark.parametrize("k", [1, 2, 5, 60])
def test_extremes_equal_a_full_sort_with_ties_by_lower_column(k, width, sign):
    rng = np.random.default_rng([k, width])
    drawings = [
        rng.normal(size=(11, 60)),
        rng.integers(-2, 3, size=(11, 60)).astype(float),  # ties everywhere
        np.zeros((11, 60)),
        np.sort(rng.normal(size=(11, 60)), axis=1),  # each block beats all before
        np.where(rng.random((11, 60)) < 0.8, -np.inf, 1.0).clip(-5),
        np.where(np.arange(11)[:, None] == 4, np.arange(60.0), -np.arange(60.0)),  # one row changes always
    ]
    for matrix in drawings:
        extremes = Extremes(11, k, sign, matrix.dtype)
        for first in range(0, 60, width):
            extremes.offer(matrix[:, first : first + width], first)
        columns, values = sorted_extremes(matrix, k, sign)
        found = extremes.in_order()
        np.testing.assert_array_equal(found[0], columns)
        np.testing.assert_array_equal(found[1], values)


def test_equal_scores_stand_in_the_order_of_the_rows():
    network, (X, y), test = examples([4, 3], "relu", "cross_entropy", train=5)
    X, y = np.tile(X, (20, 1)), np.tile(y, 20)
    least = _smallest_limit(lambda limit: influence(network, (X, y), test, memory_limit=limit))
    for limit in (2**20, 30 * least):
        found = influence(network, (X, y), test, k=20, memory_limit=limit)
        for row in found.proponents:
            assert np.unique(row % 5).size == 1  # the best example, all twenty times
            np.testing.assert_array_equal(row, np.sort(row))


def test_k_larger_than_the_training_set_gives_all_of_it():
    network, train, test = examples([4, 3], "relu", "cross_entropy", train=6)
    found = influence(network, train, test, k=100)
    assert found.proponents.shape == found.opponent_scores.shape == (7, 6)
    np.testing.assert_array_equal(found.proponents, found.opponents[:, ::-1])


@pytest.mark.parametrize("count", [1, 2])
def test_one_example_is_enough(count):
    network, train, test = examples([4, 6, 3], "relu", "cross_entropy", train=count, test=1)
    assert_extremes(influence(network, train, test, k=1), matrix_of(network, train, test), 1)
    for score in (self_influence, grand, el2n):
        assert score(network, *train).shape == (count,)


def test_examples_of_one_class_and_a_network_with_one_output():
    network, (X, _), (Z, _) = examples([4, 6, 3], "relu", "cross_entropy")
    y, z = np.full(len(X), 2), np.full(len(Z), 2)
    assert_extremes(influence(network, (X, y), (Z, z), k=3), matrix_of(network, (X, y), (Z, z)), 3)
    sure = Network.create([4, 1], rng=0)  # softmax of one output is 1: nothing to learn
    y, z = np.zeros(len(X), int), np.zeros(len(Z), int)
    found = influence(sure, (X, y), (Z, z), k=3)
    assert (found.proponent_scores == 0).all()
    np.testing.assert_array_equal(found.proponents, np.tile([0, 1, 2], (len(Z), 1)))
    np.testing.assert_array_equal(found.opponents, found.proponents)
    for score in (self_influence, grand, el2n):
        assert (score(sure, X, y) == 0).all()


def test_rates_of_zero_give_zero():
    network, train, test = examples([4, 3], "relu", "cross_entropy")
    assert (influence((each for each in [(network, 0.0)]), train, test).proponent_scores == 0).all()
    assert (self_influence([(network, 0)], *train) == 0).all()


# What may be given as networks


def test_epochs_count_by_their_learning_rates():
    network, train, test = examples([4, 6, 3], "tanh", "cross_entropy")
    kept: list[Epoch] = []
    fit(
        network, *train, epochs=3, schedule="cosine", optimizer="sgd(learning_rate=0.1)", rng=0, callbacks=[kept.append]
    )
    rates = [epoch.learning_rate or 0.0 for epoch in kept]
    assert len(set(rates)) == 3
    expected = sum(rate * matrix_of(epoch.network, train, test) for epoch, rate in zip(kept, rates, strict=True))
    assert_extremes(influence(kept, train, test, k=4), expected, 4)
    own = self_influence(kept, *train)
    pairs_of = [(epoch.network, rate) for epoch, rate in zip(kept, rates, strict=True)]
    np.testing.assert_array_equal(own, self_influence(pairs_of, *train))
    plain = sum(matrix_of(epoch.network, train, test) for epoch in kept)
    assert_extremes(influence(kept, train, test, k=4, learning_rates=1.0), plain, 4)
    np.testing.assert_array_equal(self_influence(kept[0], *train), self_influence(kept[:1], *train))
    for score in (grand, el2n):
        np.testing.assert_array_equal(score(kept, *train), score([epoch.network for epoch in kept], *train))
        np.testing.assert_array_equal(score(pairs_of, *train), score(kept, *train))


def test_epochs_without_learning_rates_need_some():
    network, train, test = examples([4, 3], "relu", "cross_entropy")
    kept: list[Epoch] = []
    fit(network, *train, epochs=3, optimizer="lbfgs", callbacks=[kept.append])
    with pytest.raises(InputError, match=r"networks\[0\] has no learning rate: give learning_rates"):
        influence(kept, train, test)
    assert influence(kept, train, test, learning_rates=0.1).proponents.shape == (7, 10)
    assert grand(kept, *train).shape == (23,)


def test_files_of_networks_and_checkpoints(tmp_path):
    network, train, test = examples([4, 6, 3], "tanh", "cross_entropy")
    training = fit(network, *train, epochs=2, rng=0, checkpoint=tmp_path / "run.safetensors")
    save(network, tmp_path / "start.safetensors")
    found = influence([str(tmp_path / "start.safetensors"), tmp_path / "run.safetensors"], train, test, k=4)
    assert_extremes(found, matrix_of(network, train, test) + matrix_of(training.network, train, test), 4)
    rated = influence([(tmp_path / "start.safetensors", 0.5)], train, test, k=4)
    assert_extremes(rated, 0.5 * matrix_of(network, train, test), 4)
    np.testing.assert_array_equal(el2n(tmp_path / "start.safetensors", *train), el2n(network, *train))


NET = Network.create([4, 3], rng=0)
SET = (np.zeros((2, 4)), [0, 1])


@pytest.mark.parametrize(
    ("networks", "options", "error", "message"),
    [
        (None, {}, InputTypeError, r"networks is a NoneType, expected a backtalk\.Network"),
        ([], {}, InputError, "networks is empty"),
        ([NET, 3], {}, InputTypeError, r"networks\[1\] is a int, expected a backtalk\.Network"),
        ([(NET, 0.1, 2)], {}, InputTypeError, r"networks\[0\] is a tuple of 3"),
        ([(NET, "0.1")], {}, InputTypeError, r"the learning rate of networks\[0\] is '0\.1', expected a number"),
        ([(NET, -0.1)], {}, InputError, r"the learning rate of networks\[0\] is -0\.1, expected a finite number of 0"),
        ([(NET, float("nan"))], {}, InputError, r"the learning rate of networks\[0\] is nan"),
        ([(NET, True)], {}, InputTypeError, "is True, expected a number"),
        ([(NET, 0.1), NET], {}, InputError, r"networks\[1\] has no learning rate: give learning_rates"),
        ([(NET, 0.1)], {"learning_rates": 1}, InputError, r"learning_rates is given, but networks\[0\] has a rate"),
        ([NET], {"learning_rates": [0.1, 0.2]}, InputError, "learning_rates has 2 numbers, but there are 1 networks"),
        ([NET], {"learning_rates": "fast"}, InputTypeError, "learning_rates is 'fast', expected a number, or one"),
        ([NET], {"learning_rates": [float("inf")]}, InputError, r"learning_rates\[0\] is inf"),
        (NET, {"layers": []}, InputError, "layers is empty"),
        (NET, {"layers": [2]}, LayerError, "layers holds 2, expected .* from 1 to 1, the layers of networks"),
        (NET, {"layers": -1}, LayerError, "layers holds -1"),
        (NET, {"layers": [True]}, LayerError, "layers holds True"),
        (NET, {"layers": [1, 1]}, InputError, r"layers is \[1, 1\], which names a layer twice"),
        (NET, {"layers": "all"}, InputTypeError, "layers is 'all', expected the number of a layer"),
        (NET, {"memory_limit": 2.5}, InputTypeError, "memory_limit is 2.5, expected a whole number of bytes"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_networks_is_said(networks, options, error, message):
    with pytest.raises(error, match=message):
        influence(networks, SET, SET, **options)
    with pytest.raises(error, match=message):
        self_influence(networks, *SET, **options)


@pytest.mark.parametrize(
    ("train", "test", "options", "error", "message"),
    [
        (SET[0], SET, {}, InputTypeError, r"train is a ndarray, expected a pair \(X, y\)"),
        (SET, (*SET, None), {}, InputTypeError, r"test is 3 things, expected a pair \(X, y\)"),
        ((SET[0][:, :3], SET[1]), SET, {}, InputError, "train: X has 3 columns, but the network has 4 inputs"),
        (SET, (SET[0], [0]), {}, InputError, "test: y has 1 labels, but X has 2 rows"),
        (SET, (SET[0], [0, 3]), {}, InputError, "test: y is 3 at row 1, expected labels 0 … 2"),
        (SET, (np.full((2, 4), np.nan), [0, 1]), {}, InputError, "test: X holds nan"),
        ((SET[0][:0], []), SET, {}, InputError, "train: X has no rows"),
        (SET, SET, {"k": 0}, InputError, "k is 0, expected 1 or more"),
        (SET, SET, {"k": 2.0}, InputTypeError, "k is 2.0, expected a whole number"),
        (SET, SET, {"k": True}, InputTypeError, "k is True, expected a whole number"),
    ],
)
def test_what_is_wrong_with_the_examples_is_said(train, test, options, error, message):
    with pytest.raises(error, match=message):
        influence(NET, train, test, **options)


def test_a_network_whose_inputs_do_not_fit_is_named_by_its_examples():
    with pytest.raises(InputError, match="X has 4 columns, but the network has 5 inputs"):
        grand([NET, Network.create([5, 3], rng=0)], *SET)


# Gradients that are not finite


def _overflowing():
    """A network whose hidden unit 1 is too big for float64 where x_0 is 1e300."""
    return Network([[[1.0, 0.0], [1e200, 0.0]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]], "relu", "squared_error")


@each_engine
@pytest.mark.filterwarnings("error")
def test_a_gradient_that_is_not_finite_names_network_set_and_example():
    good, bad = Network([[[0.0, 0.0]]], [[0.0]], loss="squared_error"), _overflowing()
    X = np.zeros((700, 2))
    X[650, 0] = 1e200
    big, small = (X, np.zeros(700)), (np.zeros((3, 2)), np.zeros(3))
    message = r"holds example 650, whose gradient under networks\[1\] is not finite \(h_1 holds inf at unit 1\)"
    with pytest.raises(InputError, match="train " + message):
        influence([good, bad], big, small)
    with pytest.raises(InputError, match="test " + message):
        influence([good, bad], small, big)
    with pytest.raises(InputError, match=r"X holds example 650, whose gradient under networks\[1\] is not finite"):
        grand([good, bad], *big)
    with pytest.raises(InputError, match=r"X holds example 650, whose gradient under networks is not finite"):
        self_influence(bad, *big)
    with pytest.raises(InputError, match=r"X holds example 650, whose output under networks\[1\] is not finite"):
        el2n([good, bad], *big)


@pytest.mark.parametrize(
    ("dtype", "size", "hint"), [("float32", 1e15, "or use float64 networks"), ("float64", 1e90, "them out.$")]
)
def test_an_influence_too_big_for_its_dtype_is_refused(dtype, size, hint):
    network = Network([[[1.0]]], [[0.0]], loss="squared_error").to(np, dtype=dtype)
    train = (np.array([[1.0], [size]], dtype), np.zeros(2, dtype))
    test = (np.array([[1.0], [1.0], [size]], dtype), np.zeros(3, dtype))
    with pytest.raises(
        InputError, match=f"the influence of train example 1 on test example 2 is inf, too big for {dtype}.*{hint}"
    ):
        influence(network, train, test)


def test_a_self_influence_too_big_for_float64_is_refused_where_the_norm_is_not():
    network = Network([[[1e-100]]], [[0.0]], loss="squared_error")
    X, y = [[1.0], [1e200]], [0.0, 0.0]
    np.testing.assert_allclose(grand(network, X, y)[1], 1e300)
    with pytest.raises(InputError, match=r"X holds example 1, whose self-influence under networks is not finite \(its"):
        self_influence(network, X, y)


def test_self_influence_of_float32_gradients_has_the_range_of_float64():
    network = Network([[[1.0]]], [[0.0]], loss="squared_error").to(np, dtype="float32")
    X = np.array([[1e15]], "float32")
    np.testing.assert_allclose(self_influence(network, X, np.zeros(1)), 1e60, rtol=1e-4)


def test_the_whole_matrix_is_the_gram_matrix_between_the_two_sets():
    network, train, test = examples([3, 4, 5, 2], "tanh", "cross_entropy")
    assert_extremes(influence(network, train, test, k=9), gram(network, *test, train), 9)
    np.testing.assert_allclose(self_influence(network, *train), np.diag(gram(network, *train)), rtol=RELATIVE)


def test_a_score_that_leaves_float64_is_said_and_a_mean_that_does_not_is_given():
    net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    with pytest.raises(InputError, match="X holds example 0, whose self-influence under networks is not finite"):
        self_influence(net, [[0.0]], [1.3e155])
    with pytest.raises(InputError, match=r"self-influence under networks\[1\] is not finite"):
        self_influence([(net, 1.0), (net, 1.0)], [[0.0]], [1.3e154])
    assert grand([net, net], [[0.0]], [1e308]) == 1e308


def test_what_has_no_order_is_no_list_of_networks_or_rates():
    net = Network([[[0.0]]], [[0.0]], loss="squared_error")
    for wrong in ({0.1, 0.2}, {0.1: 1, 0.2: 2}, np.array(0.1)):
        with pytest.raises(InputTypeError, match="learning_rates is "):
            self_influence([net, net], [[0.0]], [1.0], learning_rates=wrong)
    with pytest.raises(InputTypeError, match="networks is a dict"):
        self_influence({"a": net}, [[0.0]], [1.0])
    with pytest.raises(InputTypeError, match="is a pair within a pair"):
        self_influence([((net, 0.1), 0.2)], [[0.0]], [1.0])
    with pytest.raises(InputError, match=r"the learning rate of .* is 1000"):
        self_influence([(net, 10**400)], [[0.0]], [1.0])
    with pytest.raises(InputError, match=r"networks\[1\]: X has 1 columns"):
        self_influence([net, Network.create([2, 1], loss="squared_error", rng=0)], [[0.0]], [1.0])
