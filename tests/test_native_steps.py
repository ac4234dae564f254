"""The steps of the kernels keep the contract of train/steps.py, and are those of the formulas with every setting."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from backtalk import SGD, Adam, AdamW, DivergedError, Dropout, Nesterov, Network
from backtalk.core.backward import talk_back
from backtalk.core.batch import Batch
from backtalk.core.forward import propagate
from backtalk.core.inputs import as_target, as_weight
from backtalk.core.optimizers import AdamEpsilonHat, AdamUncorrected, Optimizer
from backtalk.engines.formula import FormulaSteps
from backtalk.engines.native import kernels as builds
from backtalk.engines.native import passes as engine
from backtalk.engines.native import steps as native
from backtalk.engines.native.steps import NativeSteps
from backtalk.engines.steps import ENDLESS, StepSettings, Taken
from engines import EVERY_ACTIVATION, SOFTSIGN, by_formula, drawn, largest_error, needs_kernels, same_bits

pytestmark = needs_kernels
OPTIMIZERS: list[Optimizer] = [
    SGD(0.05), SGD(0.05, momentum=0, weight_decay=0.1), Nesterov(0.05, weight_decay=0.1), Adam(0.01),
    AdamEpsilonHat(0.01, epsilon=1e-3), AdamEpsilonHat(0.01, weight_decay=0.1), AdamUncorrected(0.01),
    AdamW(0.01, weight_decay=0.2),
]  # fmt: skip
EVERYTHING = {"l2_penalty": 0.3, "l2_per_weight": True, "clip_norm": 0.4, "measure_every": 1}
TOLERANCE = {"float32": 2e-4, "float64": 1e-11}


@pytest.fixture(params=builds.available())
def variant(request, monkeypatch) -> str:
    """Each build of the kernels that runs here, in turn."""
    monkeypatch.setattr(engine, "kernels", lambda: request.param)
    return request.param


def case(sizes, activation="tanh", loss="cross_entropy", count=50, *, weighted=False, dtype="float64", seed=0):
    """A network and examples, with the target in place of labels."""
    network, X, y, weight = drawn(sizes, activation, loss, count, weighted, dtype, seed)
    weight = None if weight is None else weight.astype(dtype)
    return network, Batch(network, X, as_target(network, y, count), weight)


def drawn_rates(count: int) -> np.ndarray:
    return np.random.default_rng(5).uniform(0.001, 0.05, count)


def run(steps, examples: Batch, batch_size: int, epochs: int = 3, *, most: int = ENDLESS, rates=None) -> list[Taken]:
    """Epochs of steps, each update at a rate of its own; gives how each epoch ended."""
    steps.use(examples)
    rng, first, ends = np.random.default_rng(1), steps.step, []
    rates = drawn_rates(10_000) if rates is None else rates
    for _ in range(epochs):
        order, taken, before = rng.permutation(examples.count), Taken(0, 0, 0.0, 0.0), steps.step
        while taken.place < len(order):
            left = rates[steps.step - first :]
            taken = steps.take(order, taken.place, batch_size, left, most=most, loss=taken.loss, weight=taken.weight)
            assert taken.steps <= most
        ends.append(taken._replace(steps=steps.step - before))
    return ends


def both(network: Network, examples: Batch, settings: StepSettings, batch_size: int, epochs: int = 3):
    """(steps, how each epoch ended, measures) of the kernels and of the formulas."""
    found = []
    for kind in (NativeSteps, FormulaSteps):
        steps = kind(network, settings)
        ends = run(steps, examples, batch_size, epochs)
        found.append((steps, ends, steps.measures()))
    return found


def require_close(ours, theirs, tolerance: float) -> None:
    assert len(ours) == len(theirs)
    for found, expected in zip(ours, theirs, strict=True):
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * max(np.abs(expected).max(), 1e-3))


def parameters(network: Network) -> list[np.ndarray]:
    return [*network.W.values(), *network.b.values()]


def require_the_same(one, other, tolerance: float) -> None:
    (ours, our_ends, our_measures), (theirs, their_ends, their_measures) = one, other
    assert ours.step == theirs.step
    for found, expected in zip(our_ends, their_ends, strict=True):
        assert (found.place, found.steps) == (expected.place, expected.steps)
        assert found.loss == pytest.approx(expected.loss, rel=tolerance)
        assert found.weight == pytest.approx(expected.weight, rel=tolerance)
    require_close(parameters(ours.network), parameters(theirs.network), tolerance)
    assert len(our_measures) == len(their_measures)
    for found, expected in zip(our_measures, their_measures, strict=True):
        for name in ("grad_a", "grad_h", "grad_W", "W", "update", "silent"):
            value, wanted = getattr(found, name), getattr(expected, name)
            assert (value is None) == (wanted is None)
            if wanted is not None:
                assert value == pytest.approx(wanted, rel=10 * tolerance, abs=1e-9)


def require_equal_states(one, other) -> None:
    assert one.step == other.step
    assert same_bits(one.network, other.network)
    ours, theirs = one.state(), other.state()
    assert ours.step == theirs.step
    assert ours.arrays.keys() == theirs.arrays.keys()
    for family in ours.arrays:
        pairs = zip(ours.arrays[family], theirs.arrays[family], strict=True)
        assert all(np.array_equal(found, expected) for found, expected in pairs)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_every_optimizer_with_every_setting_takes_the_steps_of_the_formulas(dtype, optimizer, weighted):
    network, examples = case([7, 33, 17, 5], weighted=weighted, dtype=dtype)
    settings = StepSettings(optimizer, dropout=Dropout((0.3, 0.5), seed=9), **EVERYTHING)
    require_the_same(*both(network, examples, settings, 13), TOLERANCE[dtype])


@pytest.mark.parametrize(
    "options",
    [
        {"measure_every": 2},
        {"l2_penalty": 0.1},
        {"l2_penalty": 0.1, "l2_per_weight": True},
        {"l2_penalty": 0.1, "l2_per_weight": True, "loss_by_count": True},
        {"clip_norm": 0.1},
        {"clip_norm": 1e9},
        {"clip_norm": 0.5, "l2_penalty": 2.0},
        {"dropout": Dropout(0.5, seed=3)},
        {"dropout": Dropout((0.0, 0.9), seed=2**64 - 1)},
        {"dropout": Dropout(0.25), "clip_norm": 0.2, "measure_every": 1},
    ],
    ids=str,
)
@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.usefixtures("variant")
def test_each_setting_in_each_build_is_that_of_the_formulas(options, activation):
    network, examples = case([7, 33, 17, 5], activation, weighted=True)
    require_the_same(*both(network, examples, StepSettings(Adam(0.01), **options), 13), 1e-11)


@pytest.mark.parametrize("activation", EVERY_ACTIVATION, ids=str)
@pytest.mark.parametrize("loss", ["cross_entropy", "huber"])
def test_dropout_goes_with_every_activation(activation, loss):
    network, examples = case([4, 19, 9, 3], activation, loss, weighted=True)
    settings = StepSettings(SGD(0.001), dropout=Dropout(0.4, seed=1), measure_every=1)
    require_the_same(*both(network, examples, settings, 9), 1e-11)


@pytest.mark.parametrize("sizes", [[1, 1], [5, 40], [3, 1, 2], [9, 35, 4], [6, 5, 9, 8, 17, 3, 16, 4]])
@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_every_size_of_network_and_batch_takes_the_steps_of_the_formulas(sizes, batch_size):
    network, examples = case(sizes, "sigmoid", "squared_error", 23)
    settings = StepSettings(AdamEpsilonHat(), dropout=Dropout(0.5), **EVERYTHING)
    require_the_same(*both(network, examples, settings, batch_size, epochs=2), 1e-11)


def test_dropout_of_a_network_without_hidden_layers_does_nothing():
    network, examples = case([5, 3])
    plain, dropped = (
        NativeSteps(network, StepSettings(Adam())),
        NativeSteps(network, StepSettings(Adam(), dropout=Dropout(0.9))),
    )
    assert run(plain, examples, 7) == run(dropped, examples, 7)
    require_equal_states(plain, dropped)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_settings_that_change_nothing_change_no_bit(dtype):
    network, examples = case([7, 33, 5], dtype=dtype)
    ends = []
    for options in ({}, {"clip_norm": 1e9}, {"dropout": Dropout(0.0)}, {"l2_per_weight": True}, {"measure_every": 1}):
        steps = NativeSteps(network, StepSettings(Adam(), **options))
        ends.append((run(steps, examples, 13), steps.network))
    for end, found in ends[1:]:
        assert end == ends[0][0]
        assert same_bits(found, ends[0][1])


def test_mini_batches_without_weight_are_left_out_and_use_no_rate():
    network, examples = case([7, 9, 5])
    weight = np.where(np.arange(50) % 5 == 2, 2.5, 0.0)
    examples = Batch(network, examples.X, examples.y, weight)
    settings = StepSettings(Adam(), dropout=Dropout(0.5), **EVERYTHING)
    for batch_size in (1, 2, 3):
        found = both(network, examples, settings, batch_size)
        require_the_same(*found, 1e-11)
        assert sum(end.steps for end in found[0][1]) < 3 * 50 // batch_size
        assert found[0][1][0].weight == 25.0


def test_labels_and_a_one_hot_target_take_the_same_steps():
    network, X, y, _ = drawn([7, 33, 5], "tanh", "cross_entropy", 50, weighted=False, dtype="float64")
    settings = StepSettings(Adam(), dropout=Dropout(0.5), **EVERYTHING)
    found = []
    for examples in (Batch(network, X, y), Batch(network, X, as_target(network, y, 50))):
        steps = NativeSteps(network, settings)
        found.append((steps, run(steps, examples, 13), steps.measures()))
    require_the_same(*found, 1e-12)


class TestTheMask:
    """It is that of numpy.random.Philox, to the bit."""

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    @pytest.mark.usefixtures("variant")
    def test_it_is_the_one_of_dropout_to_the_bit(self, dtype):
        for units, count in itertools.product([1, 2, 4, 7, 8, 15, 16, 17, 31, 32, 33, 48, 70], [1, 5, 33]):
            ones = [np.zeros((units, 1)), np.zeros((3, units)), np.zeros((1, 3))]
            network = Network(ones, [np.ones(units), np.ones(3), np.zeros(1)], "identity", "squared_error")
            network = network.to(np, dtype=dtype)
            for dropout in (Dropout(0.5), Dropout((0.1, 0.99), 2**64 - 1, 2**40), Dropout((1 / 65536, 0.0), 77, 3)):
                trace = engine.forward(network, np.zeros((count, 1), dtype), dropout)
                assert trace.masks is not None
                for i, width in ((1, units), (2, 3)):
                    expected = dropout.mask(i, (count, width)).astype(dtype)
                    np.testing.assert_array_equal(trace.h[i], expected)
                    np.testing.assert_array_equal(trace.masks[i], expected)

    def test_it_goes_on_over_the_parts_of_a_long_forward_pass(self):
        network, X, *_ = drawn([2, 21, 1], "relu", "squared_error", 9001, weighted=False, dtype="float64")
        dropout = Dropout(0.5, 3, 8)
        assert largest_error(engine.forward(network, X, dropout), propagate(network, X, dropout)) < 1e-12

    def test_it_counts_the_updates_from_one(self):
        network, examples = case([4, 20, 3], "relu")
        dropout, order = Dropout(0.5, seed=4), np.arange(50)
        steps = NativeSteps(network, StepSettings(SGD(momentum=0), dropout=dropout))
        steps.use(examples)
        for number in range(1, 4):
            before = steps.network
            steps.take(order, 0, 50, np.array([0.1]))
            batch = examples.X, examples.target(), np.full(50, 1 / 50)
            grads = talk_back(before, propagate(before, batch[0], dropout.at(number)), *batch[1:])
            expected = [theta - 0.1 * grad for theta, grad in zip(
                parameters(before), [*grads.W.values(), *grads.b.values()], strict=True)]  # fmt: skip
            require_close(parameters(steps.network), expected, 1e-12)

    def test_a_value_that_is_not_finite_is_not_hidden_by_it(self):
        network, X, *_ = drawn([2, 64, 1], SOFTSIGN, "squared_error", 3, weighted=False, dtype="float64")
        activation = type(SOFTSIGN)(
            name="mine", kinks=(), initialization="he_normal", function=lambda a: a * np.nan, derivative=np.ones_like
        )
        trace = engine.forward(Network(*network.to_lists(), activation, "squared_error"), X, Dropout(0.5))
        assert np.isnan(trace.h[1]).all()


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", ["cross_entropy", "poisson_deviance"])
@pytest.mark.parametrize("activation", EVERY_ACTIVATION, ids=str)
def test_gradients_with_dropout_are_those_of_the_masked_network(activation, loss, weighted):
    for sizes, count in itertools.product([[3, 4, 2], [7, 33, 17, 5], [5, 40]], [1, 13]):
        network, X, y, weight = drawn(sizes, activation, loss, count, weighted and count > 1, "float64")
        dropout = Dropout(0.4, seed=count, step=6)
        target, weights = as_target(network, y, count), None if weight is None else as_weight(network, weight, count)
        trace = engine.forward(network, X, dropout)
        expected = by_formula(network, X, y, weight, dropout=dropout)
        assert largest_error(trace, propagate(network, X, dropout)) < 1e-12
        # twice, and plain in between: what one call draws is not left to the next
        for _ in range(2):
            assert largest_error(engine.gradients(network, X, None, target, weights, None, dropout), expected) < 1e-12
            plain = engine.gradients(network, X, None, target, weights)
            assert largest_error(plain, by_formula(network, X, y, weight)) < 1e-12


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.usefixtures("variant")
def test_steps_are_equal_to_the_bit_for_one_to_four_threads(dtype, activation, monkeypatch):
    network, examples = case([100, 200, 70, 7], activation, count=300, weighted=True, dtype=dtype)
    settings = StepSettings(AdamEpsilonHat(), dropout=Dropout(0.5), **(EVERYTHING | {"clip_norm": 0.05}))
    found = []
    for threads in range(1, 5):
        monkeypatch.setattr(builds, "_limit", threads)
        steps = NativeSteps(network, settings)
        found.append((steps, run(steps, examples, 150, epochs=2), steps.measures()))
    for steps, ends, measures in found[1:]:
        assert (ends, measures) == found[0][1:]
        require_equal_states(steps, found[0][0])


@pytest.mark.parametrize("seconds", [0.0, 1000.0])
@pytest.mark.parametrize("most", [1, 2, ENDLESS])
def test_the_sums_are_the_same_to_the_bit_however_many_calls_an_epoch_takes(most, seconds, monkeypatch):
    network, examples = case([7, 33, 5], weighted=True)
    settings = StepSettings(Adam(), dropout=Dropout(0.5), **EVERYTHING)
    expected = NativeSteps(network, settings)
    ends = run(expected, examples, 7)
    monkeypatch.setattr(native, "SECONDS", seconds)
    steps = NativeSteps(network, settings)
    assert run(steps, examples, 7, most=most) == ends
    require_equal_states(steps, expected)


@pytest.mark.parametrize("per_weight", [False, True])
def test_the_loss_sum_holds_the_penalty_of_each_mini_batch(per_weight):
    network, examples = case([4, 3], weighted=True)
    steps = NativeSteps(network, StepSettings(SGD(), l2_penalty=0.7, l2_per_weight=per_weight))
    steps.use(examples)
    rows = np.arange(10, 20)
    taken = steps.take(rows, 0, 10, np.array([0.1]), loss=100.0, weight=1000.0)
    weight = examples.weight[rows]
    grads = talk_back(network, propagate(network, examples.X[rows]), examples.target()[rows], weight / weight.sum())
    penalty = 0.35 * (network.W[1] ** 2).sum() / (weight.sum() if per_weight else 1)
    assert taken.weight == pytest.approx(1000 + weight.sum(), rel=1e-15)
    assert taken.loss == pytest.approx(100 + (grads.loss + penalty) * weight.sum(), rel=1e-13)


class TestState:
    """What comes out goes in again."""

    @pytest.mark.parametrize("other", [NativeSteps, FormulaSteps])
    @pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
    @pytest.mark.parametrize("dtype", TOLERANCE)
    def test_going_on_from_it_equals_never_having_stopped(self, dtype, optimizer, other):
        network, examples = case([7, 33, 17, 5], weighted=True, dtype=dtype)
        settings = StepSettings(optimizer, dropout=Dropout(0.3), **EVERYTHING)
        first = NativeSteps(network, settings)
        run(first, examples, 13, epochs=2)
        second = other(network, settings)
        second.restore(first.network, first.state())
        assert second.step == first.step == 8
        require_close(parameters(second.network), parameters(first.network), 0)
        ends, more = run(first, examples, 13), run(second, examples, 13)
        if other is NativeSteps:
            assert ends == more
            require_equal_states(first, second)
        else:
            require_close(parameters(second.network), parameters(first.network), TOLERANCE[dtype])

    @pytest.mark.parametrize("optimizer", [o for o in OPTIMIZERS if getattr(o, "momentum", 1)], ids=str)
    def test_it_is_that_of_the_formulas(self, optimizer):
        network, examples = case([7, 33, 17, 5], weighted=True)
        (ours, *_), (theirs, *_) = both(network, examples, StepSettings(optimizer, **EVERYTHING), 13)
        found, expected = ours.state(), theirs.state()
        assert found.step == expected.step
        assert list(found.arrays) == list(expected.arrays) == list(optimizer.families)
        for family in optimizer.families:
            require_close(found.arrays[family], expected.arrays[family], 1e-11)

    def test_without_one_the_steps_begin_anew_with_the_network(self):
        network, examples = case([7, 33, 5])
        settings = StepSettings(Adam(), dropout=Dropout(0.5), **EVERYTHING)
        steps, fresh = NativeSteps(network, settings), NativeSteps(network, settings)
        run(steps, examples, 13)
        steps.restore(network, None)
        assert steps.measures() == ()
        assert steps.step == 0
        assert run(steps, examples, 13) == run(fresh, examples, 13)
        require_equal_states(steps, fresh)

    def test_it_shares_no_memory_with_the_steps(self):
        network, examples = case([7, 33, 5])
        steps, twin = (NativeSteps(network, StepSettings(Adam())) for _ in range(2))
        for each in (steps, twin):
            run(each, examples, 13)
        state = steps.state()
        steps.restore(steps.network, state)
        for part in itertools.chain(*state.arrays.values()):
            part[...] = np.nan
        require_equal_states(steps, twin)


class TestClipping:
    """By the norm of all gradients together."""

    def one_step(self, network, examples, dtype="float64", **options):
        steps = NativeSteps(network, StepSettings(SGD(momentum=0), **options))
        steps.use(examples)
        steps.take(np.arange(examples.count), 0, examples.count, np.array([1.0]))
        pairs = zip(parameters(network), parameters(steps.network), strict=True)
        return np.concatenate([(before.astype(float) - after).ravel() for before, after in pairs])

    @pytest.mark.usefixtures("variant")
    def test_the_whole_step_has_the_norm_it_was_clipped_to_and_the_old_direction(self):
        network, examples = case([7, 33, 17, 5], weighted=True)
        whole = self.one_step(network, examples, l2_penalty=0.1)
        clipped = self.one_step(network, examples, l2_penalty=0.1, clip_norm=0.01)
        assert np.linalg.norm(clipped) == pytest.approx(0.01, rel=1e-12)
        np.testing.assert_allclose(clipped, whole * 0.01 / np.linalg.norm(whole), atol=1e-15)
        above = self.one_step(network, examples, l2_penalty=0.1, clip_norm=np.linalg.norm(whole) * 1.0001)
        np.testing.assert_array_equal(above, whole)

    @pytest.mark.parametrize(
        ("loss", "dtype", "size"),
        [
            ("absolute_error", "float32", 1e30), ("squared_error", "float32", 1e-25),
            ("absolute_error", "float64", 1e100), ("absolute_error", "float64", 1e200),
        ],
    )  # fmt: skip
    def test_squares_that_overflow_or_vanish_are_no_harm(self, loss, dtype, size):
        network = Network([np.zeros((2, 3))], [np.zeros(2)], (), loss).to(np, dtype=dtype)
        small, large = min(size, 1), max(size, 1)
        X, target = np.array([[3.0, -4.0, 12.0]]) * large, np.full((1, 2), -small)
        step = self.one_step(network, Batch(network, X.astype(dtype), target.astype(dtype)), clip_norm=1e-5 * size)
        step = step / (1e-5 * size)
        assert np.linalg.norm(step) == pytest.approx(1, rel=1e-6)
        np.testing.assert_allclose(step[:6] / step[0], [1, -4 / 3, 4, 1, -4 / 3, 4], rtol=1e-6)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    @pytest.mark.parametrize("dtype", TOLERANCE)
    def test_a_gradient_that_is_not_finite_is_not_hidden_by_it(self, dtype, bad):
        activation = type(SOFTSIGN)(
            name="mine", kinks=(), initialization="he_normal", function=np.tanh,
            derivative=lambda a: np.where(np.arange(a.size).reshape(a.shape) == 3, bad, 1).astype(a.dtype),
        )  # fmt: skip
        network, examples = case([3, 8, 2], activation, dtype=dtype)
        steps = NativeSteps(network, StepSettings(Adam(), clip_norm=1.0))
        steps.use(examples)
        with pytest.raises(DivergedError) as caught:
            steps.take(np.arange(50), 0, 50, np.array([0.1]))
        assert same_bits(caught.value.network, network)
        assert (caught.value.quantity, caught.value.layer, caught.value.step) == ("W", 1, 1)


class TestDivergence:
    """The last good network comes back, whatever the settings."""

    def how_it_ends(self, kind, network, parts, settings, rates, restored: int | None):
        steps = kind(network, settings)
        for number in itertools.count():
            if number == restored:
                steps.restore(steps.network, steps.state())
            try:
                run(steps, parts[number % len(parts)], 13, epochs=1, rates=rates[steps.step :])
            except DivergedError as error:
                return error, steps.step
        raise AssertionError

    @pytest.mark.parametrize("restored", [None, 0, 2, 4])
    @pytest.mark.parametrize(
        "options", [{}, {"dropout": Dropout(0.5)}, {"clip_norm": 5.0}, {"dropout": Dropout(0.2), **EVERYTHING}], ids=str
    )
    def test_it_is_told_as_by_the_formulas(self, options, restored, monkeypatch):
        network, one = case([3, 24, 4, 1], "relu", "squared_error", weighted=True)
        _, other = case([3, 24, 4, 1], "relu", "squared_error", seed=1, weighted=True)
        settings = StepSettings(SGD(momentum=0), **options)
        rates = np.where(np.arange(100) < 17, 1e-3, 1e250)
        expected, step = self.how_it_ends(FormulaSteps, network, (one, other), settings, rates, restored)
        assert step > 16
        first = None
        for seconds, share in itertools.product([0.0, 1000], [1e-12, 1e12]):
            monkeypatch.setattr(native, "SECONDS", seconds)
            monkeypatch.setattr(native, "SHARE_OF_COPIES", share)
            found, step = self.how_it_ends(NativeSteps, network, (one, other), settings, rates.copy(), restored)
            assert str(found) == str(expected)
            assert (found.step, found.quantity, found.layer) == (expected.step, expected.quantity, expected.layer)
            require_close(parameters(found.network), parameters(expected.network), 1e-10)
            first = first or found
            assert same_bits(found.network, first.network)

    def test_it_looks_for_the_first_value_under_the_masks_of_the_step(self):
        base, examples = case([3, 24, 1], "identity", "absolute_error")
        # h_1 is the bias, and overflows by the scale of the mask alone
        network = Network(
            [base.W[1] * 0, base.W[2] * 1e-300], [np.full(24, 1e308), base.b[2]], "identity", "absolute_error"
        )
        settings, told = StepSettings(SGD(), dropout=Dropout(0.5)), []
        for kind in (NativeSteps, FormulaSteps):
            steps = kind(network, settings)
            with pytest.raises(DivergedError, match=r"h\[1\] is the first") as caught:
                run(steps, examples, 50)
            told.append(str(caught.value))
        assert told[0] == told[1]

    def test_in_the_first_step_after_restore_it_gives_back_what_was_restored(self):
        network, examples = case([3, 4, 1], "tanh", "squared_error")
        bad = Batch(network, examples.X, examples.y * 1e200)
        for kind in (NativeSteps, FormulaSteps):
            steps = kind(network, StepSettings(Adam()))
            run(steps, examples, 13)
            steps.restore(network, steps.state())
            with pytest.raises(DivergedError, match="at step 13: the loss") as caught:
                run(steps, bad, 13)
            assert same_bits(caught.value.network, network)

    def test_the_rates_of_a_call_may_be_written_over_after_it(self, monkeypatch):
        monkeypatch.setattr(native, "SHARE_OF_COPIES", 1e-12)  # all is taken again from the first copy
        network, examples = case([3, 4, 1], "tanh", "squared_error")
        found = []
        for spoilt in (False, True):
            steps, rates = NativeSteps(network, StepSettings(Adam())), np.full(2, 1e-2)
            steps.use(examples)
            for _ in range(3):
                rates[:] = 1e-2
                steps.take(np.arange(50), 0, 25, rates)
                rates[:] = 9.0 if spoilt else 1e-2
            with pytest.raises(DivergedError) as caught:
                steps.take(np.arange(50), 0, 50, np.array([np.inf]))
            found.append(caught.value.network)
        assert same_bits(*found)

    def test_the_end_of_the_order_and_require_finite_look_at_the_parameters(self):
        network, examples = case([3, 4, 1], "tanh", "squared_error")
        steps = NativeSteps(network, StepSettings(SGD(momentum=0)))
        steps.use(examples)
        steps.require_finite()
        taken = steps.take(np.arange(50), 0, 25, np.array([np.inf, 1.0]), most=1)  # not yet at the end
        assert (taken.place, taken.steps, steps.step) == (25, 1, 1)
        with pytest.raises(DivergedError, match=r"at step 1: W\[1\]") as caught:
            steps.require_finite()
        assert same_bits(caught.value.network, network)


def test_rates_must_reach_as_far_as_the_call_can():
    network, examples = case([3, 4, 1], "tanh", "squared_error")
    steps = NativeSteps(network, StepSettings(Adam()))
    steps.use(examples)
    with pytest.raises(ValueError, match="rates"):
        steps.take(np.arange(50), 0, 25, np.ones(1))
    assert steps.step == 0
    assert steps.take(np.arange(50), 0, 25, np.full(1, 0.1), most=1).steps == 1


def test_a_call_ends_after_its_time(monkeypatch):
    network, examples = case([3, 4, 1], "tanh", "squared_error")
    monkeypatch.setattr(native, "SECONDS", 0.0)
    steps = NativeSteps(network, StepSettings(Adam()))
    steps.use(examples)
    assert steps.take(np.arange(50), 0, 5, np.full(10, 0.1)).steps == 1
    assert steps.take(np.arange(50), 5, 5, np.full(10, 0.1), most=1).place == 10


class TestRowsAndLabels:
    """They are read as they are taken: each row is checked once an epoch, in copies that the caller cannot reach."""

    def steps(self):
        network, X, y, _ = drawn([3, 4, 2], "tanh", "cross_entropy", 50, weighted=False, dtype="float64")
        steps = NativeSteps(network, StepSettings(SGD(momentum=0)))
        steps.use(Batch(network, X, y))
        return steps, y, np.arange(50), np.full(5, 0.1)

    @pytest.mark.parametrize("wrong", [-1, 2, 2**40])
    def test_a_label_that_changed_between_calls_is_refused_before_it_is_used(self, wrong):
        steps, y, order, rates = self.steps()
        steps.take(order, 0, 10, rates, most=2)
        before = steps.network
        y[25] = wrong
        with pytest.raises(ValueError, match="a label is none of the outputs"):
            steps.take(order, 20, 10, rates)
        assert same_bits(steps.network, before)

    @pytest.mark.parametrize("wrong", [-1, 50, 2**40])
    def test_a_row_that_changed_between_calls_is_refused_before_it_is_used(self, wrong):
        steps, _, order, rates = self.steps()
        steps.take(order, 0, 10, rates, most=2)
        before = steps.network
        order[25] = wrong
        with pytest.raises(ValueError, match="order leaves X"):
            steps.take(order, 20, 10, rates)
        assert same_bits(steps.network, before)

    def test_what_no_step_of_the_call_takes_is_not_looked_at(self):
        steps, y, order, rates = self.steps()
        y[25], order[35] = 7, 50
        assert steps.take(order, 0, 10, rates, most=2).steps == 2
        assert steps.take(order, 40, 10, rates).steps == 1
