"""The source of noise: its distribution, its randomness, and what it gives away."""

from __future__ import annotations

import hashlib
import pickle
import sys

import numpy as np
import pytest
from scipy import stats

from backtalk.errors import InputError, InputTypeError, MissingLibraryError
from backtalk.train.privacy import NoiseSource


def test_the_noise_is_normal_and_its_numbers_independent():
    drawn = NoiseSource(seed=1).normal(200_001, scale=2.5) / 2.5
    assert stats.kstest(drawn, "norm").pvalue > 0.01
    assert stats.kstest(drawn[:-1] * drawn[1:], drawn[:-3] * drawn[3:]).pvalue > 0.01
    half = 2**14  # the two numbers of a pair
    assert abs(np.corrcoef(drawn[:half], drawn[half : 2 * half])[0, 1]) < 0.03
    assert abs(np.corrcoef(drawn[:half] ** 2, drawn[half : 2 * half] ** 2)[0, 1]) < 0.03


def test_a_seed_gives_the_same_numbers_and_no_seed_others():
    one, same, other = NoiseSource(3), NoiseSource(3), NoiseSource(4)
    assert np.array_equal(one.normal((2, 5), 1.0), same.normal((2, 5), 1.0))
    assert not np.array_equal(one.normal(5, 1.0), other.normal(5, 1.0))
    assert not np.array_equal(NoiseSource().normal(5, 1.0), NoiseSource().normal(5, 1.0))
    assert not np.array_equal(one.normal(5, 1.0), one.normal(5, 1.0))


def test_the_numbers_are_made_of_the_bits_of_chacha20():
    nonce = bytes(4) + b"\xff" * 4 + bytes(8)
    bits = np.frombuffer(_chacha20_block(hashlib.sha256(b"backtalk 0").digest(), nonce), "<u8")
    numbers = (bits[:2] >> np.uint64(12)) * 2.0**-52
    radius, angle = np.sqrt(-2 * np.log(1 - numbers[0])), 2 * np.pi * (1 - numbers[1])
    expected = [radius * np.cos(angle), radius * np.sin(angle)]
    assert np.allclose(NoiseSource(0).normal(2, 1.0), expected, rtol=0, atol=2**-24)


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
        noisy = NoiseSource(5).add(total, scale)
        assert noisy.dtype == dtype
        steps = noisy.astype(float) / 2.0 ** (np.frexp(scale)[1] - 25)
        assert np.array_equal(steps, np.rint(steps))
        expected = total + NoiseSource(5).normal(1000, scale)
        assert np.abs(noisy - expected).max() <= 2**-22 * max(scale, np.abs(expected).max())


def test_no_noise_changes_nothing():
    total = np.array([0.1, -1e-30])
    assert np.array_equal(NoiseSource().add(total, 0.0), total)


def test_a_tensor_gets_the_noise_of_an_array():
    torch = pytest.importorskip("torch")
    total = np.linspace(-1, 1, 40_001, dtype=np.float32)
    noisy = NoiseSource(6).add(torch.from_numpy(total), 0.3)
    assert noisy.dtype == torch.float32
    assert np.mean(noisy.numpy() != NoiseSource(6).add(total, 0.3)) < 1e-4  # where log or cos differ in the last bit


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
    source.normal(7, 1.0), source.sample(100, 0.1)
    state, other = source.state(), NoiseSource()
    other.restore(state)
    assert np.array_equal(source.normal(7, 1.0), other.normal(7, 1.0))


def test_a_key_that_nobody_chose_is_nowhere_to_be_read():
    source = NoiseSource()
    source.normal(3, 1.0)
    assert source.state() == {"seed": None, "drawn": None}
    other = NoiseSource()
    other.restore(source.state())
    assert not np.array_equal(source.normal(3, 1.0), other.normal(3, 1.0))
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
        (lambda: NoiseSource(0).normal(3, -1.0), "scale"),
        (lambda: NoiseSource(0).normal(3, float("nan")), "scale"),
        (lambda: NoiseSource(0).add([1.0], 1.0), "total"),
        (lambda: NoiseSource(0).add(np.ones(2, int), 1.0), "total"),
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
