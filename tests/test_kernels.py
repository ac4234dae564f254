"""Which build of the kernels serves; and each one that this machine runs against the formula engine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

import engines
from backtalk import InputError, Network, UnknownNameError, forward, gradients
from backtalk.core.losses import LOSSES
from backtalk.engines.native import kernels as module
from backtalk.engines.native.kernels import describe, extension, kernels, threads
from engines import TOLERANCE, by_formula, differences, drawn, largest_error, needs_kernels, run_python

BUILDS = ["x86-64-v4", "x86-64-v3", "x86-64-v2", "portable"]
PRINT_NAME = "from backtalk.engines.native.kernels import kernels; print(kernels())"


def require_build(build: str) -> None:
    if kernels() is None or not dict(extension.variants()).get(build):
        pytest.skip(f"this machine, or this installation, does not run {build}")


@pytest.mark.parametrize("build", BUILDS)
def test_each_build_agrees_with_the_formula_engine(build):
    require_build(build)
    found = json.loads(run_python(Path(engines.__file__).read_text(), BACKTALK_KERNELS=build))
    assert found["kernels"] == build
    assert found["cases"] == 2 * len(LOSSES) * len(engines.EVERY_ACTIVATION)
    for dtype, (error, case) in found["worst"].items():
        assert error < TOLERANCE[dtype], case


CPU = Path("/proc/cpuinfo")
LEVELS = {  # what each asks for beyond the one before, as Linux names it
    "x86-64-v2": "cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3",
    "x86-64-v3": "abm avx avx2 bmi1 bmi2 f16c fma movbe",
    "x86-64-v4": "avx512bw avx512cd avx512dq avx512f avx512vl",
}


@needs_kernels
@pytest.mark.skipif(
    not CPU.exists() or "cx16" not in CPU.read_text(), reason="Linux on x86 says what the processor has"
)
def test_the_builds_that_run_are_those_whose_instructions_linux_names():
    flags, asked = set(re.findall(r"^flags\s*: (.*)", CPU.read_text(), re.M)[0].split()), set()
    for level, instructions in LEVELS.items():
        asked |= set(instructions.split())
        assert dict(extension.variants())[level] == (asked <= flags)


@pytest.mark.parametrize("build", BUILDS)
def test_a_build_is_chosen_by_its_name(build):
    require_build(build)
    assert run_python(PRINT_NAME, BACKTALK_KERNELS=build).strip() == build


def test_none_gives_the_formula_engine_to_the_bit():
    code = """if True:
        from backtalk.engines.native.kernels import describe
        from engines import by_formula, drawn, gradients, same_bits
        case = drawn([7, 33, 5], "tanh", "huber", 13, True, "float64")
        print(same_bits(gradients(*case), by_formula(*case)))
        print(describe())
    """
    same, words = run_python(code, BACKTALK_KERNELS="none").splitlines()
    assert same == "True"
    assert "formula engine serves" in words


@needs_kernels
def test_the_first_build_that_runs_serves(asked_anew):
    asked_anew.delenv("BACKTALK_KERNELS", raising=False)
    assert kernels() == next(name for name, runs in extension.variants() if runs)


@needs_kernels
def test_an_unknown_build_is_refused(asked_anew):
    asked_anew.setenv("BACKTALK_KERNELS", "x86-64-v5")
    with pytest.raises(UnknownNameError, match="BACKTALK_KERNELS is 'x86-64-v5', which is not known: did you mean"):
        gradients(Network.create([2, 1], loss="huber", rng=0), [[1.0, 2.0]], [1.0])


@needs_kernels
def test_a_build_that_does_not_run_here_is_refused(asked_anew):
    class Other:
        @staticmethod
        def variants():
            return [("x86-64-v9", False), ("portable", True)]

    asked_anew.setattr(module, "extension", Other)
    asked_anew.setenv("BACKTALK_KERNELS", "x86-64-v9")
    with pytest.raises(InputError, match="BACKTALK_KERNELS is 'x86-64-v9', which this processor does not run"):
        kernels()


@needs_kernels
def test_the_kernels_describe_themselves():
    count = "one thread" if threads() == 1 else f"up to {threads()} threads"
    assert describe().startswith(f"{kernels()}, on {count}")


def test_without_a_compiled_module_the_formula_engine_serves_and_says_so(asked_anew):
    asked_anew.setattr(module, "extension", None)
    asked_anew.setattr(module, "_missing", "backtalk was installed without a C++ compiler")
    asked_anew.delenv("BACKTALK_KERNELS", raising=False)
    case = drawn([7, 33, 5], "tanh", "huber", 13, weighted=True, dtype="float64")
    assert largest_error(gradients(*case), by_formula(*case)) == 0
    assert kernels() is None
    assert "without a C++ compiler" in describe()


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", ["cross_entropy", "cross_entropy(label_smoothing=0.1)"])
@pytest.mark.parametrize("kind", ["labels", "floats", "column", "probabilities", "one_hot"])
def test_every_form_of_y_means_the_same_to_both_engines(kind, loss, dtype):
    network, X, y, weights = drawn([7, 33, 5], "gelu", loss, 50, weighted=True, dtype=dtype)
    y = {
        "labels": y.astype(np.uint8),
        "floats": y.astype(float),
        "column": y[:, None],
        "probabilities": np.random.default_rng(0).dirichlet(np.ones(5), size=50),
        "one_hot": np.eye(5)[y],
    }[kind]
    assert differences(network, X, y, weights) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error", "absolute_error", "huber"])
def test_logits_of_ten_thousand_have_the_same_gradients_in_both_engines(loss, dtype):
    a = np.array([[1e4, 0.0, -1e4], [-1e4, 1e4, 1e4], [0.0, 0.0, 0.0]])
    network = Network([np.eye(3)], [np.zeros(3)], loss=loss).to(np, dtype=dtype)
    y = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    assert differences(network, a.astype(dtype), y, None) < TOLERANCE[dtype]
    assert np.isfinite(gradients(network, a, y).loss)
    if loss == "cross_entropy":
        assert differences(network, a.astype(dtype), np.array([1, 0, 2]), None) < TOLERANCE[dtype]


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", engines.EVERY_ACTIVATION, ids=str)
def test_far_values_have_the_same_outputs_in_both_engines(activation, dtype):
    a = np.concatenate([scale * np.linspace(-1, 1, 41) for scale in (1e-30, 1e-6, 1, 10, 50, 100, 1000, 1e8)])
    network = Network([[[1.0]], [[1.0]]], [[0.0], [0.0]], activation, "absolute_error").to(np, dtype=dtype)
    X = a.astype(dtype)[:, None]
    trace, grads = forward(network, X), gradients(network, X, X * 2)
    # number by number; a power of e below the smallest normal number may count as 0
    close = {"rtol": TOLERANCE[dtype], "atol": 1000 * float(np.finfo(dtype).tiny)}
    with np.errstate(over="ignore"):
        expected = network.activations[0].g(X)
    np.testing.assert_allclose(trace.h[1], expected, **close)
    np.testing.assert_allclose(grads.a[1], by_formula(network, X, X * 2, trace=trace).a[1], **close)


@needs_kernels
def test_values_that_overflow_on_the_way_are_seen_in_the_result():
    network = Network([[[1e200], [1e200]], [[1.0, -1.0]]], [[0.0, 0.0], [0.0]], "relu", "squared_error")
    assert np.isinf(forward(network, [[1e200]]).h[1]).all()
    assert np.isnan(forward(network, [[1e200]]).output).all()
    assert np.isnan(gradients(network, [[1e200]], [0.0]).loss)
