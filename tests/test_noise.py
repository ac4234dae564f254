"""The source of noise: its distribution, its randomness, and what it gives away."""

from __future__ import annotations

import hashlib
import pickle
import sys

import numpy as np
import pytest
from scipy import stats

from backtalk.core import noise as formula
from backtalk.engines.native.kernels import available, extension
from backtalk.errors import InputError, InputTypeError, MissingLibraryError
from backtalk.train.privacy import NoiseSource


def normal(source: NoiseSource, count: int, scale: float = 1.0) -> np.ndarray:
    """Noise alone."""
    total = np.zeros(count)
    source.add(total, scale)
    return total


def test_the_noise_is_normal_and_its_numbers_independent():
    drawn = normal(NoiseSource(seed=1), 200_002, scale=2.5) / 2.5
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert stats.kstest(drawn[:-1] * drawn[1:], drawn[:-3] * drawn[3:]).pvalue > 0.01
    one, other = drawn[::2], drawn[1::2]  # the two numbers of a pair
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.02
    assert abs(np.corrcoef(one**2, other**2)[0, 1]) < 0.02


def test_a_seed_gives_the_same_numbers_and_no_seed_others():
    one, same, other = NoiseSource(3), NoiseSource(3), NoiseSource(4)
    assert np.array_equal(normal(one, 10), normal(same, 10))
    assert not np.array_equal(normal(one, 5), normal(other, 5))
    assert not np.array_equal(normal(NoiseSource(), 5), normal(NoiseSource(), 5))
    assert not np.array_equal(normal(one, 5), normal(one, 5))


def test_the_numbers_are_made_of_the_bits_of_chacha20():
    nonce = bytes(4) + b"\xff" * 4 + bytes(8)
    block = _chacha20_block(hashlib.sha256(b"backtalk 0").digest(), nonce)
    of_radius, of_angle = (int.from_bytes(block[k : k + 8], "little") for k in (0, 8))
    radius = np.sqrt(-2 * np.log((of_radius + 1) * 2.0**-64))
    high, low = of_angle >> 32, of_angle & 2**32 - 1
    turn = (high >> 30) / 4 + (high % 2**30) * 2.0**-32 + (low >> 10) * 2.0**-54 - 1 / 8
    expected = [radius * np.cos(2 * np.pi * turn), radius * np.sin(2 * np.pi * turn)]
    assert np.allclose(normal(NoiseSource(0), 2), expected, rtol=0, atol=2**-24)


@pytest.mark.parametrize("variant", available())
def test_each_build_of_the_kernels_adds_the_noise_of_the_formula(variant):
    key, layer, step = bytes(range(32)), 5, 2**33 + 1
    add = extension.add_noise
    for count in (1, 7, 8 * 2048 + 133):  # no whole number of blocks, and more than are made at once
        fine = np.zeros(count)
        add(variant, fine, key, layer, step, 1.0, 2.0**-60)
        np.testing.assert_allclose(fine, formula.noise_for(key, layer, step, 1, count)[0], rtol=0, atol=1e-12)
        for dtype in (np.float32, np.float64):
            one, other = (np.linspace(-1, 1, count, dtype=dtype) for _ in range(2))
            formula.add_noise(one, key, layer, step, 0.7)
            add(variant, other, key, layer, step, 0.7, grid := formula.grid_of(0.7))
            steps = other.astype(float) / grid
            assert np.array_equal(steps, np.rint(steps))
            assert np.abs(one - other).max() <= max(grid, 2 * np.spacing(np.abs(one).max()))
            assert np.mean(one != other) < 1e-3  # where the last bits decide which multiple is next
    with pytest.raises(TypeError):
        add(variant, np.zeros((4, 2))[:, 0], key, layer, step, 1.0, 1.0)


