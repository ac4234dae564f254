"""A network's passes by the kernels: equal bits for any number of threads, and arrays of every kind, good and bad."""

from __future__ import annotations

import ast
import re
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

from backtalk import InputError, Network, Trace, backward, fit, forward, gradients
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.layers import Layers
from backtalk.core.losses import LOSSES
from backtalk.engines import native
from backtalk.engines.native import kernels as module
from backtalk.engines.native.kernels import extension, kernels
from engines import SOFTSIGN, arrays_of, by_formula, differences, drawn, largest_error, needs_kernels, same_bits

LARGE = [100, 200, 7]  # with 200 examples, work enough for 12 threads


def odd_copies(array: np.ndarray) -> dict[str, np.ndarray]:
    """The same numbers, kept in memory in unusual ways."""
    memory = bytearray(array.nbytes + 1)
    memory[1:] = array.tobytes()
    misaligned = np.frombuffer(memory, array.dtype, array.size, offset=1).reshape(array.shape)
    strided = np.zeros([2 * size for size in array.shape], array.dtype)[tuple([slice(None, None, 2)] * array.ndim)]
    strided[...] = array
    read_only = array.copy()
    read_only.flags.writeable = False
    return {
        "misaligned": misaligned,
        "strided": strided,
        "reversed": array[::-1].copy()[::-1],
        "fortran": np.asfortranarray(array),
        "big-endian": array.astype(array.dtype.newbyteorder(">")),
        "read-only": read_only,
    }


@needs_kernels
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_equal_to_the_bit_for_one_to_eight_threads(dtype, monkeypatch):
    case = drawn(LARGE, "tanh", "cross_entropy", 200, weighted=True, dtype=dtype)
    found = []
    for threads in range(1, 9):
        monkeypatch.setattr(module, "_limit", threads)
        found.append((gradients(*case), forward(*case[:2])))
    for grads, trace in found[1:]:
        assert same_bits(grads, found[0][0])
        assert same_bits(trace, found[0][1])


@needs_kernels
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_is_equal_to_the_bit_for_one_to_eight_threads_and_so_is_what_it_measures(dtype, monkeypatch):
    network, X, y, weights = drawn(LARGE, "relu", "cross_entropy", 500, weighted=True, dtype=dtype)
    found = []
    for threads in range(1, 9):
        monkeypatch.setattr(module, "_limit", threads)
        seen = []
        training = fit(
            network, X, y, weights,
            epochs=2, batch_size=200, l2_penalty=0.01, measure_every=1, rng=0, callbacks=seen.append,
        )  # fmt: skip
        found.append((training, [epoch.measures for epoch in seen]))
    for training, measures in found[1:]:
        assert training.losses == found[0][0].losses
        assert measures == found[0][1]
        assert same_bits(training.network, found[0][0].network)


@pytest.mark.parametrize("kind", odd_copies(np.zeros((2, 2))))
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", ["cross_entropy", "huber"])
def test_how_an_array_lies_in_memory_does_not_matter(loss, dtype, kind):
    network, X, y, weights = drawn([7, 33, 5], "gelu", loss, 50, weighted=True, dtype=dtype)
    odd = [odd_copies(array)[kind] for array in (X, y, weights)]
    before = [array.copy() for array in odd]
    assert same_bits(gradients(network, *odd), gradients(network, X, y, weights))
    assert same_bits(gradients(network, *odd[:2]), gradients(network, X, y))
    assert same_bits(forward(network, odd[0]), forward(network, X))
    assert same_bits(
        fit(network, *odd, epochs=2, rng=0).network,
        fit(network, X, y, weights, epochs=2, rng=0).network,
    )
    assert all(np.array_equal(array, old) for array, old in zip(odd, before, strict=True))
    W, b = ([odd_copies(part)[kind] for part in family] for family in network.to_lists())
    assert same_bits(gradients(Network(W, b, "gelu", loss), X, y, weights), gradients(network, X, y, weights))


@pytest.mark.parametrize("dtype", ["float16", "int8", "uint64", "bool"])
def test_smaller_and_other_numbers_are_converted(dtype):
    network, X, y, _ = drawn([7, 33, 5], "silu", "squared_error", 13, weighted=False, dtype="float32")
    X, y = abs(X * 3).astype(dtype), abs(y * 3).astype(dtype)
    expected = gradients(network, X.astype("float32"), y.astype("float32"))
    assert same_bits(gradients(network, X, y), expected)


