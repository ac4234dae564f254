"""Training by the kernels is training by the formulas: parameters, losses, measures, and how it ends."""

from __future__ import annotations

import itertools

import array_api_strict
import numpy as np
import pytest

from backtalk import SGD, Adam, AdamW, DivergedError, InputError, Nesterov, Network, UnknownNameError, fit
from backtalk.core.losses import LOSSES, Huber
from backtalk.core.optimizers import Optimizer
from backtalk.engines.native import steps as native
from engines import EVERY_ACTIVATION, SOFTSIGN, drawn, needs_kernels, same_bits

pytestmark = needs_kernels
TOLERANCE = {"float32": 1e-4, "float64": 1e-10}
OPTIMIZERS = [
    SGD(0.05), SGD(0.05, momentum=0), SGD(0.05, weight_decay=0.1), SGD(0.05, momentum=0, weight_decay=0.1),
    Nesterov(0.05), Nesterov(0.05, momentum=0.5, weight_decay=0.1), Adam(0.01),
    Adam(0.01, 0.8, 0.99, 1e-3, weight_decay=0.1), AdamW(0.01), AdamW(0.01, beta_1=0, weight_decay=0.2),
]  # fmt: skip


def both(network: Network, *data, **options):
    """(training, measures of each epoch) by the kernels and by the formulas."""
    found = []
    for engine in ("native", "formula"):
        epochs = []
        training = fit(network, *data, rng=3, engine=engine, callbacks=epochs.append, **options)
        found.append((training, [epoch.measures for epoch in epochs]))
    return found


def require_the_same(one, other, dtype: str) -> None:
    (ours, our_measures), (theirs, their_measures) = one, other
    close = {"rtol": TOLERANCE[dtype]}
    np.testing.assert_allclose(ours.losses, theirs.losses, **close)
    pairs = zip(*(itertools.chain(*each.network.to_lists()) for each in (ours, theirs)), strict=True)
    for found, expected in pairs:
        assert found.dtype == expected.dtype == dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=TOLERANCE[dtype] * np.abs(expected).max())
    assert [len(epoch) for epoch in our_measures] == [len(epoch) for epoch in their_measures]
    for found, expected in zip(itertools.chain(*our_measures), itertools.chain(*their_measures), strict=True):
        assert found.layer == expected.layer
        for name in ("grad_a", "grad_h", "grad_W", "W", "update", "silent"):
            value, wanted = getattr(found, name), getattr(expected, name)
            assert (value is None) == (wanted is None)
            if wanted is not None:
                np.testing.assert_allclose(value, wanted, atol=1e-12, **close)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("l2_penalty", [0.0, 0.1])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_optimizer_takes_the_steps_of_the_formulas(dtype, optimizer, l2_penalty, weighted):
    case = drawn([7, 33, 17, 5], "tanh", "cross_entropy", 50, weighted=weighted, dtype=dtype)
    # 13 does not divide 50: the last mini-batch is shorter
    options = {"epochs": 4, "batch_size": 13, "optimizer": optimizer, "l2_penalty": l2_penalty, "measure_every": 3}
    require_the_same(*both(*case, **options), dtype)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", EVERY_ACTIVATION, ids=str)
def test_every_activation_and_loss_trains_as_by_the_formulas(activation, loss):
    case = drawn([4, 9, 3, 2], activation, loss, 40, weighted=True, dtype="float64")
    require_the_same(
        *both(*case, epochs=3, batch_size=9, measure_every=1, optimizer="nesterov(learning_rate=0.001)"), "float64"
    )


@pytest.mark.parametrize("sizes", [[1, 1], [5, 40], [3, 1, 2], [6, 5, 9, 8, 17, 3, 16, 4]])
@pytest.mark.parametrize("batch_size", [1, 8, 50, 1000])
def test_every_size_of_network_and_batch_trains_as_by_the_formulas(sizes, batch_size):
    case = drawn(sizes, "sigmoid", "squared_error", 50, weighted=False, dtype="float64")
    require_the_same(*both(*case, epochs=2, batch_size=batch_size, measure_every=1), "float64")


@pytest.mark.parametrize("y", ["labels", "probabilities", "smoothed"])
def test_every_form_of_y_trains_as_by_the_formulas(y):
    loss = "cross_entropy(label_smoothing=0.2)" if y == "smoothed" else "cross_entropy"
    network, X, labels, weights = drawn([7, 9, 5], "gelu", loss, 50, weighted=True, dtype="float64")
    target = np.random.default_rng(0).dirichlet(np.ones(5), 50) if y == "probabilities" else labels
    require_the_same(*both(network, X, target, weights, epochs=2, batch_size=16, measure_every=2), "float64")


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_weights_of_any_size_count_and_mini_batches_without_weight_are_left_out(dtype):
    network, X, y, _ = drawn([7, 9, 5], "tanh", "cross_entropy", 50, weighted=False, dtype=dtype)
    one = np.zeros(50)
    one[7] = 3.0
    tiny = np.where(np.arange(50) % 2, 1.0, 1e-44 if dtype == "float32" else 5e-324)
    wide = 10.0 ** -np.arange(50)
    for weights in (one, tiny, wide):
        for batch_size in (1, 4):
            require_the_same(
                *both(network, X, y, weights, epochs=2, batch_size=batch_size, measure_every=1, optimizer=SGD(0.01)),
                dtype,
            )


