"""The data of the held-out programs, from a seed or bundled with scikit-learn: X, y, X_test, y_test of each."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

Rows = tuple[Any, Any, Any, Any]


def split(X: Any, y: Any, seed: int = 0, test: float = 0.25, *, by_class: bool = False) -> Rows:
    """Training rows, then held-out rows."""
    X, X_test, y, y_test = train_test_split(X, y, test_size=test, random_state=seed, stratify=y if by_class else None)
    return X, y, X_test, y_test


def standardized(rows: Rows) -> Rows:
    """Each column of X to mean 0 and standard deviation 1, as of the training rows."""
    X, y, X_test, y_test = rows
    mean, std = X.mean(axis=0), X.std(axis=0)
    std = np.where(std > 0, std, 1.0)
    return (X - mean) / std, y, (X_test - mean) / std, y_test


def digits(top: float = 1.0, *, noise: float = 0.0, seed: int = 0) -> Rows:
    """Handwritten digits of 8 × 8 pixels between 0 and ``top``; ``noise`` is added, as a share of ``top``."""
    images = datasets.load_digits()
    X = images.data / 16.0
    if noise:
        X = np.clip(X + np.random.default_rng(seed).normal(0.0, noise, X.shape), 0.0, 1.0)
    return split(X * top, images.target, seed, by_class=True)


def few_digits(rows: int, top: float = 1.0, seed: int = 0) -> Rows:
    """A part of the digits to train on, and all others held out."""
    images = datasets.load_digits()
    X, X_test, y, y_test = train_test_split(
        images.data / 16.0 * top, images.target, train_size=rows, random_state=seed, stratify=images.target
    )
    return X, y, X_test, y_test


def groups(
    rows: int = 1000, features: int = 20, classes: int = 2, *, informative: int = 6, apart: float = 1.5, seed: int = 0
) -> Rows:
    """Classes that each lie in two clusters."""
    X, y = datasets.make_classification(
        rows, features, n_informative=informative, n_redundant=0, n_classes=classes, class_sep=apart, flip_y=0.01,
        random_state=seed,
    )  # fmt: skip
    return split(X, y, seed, by_class=True)


def rare(rows: int = 3000, features: int = 10, share: float = 0.03, apart: float = 1.0, seed: int = 0) -> Rows:
    """Two classes of which the second is rare."""
    X, y = datasets.make_classification(
        rows, features, n_informative=5, n_redundant=0, weights=[1 - share], class_sep=apart, flip_y=0.0,
        random_state=seed,
    )  # fmt: skip
    return split(X, y, seed, by_class=True)


def rings(rows: int = 1000, noise: float = 0.08, seed: int = 0) -> Rows:
    """One class within the ring of the other."""
    return split(*datasets.make_circles(rows, noise=noise, factor=0.5, random_state=seed), seed)


def moons(rows: int = 1000, noise: float = 0.2, seed: int = 0) -> Rows:
    """Two half moons."""
    return split(*datasets.make_moons(rows, noise=noise, random_state=seed), seed)


def cancer(*, scaled: bool = True, seed: int = 0) -> Rows:
    """Breast cancer: 569 rows, 30 columns, two classes."""
    rows = split(*datasets.load_breast_cancer(return_X_y=True), seed, by_class=True)
    return standardized(rows) if scaled else rows


def flowers(*, scaled: bool = True, seed: int = 0) -> Rows:
    """Iris: 150 rows, 4 columns, three classes."""
    rows = split(*datasets.load_iris(return_X_y=True), seed, 0.3, by_class=True)
    return standardized(rows) if scaled else rows


def wines(*, scaled: bool = True, seed: int = 0) -> Rows:
    """Wine: 178 rows, 13 columns, three classes."""
    rows = split(*datasets.load_wine(return_X_y=True), seed, 0.3, by_class=True)
    return standardized(rows) if scaled else rows


def progression(seed: int = 0) -> Rows:
    """Diabetes: 442 rows, 10 columns; what is to be told is known by half at best. Both scaled."""
    X, y, X_test, y_test = standardized(split(*datasets.load_diabetes(return_X_y=True), seed))
    mean, std = y.mean(), y.std()
    return X, (y - mean) / std, X_test, (y_test - mean) / std


def plane(rows: int = 1000, features: int = 8, noise: float = 0.1, scale: float = 1.0, seed: int = 0) -> Rows:
    """A linear function of all columns, of standard deviation ``scale``."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    y = X @ rng.normal(size=features) / np.sqrt(features) + noise * rng.normal(size=rows)
    return split(X, y / y.std() * scale, seed)


