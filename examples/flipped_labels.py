"""Which labels of digits are wrong? Four scores look for 5 % of the training labels that were flipped.

``python examples/flipped_labels.py`` flips 72 of 1437 labels to another digit, trains three networks on what results,
and orders the training examples by each score, at three moments: after 1 epoch, after 10, and after 60, when the
networks know most of the wrong labels by heart. Of the first 5 % of the rows it counts the flipped ones:
precision is their share among the rows, recall their share among all flipped ones. As 5 % are flipped and 5 % are
looked at, the two are equal here.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from backtalk import Epoch, Network, fit, forward
from backtalk.analysis.influence import el2n, grand, self_influence
from backtalk.analysis.per_example import losses
from backtalk.data import load_data

SHARE = 0.05  # of the labels that are flipped, and of the rows that are looked at
MOMENTS = (1, 10, 60)  # epochs
RUNS = 3


@dataclass(frozen=True)
class Found:
    """How many of the rows with the highest scores, ``looked_at``, were among the ``flipped`` ones."""

    score: str
    epochs: int
    found: int
    looked_at: int
    flipped: int

    @property
    def precision(self) -> float:
        return self.found / self.looked_at

    @property
    def recall(self) -> float:
        return self.found / self.flipped


def flip(y: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Labels of which SHARE are another digit, each of the nine as likely; and which rows those are."""
    rows = rng.choice(len(y), round(SHARE * len(y)), replace=False)
    flipped = np.zeros(len(y), bool)
    flipped[rows] = True
    shift = rng.integers(1, 10, len(y))
    return np.where(flipped, (y + shift) % 10, y), flipped


def train(X: np.ndarray, y: np.ndarray, seed: int) -> list[Epoch]:
    """The network after each epoch, with the learning rate."""
    kept: list[Epoch] = []
    network = Network.create([64, 128, 64, 10], rng=seed)
    optimizer = "sgd(learning_rate=0.05)"
    fit(network, X, y, epochs=max(MOMENTS), batch_size=64, optimizer=optimizer, rng=seed, callbacks=[kept.append])
    return kept


def scores(runs: list[list[Epoch]], X: np.ndarray, y: np.ndarray, epochs: int) -> dict[str, np.ndarray]:
    """Each score of each row, from the same runs: self-influence adds up their epochs, the others take the last one."""
    last = [kept[epochs - 1] for kept in runs]
    return {
        "plain loss": np.mean([losses(epoch.network, X, y) for epoch in last], axis=0),
        "GraNd": grand(last, X, y),
        "EL2N": el2n(last, X, y),
        "self-influence": self_influence([epoch for kept in runs for epoch in kept[:epochs]], X, y),
    }


def measure(seed: int) -> tuple[list[Found], dict[int, float]]:
    """What each score finds at each moment; and how many of the wrong labels the networks have learned by then."""
    digits = load_data("digits")
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(digits.X))[:1437]
    X, (y, flipped) = digits.X[rows], flip(digits.y[rows], rng)
    runs = [train(X, y, seed=RUNS * seed + run) for run in range(RUNS)]
    count = round(SHARE * len(y))
    table: list[Found] = []
    learned: dict[int, float] = {}
    for epochs in MOMENTS:
        for name, score in scores(runs, X, y, epochs).items():
            highest = np.argsort(-score, kind="stable")[:count]
            table.append(Found(name, epochs, int(flipped[highest].sum()), count, int(flipped.sum())))
        answers = [forward(kept[epochs - 1].network, X[flipped]).output.argmax(axis=1) for kept in runs]
        learned[epochs] = float(np.mean([answer == y[flipped] for answer in answers]))
    return table, learned


def show(table: list[Found], learned: dict[int, float], console: Console) -> None:
    """A table, and which score was best."""
    shown = Table(title=f"The {table[0].looked_at} rows with the highest scores: are they those with a flipped label?")
    for column in ("epochs", "wrong labels learned", "score", "found", "precision", "recall"):
        shown.add_column(column, justify="left" if column == "score" else "right", no_wrap=column == "score")
    for epochs in MOMENTS:
        rows = [row for row in table if row.epochs == epochs]
        for row in rows:
            moment = (str(epochs), f"{learned[epochs]:.0%}") if row is rows[0] else ("", "")
            numbers = (f"{row.found} of {row.flipped}", f"{row.precision:.0%}", f"{row.recall:.0%}")
            shown.add_row(*moment, row.score, *numbers, end_section=row is rows[-1])
    console.print(shown)
    end = max(MOMENTS)
    console.print(f"Best: {best(table)}. Rows drawn at random would hold {SHARE:.0%} of the flipped labels.")
    console.print(
        f"After {end} epochs, with {learned[end]:.0%} of the wrong labels learned: "
        f"{best([row for row in table if row.epochs == end])}."
    )


def best(table: list[Found]) -> str:
    """The scores with the highest recall, in words."""
    most = max(row.recall for row in table)
    winners = [f"{row.score} after {row.epochs} epochs" for row in table if row.recall == most]
    return f"{' and '.join(winners)} ({most:.0%})"


def main(arguments: list[str] | None = None) -> list[Found]:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    table, learned = measure(parser.parse_args(arguments).seed)
    show(table, learned, Console())
    return table


if __name__ == "__main__":
    main()
