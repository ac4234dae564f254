"""Private training: what a private step is, in both engines; its noise, its mini-batches, what it costs and refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("dp_accounting")

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
from sklearn.base import clone as sklearn_clone
from sklearn.datasets import load_digits

import backtalk
from backtalk import Network, Privacy, fit, fit_many, per_example, resume
from backtalk.core.batch import Batch
from backtalk.core.clipping import CLIPPINGS
from backtalk.core.losses import LOSSES
from backtalk.core.noise import add_on_grid, grid_of, noise_for
from backtalk.core.optimizers import as_any_optimizer
from backtalk.data.sources import InMemory, Samples
from backtalk.engines.formula import FormulaSteps
from backtalk.engines.native.kernels import kernels
from backtalk.engines.native.steps import NativeSteps
from backtalk.engines.private import PrivateSettings
from backtalk.engines.steps import StepSettings
from backtalk.errors import DivergedError, InputError, InputTypeError
from backtalk.train.privacy import epsilon
from backtalk.train.privacy.poisson import PoissonSamples

KEY = bytes(range(32))
ENGINES = [FormulaSteps, *([NativeSteps] if kernels() else [])]
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 5)), RNG.normal(size=(40, 3))
NET = Network.create([5, 7, 3], "tanh", rng=0, loss="squared_error")


def clone(model) -> Any:
    return sklearn_clone(model)


def taken(
    kind, rows, *, clipping="flat", max_norm=1.0, noise=0.0, batch_size=1.0, net=NET, data=(X, Y), rate=1.0, **also
):
    """The change of W and b in private steps of SGD on these rows, divided by −rate: the sum of their gradients."""
    optimizer = as_any_optimizer(also.pop("optimizer", "sgd(momentum=0)"))
    private = PrivateSettings(clipping, max_norm, noise, batch_size, KEY)
    steps = kind(net, StepSettings(optimizer, private=private, **also))
    steps.use(Batch.of(net, *data, takes_labels=kind.takes_labels))
    ends = np.cumsum([len(each) for each in rows])
    order = Samples(np.concatenate(rows).astype(np.int64), ends)
    place = 0
    while place < len(rows):  # a call ends after some time
        place = steps.take(order, place, 1, np.full(len(rows), rate)).place
    before, after = ([*n.W.values(), *n.b.values()] for n in (net, steps.network))
    return np.concatenate([((one - other) / rate).ravel() for one, other in zip(before, after, strict=True)])


def explicit(clipping, max_norm, net=NET, data=(X, Y)):
    """The same by the gradient of each example."""
    found = next(per_example.gradients(net, *data))
    of_layers = [(found.W[i].reshape(len(data[0]), -1), found.b[i]) for i in found.W]
    norms = [np.sqrt((W**2).sum(axis=1) + (b**2).sum(axis=1)) for W, b in of_layers]
    whole, limit = np.sqrt(sum(norm**2 for norm in norms)), max_norm / np.sqrt(len(norms))
    c = {
        "flat": [np.minimum(1, max_norm / whole)] * len(norms),
        "per_layer": [np.minimum(1, limit / norm) for norm in norms],
        "automatic": [max_norm / (whole + 0.01)] * len(norms),
    }[clipping]
    W, b = (
        [(each * factor[:, None]).sum(axis=0) for each, factor in zip(family, c, strict=True)]
        for family in zip(*of_layers, strict=True)
    )
    return np.concatenate([*W, *b])


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("clipping", CLIPPINGS)
def test_a_step_sums_the_clipped_gradients_of_single_examples(kind, clipping):
    sum_of_steps = taken(kind, [np.arange(40)], clipping=clipping, max_norm=2.0, batch_size=8.0)
    np.testing.assert_allclose(sum_of_steps, explicit(clipping, 2.0) / 8, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ENGINES)
def test_without_noise_and_with_a_huge_norm_a_private_step_is_a_plain_one(kind):
    settings = StepSettings(as_any_optimizer("adam"), l2_penalty=0.1)
    plain = kind(NET, settings)
    plain.use(Batch.of(NET, X, Y))
    plain.take(np.arange(40), 0, 40, np.array([0.01]))
    private = taken(kind, [np.arange(40)], max_norm=1e9, batch_size=40.0, rate=0.01, optimizer="adam", l2_penalty=0.1)
    before, after = ([*n.W.values(), *n.b.values()] for n in (NET, plain.network))
    change = np.concatenate([((a - b) / 0.01).ravel() for a, b in zip(before, after, strict=True)])
    np.testing.assert_allclose(private, change, rtol=1e-9, atol=1e-9)


@pytest.mark.skipif(kernels() is None, reason="no kernels")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_engines_agree_noise_empty_batches_and_all(dtype):
    net = Network.create([37, 70, 4], "relu", rng=0, dtype=dtype, loss="squared_error")
    data = (RNG.normal(size=(300, 37)).astype(dtype), RNG.normal(size=(300, 4)).astype(dtype))
    rows = [np.arange(290), np.array([], int), np.arange(7, 40), np.array([3])]
    options = {"noise": 0.1, "batch_size": 50.0, "net": net, "data": data, "rate": 0.1, "optimizer": "momentum"}
    native, formula = (taken(kind, rows, **options) for kind in (NativeSteps, FormulaSteps))
    np.testing.assert_allclose(native, formula, rtol=0, atol=1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("clipping", CLIPPINGS)
def test_one_example_changes_the_sum_by_no_more_than_the_norm(kind, clipping):
    wild = X.copy()
    wild[0], wild[1], wild[2], wild[3] = 0, 1e12, -1e-200, 1e3
    y = np.where(np.arange(40)[:, None] == 4, 1e15, Y)
    flat = Network([np.zeros((7, 5)), np.zeros((3, 7))], [np.zeros(7), np.zeros(3)], "relu", loss="squared_error")
    for net in (NET, flat):  # in the second, gradients of the first layer are 0
        everyone = taken(kind, [np.arange(8)], clipping=clipping, max_norm=0.5, net=net, data=(wild, y))
        for row in range(8):
            without = taken(
                kind, [np.delete(np.arange(8), row)], clipping=clipping, max_norm=0.5, net=net, data=(wild, y)
            )
            assert np.linalg.norm(everyone - without) <= 0.5 * (1 + 1e-9)


@pytest.mark.parametrize("kind", ENGINES)
def test_a_gradient_that_is_no_number_ends_the_run(kind):
    net = Network([[[1e200]], [[1e200]]], [[0.0], [0.0]], "identity", loss="absolute_error")
    steps = kind(net, StepSettings(as_any_optimizer("sgd"), private=PrivateSettings("flat", 1.0, 0.0, 1.0, KEY)))
    steps.use(Batch.of(net, [[1.0]], [0.0]))
    with np.errstate(all="ignore"), pytest.raises(DivergedError):
        steps.take(Samples(np.array([0]), np.array([1])), 0, 1, np.ones(1))


@pytest.mark.parametrize("kind", ENGINES)
def test_noise_has_the_scale_that_was_asked_for(kind):
    net = Network.create([99, 100, 10], "relu", rng=0)
    none = [np.array([], int)] * 4  # steps on no example are noise alone
    data = (np.zeros((1, 99)), [0])
    noise = taken(kind, none, noise=0.5, net=net, data=data).reshape(-1) / 2  # the sum of 4 steps has twice the scale
    assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(noise.size)
    assert abs(noise.std() / 0.5 - 1) < 4 / np.sqrt(2 * noise.size)
    inside = [np.mean(np.abs(noise) < 0.5 * k) for k in (1, 2, 3)]
    np.testing.assert_allclose(inside, [0.6827, 0.9545, 0.9973], atol=0.02)


def test_the_bits_of_the_noise_are_those_of_chacha20():
    stream = Cipher(algorithms.ChaCha20(KEY, bytes(4) + (7).to_bytes(4, "little") + (9).to_bytes(8, "little")), None)
    words = np.frombuffer(stream.encryptor().update(bytes(64)), "<u4").astype(float)
    u = words[0] * 2.0**-32 + ((int(words[1]) & 255) + 1) * 2.0**-40
    pair = noise_for(KEY, layer=7, step=9, rows=1, columns=2, dtype="float32")
    np.testing.assert_allclose((pair**2).sum(), -2 * np.log(u))


def test_noisy_sums_lie_on_a_grid_whatever_the_total():
    total = np.array([1 / 3, 1e-9, -2 / 7])
    noisy = add_on_grid(total, np.array([0.1, -1.3, 2.2]), 0.3)
    assert (noisy / grid_of(0.3) % 1 == 0).all()
    np.testing.assert_allclose(noisy, total + 0.3 * np.array([0.1, -1.3, 2.2]), atol=grid_of(0.3))


@pytest.mark.parametrize("kind", ENGINES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_what_noise_alone_leads_to_lies_on_the_grid(kind, dtype):
    net = Network([np.zeros((40, 50), dtype)], [np.zeros(40, dtype)], loss="squared_error")
    data = (np.ones((1, 50), dtype), np.ones((1, 40), dtype))
    moved = taken(kind, [np.array([], int)], noise=0.9, net=net, data=data)
    assert moved.std() > 0.8
    assert (moved / grid_of(0.9) % 1 == 0).all()


def test_each_step_takes_each_example_with_the_same_probability():
    source = InMemory(Batch.of(NET, X, Y), rows=np.arange(3, 23))
    samples = PoissonSamples(source, 0.1, 2000, KEY).samples(5)
    counts = np.bincount(samples.rows, minlength=40)
    sizes = np.diff(samples.ends, prepend=0)
    assert counts[:3].sum() == counts[23:].sum() == 0
    np.testing.assert_allclose(counts[3:23] / 2000, 0.1, atol=4 * np.sqrt(0.09 / 2000))
    assert abs(sizes.var() - 20 * 0.09) < 0.3
    assert (sizes == 0).any()


def private(**changes):
    return Privacy(**{"noise_multiplier": 1.0, "delta": 1e-3, "accountant": "rdp", "seed": 0, **changes})


def parts_of(training):
    return parts(training.network)


def equal(one, other):
    return all(np.array_equal(a, b) for a, b in zip(parts_of(one), parts_of(other), strict=True))


def test_epsilon_after_each_epoch_is_that_of_the_steps_so_far():
    epochs = []
    training = fit(NET, X, Y, epochs=3, batch_size=16, privacy=private(), callbacks=epochs.append)
    assert [each.privacy.steps for each in epochs] == [3, 6, 9]
    assert [each.privacy.epsilon for each in epochs] == [epsilon(1.0, 0.4, n, 1e-3, "rdp") for n in (3, 6, 9)]
    assert training.privacy == epochs[-1].privacy
    assert training.privacy.epsilon > epochs[0].privacy.epsilon


def test_a_seed_repeats_a_run_and_without_one_no_two_are_alike():
    runs = [fit(NET, X, Y, epochs=2, privacy=private(seed=seed), rng=0) for seed in (1, 1, 2, None, None)]
    assert equal(runs[0], runs[1])
    assert not any(equal(one, other) for one, other in pairwise(runs[1:]))


@pytest.mark.parametrize("name", ["noise_multiplier", "max_norm", "target_epsilon"])
@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-42, 1e200, np.inf, np.nan])
def test_noise_that_float32_cannot_hold_is_refused(name, value):
    asked = {"delta": 1e-3, "noise_multiplier": 1.0} if name == "max_norm" else {"delta": 1e-3}
    with pytest.raises(InputError, match=f"^{name} is .* from 1e-12 to 1e\\+12"):
        Privacy(**asked, **{name: value})


@pytest.mark.parametrize("engine", ["native", "formula"])
def test_the_least_noise_is_normal_in_float32(engine):
    least = private(noise_multiplier=1e-12, max_norm=1e-12)
    net = Network.create([5, 7, 3], "tanh", rng=0, loss="squared_error", dtype="float32")
    zeros = net.replace([W * 0 for W in net.W.values()], [b * 0 for b in net.b.values()])
    moved = fit(zeros, X, Y, epochs=1, engine=engine, optimizer="sgd(learning_rate=1.0, momentum=0)", privacy=least)
    assert all(np.isfinite(part).all() and (part != 0).all() for part in parts_of(moved))


def test_a_target_is_reached_and_not_passed():
    privacy = Privacy(target_epsilon=2.0, delta=1e-3, accountant="rdp")
    spent = fit(NET, X, Y, epochs=4, batch_size=40, privacy=privacy).privacy
    assert 1.97 < spent.epsilon <= 2.0
    with pytest.raises(InputError, match="target_epsilon"):
        fit(NET, X, Y, batch_size=40, privacy=Privacy(target_epsilon=1e-3, delta=1e-12, accountant="rdp"))


def test_a_run_goes_on_from_its_checkpoint(tmp_path):
    file = tmp_path / "run.safetensors"
    fit(NET, X, Y, epochs=2, rng=0, privacy=private(), checkpoint=file)
    went_on, whole = resume(file, X, Y, epochs=4), fit(NET, X, Y, epochs=4, rng=0, privacy=private())
    assert equal(went_on, whole)
    assert went_on.privacy == whole.privacy
    # without a seed the key stays out of the file: other noise, and the steps before count
    fit(NET, X, Y, epochs=2, rng=0, privacy=private(seed=None), checkpoint=file)
    kept = file.read_bytes()
    first = resume(file, X, Y, epochs=4)
    file.write_bytes(kept)
    second = resume(file, X, Y, epochs=4)
    assert not equal(first, second)
    assert first.privacy == second.privacy == whole.privacy
    fit(
        NET, X, Y, epochs=2, batch_size=40, checkpoint=file,
        privacy=Privacy(target_epsilon=2.0, delta=1e-3, accountant="rdp"),
    )  # fmt: skip
    with pytest.raises(InputError, match="epochs is 4"):
        resume(file, X, Y, epochs=4)


def test_epochs_without_any_example_are_steps_too(tmp_path):
    losses = fit(
        NET, X[:2], Y[:2], epochs=100, batch_size=1, privacy=private(delta=0.1), checkpoint=tmp_path / "run"
    ).losses
    assert len(losses) == 100
    assert np.isnan(losses).any()
    assert np.isfinite(losses).any()
    assert resume(tmp_path / "run", X[:2], Y[:2], epochs=101).privacy.steps == 202


def normalized(yhat, t):
    return (yhat - yhat.mean(axis=0) - t) if len(yhat) > 1 else yhat - t


def test_what_cannot_be_private_is_refused():
    given = {"privacy": private()}
    refused = {
        "clip_norm": {"clip_norm": 1.0},
        "measure_every": {"measure_every": 1},
        "'gd'|gd": {"optimizer": "gd"},
        "lbfgs": {"optimizer": "lbfgs"},
        "engine": {"engine": "compiled"},
        "record": {"record": True},
        "patience": {"patience": 2},
        "schedule": {"schedule": "reduce_on_plateau"},
        "sample_weight": {"sample_weight": np.ones(40)},
        "1/40": {"privacy": private(delta=0.03)},
        "state": {"state": fit(NET, X, Y, epochs=1).state},
    }
    for said, arguments in refused.items():
        with pytest.raises(InputError, match=said):
            fit(NET, X, Y, **{**given, **arguments})
    with pytest.raises(InputTypeError, match="Privacy"):
        fit(NET, X, Y, privacy=1.0)
    with pytest.raises(InputError, match="class_weight"):
        fit(Network.create([5, 3], rng=0), X, np.arange(40) % 3, class_weight="balanced", **given)
    with pytest.raises(InputError, match="several networks"):
        fit_many([NET, NET], X, Y, **given)
    fit(NET, X, Y, epochs=1, patience=2, schedule="adaptive", validation=(X, Y), **given)
    name = "from_the_mean_of_the_batch"
    backtalk.register_loss(name, lambda yhat, t: (normalized(yhat, t) ** 2).sum(axis=-1) / 2, normalized)
    try:
        with pytest.raises(InputError, match="depends on the others"):
            fit(Network.create([5, 3], rng=0, loss=name), X, Y, **given)
    finally:
        del LOSSES[name]  # other tests of this process draw from the table


@pytest.mark.parametrize(
    "wrong",
    [
        {"delta": 0.0}, {"delta": 1.0}, {"noise_multiplier": 0.0}, {"noise_multiplier": None}, {"target_epsilon": 1.0},
        {"max_norm": -1.0}, {"max_norm": np.nan}, {"clipping": "none"}, {"accountant": "prv"}, {"seed": -1},
    ],
)  # fmt: skip
def test_settings_out_of_their_range_are_refused(wrong):
    with pytest.raises(InputError):
        private(**wrong)


def test_the_estimators_train_privately():
    digits, labels = load_digits(return_X_y=True)
    digits = digits / 16
    options = {"max_iter": 8, "batch_size": 128, "learning_rate_init": 0.02, "random_state": 0}
    model = clone(backtalk.MLPClassifier([32], privacy=private(delta=1e-4), **options)).fit(digits, labels)
    assert model.get_params()["privacy"] == private(delta=1e-4)
    assert model.n_iter_ == 8
    assert model.privacy_.steps == 8 * 15
    assert model.score(digits, labels) > 0.8
    with pytest.raises(InputError, match="partial_fit"):
        model.partial_fit(digits, labels)
    for said, change in {"early_stopping": True, "warm_start": True, "learning_rate": "adaptive"}.items():
        with pytest.raises(InputError, match=said):
            clone(model).set_params(**{said: change}).fit(digits, labels)
    assert clone(model).set_params(privacy=None, max_iter=200, tol=1.0).fit(digits, labels).privacy_ is None


def test_the_norm_of_a_regressor_is_that_of_the_loss_it_reports():
    y = np.column_stack([np.abs(Y[:, 0])] * 3)  # whose loss in the network is another multiple of the one reported
    options = {"batch_size": 40, "max_iter": 1, "solver": "sgd(momentum=0)", "alpha": 0.0, "random_state": 0}
    for loss in ("squared_error", "poisson"):
        tight = Privacy(noise_multiplier=1e-9, delta=1e-3, max_norm=1e-3)
        model = backtalk.MLPRegressor(loss, [4], privacy=tight, learning_rate_init=1.0, **options)
        still = clone(model).set_params(learning_rate_init=1e-12).fit(X, y)
        pairs = zip(parts(model.fit(X, y).network_), parts(still.network_), strict=True)
        moved = np.sqrt(sum(((after - before) ** 2).sum() for after, before in pairs))
        assert 1e-4 < moved <= 1e-3 * (1 + 1e-6)


def parts(network):
    return [*network.W.values(), *network.b.values()]