def test_results_share_no_memory_with_what_was_given_or_with_one_another():
    network, X, y, _ = drawn([7, 33, 5], "identity", "squared_error", 13, weighted=False, dtype="float64")
    weights = np.ones(13)
    grads, trace = gradients(network, X, y, weights), forward(network, X)
    given = [X, y, weights, *(array for family in network.to_lists() for array in family)]
    results = [array for _, array in arrays_of(grads)]
    if kernels() is not None:  # in the formula engine ŷ of an identity is a_L itself
        results += [array for name, array in arrays_of(trace) if name != "h[0]"]
    else:
        results = [grads.W[1], grads.W[2], grads.b[1], grads.b[2]]
    for i, result in enumerate(results):
        assert not any(np.shares_memory(result, other) for other in [*given, *results[:i]])


@needs_kernels
def test_results_are_the_callers_to_write_on():
    case = drawn([7, 33, 5], "tanh", "cross_entropy", 13, weighted=False, dtype="float64")
    expected = by_formula(*case)
    for _, array in arrays_of(gradients(*case)):
        array[...] = np.nan
    assert largest_error(gradients(*case), expected) < 1e-12


def test_a_network_is_not_changed_by_what_happens_to_the_arrays_it_was_made_of():
    given, X, y, _ = drawn([7, 33, 5], "tanh", "cross_entropy", 13, weighted=False, dtype="float64")
    W, b = ([part.copy() for part in family] for family in given.to_lists())
    network = Network(W, b, "tanh")
    gradients(network, X, y)
    for part in [*W, *b]:
        part[...] = np.nan
    assert same_bits(gradients(network, X, y), gradients(given, X, y))
    assert same_bits(fit(network, X, y, epochs=1, rng=0).network, fit(given, X, y, epochs=1, rng=0).network)


def test_a_batch_may_follow_a_smaller_or_a_larger_one():
    for count in (1, 50, 13, 300, 2, 50):
        network, *batch = drawn([7, 33, 5], "mish", "poisson_deviance", count, weighted=True, dtype="float64")
        assert differences(network, *batch) < 1e-12
    network, X, y, _ = drawn([7, 33, 5], "mish", "cross_entropy", 300, weighted=False, dtype="float64")
    for count in (300, 1, 50, 300, 13):
        assert (
            largest_error(gradients(network, X[:count], y[:count]), by_formula(network, X[:count], y[:count])) < 1e-12
        )


