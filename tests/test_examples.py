"""The examples of examples/ run, and find what they say they find."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent / "examples"
SCORES = ["plain loss", "GraNd", "EL2N", "self-influence"]


@pytest.fixture(scope="module")
def flipped_labels():
    example = runpy.run_path(str(FOLDER / "flipped_labels.py"))
    return example, example["main"](["--seed", "0"])


# Measured over seeds 0 … 9, as mean (least … most) of recall, which equals precision:
#   epochs  plain loss         GraNd              EL2N               self-influence
#        1  0.84 (0.75 … 0.90) 0.78 (0.67 … 0.85) 0.84 (0.68 … 0.89) 0.78 (0.65 … 0.83)
#       10  0.96 (0.93 … 0.97) 0.92 (0.89 … 0.94) 0.96 (0.93 … 0.99) 0.94 (0.92 … 0.96)
#       60  0.59 (0.49 … 0.64) 0.58 (0.46 … 0.64) 0.60 (0.47 … 0.65) 0.93 (0.90 … 0.96)
@pytest.mark.parametrize("score", SCORES)
def test_every_score_finds_most_flipped_labels_before_they_are_learned(flipped_labels, score):
    recall = {row.epochs: row.recall for row in flipped_labels[1] if row.score == score}
    assert recall[1] > 0.4
    assert recall[10] > 0.8


def test_self_influence_still_finds_them_when_the_networks_know_them_by_heart(flipped_labels):
    recall = {row.score: row.recall for row in flipped_labels[1] if row.epochs == 60}
    assert recall["self-influence"] > 0.8
    assert max(recall[score] for score in SCORES[:3]) < recall["self-influence"]


def test_every_score_is_reported_at_every_moment(flipped_labels):
    assert {(row.score, row.epochs) for row in flipped_labels[1]} == {(s, e) for s in SCORES for e in (1, 10, 60)}
    assert all(row.flipped == row.looked_at == 72 for row in flipped_labels[1])


def test_exactly_the_share_of_labels_is_flipped_each_to_another(flipped_labels):
    import numpy as np

    y = np.arange(1000) % 10
    wrong, flipped = flipped_labels[0]["flip"](y, np.random.default_rng(0))
    assert flipped.sum() == 50
    np.testing.assert_array_equal(wrong != y, flipped)
    assert ((wrong >= 0) & (wrong < 10)).all()


def test_the_report_names_the_best_score_and_the_best_at_the_end(flipped_labels, capsys):
    from rich.console import Console

    example, table = flipped_labels
    example["show"](table, {1: 0.0, 10: 0.0, 60: 0.9}, Console(width=100))
    said = capsys.readouterr().out
    assert all(score in said for score in SCORES)
    assert "with 90% of the wrong labels learned: self-influence after 60 epochs" in " ".join(said.split())
