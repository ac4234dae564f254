"""``python -m benchmarks.accuracy``: the test score of backtalk's estimators beside scikit-learn's, over many seeds.

The same parameters, splits and seeds for both, in float64 and, for backtalk, in float32 as well; and backtalk's ``fit``
with its own initial weights, whose seeds mean something else. Prints mean and spread of the score for each.
"""

from __future__ import annotations

import argparse
import warnings
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn import datasets, neural_network
from sklearn.metrics import r2_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import backtalk

SETS = ("digits", "wine", "breast_cancer", "diabetes")
PARAMETERS: dict[str, Any] = {
    "hidden_layer_sizes": (32,),
    "max_iter": 100,
    "learning_rate_init": 0.005,
    "batch_size": 32,
}


def splits(name: str, seed: int) -> tuple[np.ndarray, ...]:
    """X, X_test, y, y_test: the columns scaled by the training rows, and y too where it is a number."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    numbers = name == "diabetes"
    X, X_test, y, y_test = train_test_split(X, y, random_state=seed, stratify=None if numbers else y)
    scaler = StandardScaler().fit(X)
    if numbers:
        y, y_test = (y - y.mean()) / y.std(), (y_test - y.mean()) / y.std()
    return scaler.transform(X), scaler.transform(X_test), y, y_test


def by_estimator(library: Any, name: str, seed: int, dtype: str = "float64") -> float:
    X, X_test, y, y_test = splits(name, seed)
    kind = library.MLPRegressor if name == "diabetes" else library.MLPClassifier
    return kind(**PARAMETERS, random_state=seed).fit(X.astype(dtype), y).score(X_test.astype(dtype), y_test)


def by_fit(name: str, seed: int) -> float:
    X, X_test, y, y_test = splits(name, seed)
    numbers = name == "diabetes"
    sizes = [X.shape[1], *PARAMETERS["hidden_layer_sizes"], 1 if numbers else len(np.unique(y))]
    loss = "squared_error" if numbers else "cross_entropy"
    network = backtalk.Network.create(sizes, loss=loss, rng=seed)
    optimizer = f"adam(learning_rate={PARAMETERS['learning_rate_init']})"
    epochs, batch = PARAMETERS["max_iter"], PARAMETERS["batch_size"]
    penalty = 1e-4 / batch
    trained = backtalk.fit(
        network, X, y, epochs=epochs, batch_size=batch, optimizer=optimizer, l2_penalty=penalty, rng=seed, patience=10,
        tolerance=1e-4,
    ).network  # fmt: skip
    output = backtalk.forward(trained, X_test).output
    return float(r2_score(y_test, output)) if numbers else float((output.argmax(axis=1) == y_test).mean())


def main() -> None:
    """Parse, train, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    seeds = range(parser.parse_args().seeds)
    warnings.simplefilter("ignore")
    ways = {
        "scikit-learn": lambda name, seed: by_estimator(neural_network, name, seed),
        "backtalk, float64": lambda name, seed: by_estimator(backtalk, name, seed),
        "backtalk, float32": lambda name, seed: by_estimator(backtalk, name, seed, "float32"),
        "backtalk.fit": by_fit,
    }
    table = Table(title=f"test score (accuracy; R² for diabetes), mean ± standard deviation of {len(seeds)} seeds")
    for column in ("data", *ways):
        table.add_column(column, justify="right")
    for name in SETS:
        scores = {way: np.array([score(name, seed) for seed in seeds]) for way, score in ways.items()}
        table.add_row(name, *(f"{each.mean():.4f} ± {each.std(ddof=1):.4f}" for each in scores.values()))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
