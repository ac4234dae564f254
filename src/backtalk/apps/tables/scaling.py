"""Numbers, filled, scaled, or taken by their ranks: SimpleImputer, StandardScaler and QuantileTransformer in NumPy.

They are what scikit-learn's transformers compute, without its import, which takes longer than most predictions.
"""

from __future__ import annotations

import numpy as np

EPSILON = np.finfo(np.float64).eps
END = 1e-7  # this close to the least or the largest quantile, a number has that one's rank; no rank is closer to 0 or 1


def medians(A: np.ndarray) -> np.ndarray:
    """The median of each column of (rows, numbers), without its NaN."""
    found = []
    for column in A.T:
        present = np.sort(column[~np.isnan(column)])
        low, high = present[(len(present) - 1) // 2], present[len(present) // 2]
        found.append(low / 2 + high / 2 if low < high else low)  # halved first: the sum may be infinite
    return np.array(found)


def means_and_deviations(A: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each column of (rows, numbers), and its standard deviation; 1 if that is 0 up to rounding.

    The variance is the mean of (x − mean)², corrected for the rounding of the mean: what is left of Σ (x − mean).
    Source: Chan, Golub and LeVeque (1983), Algorithms for computing the sample variance.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        count, mean = len(A), A.sum(axis=0) / len(A)
        apart = A - mean
        variance = ((apart**2).sum(axis=0) - apart.sum(axis=0) ** 2 / count) / count
        is_constant = variance <= count * EPSILON * variance + (count * mean * EPSILON) ** 2
        return mean, np.where(is_constant, 1.0, np.sqrt(variance))


def quantiles_of(numbers: np.ndarray, count: int) -> np.ndarray:
    """So many quantiles, from the least number to the largest, in order."""
    halves = np.percentile(numbers / 2, np.linspace(0, 1, count) * 100)  # the way between two numbers may be infinite
    return np.maximum.accumulate(halves * 2)


def normal_ranks(numbers: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The rank of each number among the quantiles, 0 to 1, as the point of the normal distribution below which it lies.

    Between two quantiles it is interpolated; of several that are equal, the middle counts.
    """
    shares = np.linspace(0, 1, len(quantiles))
    upward = np.interp(numbers, quantiles, shares)
    downward = -np.interp(-numbers, -quantiles[::-1], -shares[::-1])
    ranks = (upward + downward) / 2
    ranks[numbers + END > quantiles[-1]] = 1
    ranks[numbers - END < quantiles[0]] = 0
    end = END - np.spacing(1)
    return normal_points(np.clip(ranks, end, 1 - end))


def normal_rank_slopes(numbers: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The derivative of :func:`normal_ranks` by each number: that of its rank, divided by φ of its normal point.

    It is 0 below the least quantile, from the largest on, and where the rank is held at its end. At a quantile it is
    that from the right.
    """
    places = np.searchsorted(quantiles, numbers, side="right") - 1
    inside = (places >= 0) & (places < len(quantiles) - 1)
    inside &= (numbers + END <= quantiles[-1]) & (numbers - END >= quantiles[0])
    share = 1 / (len(quantiles) - 1)
    rank_slopes = share / np.diff(quantiles)[places[inside]]
    points = normal_ranks(numbers[inside], quantiles)
    slopes = np.zeros(len(numbers))
    slopes[inside] = rank_slopes * np.sqrt(2 * np.pi) * np.exp(points**2 / 2)
    return slopes


def normal_points(shares: np.ndarray) -> np.ndarray:
    """x with Φ(x) = p for each p between 0 and 1, to about 16 digits.

    Source: Wichura (1988), algorithm AS 241 (PPND16): a ratio of two polynomials of degree 7, in the middle of
    0.425² − (p − 1/2)², and towards the ends of r = √(−log min(p, 1 − p)).
    """
    q = shares - 0.5
    tail = np.sqrt(-np.log(np.minimum(shares, 1 - shares)))
    middle = q * _ratio(0.180625 - q * q, *MIDDLE)
    ends = np.where(tail <= 5, _ratio(tail - 1.6, *NEAR), _ratio(tail - 5, *FAR))
    return np.where(np.abs(q) <= 0.425, middle, np.copysign(ends, q))


def _ratio(x: np.ndarray, above: list[float], below: list[float]) -> np.ndarray:
    return np.polyval(above, x) / np.polyval(below, x)


# Coefficients of AS 241, of the highest power first
MIDDLE = (
    [
        2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457,
        13731.693765509461125, 1971.5909503065514427, 133.14166789178437745, 3.387132872796366608,
    ],
    [
        5226.495278852545925, 28729.085735721942674, 39307.89580009271061, 21213.794301586595867,
        5394.1960214247511077, 687.1870074920579083, 42.313330701600911252, 1.0,
    ],
)  # fmt: skip
NEAR = (
    [
        7.7454501427834140764e-4, 0.0227238449892691845833, 0.24178072517745061177, 1.27045825245236838258,
        3.64784832476320460504, 5.7694972214606914055, 4.6303378461565452959, 1.42343711074968357734,
    ],
    [
        1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.14810397642748007459,
        0.68976733498510000455, 1.6763848301838038494, 2.05319162663775882187, 1.0,
    ],
)  # fmt: skip
FAR = (
    [
        2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093,
        0.29656057182850489123, 1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772,
    ],
    [
        2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4,
        0.0148753612908506148525, 0.13692988092273580531, 0.59983220655588793769, 1.0,
    ],
)  # fmt: skip
