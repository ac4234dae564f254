"""The data of the programs: made from a seed, or bundled with scikit-learn, and cut into training and held-out rows.

Each function gives X, y of the training rows, then X, y of the held-out ones. Classes are whole numbers from 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import datasets

Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def split(X: Any, y: Any, held_out: float = 0.3, seed: int = 0) -> Data:
    """The rows, dealt at random to both parts."""
    X, y = np.asarray(X, dtype=float), np.asarray(y)
    order = np.random.default_rng(seed).permutation(len(X))
    test, train = np.split(order, [round(held_out * len(X))])
    return X[train], y[train], X[test], y[test]


def standardized(data: Data) -> Data:
    """The columns of X, with mean 0 and standard deviation 1 on the training rows."""
    X, y, X_test, y_test = data
    mean, std = X.mean(axis=0), X.std(axis=0)
    std[std == 0] = 1.0
    return (X - mean) / std, y, (X_test - mean) / std, y_test


def scaled_targets(data: Data) -> Data:
    """The same for numeric targets."""
    X, y, X_test, y_test = data
    mean, std = y.mean(axis=0), y.std(axis=0)
    return X, (y - mean) / std, X_test, (y_test - mean) / std


def digits(high: float = 1.0, rows: int | None = None) -> Data:
    """Images of 8 × 8 pixels from 0 to ``high``, in 10 classes."""
    X, y = datasets.load_digits(return_X_y=True)
    return split(X[:rows] * (high / 16), y[:rows])


def iris() -> Data:
    """Four lengths and widths, in 3 classes."""
    return standardized(split(*datasets.load_iris(return_X_y=True)))


def wine(raw: bool = False) -> Data:
    """Thirteen analyses, in 3 classes; ``raw``: as they were measured, from 0.1 to 1700."""
    data = split(*datasets.load_wine(return_X_y=True))
    return data if raw else standardized(data)


def breast_cancer(raw: bool = False) -> Data:
    """Thirty sizes of cells, in 2 classes; ``raw``: as they were measured, from 0.001 to 4000."""
    data = split(*datasets.load_breast_cancer(return_X_y=True))
    return data if raw else standardized(data)


def diabetes() -> Data:
    """Ten measurements, and the progress of the disease as a number."""
    return scaled_targets(standardized(split(*datasets.load_diabetes(return_X_y=True))))


def table(
    rows: int = 1000, columns: int = 20, classes: int = 2, informative: int = 8, seed: int = 0, **rest: Any
) -> Data:
    """A table for classification: clusters at the corners of a cube in ``informative`` of the columns."""
    X, y = datasets.make_classification(
        rows, columns, n_classes=classes, n_informative=informative, n_redundant=0, random_state=seed, **rest
    )
    return standardized(split(X, y))


def moons(rows: int = 600, noise: float = 0.15) -> Data:
    """Two half circles that reach into each other."""
    return standardized(split(*datasets.make_moons(rows, noise=noise, random_state=0)))


def circles(rows: int = 600, noise: float = 0.05) -> Data:
    """A circle within a circle."""
    return standardized(split(*datasets.make_circles(rows, noise=noise, factor=0.5, random_state=0)))


def blobs(rows: int = 600, classes: int = 3, spread: float = 1.5) -> Data:
    """Clouds of points, one a class."""
    return standardized(split(*datasets.make_blobs(rows, centers=classes, cluster_std=spread, random_state=3)))


def spirals(rows: int = 600, noise: float = 0.1) -> Data:
    """Two arms that wind around each other once and a half."""
    rng = np.random.default_rng(0)
    y = np.arange(rows) % 2
    angle = np.sqrt(rng.uniform(0.02, 1, rows)) * 3 * np.pi
    arm = angle + np.pi * y
    X = np.stack([angle * np.cos(arm), angle * np.sin(arm)], axis=1) / 3 + rng.normal(scale=noise, size=(rows, 2))
    return standardized(split(X, y))


def corners(rows: int = 600, noise: float = 0.25) -> Data:
    """Exclusive or: four clouds at the corners of a square, opposite ones of one class."""
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2, (rows, 2))
    return standardized(split(bits + rng.normal(scale=noise, size=(rows, 2)), bits[:, 0] ^ bits[:, 1]))


def friedman(rows: int = 1000, noise: float = 0.5) -> Data:
    """10 sin(π x₁x₂) + 20 (x₃ − ½)² + 10 x₄ + 5 x₅ and five columns of chance (Friedman 1991), scaled."""
    X, y = datasets.make_friedman1(rows, noise=noise, random_state=0)
    return scaled_targets(standardized(split(X, y)))


def plane(rows: int = 600, columns: int = 8, noise: float = 0.1, targets: int = 1) -> Data:
    """A linear function of the columns, and noise; scaled."""
    X, y = datasets.make_regression(rows, columns, n_targets=targets, random_state=0)
    y = y / y.std(axis=0) + np.random.default_rng(1).normal(scale=noise, size=y.shape)
    return scaled_targets(standardized(split(X, y)))


def curve(rows: int = 500, low: float = -3.0, high: float = 3.0, noise: float = 0.05) -> Data:
    """sin(x), of one column."""
    rng = np.random.default_rng(0)
    x = rng.uniform(low, high, (rows, 1))
    return split(x, np.sin(x[:, 0]) + rng.normal(scale=noise, size=rows))


def houses(rows: int = 800) -> Data:
    """Area, rooms, year, distance and size of the garden as people note them, and the price in euros."""
    rng = np.random.default_rng(0)
    area, rooms = rng.uniform(40, 250, rows), rng.integers(1, 8, rows)
    year, distance, garden = rng.integers(1900, 2021, rows), rng.exponential(8, rows), rng.exponential(300, rows)
    price = 3000 * area * np.exp(-distance / 15) + 12000 * rooms + 800 * (year - 1900) + 90 * garden
    price *= np.exp(rng.normal(scale=0.08, size=rows))
    return split(np.stack([area, rooms, year, distance, garden], axis=1), price)


def sequences(rows: int = 600, steps: int = 12, columns: int = 3) -> Data:
    """Waves of three frequencies with noise, (rows, steps, columns), in 3 classes: the frequency."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, rows)
    phase = rng.uniform(0, 2 * np.pi, (rows, 1, columns))
    speed = np.array([0.4, 0.9, 1.5])[y][:, None, None]
    X = np.sin(speed * np.arange(steps)[None, :, None] + phase) + rng.normal(scale=0.3, size=(rows, steps, columns))
    return split(X, y)


def words(rows: int = 800, steps: int = 10, vocabulary: int = 20) -> Data:
    """Sequences of numbers of words, (rows, steps); the class: whether word 1 comes before word 2."""
    rng = np.random.default_rng(0)
    X = rng.integers(3, vocabulary, (rows, steps))
    places = np.stack([rng.permutation(steps)[:2] for _ in range(rows)])
    X[np.arange(rows), places[:, 0]], X[np.arange(rows), places[:, 1]] = 1, 2
    return split(X, (places[:, 0] < places[:, 1]).astype(int))
