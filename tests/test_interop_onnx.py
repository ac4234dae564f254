"""Networks to and from ONNX: onnxruntime's outputs, the same bits back, graphs of others, and what is refused."""

from __future__ import annotations

import io
import itertools
import json
import os
import sys
import warnings
from contextlib import suppress
from operator import attrgetter

import numpy as np
import pytest

from backtalk import (
    FileFormatError,
    InputError,
    InputTypeError,
    MissingLibraryError,
    Network,
    forward,
    from_onnx,
    gradients,
    load,
    save,
    to_onnx,
)
from backtalk.core.activations import ACTIVATIONS, RegisteredActivation
from backtalk.core.losses import LOSSES
from engines import drawn, losses_for, same_bits

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

BUILT_IN = [name for name, kind in ACTIVATIONS.items() if isinstance(kind, type)]  # others may have been registered
BUILT_IN += ["leaky_relu(slope=0.3)", "elu(alpha=0.5)"]
SIZES = [[3, 2], [1, 1], [4, 7, 3], [3, 1, 2], [5, 6, 1, 4, 3], [2, 3, 3, 1]]
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}


def run(model, X):
    """The first output of onnxruntime."""
    content = model if isinstance(model, str) else model.SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return session.run(None, {session.get_inputs()[0].name: X})


def close(ours, theirs, tolerance):
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    assert np.abs(ours - theirs).max() <= tolerance * max(1, np.abs(theirs).max())


def without_metadata(path):
    model = onnx.load(path)
    del model.metadata_props[:]
    model.producer_name = "another"
    return model


# Files of our own


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", BUILT_IN)
def test_onnxruntime_gives_our_outputs_and_the_network_comes_back_to_the_bit(tmp_path, activation, dtype):
    path = str(tmp_path / "n.onnx")
    for loss in LOSSES:
        for sizes in SIZES:
            if loss not in losses_for(sizes[-1]):
                continue
            network, X, _, _ = drawn(sizes, activation, loss, 9, False, dtype)
            to_onnx(network, path)
            for rows in (X[:1], X, 3 * X):
                found = run(path, rows)[0]
                assert found.dtype == np.dtype(dtype)
                close(found, forward(network, rows).output, TOLERANCE[dtype])
            back = from_onnx(path)
            assert same_bits(back, network)
            assert back.W[1].dtype == network.W[1].dtype
            assert (back.activations, back.loss) == (network.activations, network.loss)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", BUILT_IN)
def test_onnxruntime_gives_our_activations_from_end_to_end(tmp_path, activation, dtype):
    network = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]], activation, "squared_error").to(np, dtype=dtype)
    to_onnx(network, tmp_path / "n.onnx")
    far = [1e3, 1e6, {"float32": 1e20, "float64": 1e150}[dtype]] if activation != "exp" else []
    a = np.concatenate([np.linspace(-60, 60, 4001), far, np.negative(far)]).astype(dtype)[:, None]
    ours, theirs = forward(network, a).output, run(str(tmp_path / "n.onnx"), a)[0]
    assert (np.abs(ours - theirs) <= TOLERANCE[dtype] * np.maximum(1, np.abs(theirs))).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_parameters_of_activations_and_losses_come_back(tmp_path, dtype):
    activations = ["elu(alpha=0.123456789012345)", "leaky_relu(slope=-0.3333333333333333)", "identity", "relu"]
    for loss in ("huber(delta=2.5)", "cross_entropy(label_smoothing=0.1)", "binary_cross_entropy(label_smoothing=0.2)"):
        network = drawn([3, 4, 2, 5, 3, 2], activations, loss, 9, False, dtype)[0]
        to_onnx(network, tmp_path / "n.onnx")
        assert repr(from_onnx(tmp_path / "n.onnx")) == repr(network)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", BUILT_IN)
def test_without_metadata_the_activation_is_known_by_what_it_does(tmp_path, activation, dtype):
    network = drawn([3, 4, 5, 2], activation, "cross_entropy", 9, False, dtype)[0]
    to_onnx(network, tmp_path / "n.onnx")
    back = from_onnx(without_metadata(tmp_path / "n.onnx"))
    if (activation, dtype) == ("celu", "float64"):  # written as what it does, and that is elu too
        activation = "elu"
    assert repr(back.activations[0]) == activation
    assert same_bits(back, network)


@pytest.mark.parametrize(
    ("activation", "dtype", "opset", "ir_version"),
    [("relu", "float32", 13, 7), ("mish", "float32", 18, 8), ("gelu", "float32", 20, 9), ("gelu", "float64", 13, 7)],
)
def test_the_opset_is_the_lowest_that_has_the_operators(tmp_path, activation, dtype, opset, ir_version):
    to_onnx(Network.create([2, 3, 2], activation, rng=0, dtype=dtype), tmp_path / "n.onnx")
    model = onnx.load(tmp_path / "n.onnx")
    assert [(each.domain, each.version) for each in model.opset_import] == [("", opset)]
    assert model.ir_version == ir_version
    onnx.checker.check_model(model, full_check=True)


def test_the_file_says_what_it_is(tmp_path):
    to_onnx(Network.create([2, 3, 2], "tanh", "huber(delta=2)", rng=0), tmp_path / "n.onnx")
    model = onnx.load(tmp_path / "n.onnx")
    assert model.producer_name == "backtalk"
    assert [each.name for each in model.graph.initializer] == ["W.1", "b.1", "W.2", "b.2"]
    (said,) = model.metadata_props
    assert said.key == "backtalk.network"
    assert json.loads(said.value) == {"version": 1, "activations": ["tanh"], "loss": "huber(delta=2.0)"}
    (X,), (yhat,) = model.graph.input, model.graph.output
    assert (X.name, yhat.name, X.type.tensor_type.shape.dim[0].dim_param) == ("X", "yhat", "N")


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("one.onnx", "two.onnx"):
        to_onnx(Network.create([2, 3, 2], rng=0), tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "two.onnx").read_bytes()