def test_a_long_forward_pass_is_the_same_as_its_parts():
    network, X, *_ = drawn([3, 5, 2], "elu", "huber", 10_000, weighted=False, dtype="float32")
    whole = forward(network, X)
    parts = [forward(network, X[rows]) for rows in (slice(0, 5000), slice(5000, None))]
    for name, i in (("a", 1), ("h", 1), ("a", 2), ("h", 2)):
        np.testing.assert_array_equal(getattr(whole, name)[i], np.concatenate([getattr(p, name)[i] for p in parts]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_trace_of_the_other_dtype_is_converted(dtype):
    network, X, y, weights = drawn([7, 133, 5], "tanh", "cross_entropy", 200, weighted=True, dtype=dtype)
    other = "float64" if dtype == "float32" else "float32"
    trace = forward(network.to(np, dtype=other), X)
    grads = backward(network, trace, y, weights)
    expected = gradients(network, X, y, weights)
    for (_, ours), (_, theirs) in zip(arrays_of(grads), arrays_of(expected), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5 * abs(theirs).max())


@needs_kernels
def test_a_trace_whose_parts_do_not_fit_is_refused():
    network, X, y, _ = drawn([7, 33, 5], "tanh", "cross_entropy", 13, weighted=False, dtype="float64")
    trace = forward(network, X)
    short = Trace(Layers([trace.a[1][:5], trace.a[2]]), trace.h)
    with pytest.raises(ValueError, match="size"):
        backward(network, short, y)


@pytest.mark.parametrize("labels", [[0, 1, 5], [0, -1, 2], [0, 2**40, 1]])
def test_labels_out_of_range_are_refused_before_anything_is_read(labels):
    network, X, *_ = drawn([7, 33, 5], "tanh", "cross_entropy", 3, weighted=False, dtype="float64")
    y = np.array(labels)
    gradients(network, X, [0, 1, 2])  # the shorter way begins with the second call
    for compute in (gradients, fit):
        with pytest.raises(InputError, match="expected labels 0 … 4"):
            compute(network, X, y)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_inputs_that_are_not_finite_are_refused_wherever_they_stand(wrong):
    network, X, y, _ = drawn([7, 33, 5], "tanh", "cross_entropy", 3, weighted=False, dtype="float64")
    gradients(network, X, y)
    for place in np.ndindex(X.shape):
        bad = X.copy()
        bad[place] = wrong
        with pytest.raises(InputError, match=rf"X holds {wrong} at index \[{place[0]}, {place[1]}\]"):
            gradients(network, bad, y)


class TestActivationsOfTheUsersOwn:
    """Their g and g′ are called by the kernels."""

    def network(self, g, g_prime, dtype="float64"):
        activation = type(SOFTSIGN)(
            name="mine", kinks=(), initialization="he_normal", function=g, derivative=g_prime
        )  # fmt: skip
        return drawn([7, 33, 5], activation, "cross_entropy", 13, weighted=False, dtype=dtype)

    @pytest.mark.parametrize("compute", [gradients, fit])
    @pytest.mark.parametrize("part", ["g", "g_prime"])
    def test_what_they_raise_passes_through(self, compute, part):
        def fails(_):
            raise LookupError(part)

        functions = {"g": np.tanh, "g_prime": lambda a: 1 - np.tanh(a) ** 2, part: fails}
        network, X, y, _ = self.network(**functions)
        with pytest.raises(LookupError, match=part):
            compute(network, X, y)
        if part == "g":
            with pytest.raises(LookupError, match=part):
                forward(network, X)

    def test_a_network_is_as_good_as_before_after_they_raised(self):
        fails = [True]

        def g(a):
            if fails:
                raise LookupError(fails.pop())
            return np.tanh(a)

        network, X, y, _ = self.network(g, lambda a: 1 - np.tanh(a) ** 2)
        with pytest.raises(LookupError):
            gradients(network, X, y)
        assert largest_error(gradients(network, X, y), by_formula(network, X, y)) < 1e-12

    @needs_kernels
    @pytest.mark.parametrize("compute", [gradients, fit])
    def test_another_shape_is_refused(self, compute):
        network, X, y, _ = self.network(np.tanh, lambda a: a[:, :2])
        with pytest.raises(InputError, match=r"activation mine gives .* \(13, 2\) .* expected .* from g_prime"):
            compute(network, X, y)

    def test_float64_and_odd_memory_are_converted_in_a_float32_network(self):
        network, X, y, _ = self.network(
            lambda a: np.asfortranarray(np.tanh(a.astype(float))),
            lambda a: (1 - np.tanh(a.astype(">f8")) ** 2)[::-1].copy()[::-1],
            dtype="float32",
        )
        tanh = Network(*network.to_lists(), "tanh")
        if kernels() is not None:
            assert gradients(network, X, y).W[1].dtype == np.float32
        np.testing.assert_allclose(gradients(network, X, y).W[1], gradients(tanh, X, y).W[1], rtol=1e-3, atol=1e-6)

    def test_they_may_change_the_array_they_get(self):
        def g(a):
            np.tanh(a, out=a)
            return a

        network, X, y, _ = self.network(lambda a: g(a.copy()), lambda a: 1 - g(a.copy()) ** 2)
        expected = by_formula(network, X, y)
        if kernels() is not None:
            network, *_ = self.network(g, lambda a: 1 - g(a) ** 2)
        assert largest_error(gradients(network, X, y), expected) < 1e-12


@needs_kernels
class TestTheCompiledModule:
    """It is called by engines/native/ alone; another caller gets an exception, not a crash."""

    SIZES = (3, 4, 2)

    def net(self, dtype="float64", **changes):
        options = {
            "variant": kernels(), "sizes": list(self.SIZES), "loss": "cross_entropy", "loss_parameter": 0.0,
            "trains": False, "states": 2, "input_gradient": True, "host": None,
        }  # fmt: skip
        layers = len(changes.get("sizes", self.SIZES)) - 1
        options |= {"activations": ["tanh"] * (layers - 1) + ["softmax"], "parameters": [0.0] * layers}
        make = extension.Net32 if dtype == "float32" else extension.Net64
        return make(**(options | changes))

    def gradients(self, **changes):
        count, (inputs, *units) = 5, self.SIZES
        options = {
            "X": np.zeros((count, inputs)), "given_a": None, "labels": np.zeros(count, int), "target": None,
            "weight": None, "weight_sum": 5.0,
            "grad_a": [np.empty((count, n)) for n in units], "grad_h": [np.empty((count, n)) for n in self.SIZES],
            "grad_W": [np.empty((4, 3)), np.empty((2, 4))], "grad_b": [np.empty(4), np.empty(2)], "threads": 1,
        }  # fmt: skip
        return self.net().gradients(**(options | changes))

    def train(self, net=None, rule="adam", **changes):
        net = net or self.net(trains=True, input_gradient=False)
        if rule is not None:
            net.set_update(rule, 0.9, 0.9, 0.999, 1e-8, 0.0, False, True, 0.0, False, 0.0, 0.0)
        options = {
            "X": np.zeros((5, 3)), "labels": np.zeros(5, int), "target": None, "weight": None,
            "order": np.arange(5), "ends": None, "start": 0, "batch_size": 2, "rates": np.full(3, 0.1), "most_steps": 9,
            "seconds": 1.0, "loss": 0.0, "weight_sum": 0.0, "threads": 1, "save": True, "measure_every": 1,
        }  # fmt: skip
        return net.train(**(options | changes))

    def test_its_stub_has_its_names_and_those_of_all_parameters_and_what_is_returned(self):
        def told(node: ast.FunctionDef):
            names = [argument.arg for argument in node.args.args if argument.arg != "self"]
            return names, ast.unparse(node.returns) if node.returns else ""

        def read(function):
            signature = function.__nb_signature__[0][0]
            return re.findall(r"[(,] ?(\w+): ", signature), signature.rpartition(" -> ")[2]

        module, stub = extension, ast.parse(Path(str(native.__file__)).with_name("_native.pyi").read_text())
        functions = {node.name: told(node) for node in stub.body if isinstance(node, ast.FunctionDef)}
        classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
        public = {name for name in dir(module) if not name.startswith("_")}
        assert public == {*functions, *classes}, "make stub writes it anew"
        assert functions == {name: read(getattr(module, name)) for name in functions}, "make stub writes it anew"
        for name, node in classes.items():
            methods = {each.name: told(each) for each in node.body if isinstance(each, ast.FunctionDef)}
            found = {
                key: value for key, value in vars(getattr(module, name)).items() if key[:2] != "__" or key == "__init__"
            }
            assert methods == {key: read(value) for key, value in found.items()}, "make stub writes it anew"

    def test_it_knows_every_activation_and_loss_of_ours_and_their_parameters(self):
        for ours, theirs in ((ACTIVATIONS, extension.activations()), (LOSSES, extension.losses())):
            own = {name: kind for name, kind in ours.items() if isinstance(kind, type)}  # others are registered
            numbers = {
                name: [each.name for each in fields(kind)] if is_dataclass(kind) else [] for name, kind in own.items()
            }
            assert {name: [parameter] if parameter else [] for name, parameter in theirs} == {
                name: [each for each in parts if each != "label_smoothing"]  # that is in the target
                for name, parts in numbers.items()
            }

    def test_it_serves_who_calls_it_well(self):
        assert self.gradients() == pytest.approx(np.log(2))
        done, steps, loss, weight, diverged, saved = self.train(most_steps=1)
        assert (done, steps, weight, diverged, saved) == (2, 1, 2.0, False, True)
        assert loss == pytest.approx(2 * np.log(2))

    @pytest.mark.parametrize(
        "changes",
        [
            {"sizes": []},
            {"sizes": [3]},
            {"sizes": [3, 0]},
            {"sizes": [3, -4, 2]},
            {"sizes": [2**32, 2**32, 2]},
            {"sizes": [2**62, 2**62]},
            {"activations": ["soft"]},
            {"activations": ["host"]},
            {"loss": "hinge"},
            {"variant": "x86"},
        ],
    )
    def test_what_is_no_network_is_refused(self, changes):
        with pytest.raises((ValueError, MemoryError)):
            self.net(**changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"X": np.zeros(())},
            {"X": np.zeros(15)},
            {"X": np.zeros((5, 4))},
            {"X": np.zeros((0, 3))},
            {"X": np.full((5, 3), "text")},
            {"labels": np.zeros(4, int)},
            {"labels": np.zeros(5, np.int32)},
            {"labels": None},
            {"labels": None, "target": np.zeros((5, 3))},
            {"weight": np.ones(6)},
            {"weight": np.ones(5, "float32")},
            {"given_a": [np.zeros((5, 4))]},
            {"given_a": [np.zeros((5, 4)), np.zeros((5, 3))]},
            {"given_a": [np.zeros((5, 4), "float32"), np.zeros((5, 2), "float32")]},
            {"grad_a": [np.empty((5, 4))]},
            {"grad_a": [np.empty((5, 4)), np.empty((4, 2))]},
            {"grad_h": [np.empty((5, 3)), np.empty((5, 4))]},
            {"grad_W": [np.empty((4, 3)), np.empty((2, 4), "float32")]},
            {"grad_W": [np.empty((4, 3)), np.empty((4, 8))[::2, ::2]]},
            {"grad_b": [np.empty(4), np.broadcast_to(0.0, 2)]},
            {"grad_b": []},
        ],
    )
    def test_arrays_that_do_not_fit_are_refused(self, changes):
        with pytest.raises((ValueError, TypeError, IndexError)):
            self.gradients(**changes)

    @pytest.mark.parametrize("wrong", [{"labels": np.array([0, 1, 2, 0, 0])}, {"X": np.full((5, 3), np.nan)}])
    def test_labels_and_inputs_that_cannot_be_used_give_nothing(self, wrong):
        assert self.gradients(**wrong) is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"batch_size": 0},
            {"batch_size": -1},
            {"start": -1},
            {"order": np.array([0, 5])},
            {"order": np.array([-1])},
            {"labels": np.array([0, 1, 2, 0, 0])},
            {"labels": None},
            {"target": np.zeros((4, 2))},
            {"weight": np.ones(4)},
            {"X": np.zeros((6, 3))},
            {"measure_every": -1},
            {"rates": np.full(2, 0.1)},
            {"start": 2, "rates": np.full(1, 0.1)},
            {"most_steps": 2, "rates": np.full(1, 0.1)},
            {"rule": None},
            {"rule": "write_out"},
            {"rule": "norm"},
        ],
    )
    def test_training_that_cannot_be_is_refused(self, changes):
        with pytest.raises((ValueError, TypeError)):
            self.train(**changes)

    def test_a_network_that_does_not_train_is_told_from_one_that_does(self):
        with pytest.raises(ValueError, match="does not train"):
            self.train(self.net())

    @pytest.mark.parametrize("layer", [-1, 2, 10**6])
    def test_a_layer_that_is_not_there_is_refused(self, layer):
        W, b = np.zeros((4, 3)), np.zeros(4)
        for method in ("pack", "unpack"):
            with pytest.raises(ValueError, match="no such layer"):
                getattr(self.net(), method)(layer, W, b)
            with pytest.raises(ValueError, match="size"):
                getattr(self.net(), method)(1, W, b)

    def test_an_order_that_has_ended_takes_no_step(self):
        assert self.train(start=5, loss=2.0, weight_sum=3.0) == (5, 0, 2.0, 3.0, False, False)
        assert self.train(start=10**9)[1] == 0
        assert self.train(order=np.array([], int))[1] == 0

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_what_is_packed_comes_out_again(self, dtype):
        rng = np.random.default_rng(0)
        for sizes in ([1, 1], [3, 17], [33, 7], [130, 65]):
            net = self.net(dtype, sizes=sizes)
            W, b = rng.normal(size=sizes[::-1]).astype(dtype), rng.normal(size=sizes[1]).astype(dtype)
            net.pack(0, W, b)
            out_W, out_b = np.empty_like(W), np.empty_like(b)
            net.unpack(0, out_W, out_b)
            np.testing.assert_array_equal(out_W, W)
            np.testing.assert_array_equal(out_b, b)
