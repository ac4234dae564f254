"""What a private run says of itself: what its training has cost, and what that does not cover."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ...train import PrivacySpent, Training

NOT_COVERED = (
    "that ε is of the weights of the network, for the rows that it was trained on. It does not cover what was learned "
    "of the columns (categories, medians, scales), the rows held out, and the scores, curves and rows of metrics.json, "
    "history.jsonl and report.html, which have no noise: keep these to yourself."
)


def privacy_facts(training: Training) -> dict[str, Any] | None:
    """What a training has cost, as ``metrics.json`` holds it; None if it was not private."""
    spent = training.privacy
    return None if spent is None else {"epsilon": spent.epsilon, **asdict(spent)}


def said_of_privacy(found: Mapping[str, Any] | None) -> list[str]:
    """The same in words, from these facts."""
    if found is None:
        return []
    spent = PrivacySpent(**{name: value for name, value in found.items() if name != "epsilon"})
    return [f"private training: {spent}.", NOT_COVERED]