def test_save_and_load_go_by_the_suffix(tmp_path):
    network = Network.create([2, 3, 2], "gelu", rng=0)
    for name in ("n.onnx", "N.ONNX"):
        save(network, tmp_path / name)
        onnx.checker.check_model(tmp_path / name)
        assert same_bits(load(str(tmp_path / name)), network)
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "none.onnx")
    (tmp_path / "folder.onnx").mkdir()
    with pytest.raises(FileFormatError, match=r"folder.onnx is a folder, expected a file"):
        load(tmp_path / "folder.onnx")


def test_networks_of_other_libraries_are_written(tmp_path):
    import jax.numpy as jnp

    network = Network.create([2, 3, 2], rng=0)
    to_onnx(network.to(jnp), tmp_path / "n.onnx")
    assert same_bits(load(tmp_path / "n.onnx"), network)


def test_commands_take_an_onnx_model(call, tmp_path):
    save(Network.create([64, 8, 10], "gelu", rng=0), tmp_path / "n.onnx")
    code, out, err = call("gradients", "n.onnx", "digits", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["examples"] == 1797
    code, out, _ = call("check", "n.onnx")
    assert code == 0
    (tmp_path / "n.onnx").write_bytes(b"no model")
    code, _, err = call("check", "n.onnx")
    assert code == 2
    assert "n.onnx is truncated, damaged or not an ONNX file." in err


def test_an_activation_of_ones_own_is_refused(tmp_path):
    own = RegisteredActivation(
        name="own", kinks=(), initialization="he_normal", function=lambda a: a, derivative=lambda a: 1
    )
    for dtype in ("float32", "float64"):
        network = Network.create([2, 2, 2, 1], ["relu", own], "squared_error", rng=0, dtype=dtype)
        with pytest.raises(
            InputError, match=r"^activations\[1\] is own, an activation of your own, which ONNX does no"
        ):
            to_onnx(network, tmp_path / "n.onnx")
    assert not list(tmp_path.iterdir())


def test_what_is_no_network_or_no_path_is_refused(tmp_path):
    with pytest.raises(InputTypeError, match=r"^network is a int, expected a backtalk.Network"):
        to_onnx(7, tmp_path / "n.onnx")
    with pytest.raises(InputTypeError, match=r"^path is 3, expected the name of a file"):
        to_onnx(Network.create([2, 1], rng=0), 3)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputTypeError, match=r"^path is None, expected the name of a file"):
        from_onnx(None)


def test_more_weights_than_a_file_holds_are_refused(tmp_path):
    class Huge(Network):
        parameter_count = 10**9  # pyright: ignore[reportAssignmentType]

    small = Network.create([2, 1], rng=0)
    huge = Huge(*small.to_lists())
    with pytest.raises(InputError, match=r"^network has 8.0 GB of weights, and an ONNX file holds 2 GB: save it as"):
        to_onnx(huge, tmp_path / "n.onnx")


def test_without_onnx_the_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "onnx", None)
    for call in (lambda: load(tmp_path / "n.onnx"), lambda: save(Network.create([2, 1], rng=0), tmp_path / "n.onnx")):
        with pytest.raises(MissingLibraryError, match=r"needs onnx, which is not installed: pip install 'backtalk\[on"):
            call()


# Graphs of others


def graph(body, X="float[N,2] X", Y="float[N,3] Y", more="", opset=13):
    """A model from its text. W is (2, 3) and V (3, 3), as MatMul takes them; b has 3 biases."""
    return onnx.parser.parse_model(
        f"""<ir_version: 8, opset_import: ["" : {opset}, "ai.onnx.ml" : 1]>
        g ({X}) => ({Y})
        <float[2,3] W = {{1, -2, 3, 0.5, 5, -6}}, float[3,3] V = {{1, 0, 0.5, -1, 2, 0, 0.25, 0, 3}},
         float[3] b = {{0.5, -0.5, 0.25}}, float half = {{0.5}}, float one = {{1}}, float[1] root = {{1.4142135}},
         float twenty = {{20}}, float zero = {{0}}, float six = {{6}} {more}>
        {{ {body} }}"""
    )


X = np.random.default_rng(0).normal(size=(7, 2)).astype(np.float32)
LAYER = "m = MatMul (X, W) a = Add (m, b) "
LAST = " z = MatMul (h, V) Y = Add (z, b)"


@pytest.mark.parametrize(
    ("body", "activation", "opset"),
    [
        ("h = Relu (a)", "relu", 13),
        ("h = Max (a, zero)", "relu", 13),
        ("h = Clip (a, zero)", "relu", 13),
        ("h = Mul (a, one)", "identity", 13),
        ("s = Sigmoid (a) h = Mul (s, a)", "silu", 13),
        ("n = Neg (a) e = Exp (n) d = Add (one, e) h = Div (a, d)", "silu", 13),
        ("n = Neg (a) e = Exp (n) d = Add (one, e) h = Reciprocal (d)", "sigmoid", 13),
        ("h = Swish (a)", "silu", 24),
        ("q = Div (a, root) e = Erf (q) f = Add (e, one) g = Mul (a, f) h = Mul (g, half)", "gelu", 13),
        ("q = Div (a, root) e = Erf (q) f = Add (one, e) g = Mul (half, f) h = Mul (a, g)", "gelu", 13),
        ('h = Gelu <approximate = "none"> (a)', "gelu", 20),
        ('h = Gelu <approximate = "tanh"> (a)', "gelu_tanh", 20),
        ("s = Softplus (a) t = Tanh (s) h = Mul (a, t)", "mish", 13),
        ("s = Softplus (a) g = Greater (a, twenty) h = Where (g, a, s)", "softplus", 13),
        ("e = Exp (a) f = Add (e, one) h = Log (f)", "softplus", 13),
        ("h = LeakyRelu <alpha = 0.2> (a)", "leaky_relu(slope=0.2)", 13),
        ("h = PRelu (a, half)", "leaky_relu(slope=0.5)", 13),
        ("c = Mul (a, half) h = Max (a, c)", "leaky_relu(slope=0.5)", 13),
        ("h = Elu <alpha = 0.7> (a)", "elu(alpha=0.7)", 13),
        ("h = Selu (a)", "selu", 13),
        ("h = Exp (a)", "exp", 13),
        ("h = Celu <alpha = 0.7> (a)", "celu(alpha=0.7)", 13),
        ("h = HardSwish (a)", "hard_swish", 14),
        ("h = HardSigmoid <alpha = 0.16666667, beta = 0.5> (a)", "hard_sigmoid", 13),
        ("h = Clip (a, zero, six)", "relu6", 13),
        ("s = Abs (a) d = Add (one, s) h = Div (a, d)", "softsign", 13),
        ("e = Elu (a) i = Identity (e) h, d = Dropout (i)", "elu", 13),
        ("f = Flatten (a) h = Tanh (f)", "tanh", 13),
        ("h = Cast <to = 1> (a)", "identity", 13),
    ],
)
def test_an_activation_is_known_in_whatever_operators_it_is_written(body, activation, opset):
    model = graph(LAYER + body + LAST, opset=opset)
    onnx.checker.check_model(model, full_check=True)
    network = from_onnx(model)
    assert repr(network.activations[0]) == activation
    assert network.loss.name == "squared_error"
    if opset < 24:
        close(forward(network, X).output, run(model, X)[0], 1e-6)


