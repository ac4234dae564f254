"""The compiled engine takes the steps that the formulas take, up to rounding."""

from __future__ import annotations

import json
import subprocess
import sys

import jax
import numpy as np
import pytest

import backtalk
from backtalk import Checkpoint, DivergedError, InputError, MLPClassifier, MLPRegressor, Network, fit, resume
from backtalk.core.activations import ACTIVATIONS
from backtalk.core.losses import LOSSES

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(130, 6)), RNG.integers(3, size=130)
WEIGHT = RNG.random(130)
WEIGHT[:40] = 0
SETTINGS = [
    {},
    {"dropout": 0.3},
    {"dropout": [0.0, 0.5]},
    {"l2_penalty": 0.01, "clip_norm": 0.05},
    {"optimizer": "sgd(learning_rate=0.05)"},
    {"optimizer": "nesterov(learning_rate=0.05)", "schedule": "cosine(warm_up=3)"},
    {"optimizer": "adamw"},
    {"optimizer": "adam_epsilon_hat"},
    {"optimizer": "adam_uncorrected"},
    {"optimizer": "adam(beta_1=0, beta_2=0.5)"},
    {"sample_weight": WEIGHT},
    {"sample_weight": WEIGHT, "batch_size": 5},
    {"class_weight": "balanced", "l2_penalty": 0.1},
    {"batch_size": 1, "epochs": 1},
    {"batch_size": 130},
    {"batch_size": 1000},
    {"validation": 0.2, "patience": 2},
]