def test_nothing_is_measured_unless_it_is_asked_for_and_the_first_steps_are_whatever_comes_later():
    case = drawn([7, 9, 5], "tanh", "cross_entropy", 50, weighted=False, dtype="float64")
    assert [measures for _, measures in both(*case, epochs=2, measure_every=0)] == [[(), ()]] * 2
    found = both(*case, epochs=3, batch_size=8, measure_every=100)  # 7 steps in an epoch
    assert [[bool(each) for each in measures] for _, measures in found] == [[True, False, False]] * 2
    require_the_same(*found, "float64")


def test_the_first_steps_are_measured_over_the_end_of_an_epoch_and_steps_that_are_due_once():
    case = drawn([7, 9, 5], "tanh", "cross_entropy", 50, weighted=False, dtype="float64")
    every, some = (both(*case, epochs=4, batch_size=25, measure_every=each) for each in (1, 3))
    require_the_same(*some, "float64")
    # 2 steps in an epoch: steps 1 to 5, and 6 as it is due
    assert some[0][1][:3] == every[0][1][:3]


def test_measuring_does_not_change_a_bit():
    case = drawn([7, 33, 5], "tanh", "cross_entropy", 50, weighted=True, dtype="float32")
    plain, measured = (fit(*case, epochs=5, rng=0, l2_penalty=0.1, measure_every=every) for every in (0, 1))
    assert same_bits(plain.network, measured.network)
    assert plain.losses == measured.losses


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "elu", SOFTSIGN], ids=str)
def test_silent_units_are_counted_as_by_the_formulas(activation):
    network, X, y, _ = drawn([3, 70, 2], activation, "cross_entropy", 300, weighted=False, dtype="float64")
    b = network.b[1].copy()
    b[::3] -= 1e5
    network = Network([network.W[1], network.W[2]], [b, network.b[2]], activation)
    found = both(network, X, y, epochs=1, batch_size=300, measure_every=1)
    require_the_same(*found, "float64")
    assert found[0][1][0][0].silent >= 24 / 70


def test_the_time_of_a_call_and_the_share_of_copies_do_not_change_a_bit(monkeypatch):
    case = drawn([7, 33, 5], "tanh", "cross_entropy", 50, weighted=True, dtype="float64")
    expected = fit(*case, epochs=4, batch_size=7, rng=0)
    for seconds, share in itertools.product([1e-9, 1000], [1e-12, 1e12]):
        monkeypatch.setattr(native, "SECONDS", seconds)
        monkeypatch.setattr(native, "SHARE_OF_COPIES", share)
        training = fit(*case, epochs=4, batch_size=7, rng=0)
        assert training.losses == expected.losses
        assert same_bits(training.network, expected.network)


def diverging(name: str, dtype: str = "float64"):
    """(arguments and options of fit) that come to an end in different ways."""
    network, X, y, weights = drawn([3, 4, 4, 1], "relu", "squared_error", 50, weighted=True, dtype=dtype)
    data, options = (network, X, y, weights), {"batch_size": 13, "epochs": 400, "rng": 1}
    if name == "in the first step, in a":
        big = [W * (1e20 if dtype == "float32" else 1e160) for W in network.W.values()]
        return (Network(big, list(network.b.values()), "relu", "squared_error"), *data[1:]), options
    if name == "in the first step, in the loss":
        return (network, X, y * (1e30 if dtype == "float32" else 1e200), weights), options
    if name == "in the only step, in W":
        scale = 1e15 if dtype == "float32" else 1e150
        rate = 1e35 if dtype == "float32" else 1e300
        return (network, X, y * scale, weights), options | {"batch_size": 50, "epochs": 1, "optimizer": SGD(rate)}
    if name == "after many epochs":  # by a penalty that makes of each weight −1.05 times itself
        return data, options | {"optimizer": SGD(1e-9, momentum=0), "l2_penalty": 2.05e9}
    if name == "by a momentum":
        linear = Network(*network.to_lists(), "identity", "squared_error")
        return (linear, *data[1:]), options | {"optimizer": SGD(0.3)}
    if name == "in the second epoch":
        return data, options | {"optimizer": SGD(1e5 if dtype == "float32" else 1e40, momentum=0), "batch_size": 25}
    if name == "exponentials":
        poisson = Network(*network.to_lists(), "identity", "poisson_deviance")
        return (poisson, X, abs(y) * 10, weights), options | {"optimizer": SGD(5.0)}
    raise AssertionError(name)