CONSTANTS = """c = Constant <value = float[3,2] {1, 0.5, -2, 5, 3, -6}> () t = Transpose <perm = [1, 0]> (c)
 i = Identity (t)"""


@pytest.mark.parametrize(
    ("body", "X_type"),
    [
        ("Y = MatMul (X, W)", "float[N,2] X"),
        ("a = MatMul (X, W) Y = Add (b, a)", "float[N,2] X"),
        ("Y = Gemm (X, W)", "float[N,2] X"),
        ("Y = Gemm (X, W, b)", "float[N,2] X"),
        ("Y = Gemm <alpha = 0.5, beta = 2.0> (X, W, b)", "float[N,2] X"),
        ("Y = Gemm <beta = 0.0> (X, W, b)", "float[N,2] X"),
        ("Y = Gemm (X, W, one)", "float[N,2] X"),
        ("a = Gemm (X, W, b) h = Gemm <transB = 1> (a, V, b) Y = Add (h, b)", "float[N,2] X"),
        (CONSTANTS + " Y = MatMul (X, i)", "float[N,2] X"),
        ("f = Flatten (X) Y = Gemm (f, W, b)", "float[N,1,2] X"),
        ("r = Reshape (X, rows) Y = Gemm (r, W, b)", "float[N,2,1] X"),
        ("r = Reshape (X, keep) Y = Gemm (r, W, b)", "float[N,2,1] X"),
        ("f = Cast <to = 1> (X) Y = Gemm (f, W, b)", "int64[N,2] X"),
        ("a = Gemm (X, W, b) Y = Reshape (a, columns)", "float[N,2] X"),
    ],
)
def test_layers_in_whatever_operators_they_are_written(body, X_type):
    more = ", int64[2] rows = {-1, 2}, int64[2] keep = {0, -1}, int64[2] columns = {-1, 3}"
    model = graph(body, X_type, more=more)
    onnx.checker.check_model(model, full_check=True)
    given = (X if X_type.startswith("float") else (10 * X).astype(np.int64)).reshape(
        (7, 1, 2) if ",1,2" in X_type else (7, 2, 1) if ",2,1" in X_type else (7, 2)
    )
    network = from_onnx(model)
    close(forward(network, given.reshape(7, 2)).output, run(model, given)[0], 1e-6)


@pytest.mark.parametrize(
    ("end", "loss"),
    [
        ("", "squared_error"),
        ("Y = Softmax (Z)", "cross_entropy"),
        ("Y = Softmax <axis = 1> (Z)", "cross_entropy"),
        ("Y = Sigmoid (Z)", "binary_cross_entropy"),
        ("Y = Exp (Z)", "poisson_deviance"),
        ("Y = Tanh (Z)", "squared_error"),
        ("P = Softmax (Z) Y = Identity (P)", "cross_entropy"),
    ],
)
def test_the_loss_is_the_one_that_belongs_to_the_end(end, loss):
    model = graph("Z = Gemm (X, W, b) " + end if end else "Y = Gemm (X, W, b)")
    network = from_onnx(model)
    assert network.loss.name == loss
    close(forward(network, X).output, run(model, X)[0], 1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    ("output", "loss"),
    [("softmax", "focal(gamma=1)"), ("leaky_relu(slope=0.1)", "huber"), ("gelu", "quantile(level=0.9)"),
     ("exp", "huber"), ("identity", "cross_entropy"), ("sigmoid", "squared_error"), (None, "gaussian_nll")],
)  # fmt: skip
def test_any_output_function_goes_there_and_back(tmp_path, output, loss, dtype):
    network = Network.create([2, 4, 2], "tanh", loss, output=output, rng=0, dtype=dtype)
    to_onnx(network, tmp_path / "m.onnx")
    back = from_onnx(tmp_path / "m.onnx")
    assert (back.head, same_bits(back, network)) == (network.head, True)
    close(forward(network, X).output, run(onnx.load(tmp_path / "m.onnx"), X.astype(dtype))[0], 1e-6)


def test_the_end_may_be_the_logarithm_of_the_softmax():
    model = graph("Z = Gemm (X, W, b) Y = LogSoftmax (Z)")
    close(np.log(forward(from_onnx(model), X).output), run(model, X)[0], 1e-6)