def _chacha20_block(key: bytes, nonce: bytes) -> bytes:
    """By the letter of RFC 8439, section 2.3."""
    start = [int.from_bytes((b"expand 32-byte k" + key + nonce)[4 * k : 4 * k + 4], "little") for k in range(16)]
    x = list(start)
    columns = [(k, k + 4, k + 8, k + 12) for k in range(4)]
    diagonals = [(k, 4 + (k + 1) % 4, 8 + (k + 2) % 4, 12 + (k + 3) % 4) for k in range(4)]
    for _ in range(10):
        for a, b, c, d in columns + diagonals:
            for one, two, three, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                x[one] = (x[one] + x[two]) % 2**32
                x[three] ^= x[one]
                x[three] = (x[three] << turn | x[three] >> 32 - turn) % 2**32
    return b"".join(((a + b) % 2**32).to_bytes(4, "little") for a, b in zip(x, start, strict=True))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noisy_sums_lie_on_one_grid_whatever_the_sum_is(dtype):
    total = np.random.default_rng(0).normal(size=1000).astype(dtype)
    for scale in (0.7, 1e-9, 3e5):
        noisy = total.copy()
        NoiseSource(5).add(noisy, scale)
        steps = noisy.astype(float) / 2.0 ** (np.frexp(scale)[1] - 25)
        assert np.array_equal(steps, np.rint(steps))
        expected = total + normal(NoiseSource(5), 1000, scale)
        assert np.abs(noisy - expected).max() <= 2**-22 * max(scale, np.abs(expected).max())


def test_no_noise_changes_nothing():
    total = np.array([0.1, -1e-30])
    NoiseSource().add(total, 0.0)
    assert total.tolist() == [0.1, -1e-30]


def test_a_sample_takes_each_row_with_its_probability_and_independently():
    source, rate, rows, draws = NoiseSource(7), 0.03, 400, 3000
    taken = np.zeros((draws, rows))
    for draw in taken:
        sample = source.sample(rows, rate)
        assert np.array_equal(sample, np.unique(sample))
        draw[sample] = 1
    z = (taken.sum(0) - draws * rate) / np.sqrt(draws * rate * (1 - rate))
    assert np.abs(z).max() < 4.5
    sizes = taken.sum(1)
    assert sizes.var() == pytest.approx(rows * rate * (1 - rate), rel=0.1)
    neighbours = (taken[:, :-1] * taken[:, 1:]).mean()
    assert neighbours == pytest.approx(rate**2, rel=0.1)


def test_samples_at_the_ends_of_the_range():
    source = NoiseSource(8)
    assert source.sample(5, 1.0).tolist() == [0, 1, 2, 3, 4]
    assert source.sample(0, 0.5).tolist() == []
    assert source.sample(10, 1e-12).tolist() == []
    assert source.sample(10, 1e-12).dtype == np.int64
    assert len(source.sample(10**12, 1e-11)) < 40


def test_a_seeded_source_goes_on_from_its_state():
    source = NoiseSource(9)
    normal(source, 7), source.sample(100, 0.1)
    state, other = source.state(), NoiseSource()
    other.restore(state)
    assert np.array_equal(normal(source, 7), normal(other, 7))


def test_a_key_that_nobody_chose_is_nowhere_to_be_read():
    source = NoiseSource()
    normal(source, 3)
    assert source.state() == {"seed": None, "drawn": None}
    other = NoiseSource()
    other.restore(source.state())
    assert not np.array_equal(normal(source, 3), normal(other, 3))
    with pytest.raises(InputTypeError, match="key"):
        pickle.dumps(source)


@pytest.mark.parametrize("state", [None, {}, {"seed": 1}, {"seed": -1, "drawn": 0}, {"seed": 1, "drawn": "x"}])
def test_another_state_is_refused(state):
    with pytest.raises(InputError, match=r"^state is "):
        NoiseSource(0).restore(state)


@pytest.mark.parametrize(
    ("use", "named"),
    [
        (lambda: NoiseSource(-1), "seed"),
        (lambda: NoiseSource(1.5), "seed"),
        (lambda: normal(NoiseSource(0), 3, -1.0), "scale"),
        (lambda: normal(NoiseSource(0), 3, float("nan")), "scale"),
        (lambda: NoiseSource(0).add([1.0], 1.0), "total"),
        (lambda: NoiseSource(0).add(np.ones(2, int), 1.0), "total"),
        (lambda: NoiseSource(0).add(np.ones(4)[::2], 1.0), "total"),
        (lambda: NoiseSource(0).sample(-1, 0.5), "count"),
        (lambda: NoiseSource(0).sample(10, 0.0), "sampling_rate"),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(use, named):
    with pytest.raises((InputError, InputTypeError), match=f"^{named} "):
        use()


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'backtalk\[privacy\]'"):
        NoiseSource()
