"""ε of private steps, beside Opacus' accountants and the exact Gaussian mechanism."""

from __future__ import annotations

import math
import sys
import warnings

import pytest
from scipy.optimize import brentq
from scipy.stats import norm

from backtalk.errors import InputError, MissingLibraryError
from backtalk.train.privacy import Accountant, epsilon, noise_multiplier_for

RUNS = [(1.1, 256 / 60_000, 1000, 1e-5), (4.0, 0.3, 200, 1e-4)]


@pytest.mark.parametrize(("mechanism", "kind", "relative"), [("rdp", "rdp", 2e-3), ("prv", "pld", 0.02)])
def test_epsilon_is_that_of_opacus(mechanism, kind, relative):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        accountants = pytest.importorskip("opacus.accountants")
        for noise, rate, steps, delta in RUNS:
            other = accountants.create_accountant(mechanism)
            other.history = [(noise, rate, steps)]
            assert epsilon(noise, rate, steps, delta, kind) == pytest.approx(other.get_epsilon(delta), rel=relative)


@pytest.mark.parametrize("noise", [0.8, 3.0])
def test_pld_of_all_examples_is_the_exact_gaussian_mechanism(noise):
    """δ(ε) = Φ(s/2 − ε/s) − e^ε Φ(−s/2 − ε/s), with s = √T/σ (Balle and Wang 2018)."""
    s, delta = math.sqrt(7) / noise, 1e-5
    exact = brentq(lambda e: norm.cdf(s / 2 - e / s) - math.exp(e + norm.logcdf(-s / 2 - e / s)) - delta, 0.0, 100.0)
    assert exact <= epsilon(noise, 1.0, 7, delta) <= exact * (1 + 1e-4)


def test_pld_is_never_above_rdp():
    for noise, rate, steps, delta in [(0.05, 0.9, 10, 1e-5), (1.0, 0.01, 100, 1e-30), (1e-9, 0.5, 3, 1e-5)]:
        assert epsilon(noise, rate, steps, delta, "pld") <= epsilon(noise, rate, steps, delta, "rdp")


def test_steps_one_after_another_are_steps_at_once():
    accountant = Accountant("rdp")
    for _ in range(5):
        accountant.step(1.0, 0.1).step(2.0, 0.2)
    assert accountant.steps == 10
    assert accountant.epsilon(1e-5) == Accountant("rdp").step(2.0, 0.2, 5).step(1.0, 0.1, 5).epsilon(1e-5)
    assert accountant.epsilon(1e-5) > epsilon(1.0, 0.1, 5, 1e-5, "rdp")


@pytest.mark.parametrize("kind", ["rdp", "pld"])
def test_no_noise_is_no_privacy_and_no_step_takes_none(kind):
    assert epsilon(0.0, 0.1, 1, 1e-5, kind) == math.inf
    assert epsilon(0.0, 0.1, 0, 1e-5, kind) == 0
    assert Accountant(kind).step(1.0, 0.1).step(0.0, 0.1).epsilon(1e-5) == math.inf


@pytest.mark.parametrize("kind", ["rdp", "pld"])
def test_epsilon_falls_as_noise_grows_however_much_or_little_it_is(kind):
    """dp-accounting gives 0 for σ = 1e-160, and overflows for 1e200."""
    found = [epsilon(noise, 0.1, 3, 1e-5, kind) for noise in (1e-300, 1e-160, 1e-90, 1e-3, 1e6, 1e200)]
    assert found[:2] == [math.inf, math.inf]
    assert found[2] > found[3] > found[4] == found[5] >= 0


@pytest.mark.parametrize(("kind", "target"), [("rdp", 0.3), ("pld", 1.5)])
def test_the_noise_for_a_target_reaches_it_and_hardly_more(kind, target):
    noise = noise_multiplier_for(target, 1e-5, 0.1, 50, kind)
    assert epsilon(noise, 0.1, 50, 1e-5, kind) <= target
    assert epsilon(noise * 0.99, 0.1, 50, 1e-5, kind) > target


def test_a_target_that_no_noise_reaches_names_the_least_epsilon():
    with pytest.raises(InputError, match=r"no noise reaches: with delta 1e-30.* gives 0\.0598 at the least") as raised:
        noise_multiplier_for(1e-3, 1e-30, 0.01, 100, "rdp")
    assert "use 'pld'" in str(raised.value)
    assert noise_multiplier_for(1.0, 1e-5, 0.01, 0) == 0


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ((1.0, 0.1, 1, 0.0), "delta"),
        ((1.0, 0.1, 1, 1.0), "delta"),
        ((1.0, 0.1, 1, math.nan), "delta"),
        ((1.0, 0.0, 1, 1e-5), "sampling_rate"),
        ((1.0, 1.5, 1, 1e-5), "sampling_rate"),
        ((-1.0, 0.1, 1, 1e-5), "noise_multiplier"),
        ((math.inf, 0.1, 1, 1e-5), "noise_multiplier"),
        ((1.0, 0.1, -1, 1e-5), "steps"),
        ((1.0, 0.1, 1, 1e-5, "prv"), "accountant"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(arguments, named):
    with pytest.raises(InputError, match=f"^{named} is "):
        epsilon(*arguments)


def test_an_accountant_goes_on_from_its_state():
    accountant = Accountant("rdp").step(1.0, 0.1, 3)
    other = Accountant.restore(accountant.state())
    assert other.step(1.0, 0.1).epsilon(1e-5) == accountant.step(1.0, 0.1).epsilon(1e-5)
    for state in ({}, {"kind": "rdp", "taken": [[1.0]]}, {"kind": "rdp", "taken": [[1.0, 2.0, 1]]}, {"kind": 3}):
        with pytest.raises(InputError):
            Accountant.restore(state)


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "dp_accounting", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'backtalk\[privacy\]'"):
        epsilon(1.0, 0.1, 1, 1e-5)