def test_logits_take_the_loss_that_is_given():
    model = graph("Y = Gemm (X, W, b)")
    assert repr(from_onnx(model, "cross_entropy(label_smoothing=0.1)").loss) == "cross_entropy(label_smoothing=0.1)"
    softmax = graph("Z = Gemm (X, W, b) Y = Softmax (Z)")
    assert repr(from_onnx(softmax, "squared_error").head.output) == "softmax"
    words = r"^output is 'tanh', but the model ends with node 2 of 2 \(Softmax 'Y'\): leave output out"
    with pytest.raises(InputError, match=words) as caught:
        from_onnx(softmax, output="tanh")
    assert not isinstance(caught.value, FileFormatError)
    with pytest.raises(InputError, match="did you mean 'huber'"):
        from_onnx(softmax, "hubert")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("h = Sin (a)" + LAST, r"node 3 of 5 \(Sin 'h'\) is none that a Network has: expected layers"),
        ("h = Clip (a, zero, one)" + LAST, r"node 3 of 5 \(Clip 'h'\) ends an element-wise function that is no activ"),
        ("h = Softmax (a)" + LAST, r"node 3 of 5 \(Softmax 'h'\) stands between two layers"),
        ("s = Softmax (a) h = Relu (s)" + LAST, r"node 4 of 6 \(Relu 'h'\) is none that"),
        ("h = Mul (a, b)" + LAST, r"node 3 of 5 \(Mul 'h'\) is none that a Network has"),
        ("n = LayerNormalization (a, b) h = Relu (n)" + LAST, r"node 3 of 6 \(LayerNormalization 'n'\) is none that"),
        ("h = Relu (a) z = MatMul (h, V) Y = Add (z, a)", r"node 5 of 5 \(Add 'Y'\) is none that a Network has"),
        ("h = Relu (a) z = MatMul (h, h) Y = Relu (z)", r"node 4 of 5 \(MatMul 'z'\) is no layer"),
        ("h = Gemm <transA = 1> (a, V) Y = Relu (h)", r"node 3 of 4 \(Gemm 'h'\) is no layer"),
        ("t = Transpose (a) Y = Transpose (t)", r"node 3 of 4 \(Transpose 't'\) is none that"),
        ("h = Reshape (a, one_row) z = MatMul (h, V) Y = Add (z, b)", r"node 3 of 5 \(Reshape 'h'\) does not keep one"),
        ("c = Cast <to = 7> (a) Y = Cast <to = 1> (c)", r"node 3 of 4 \(Cast 'c'\) is none that"),
        ("Y, d = Dropout (a, half, yes)", r"node 3 of 3 \(Dropout 'Y'\) is in training mode: export the model for"),
        ("h = Add (a, a) z = MatMul (h, V) Y = Add (z, b)", r"node 3 of 5 \(Add 'h'\) ends an element-wise function"),
        ("Y = Softmax <axis = 0> (a)", r"node 3 of 3 \(Softmax 'Y'\) is none that"),
        ("h = Relu (a) z = MatMul (X, W) Y = Add (z, b)", None),  # what leads nowhere is passed over
        (
            "h = Relu (a) i = MatMul (h, V) j = MatMul (h, V) Y = Add (i, j)",
            r"node 5 of 6 \(MatMul 'j'\) hears layer 1,",
        ),
        ("Y = Expand (half, size)", r"node 3 of 3 \(Expand 'Y'\) is none that"),
        ("Y = Constant <value = float[2,2] {1, 2, 3, 4}> ()", r"it has the outputs Y, expected one: ŷ, or a_L before"),
        ("Y = Identity (b)", r"it has the outputs Y, expected one"),
    ],
)
def test_other_operators_are_refused_with_the_first_and_its_place(body, words):
    more = ", bool yes = {1}, int64[2] one_row = {1, -1}, int64[2] size = {1000000, 1000000}"
    model = graph(LAYER + body, opset=17, more=more)
    if words is None:
        assert from_onnx(model).depth == 1
        return
    with pytest.raises(FileFormatError, match=r"^the model cannot be read: " + words):
        from_onnx(model)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (
            lambda: graph("s = Sub (X, half) Y = MatMul (s, W)"),
            r"node 1 of 2 \(Sub 's'\) changes X before the first la",
        ),
        (
            lambda: graph("s = Sub (X, mean) Y = MatMul (s, W)", more=", float[2] mean = {1, 2}"),
            r"node 1 of 2 \(Sub 's'",
        ),
        (lambda: graph("Y = Relu (X)", Y="float[N,2] Y"), "it ends with node 1 of 1|comes before the first layer"),
        (
            lambda: graph("Y = MatMul (X, W)", "float[N,5,2] X", "float[N,5,3] Y"),
            r"works on X of shape \(N, 5, 2\), exp",
        ),
        (
            lambda: graph("r = Reshape (X, s) Y = MatMul (r, W)", "float[N,5,2] X", more=", int64[2] s = {-1, 2}"),
            "keep",
        ),
        (
            lambda: graph("Y = MatMul (X, W)", "float[2] X", "float[3] Y"),
            r"works on X of shape \(2\), expected \(examp",
        ),
        (lambda: graph("m = MatMul (X, W) Y = Add (m, Z)", "float[N,2] X, float[N,3] Z"), r"it has 2 inputs \(X, Z\)"),
        (
            lambda: graph("m = MatMul (X, W) Z = Relu (m) Y = MatMul (Z, V)", Y="float[N,3] Z, float[N,3] Y"),
            "it has the outputs Z, Y, expected one",
        ),
        (
            lambda: graph("m = MatMul (X, W) z = MatMul (m, V) Y = Relu (m)", Y="float[N,3] Y, float[N,3] z"),
            "it has the outputs Y, z, expected one",
        ),
        (
            lambda: graph("m = MatMul (X, W) Y = Add (m, c)", more=", float[1,3,1] c = {1, 2, 3}"),
            r"adds an array of sha",
        ),
        (lambda: graph("m = MatMul (X, W) Y = Gemm (m, W)"), r"W\[2\] has 2 columns, but W\[1\] has 3 rows"),
    ],
)
def test_other_shapes_are_refused(model, words):
    with pytest.raises(FileFormatError, match=r"^the model cannot be read: .*(" + words + ")"):
        from_onnx(model())


