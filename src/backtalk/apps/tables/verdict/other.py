"""The verdict on another table with the target."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....core.network import Network
from ..folder import METRICS, PREPROCESSING, Folder, run_of
from ..target import Target
from .compare import Rows
from .constant import Constant
from .judging import judge_scores


def judge_table(
    place: Folder,
    target: Target,
    network: Network,
    truth: np.ndarray,
    output: np.ndarray,
    weight: np.ndarray | None = None,
) -> list[Any]:
    """What the rows of a table say, beside the constant of the training rows; as ``metrics.json`` holds remarks.

    Without ``metrics.json``, or in the folder of an earlier version, it is the constant of this table itself.
    """
    constant = _constant(place, target) or Constant.of(target, network, truth, weight=weight)
    return [remark.to_json() for remark in judge_scores(target, network, constant, Rows("", truth, output, weight))]


def _constant(place: Folder, target: Target) -> Constant | None:
    if not (place / METRICS).exists():
        return None
    facts, path = place.read(METRICS), place / METRICS
    learned = run_of(place.read(PREPROCESSING), place / PREPROCESSING)
    place.require_one_run([(PREPROCESSING, learned), (METRICS, run_of(facts, path))])
    return Constant.from_json(facts, target, path)
