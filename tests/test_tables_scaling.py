"""Medians, scales, ranks and the split of rows, beside scikit-learn, which computes the same."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtri
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import QuantileTransformer, StandardScaler

from backtalk.apps.tables.scaling import (
    means_and_deviations,
    medians,
    normal_points,
    normal_ranks,
    quantiles_of,
)
from backtalk.apps.tables.split import hold_out


@pytest.mark.parametrize("seed", range(10))
def test_medians_means_and_deviations_are_those_of_scikit_learn_to_the_bit(seed):
    rng = np.random.default_rng(seed)
    size = 10 ** rng.uniform(-6, 6, 3)
    A = rng.normal(10 ** rng.uniform(-6, 6, 3), size, (100 + seed, 3))
    A[:, 2] = A[0, 2]
    A[1:][rng.random((99 + seed, 3)) < 0.1] = np.nan
    imputer = SimpleImputer(strategy="median").fit(A)
    assert medians(A).tolist() == imputer.statistics_.tolist()
    filled = imputer.transform(A)
    scaler, (mean, deviation) = StandardScaler().fit(filled), means_and_deviations(filled)
    assert (mean.tolist(), deviation.tolist()) == (scaler.mean_.tolist(), scaler.scale_.tolist())
    assert deviation[2] == 1


def test_the_median_of_numbers_whose_sum_is_infinite_is_finite():
    assert medians(np.array([[1.6e308], [1.4e308]])).tolist() == [1.5e308]


@pytest.mark.parametrize("digits", [None, 0])
def test_ranks_are_those_of_scikit_learn(digits):
    rng = np.random.default_rng(0)
    numbers = rng.standard_cauchy(500)
    numbers = numbers if digits is None else numbers.round(digits)  # then many are equal
    transformer = QuantileTransformer(n_quantiles=101, output_distribution="normal", subsample=2**62)
    transformer.fit(numbers[:, None])
    quantiles = quantiles_of(numbers, 101)
    np.testing.assert_array_equal(quantiles, transformer.quantiles_[:, 0])
    others = np.concatenate([numbers, rng.standard_cauchy(500) * 10, [-1e300, 1e300]])
    expected = transformer.transform(others[:, None])[:, 0]
    np.testing.assert_allclose(normal_ranks(others, quantiles), expected, rtol=1e-13, atol=1e-13)


def test_points_of_the_normal_distribution_have_all_their_digits():
    shares = np.concatenate([np.linspace(0, 1, 2001)[1:-1], 10.0 ** -np.arange(3, 300, 7)])
    np.testing.assert_allclose(normal_points(shares), ndtri(shares), rtol=2e-15, atol=0)


@pytest.mark.parametrize("seed", range(20))
def test_rows_are_held_out_as_scikit_learn_draws_them(seed):
    rng = np.random.default_rng(seed)
    rows, classes = np.sort(rng.permutation(400)[:200]), 2 + seed
    labels = np.zeros(400, int)
    labels[rows] = np.concatenate([np.arange(classes), np.arange(classes), rng.integers(0, classes, 200 - 2 * classes)])
    size = round(0.02 * (1 + seed) * 200)
    for given in (labels, None):
        kept, held_out = hold_out(rows, given, 0.02 * (1 + seed), seed)
        stratify = labels[rows] if given is not None and classes <= size else None
        expected = train_test_split(rows, test_size=size, random_state=seed, stratify=stratify)
        assert (kept.tolist(), held_out.tolist()) == tuple(sorted(part.tolist()) for part in expected)


def test_the_only_row_of_a_label_is_kept_and_the_others_are_held_out_by_their_shares():
    labels = np.array([0] * 50 + [1] * 49 + [2])
    for seed in range(5):
        kept, held_out = hold_out(np.arange(100), labels, 0.2, seed)
        assert np.bincount(labels[held_out], minlength=3).tolist() == [10, 10, 0]
        assert np.array_equal(np.sort(np.concatenate([kept, held_out])), np.arange(100))
    alone = hold_out(np.arange(3), np.arange(3), 0.5, 0)
    assert [len(part) for part in alone] == [3, 0]