def test_weights_that_are_not_finite_are_refused():
    model = graph("Y = MatMul (X, W)")
    model.graph.initializer[0].float_data[5] = float("inf")
    with pytest.raises(FileFormatError, match=r"^the model cannot be read: W\[1\] holds inf at index \[2, 1\]"):
        from_onnx(model)


def test_an_operator_of_another_domain_is_refused_and_a_function_of_the_file_is_read():
    text = """<ir_version: 8, opset_import: ["" : 13, "own" : 1]>
    g (float[N,2] X) => (float[N,2] Y) <float[2,2] W = {1, 2, 3, 4}> {
      a = MatMul (X, W)
      h = own.swish (a)
      Y = MatMul (h, W)
    }
    """
    body = """<domain: "own", opset_import: ["" : 13]>
    swish (x) => (y) { s = Sigmoid (x) y = Mul (x, s) }"""
    assert repr(from_onnx(onnx.parser.parse_model(text + body)).activations) == "(silu,)"
    words = r"^the model cannot be read: node 2 of 3 \(swish 'h'\) of the domain 'own' is none that a Network has"
    with pytest.raises(FileFormatError, match=words):
        from_onnx(onnx.parser.parse_model(text))


# Exporters


def torch_models(nn):
    hidden = [
        nn.ReLU(), nn.LeakyReLU(0.2), nn.ELU(0.5), nn.SELU(), nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softplus(),
        nn.Mish(), nn.Tanh(), nn.Sigmoid(), nn.Identity(), nn.Hardtanh(), nn.Hardsigmoid(), nn.Hardswish(),
        nn.Softsign(), nn.ReLU6(), nn.CELU(),
    ]  # fmt: skip
    layers = [nn.Flatten(), nn.Linear(6, 5, bias=False)]
    for activation in hidden:
        layers += [activation, nn.Dropout(0.3), nn.Linear(5, 5)]
    return nn.Sequential(*layers, nn.Softmax(dim=-1)).eval()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("opset", [14, 18, 20])
@pytest.mark.parametrize("dynamo", [False, True])
def test_what_torch_exports_is_the_network_that_from_torch_gives(dynamo, opset, dtype):
    torch = pytest.importorskip("torch")
    if dynamo:
        pytest.importorskip("onnxscript")
        if opset < 18 or (opset, dtype) == (18, "float64"):
            pytest.skip("this exporter begins with opset 18, and takes seconds")
    from backtalk import from_torch

    torch.manual_seed(0)
    model = torch_models(torch.nn).to(getattr(torch, dtype))
    given = torch.randn(4, 2, 3, dtype=getattr(torch, dtype))
    if dynamo:
        shapes = ({0: torch.export.Dim("N")},)
        program = torch.onnx.export(
            model, (given,), dynamo=True, verbose=False, opset_version=opset, dynamic_shapes=shapes
        )
        exported = program.model_proto
    else:
        content, axes = io.BytesIO(), {"x": {0: "N"}}
        options = {"dynamo": False, "input_names": ["x"], "opset_version": opset, "dynamic_axes": axes}
        torch.onnx.export(model, (given,), content, **options)
        exported = onnx.load_model_from_string(content.getvalue())
    network, expected = from_onnx(exported), from_torch(model).to(np)
    assert same_bits(network, expected)
    assert (network.activations, network.loss) == (expected.activations, expected.loss)
    close(forward(network, given.flatten(1).numpy()).output, model(given).detach().numpy(), 1e-6)


def test_what_torch_exports_by_default_is_read_from_the_two_files(tmp_path):
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from torch import nn

    layers = [nn.Linear(20, 16), nn.BatchNorm1d(16), nn.GELU(), nn.Dropout(), nn.Linear(16, 3), nn.Softmax(dim=1)]
    model, X = nn.Sequential(*layers).eval(), torch.randn(4, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (X,), tmp_path / "model.onnx", verbose=False)
    assert (tmp_path / "model.onnx.data").exists()
    network = load(tmp_path / "model.onnx")
    close(forward(network, X.numpy()).output, model(X).detach().numpy(), 1e-6)


@pytest.mark.parametrize(("dtype", "digits"), [("float16", 1e-3), ("bfloat16", 1e-2)])
def test_weights_of_half_the_precision_become_float32(dtype, digits):
    model = onnx.ModelProto.FromString(graph("Y = MatMul (X, W)").SerializeToString())
    tensor = model.graph.initializer[0]
    W = onnx.numpy_helper.to_array(tensor)
    kind = getattr(onnx.TensorProto, dtype.upper())
    tensor.CopyFrom(onnx.helper.make_tensor("W", kind, [2, 3], W.ravel().tolist()))
    for each in (model.graph.input[0], model.graph.output[0]):
        each.type.tensor_type.elem_type = kind
    network = from_onnx(model)
    assert network.W[1].dtype == np.float32
    close(network.W[1], W.T, digits)


def sklearn_models():
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3)).astype(np.float32)
    labels, many = rng.integers(3, size=40), rng.integers(2, size=(40, 3))
    classifier, regressor = {"hidden_layer_sizes": (5, 4), "max_iter": 5, "random_state": 0}, {"max_iter": 5}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return X, {
            "classes": MLPClassifier(**classifier).fit(X, labels),
            "two": MLPClassifier(**classifier, activation="tanh").fit(X, np.array(["no", "yes"])[labels % 2]),
            "labels": MLPClassifier(**classifier, activation="logistic").fit(X, many),
            "number": MLPRegressor(**regressor).fit(X, X[:, 0]),
            "numbers": MLPRegressor(**regressor, activation="identity").fit(X, X[:, :2]),
        }