DIVERGING = [
    "in the first step, in a", "in the first step, in the loss", "in the only step, in W", "after many epochs",
    "by a momentum", "in the second epoch", "exponentials",
]  # fmt: skip


def how_it_ends(arguments, options, engine):
    with pytest.raises(DivergedError) as caught:
        fit(*arguments, engine=engine, **options)
    return caught.value


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", DIVERGING)
def test_divergence_is_told_as_by_the_formulas(name, dtype, monkeypatch):
    arguments, options = diverging(name, dtype)
    expected = how_it_ends(arguments, options, "formula")
    first = None
    # copies of the parameters after each call or after none but the first, calls of one step or of many
    for seconds, share in itertools.product([1e-9, 1000], [1e-12, 1e12]):
        monkeypatch.setattr(native, "SECONDS", seconds)
        monkeypatch.setattr(native, "SHARE_OF_COPIES", share)
        found = how_it_ends(arguments, options, "native")
        assert (found.step, found.quantity, found.layer) == (expected.step, expected.quantity, expected.layer)
        assert str(found) == str(expected)
        pairs = zip(*(itertools.chain(*each.network.to_lists()) for each in (found, expected)), strict=True)
        for ours, theirs in pairs:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=10 * TOLERANCE[dtype] * np.abs(theirs).max())
            assert np.isfinite(ours).all()
        first = first or found
        assert same_bits(found.network, first.network)


def test_the_ways_to_diverge_are_different():
    steps = {name: how_it_ends(*diverging(name), "native").step for name in DIVERGING}
    assert steps["in the first step, in a"] == steps["in the first step, in the loss"] == 1
    assert steps["after many epochs"] > 100
    assert len(set(steps.values())) > 4


def test_divergence_in_the_first_step_gives_back_the_network_that_was_given():
    arguments, options = diverging("in the first step, in a")
    assert same_bits(how_it_ends(arguments, options, "native").network, arguments[0])


def test_an_activation_that_raises_in_the_middle_passes_its_exception_on():
    calls = []

    def g(a):
        calls.append(a.shape)
        if len(calls) > 20:
            raise LookupError("tired")
        return np.tanh(a)

    activation = type(SOFTSIGN)(
        name="mine", kinks=(), initialization="he_normal", function=g, derivative=lambda a: 1 - np.tanh(a) ** 2
    )
    case = drawn([7, 9, 5], activation, "cross_entropy", 50, weighted=False, dtype="float64")
    with pytest.raises(LookupError, match="tired"):
        fit(*case, epochs=50, batch_size=13, rng=0)
    assert set(calls) == {(13, 9), (11, 9)}


def test_an_activation_that_overflows_is_as_quiet_as_by_the_formulas():
    activation = type(SOFTSIGN)(
        name="mine", kinks=(), initialization="he_normal", function=lambda a: np.exp(a * 1e4), derivative=np.exp
    )
    arguments = drawn([7, 9, 5], activation, "squared_error", 50, weighted=False, dtype="float64")
    found, expected = (how_it_ends(arguments, {"epochs": 2, "rng": 0}, engine) for engine in ("native", "formula"))
    assert str(found) == str(expected)


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(
            lambda: Network.create([3, 1], loss=OwnHuber(), rng=0), "no form of huber", id="a loss of one's own"
        ),
        pytest.param(
            lambda: Network.create([3, 2], rng=0).to(array_api_strict),
            "arrays are of array_api_strict, expected NumPy",
            id="another library",
        ),
    ],
)
def test_the_kernels_say_what_they_cannot_train(make, reason):
    with pytest.raises(InputError, match=f"engine is 'native', which cannot train this network: .*{reason}"):
        fit(network := make(), network.spec.xp.zeros((2, 3)), network.spec.xp.zeros(2), engine="native")


class OwnHuber(Huber):
    """A loss that only the formulas know."""

    __slots__ = ()


class OwnAdam(Adam):
    """An optimizer that only the formulas know."""

    __slots__ = ()


def test_what_the_kernels_do_not_know_is_left_to_the_formulas():
    case = drawn([3, 4, 2], "tanh", "huber", 20, weighted=False, dtype="float64")
    own = Network(*case[0].to_lists(), "tanh", OwnHuber())
    expected = fit(*case, epochs=2, rng=0, engine="formula")
    assert same_bits(fit(own, *case[1:], epochs=2, rng=0).network, expected.network)
    optimizer: Optimizer = OwnAdam()
    assert same_bits(fit(*case, epochs=2, rng=0, optimizer=optimizer).network, expected.network)
    with pytest.raises(InputError, match="the kernels have no form of "):
        fit(*case, optimizer=optimizer, engine="native")


def test_an_unknown_engine_is_refused():
    case = drawn([3, 4, 2], "tanh", "squared_error", 20, weighted=False, dtype="float64")
    with pytest.raises(UnknownNameError, match="engine is 'nativ', which is not known: did you mean 'native'"):
        fit(*case, engine="nativ")