@pytest.fixture(scope="module", autouse=True)
def optimized():
    """XLA optimizes the programs of these tests as it does a user's."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", False)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def trained(engine: str, network: Network, **settings):
    chosen = {"epochs": 3, "batch_size": 32, "optimizer": "adam(learning_rate=0.01)", "rng": 3} | settings
    return fit(network, X, Y, engine=engine, **chosen)


def largest_difference(one: Network, other: Network) -> float:
    parts = zip([*one.W.values(), *one.b.values()], [*other.W.values(), *other.b.values()], strict=True)
    return max(float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-3)) for a, b in parts)


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda settings: " ".join(settings) or "plain")
def test_it_takes_the_steps_of_the_formulas(settings):
    for dtype, tolerance in (("float64", 1e-10), ("float32", 1e-4)):
        network = Network.create([6, 8, 7, 3], "tanh", rng=1, dtype=dtype)
        formula, compiled = (trained(engine, network, **settings) for engine in ("formula", "compiled"))
        assert largest_difference(formula.network, compiled.network) < tolerance
        np.testing.assert_allclose(compiled.losses, formula.losses, rtol=tolerance)
        np.testing.assert_allclose(compiled.validation_losses, formula.validation_losses, rtol=tolerance)
        assert (compiled.best_epoch, compiled.reason) == (formula.best_epoch, formula.reason)
        assert isinstance(compiled.network.W[1], np.ndarray)
        assert compiled.network.spec.dtype_name == dtype


@pytest.mark.parametrize("loss", LOSSES)
def test_it_knows_every_loss(loss):
    network = Network.create([6, 5, 2], "silu", loss, rng=1)
    y = network.loss.draw_target(np.random.default_rng(2), 60, 2)
    formula, compiled = (fit(network, X[:60], y, epochs=2, rng=0, engine=engine) for engine in ("formula", "compiled"))
    assert largest_difference(formula.network, compiled.network) < 1e-10


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_it_knows_every_activation(activation):
    network = Network.create([6, 5, 3], activation, rng=1)
    formula, compiled = (trained(engine, network, epochs=1) for engine in ("formula", "compiled"))
    assert largest_difference(formula.network, compiled.network) < 1e-10


def test_the_same_seed_gives_the_same_bits():
    network = Network.create([6, 8, 3], rng=1, dtype="float32")
    first, second = (trained("compiled", network, dropout=0.1) for _ in range(2))
    assert first.losses == second.losses
    np.testing.assert_array_equal(first.network.W[1], second.network.W[1])


def test_a_resumed_run_equals_one_that_never_stopped(tmp_path):
    network = Network.create([6, 8, 3], "tanh", rng=1)
    settings = {"epochs": 6, "dropout": 0.2, "schedule": "one_cycle"}
    whole = trained("compiled", network, **settings)
    path = tmp_path / "run.checkpoint"
    trained("compiled", network, **settings, checkpoint=path, callbacks=[lambda epoch: epoch.number == 3])
    resumed = resume(path, X, Y)
    assert resumed.losses == whole.losses
    np.testing.assert_array_equal(resumed.network.W[2], whole.network.W[2])


def test_checkpoints_within_an_epoch_are_kept(tmp_path):
    network = Network.create([6, 8, 3], "tanh", rng=1)
    place = Checkpoint(tmp_path / "run.checkpoint", every_steps=2)
    whole = trained("compiled", network, checkpoint=place)
    np.testing.assert_allclose(whole.losses, trained("formula", network).losses, rtol=1e-10)


def test_going_on_with_the_state_of_the_kernels():
    network = Network.create([6, 8, 3], "tanh", rng=1)
    first = trained("auto", network)
    after = [trained(engine, first.network, state=first.state) for engine in ("formula", "compiled")]
    assert largest_difference(after[0].network, after[1].network) < 1e-10
    assert after[0].state.step == after[1].state.step


def test_networks_of_jax_and_torch_keep_their_library():
    import jax.numpy as jnp

    network = Network.create([6, 8, 3], "tanh", rng=1, dtype="float32")
    expected = trained("formula", network).network
    found = fit(
        network.to(jnp), jnp.asarray(X, dtype="float32"), jnp.asarray(Y), epochs=3, batch_size=32,
        optimizer="adam(learning_rate=0.01)", rng=3, engine="compiled",
    )  # fmt: skip
    assert isinstance(found.network.W[1], jax.Array)
    assert largest_difference(expected, found.network.to(np)) < 1e-4
    torch = pytest.importorskip("torch")
    found = fit(
        network.to(torch), torch.asarray(X, dtype=torch.float32), torch.asarray(Y), epochs=3, batch_size=32,
        optimizer="adam(learning_rate=0.01)", rng=3, engine="compiled",
    )  # fmt: skip
    assert isinstance(found.network.W[1], torch.Tensor)
    assert largest_difference(expected, found.network.to(np)) < 1e-4


@pytest.mark.parametrize("where", ["first step", "later", "parameters"])
def test_a_loss_that_is_not_finite_stops_training_as_by_the_formulas(where):
    network = Network.create([6, 8, 3], "relu", "squared_error", rng=1)
    rate = {"first step": 0.1, "later": 30.0, "parameters": 1e300}[where]
    inputs = X * 1e200 if where == "first step" else X
    y = RNG.normal(size=(130, 3))
    errors = []
    for engine in ("formula", "compiled"):
        with pytest.raises(DivergedError) as caught:
            fit(network, inputs, y, epochs=40, optimizer=f"sgd(learning_rate={rate})", rng=3, engine=engine)
        errors.append(caught.value)
    one, other = errors
    assert str(one) == str(other)
    assert (one.step, one.quantity, one.layer) == (other.step, other.quantity, other.layer)
    for i in (1, 2):
        np.testing.assert_allclose(one.network.W[i], other.network.W[i], rtol=1e-6)


@pytest.mark.parametrize("steps_of_copy", [1, 5, 17, 1000])
def test_the_last_good_network_is_found_wherever_the_last_copy_was_made(steps_of_copy, monkeypatch, tmp_path):
    monkeypatch.setattr("backtalk.engines.compiled.records.STEPS_OF_COPY", steps_of_copy)
    network = Network.create([6, 8, 3], "identity", "squared_error", rng=1)
    y = np.random.default_rng(1).normal(size=(130, 3))
    settings: dict = {"epochs": 40, "batch_size": 10, "optimizer": "sgd(learning_rate=0.6, momentum=0)", "rng": 3}
    with pytest.raises(DivergedError) as expected:
        fit(network, X, y, engine="formula", **settings)
    step = expected.value.step
    for every in (1, 4, step - 1, step):  # steps of a call: the last is the first of its call, or not
        place = Checkpoint(tmp_path / "run.checkpoint", every_steps=every)
        with pytest.raises(DivergedError) as caught:
            fit(network, X, y, engine="compiled", checkpoint=place, **settings)
        assert str(caught.value) == str(expected.value)
        for i in (1, 2):
            np.testing.assert_allclose(caught.value.network.W[i], expected.value.network.W[i], rtol=1e-10)


def test_what_differs_in_rate_penalty_or_number_of_examples_is_not_compiled_anew(caplog):
    def programs(count: int, **settings) -> list[str]:
        caplog.clear()
        with jax.log_compiles(), caplog.at_level("WARNING"):
            fit(network, X[:count], Y[:count], epochs=2, batch_size=10, rng=0, engine="compiled", **settings)
        return [record.getMessage() for record in caplog.records if "XLA compilation of jit(chunk)" in record.message]

    network = Network.create([6, 9, 3], rng=1)
    assert programs(100, l2_penalty=0.1)
    assert not programs(95, l2_penalty=0.2, optimizer="adam(learning_rate=0.1)", schedule="cosine")
    assert programs(100)


def test_the_products_of_bfloat16_are_asked_of_the_compiler():
    import jax.numpy as jnp

    from backtalk.engines.compiled.program import PRODUCTS, numbers_as

    with numbers_as("float32", PRODUCTS["compiled_bfloat16"]):
        program = jax.jit(lambda a: a @ a).lower(jnp.ones((2, 2))).as_text()
    assert "bf16" in program.lower()
    network = Network.create([6, 8, 3], "tanh", rng=1, dtype="float32")
    compiled = trained("compiled_bfloat16", network)
    np.testing.assert_allclose(compiled.losses, trained("formula", network).losses, rtol=0.02)
    with pytest.raises(InputError, match="the network is float64: expected float32"):
        trained("compiled_bfloat16", Network.create([6, 8, 3], rng=1))


def test_the_global_setting_of_jax_is_left_as_it_was():
    before = jax.config.jax_enable_x64
    trained("compiled", Network.create([6, 8, 3], rng=1), epochs=1)
    assert jax.config.jax_enable_x64 == before


def test_what_it_does_not_know_is_refused():
    network = Network.create([6, 8, 3], rng=1)
    with pytest.raises(InputError, match="does not know the optimizer 'lbfgs'"):
        trained("compiled", network, optimizer="lbfgs")
    with pytest.raises(InputError, match="does not know measure_every=2"):
        trained("compiled", network, measure_every=2)
    with pytest.raises(InputError, match="engine is 'complied', which is not known: did you mean 'compiled'"):
        trained("complied", network)


def test_the_estimators_train_by_it():
    model = MLPClassifier([8], random_state=0, max_iter=5, engine="compiled", dropout=0.1, tol=0)
    other = MLPClassifier([8], random_state=0, max_iter=5, engine="formula", dropout=0.1, tol=0)
    for each in (model, other):
        with pytest.warns(Warning, match="Maximum iterations"):
            each.fit(X, Y, sample_weight=WEIGHT + 0.1)
    np.testing.assert_allclose(model.loss_curve_, other.loss_curve_, rtol=1e-9)
    np.testing.assert_allclose(model.predict_proba(X), other.predict_proba(X), rtol=1e-8)
    model.partial_fit(X, Y)
    with pytest.raises(InputError, match="does not know the optimizer 'lbfgs'"):
        MLPRegressor(hidden_layer_sizes=[8], solver="lbfgs", engine="compiled").fit(X, Y)


def test_the_command_line_trains_by_it(tmp_path, call):
    table = tmp_path / "table.csv"
    rows = [f"{a},{b},{'yes' if a + b > 0 else 'no'}" for a, b in RNG.normal(size=(200, 2))]
    table.write_text("\n".join(["a,b,c", *rows]))
    common = ["train", str(table), "--target", "c", "--epochs", "3", "--json", "--engine"]
    code, by_formula, err = call(*common, "formula", "--out", tmp_path / "formula")
    assert (code, err) == (0, "")
    command = [sys.executable, "-m", "backtalk", *common, "compiled", "--out", str(tmp_path / "compiled")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    np.testing.assert_allclose(
        json.loads(done.stdout)["trainings"][0]["losses"], json.loads(by_formula)["trainings"][0]["losses"], rtol=1e-4
    )


def test_without_jax_the_error_says_how_to_have_it(monkeypatch):
    monkeypatch.setattr("backtalk.engines.compiled.program.find_spec", lambda name: None)
    with pytest.raises(backtalk.MissingLibraryError, match=r"pip install 'backtalk\[jax\]'"):
        trained("compiled", Network.create([6, 8, 3], rng=1))