@pytest.mark.parametrize("kind", ["classes", "two", "labels", "number", "numbers"])
@pytest.mark.parametrize("zipmap", [False, True])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_what_skl2onnx_writes_predicts_the_same(kind, zipmap):
    skl2onnx = pytest.importorskip("skl2onnx")
    X, models = sklearn_models()
    model = models[kind]
    is_classifier = hasattr(model, "predict_proba")
    if zipmap and not is_classifier:
        pytest.skip("for classifiers only")
    options = {"options": {id(model): {"zipmap": zipmap}}} if is_classifier else {}
    exported = skl2onnx.to_onnx(model, X[:1], **options)
    if kind == "numbers":  # skl2onnx puts all outputs below one another, in one column
        with pytest.raises(FileFormatError, match=r"node 6 of 6 \(Reshape 'Reshape'\) does not keep one row"):
            from_onnx(exported)
        return
    network = from_onnx(exported)
    output = forward(network, X).output
    if not is_classifier:
        assert network.loss.name == "squared_error"
        close(output.reshape(model.predict(X).shape), model.predict(X), 1e-6)
        return
    expected = model.predict_proba(X)
    assert network.loss.name == ("cross_entropy" if kind == "classes" else "binary_cross_entropy")
    close(output, expected[:, 1:] if kind == "two" else expected, 1e-6)


SKLEARN_BINARY = """
 p = Sigmoid (a) q = Sub (one, p) P = Concat <axis = 1> (q, p) m = ArgMax <axis = 1> (P)
 f = ai.onnx.ml.ArrayFeatureExtractor (classes, m) r = Reshape (f, shape) label = Cast <to = 7> (r)
"""


def test_the_labels_of_a_classifier_are_left_out():
    more = ", float[2,1] u = {1, -2}, int64[2] classes = {0, 1}, int64[1] shape = {-1}"
    model = graph("a = MatMul (X, u)" + SKLEARN_BINARY, Y="int64[N] label, float[N,2] P", more=more)
    network = from_onnx(model)
    assert (network.sizes, network.loss.name) == ((2, 1), "binary_cross_entropy")
    close(forward(network, X).output[:, 0], run(model, X)[1][:, 1], 1e-6)
    only = graph("a = MatMul (X, u)" + SKLEARN_BINARY, Y="int64[N] label", more=more)
    with pytest.raises(FileFormatError, match="it has the outputs label, expected one"):
        from_onnx(only)


# Metadata


def changed(network, tmp_path, text):
    to_onnx(network, tmp_path / "n.onnx")
    model = onnx.load(tmp_path / "n.onnx")
    model.metadata_props[0].value = text
    onnx.save(model, tmp_path / "n.onnx")
    return tmp_path / "n.onnx"


def test_the_graph_counts_where_the_metadata_says_otherwise(tmp_path):
    network = Network.create([2, 3, 2], "tanh", "cross_entropy", rng=0)
    path = changed(network, tmp_path, '{"version": 1, "activations": ["relu"], "loss": "huber"}')
    back = load(path)
    assert (repr(back.activations[0]), back.loss.name) == ("tanh", "cross_entropy")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "describes its network in a way that cannot be read"),
        ('{"version": 4}', "is of format 4, written by a newer backtalk"),
        ('{"version": 1}', "lacks the description of its activations or its loss"),
        (
            '{"version": 1, "activations": ["tanj"], "loss": "huber"}',
            "cannot be read: activation is 'tanj', which is not",
        ),
        ('{"version": 1, "activations": [3], "loss": "huber"}', "cannot be read: activation is 3, expected a name"),
        ('{"version": 1, "activations": 3, "loss": "huber"}', "is damaged: TypeError"),
        ('{"version": 1, "activations": ["relu"], "loss": "hubert"}', "cannot be read: loss is 'hubert'"),
    ],
)
def test_metadata_that_cannot_be_read_is_refused(tmp_path, text, words):
    path = changed(Network.create([2, 3, 2], "tanh", rng=0), tmp_path, text)
    with pytest.raises(FileFormatError, match=r"n\.onnx " + words):
        load(path)


# Files that are no model


def test_a_truncated_file_is_refused_at_every_length(tmp_path):
    path = tmp_path / "n.onnx"
    to_onnx(Network.create([2, 3, 2], "gelu", rng=0, dtype="float32"), path)
    content = path.read_bytes()
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(FileFormatError):
            load(path)


def test_a_changed_byte_gives_a_network_or_a_sentence(tmp_path):
    path = tmp_path / "n.onnx"
    to_onnx(Network.create([2, 3, 2], "elu", rng=0, dtype="float32"), path)
    content = bytearray(path.read_bytes())
    for place in range(len(content)):
        for change in (1, 128):
            spoilt = content.copy()
            spoilt[place] ^= change
            path.write_bytes(bytes(spoilt))
            with suppress(FileFormatError):
                assert isinstance(load(path), Network)


@pytest.mark.parametrize("content", [b"", b"hello, world", b"\x00" * 64, bytes(range(256)) * 9, b"PK\x03\x04" * 99])
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    (tmp_path / "n.onnx").write_bytes(content)
    with pytest.raises(
        FileFormatError, match=r"n\.onnx (is truncated, damaged or not an ONNX|cannot be read: it holds no)"
    ):
        load(tmp_path / "n.onnx")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    with open(tmp_path / "n.onnx", "wb") as file:
        file.truncate(3 * 10**9)  # a hole, which takes no room
    with pytest.raises(FileFormatError, match=r"n\.onnx has 3\.0 GB, but an ONNX file holds at most 2 GB"):
        load(tmp_path / "n.onnx")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_is_refused(tmp_path):
    os.mkfifo(tmp_path / "n.onnx")
    with pytest.raises(FileFormatError, match="is no ordinary file"):
        load(tmp_path / "n.onnx")


# Weights in files beside the model

BESIDE = Network.create([2, 3, 2], rng=0, dtype="float32")
SIZE = 4 * (2 * 3 + 3 + 3 * 2 + 2)


