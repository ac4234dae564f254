"""``backtalk train`` with privacy: one network, and what the run says of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

pytest.importorskip("dp_accounting")

from backtalk.apps.tables import Options, train
from backtalk.apps.tables.again import train_again
from backtalk.apps.tables.run import resume
from backtalk.errors import InputError
from backtalk.train.privacy import epsilon

RNG = np.random.default_rng(0)
TABLE = pl.DataFrame({"age": RNG.normal(size=200), "paid": np.where(RNG.normal(size=200) > 0, "yes", "no")})
ASKED = {"noise_multiplier": 2.0, "delta": 1e-3, "batch_size": 32, "epochs": 3}


def test_a_private_run_trains_one_network_and_says_what_it_cost_and_what_that_is_of(tmp_path):
    result = train(TABLE, tmp_path / "run", Options("paid", **ASKED))
    found = result.metrics["privacy"]
    assert len(result.metrics["trainings"]) == 1
    assert result.metrics["trainings"][0]["kept_epoch"] == 3  # no epoch is chosen by the loss of private rows
    assert found["steps"] == 3 * 5
    assert found["epsilon"] == epsilon(2.0, 32 / 160, 15, 1e-3)
    said = " ".join(result.said)
    assert "private training: ε = " in said
    assert "does not cover" in said
    assert "private training" in (tmp_path / "run" / "report.html").read_text()
    assert resume(tmp_path / "run", TABLE).metrics["privacy"] == found


def test_which_rows_taught_a_private_run_is_not_told(tmp_path):
    train(TABLE, tmp_path / "run", Options("paid", **ASKED))
    with pytest.raises(InputError, match="was private"):
        train_again(tmp_path / "run", TABLE)


def test_what_would_cost_more_than_the_run_says_is_refused(tmp_path):
    wrong = {
        "members": {"members": 5},
        "delta is missing": {"delta": None},
        "epsilon is given, and a noise multiplier as well": {"epsilon": 3.0},
        "max_norm": {"noise_multiplier": None, "delta": None, "max_norm": 1.0},
        "class_weight": {"class_weight": "balanced"},
        "diagnose": {"diagnose": True},
        "patience": {"patience": 2},
    }
    for said, change in wrong.items():
        with pytest.raises(InputError, match=said):
            train(TABLE, tmp_path / "run", Options("paid", **{**ASKED, **change}))