def curve(rows: int = 600, features: int = 6, noise: float = 0.1, seed: int = 0) -> Rows:
    """A curved function of the columns, both about 1 large."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    y = np.sin(1.5 * X[:, 0]) + X[:, 1] * X[:, 2] + 0.5 * X[:, 3] ** 2 - 0.5 + noise * rng.normal(size=rows)
    return split(X, y / y.std(), seed)


def houses(rows: int = 1200, *, scaled: bool = False, seed: int = 0) -> Rows:
    """Houses: area in square feet, rooms, age, distance in metres, lot; and their prices in dollars."""
    rng = np.random.default_rng(seed)
    area, rooms = rng.gamma(9.0, 180.0, rows), rng.integers(1, 8, rows)
    age, distance, lot = rng.uniform(0, 90, rows), rng.gamma(2.0, 4000.0, rows), rng.gamma(3.0, 2500.0, rows)
    price = 60_000 + 150 * area + 9_000 * rooms - 900 * age + 6 * lot + 90_000 * np.exp(-distance / 5000)
    price = price * rng.normal(1.0, 0.06, rows)
    X, y, X_test, y_test = split(np.column_stack([area, rooms, age, distance, lot]), price, seed)
    if not scaled:
        return X, y, X_test, y_test
    mean, std = y.mean(), y.std()
    return standardized((X, (y - mean) / std, X_test, (y_test - mean) / std))


def counts(rows: int = 1500, features: int = 6, seed: int = 0) -> Rows:
    """Counts of Poisson, whose logarithm is a curved function of the columns."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, features))
    y = rng.poisson(np.exp(0.8 + 0.6 * X[:, 0] - 0.4 * X[:, 1] + 0.3 * np.sin(2 * X[:, 2])))
    return split(X, y.astype(float), seed)


def shapes(rows: int = 900, size: int = 12, classes: int = 4, noise: float = 0.15, seed: int = 0) -> Rows:
    """Grey images (N, 1, size, size) between 0 and 1: a bar across, a bar down, a square, a diagonal, somewhere."""
    rng = np.random.default_rng(seed)
    X, y = np.zeros((rows, 1, size, size)), rng.integers(0, classes, rows)
    for image, label in zip(X[:, 0], y, strict=True):
        row, column = rng.integers(0, size - 6, 2)
        if label == 0:
            image[row + 3, column : column + 6] = 1.0
        elif label == 1:
            image[row : row + 6, column + 3] = 1.0
        elif label == 2:
            image[row : row + 4, column : column + 4] = 1.0
            image[row + 1 : row + 3, column + 1 : column + 3] = 0.0
        else:
            image[np.arange(row, row + 6), np.arange(column, column + 6)] = 1.0
    return split(np.clip(X * rng.uniform(0.6, 1.0, (rows, 1, 1, 1)) + noise * rng.random(X.shape), 0, 1), y, seed)


def spots(rows: int = 700, size: int = 12, seed: int = 0) -> Rows:
    """Images (N, 1, size, size) with two bright spots; y (N, 4): where they are, from −1 to 1, the left one first."""
    rng = np.random.default_rng(seed)
    places = rng.uniform(-0.8, 0.8, (rows, 2, 2))
    places = np.take_along_axis(places, np.argsort(places[:, :, :1], axis=1), axis=1)
    grid = np.linspace(-1, 1, size)
    across, down = (grid[None, None, :] - places[..., 0, None]) ** 2, (grid[None, None, :] - places[..., 1, None]) ** 2
    X = np.exp(-12 * (across[:, :, None, :] + down[:, :, :, None])).sum(axis=1)
    X = X[:, None] + 0.05 * rng.normal(size=(rows, 1, size, size))
    return split(X, places.reshape(rows, 4), seed)


def waves(rows: int = 800, length: int = 24, seed: int = 0) -> Rows:
    """Series (N, length, 1) of a wave with noise; y (N,): the value after the last."""
    rng = np.random.default_rng(seed)
    time = np.arange(length + 1)
    rate, phase = rng.uniform(0.2, 0.7, (rows, 1)), rng.uniform(0, 2 * np.pi, (rows, 1))
    series = np.sin(rate * time + phase)
    X = series[:, :-1, None] + 0.05 * rng.normal(size=(rows, length, 1))
    return split(X, series[:, -1], seed)


def rhythms(rows: int = 800, length: int = 32, channels: int = 2, classes: int = 3, seed: int = 0) -> Rows:
    """Series (N, length, channels) of noise over a beat, whose pace is the class."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    pace, start = 3 + 2 * y, rng.integers(0, 7, rows)
    time = np.arange(length)
    beat = ((time[None, :] + start[:, None]) % pace[:, None] == 0).astype(float)
    X = 2.0 * beat[:, :, None] * rng.uniform(0.7, 1.3, (rows, 1, channels)) + 0.3 * rng.normal(
        size=(rows, length, channels)
    )
    return split(X, y, seed)


WORDS = 60


def reviews(rows: int = 900, length: int = 14, classes: int = 2, seed: int = 0) -> Rows:
    """Texts as numbers of words (N, length), 0 after the end of a text: each class has some words that it prefers."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    own = rng.permutation(np.arange(1, WORDS))[: classes * 8].reshape(classes, 8)
    X = rng.integers(1, WORDS, (rows, length))
    for text, label in zip(X, y, strict=True):
        said = rng.random(length) < 0.3
        text[said] = rng.choice(own[label], said.sum())
        text[rng.integers(length // 2, length + 1) :] = 0
    return split(X, y, seed)


def bigrams(rows: int = 600, length: int = 16, symbols: int = 8, seed: int = 0) -> Rows:
    """Sequences (N, length) of symbols, where the next one depends on the two before; y (N, length): the next ones."""
    rng = np.random.default_rng(seed)
    follows = rng.permutation(symbols)
    X = np.zeros((rows, length + 1), int)
    X[:, :2] = rng.integers(0, symbols, (rows, 2))
    for place in range(2, length + 1):
        usual = follows[(X[:, place - 1] + X[:, place - 2]) % symbols]
        X[:, place] = np.where(rng.random(rows) < 0.9, usual, rng.integers(0, symbols, rows))
    return split(X[:, :-1], X[:, 1:], seed)