def beside(folder, location="n.onnx.data", entries=(), first="W.1"):
    """A model that keeps its weights in the file ``location``, with other ``entries`` for the first of them."""
    folder.mkdir(exist_ok=True)
    to_onnx(BESIDE, folder / "n.onnx")
    model = onnx.load(folder / "n.onnx")
    (folder / location).parent.mkdir(exist_ok=True)
    onnx.save(model, folder / "n.onnx", save_as_external_data=True, location=location, size_threshold=0)
    model = onnx.load(folder / "n.onnx", load_external_data=False)
    (tensor,) = (each for each in model.graph.initializer if each.name == first)
    for key, value in dict(entries).items():
        for entry in [each for each in tensor.external_data if each.key == key]:
            tensor.external_data.remove(entry)
        if value is not None:
            tensor.external_data.add(key=key, value=value)
    (folder / "n.onnx").write_bytes(model.SerializeToString())
    return folder / "n.onnx"


@pytest.mark.parametrize("location", ["n.onnx.data", "weights", "below/weights.bin"])
def test_weights_in_files_beside_the_model_are_read(tmp_path, location):
    path = beside(tmp_path / "model", location)
    assert (tmp_path / "model" / location).stat().st_size == SIZE
    assert same_bits(load(path), BESIDE)
    assert same_bits(from_onnx(str(path)), BESIDE)


def test_weights_in_another_folder_than_the_current_one_are_found(tmp_path, monkeypatch):
    beside(tmp_path / "model")
    monkeypatch.chdir(tmp_path / "model")
    assert same_bits(load("n.onnx"), BESIDE)
    (tmp_path / "link.onnx").symlink_to("model/n.onnx")
    with pytest.raises(FileFormatError, match=r"in 'n\.onnx\.data', which is not there: put that file beside"):
        load(tmp_path / "link.onnx")


def test_the_last_weights_of_a_file_need_no_length(tmp_path):
    path = beside(tmp_path, entries={"length": None, "checksum": "0" * 40}, first="b.2")
    assert same_bits(load(path), BESIDE)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"location": None}, r"keeps 'W\.1' in '': expected the name of a file in the folder of the model or below it"),
        ({"location": "/etc/passwd"}, r"in '/etc/passwd': expected the name of a file in the folder of the model"),
        ({"location": "../secret"}, r"in '\.\./secret': expected the name of a file in"),
        ({"location": "below/../../secret"}, "expected the name of a file in"),
        ({"location": "..\\secret"}, "expected the name of a file in"),
        ({"location": "C:secret"}, "expected the name of a file in"),
        ({"location": "\\\\host\\secret"}, "expected the name of a file in"),
        ({"location": "."}, "expected the name of a file in"),
        ({"location": "away"}, r"in 'away', a link that leads out of the folder of the model: copy the file into it"),
        ({"location": "out/secret"}, r"in 'out/secret', a link that leads out of"),
        ({"location": "below"}, r"in 'below', which is no ordinary file"),
        ({"location": "model.data"}, r"in 'model\.data', which is not there: put that file beside the model"),
        ({"location": "a\0b"}, "cannot be read|is damaged"),
        ({"offset": "-4"}, r"the offset of 'W\.1' in its file is '-4', expected a whole number of 0 or more"),
        ({"offset": "four"}, "is 'four', expected a whole number"),
        ({"offset": "²"}, "is '²', expected a whole number"),
        ({"offset": "9" * 30}, "expected a whole number"),
        ({"length": "-1"}, r"the length of 'W\.1' in its file is '-1', expected a whole number"),
        ({"length": "1.5"}, r"is '1\.5', expected a whole number"),
        ({"offset": str(SIZE)}, rf"'W\.1' in the bytes {SIZE} to {SIZE + 24} of 'n\.onnx\.data', which has {SIZE}: it"),
        ({"offset": "9" * 19}, r"in the bytes 9+ to 1\d+ of"),
        ({"length": str(10**18)}, rf"in the bytes 0 to 1{'0' * 18} of 'n\.onnx\.data', which has {SIZE}"),
        ({"length": "8"}, r"keeps 'W\.1' in 8 bytes of 'n\.onnx\.data', but the shape \(3, 2\) takes 24"),
        ({"length": None}, rf"keeps 'W\.1' in {SIZE} bytes of"),
    ],
)  # fmt: skip
def test_weights_elsewhere_or_of_another_length_are_refused_in_a_sentence(tmp_path, entries, words):
    folder = tmp_path / "model"
    beside(folder)
    (tmp_path / "secret").write_bytes(b"0" * SIZE)
    (folder / "below").mkdir()
    (folder / "away").symlink_to("../secret")
    (folder / "out").symlink_to("..")
    path = beside(tmp_path / "model", "n.onnx.data2", {"location": "n.onnx.data", **entries})
    with pytest.raises(FileFormatError, match=words) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_a_link_that_stays_in_the_folder_is_followed(tmp_path):
    path = beside(tmp_path, "weights", {"location": "link"})
    (tmp_path / "link").symlink_to("weights")
    assert same_bits(load(path), BESIDE)


def test_a_truncated_file_of_weights_is_refused_at_every_length(tmp_path):
    path, data = beside(tmp_path), tmp_path / "n.onnx.data"
    content = data.read_bytes()
    for length in range(len(content)):
        data.write_bytes(content[:length])
        with pytest.raises(FileFormatError, match="it is truncated, or belongs to another model"):
            load(path)


def test_weights_that_share_bytes_or_are_too_large_are_not_made(tmp_path, monkeypatch):
    path = beside(tmp_path)
    model = onnx.load(path, load_external_data=False)
    model.graph.initializer[3].CopyFrom(model.graph.initializer[1])
    for each in range(9):
        model.graph.initializer.add().CopyFrom(model.graph.initializer[0])
        model.graph.initializer[-1].name = f"more.{each}"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(FileFormatError, match=rf"in other files take \d+ bytes, but the files hold {SIZE}: expected"):
        load(path)
    monkeypatch.setattr("backtalk.interop.onnx.convert.LARGEST", 2**20 + 1500)
    with pytest.raises(FileFormatError, match=r"in other files take 0\.0 GB, expected"):
        load(path)


def test_many_layers_that_hear_the_weights_of_another_file_are_read(tmp_path):
    network = Network.create([700] * 12, loss="squared_error", rng=0)  # over 8 times the model's own size, and 64 MB
    to_onnx(network, tmp_path / "n.onnx")
    onnx.save(onnx.load(tmp_path / "n.onnx"), tmp_path / "n.onnx", save_as_external_data=True, location="data")
    assert (tmp_path / "n.onnx").stat().st_size < 2**20
    assert same_bits(load(tmp_path / "n.onnx"), network)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_weights_in_a_pipe_are_refused(tmp_path):
    path = beside(tmp_path, entries={"location": "pipe"})
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileFormatError, match="in 'pipe', which is no ordinary file"):
        load(path)


def test_a_model_in_memory_leads_to_no_other_file(tmp_path):
    path = beside(tmp_path)
    with pytest.raises(FileFormatError, match=r"keeps 'W\.1' in another file, and a model in memory .*: give the name"):
        from_onnx(onnx.load(path, load_external_data=False))
    assert same_bits(from_onnx(onnx.load(path)), BESIDE)
    tensors = onnx.parser.parse_node("w = Constant <value = float[1] {1}> ()"), onnx.NodeProto(op_type="Relu")
    tensors[1].attribute.add(name="sparse").sparse_tensor.values.CopyFrom(tensors[0].attribute[0].t)
    for node, find in zip(tensors, ("t", "sparse_tensor.values"), strict=True):
        tensor = attrgetter(find)(node.attribute[0])
        tensor.data_location = onnx.TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value="/etc/passwd")
        inside = graph("Y = MatMul (X, W)")
        inside.graph.node.insert(0, node)
        with pytest.raises(FileFormatError, match="in another file, and a model in memory"):
            from_onnx(inside)


def test_an_invalid_model_is_refused():
    model = graph("Y = MatMul (X, W)")
    model.graph.node[0].op_type = "MatMull"
    with pytest.raises(
        FileFormatError, match=r"^the model cannot be read: it is no valid ONNX model \(No Op registered f"
    ):
        from_onnx(model)
    with pytest.raises(FileFormatError, match=r"^the model cannot be read: it holds no graph"):
        from_onnx(onnx.ModelProto())


def with_functions(bodies):
    """X·W, then the last of these functions, each a text in which f0, f1, … are those before it."""
    model = graph("m = MatMul (X, W) Y = Identity (m)")
    model.opset_import.add(domain="own", version=1)
    opsets = list(model.opset_import)
    for k, nodes in enumerate(bodies):
        made = [onnx.helper.make_node(kind, [a], [h], domain="own" if kind[0] == "f" else "") for kind, a, h in nodes]
        model.functions.append(onnx.helper.make_function("own", f"f{k}", ["a"], ["h"], made, opsets))
    model.graph.node[-1].op_type, model.graph.node[-1].domain = f"f{len(bodies) - 1}", "own"
    return model


def test_functions_that_double_each_other_are_counted_and_not_written_out():
    doubling = [[("Relu", "a", "h")]] + [[(f"f{k}", "a", "b"), (f"f{k}", "b", "h")] for k in range(40)]
    assert from_onnx(with_functions(doubling[:4])).output.name == "relu"
    with pytest.raises(FileFormatError, match="it has more than 20000 nodes once its functions are written out"):
        from_onnx(with_functions(doubling))


@pytest.mark.parametrize("calls", [[0], [1, 0], [k + 1 for k in range(150)]])
def test_functions_that_call_themselves_or_too_deep_are_refused(calls):
    bodies = [[(f"f{k}", "a", "h")] for k in calls] + [[("Relu", "a", "h")]] * (len(calls) > 2)
    with pytest.raises(FileFormatError, match="its functions call themselves, or one another more than 100 deep"):
        from_onnx(with_functions(bodies[::-1] if len(calls) < 3 else [*bodies, [("f0", "a", "h")]]))


def test_two_functions_of_one_name_are_a_sentence():
    model = with_functions([[("Relu", "a", "h")]])
    model.functions.append(model.functions[0])
    with pytest.raises(FileFormatError, match=r"Model contains multiple local functions"):
        from_onnx(model)


@pytest.mark.parametrize(("dims", "transposed"), [((10**10, 0), 1), ((0, 10**10), 0)])
def test_weights_that_hold_nothing_are_refused_before_a_bias_is_made(dims, transposed):
    model = graph(f"Y = Gemm <transB = {transposed}> (X, W)")
    del model.graph.initializer[:]
    model.graph.initializer.add(name="W", data_type=1, dims=dims)
    with pytest.raises(FileFormatError, match=rf"has weights of shape \({10**10}, 0\)|\(0, {10**10}\), expected each"):
        from_onnx(model)


def test_layers_that_share_one_large_matrix_are_not_all_made():
    model = graph("Y = MatMul (X, W)")
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.ones((500, 500), np.float32), "W"))
    names = ["X", *(f"m{k}" for k in range(200)), "Y"]
    model.graph.node.extend(onnx.helper.make_node("MatMul", [a, "W"], [b]) for a, b in itertools.pairwise(names))
    with pytest.raises(FileFormatError, match=r"its weights take more than 72 MB up to node 7\d of 201 .* share them"):
        from_onnx(model)


def test_gradients_of_a_network_that_was_read_are_those_of_the_network_that_was_written(tmp_path):
    network, X, y, _ = drawn([4, 7, 3], "gelu", "cross_entropy", 9, False, "float64")
    save(network, tmp_path / "n.onnx")
    ours, theirs = gradients(network, X, y), gradients(load(tmp_path / "n.onnx"), X, y)
    assert same_bits(ours, theirs)
