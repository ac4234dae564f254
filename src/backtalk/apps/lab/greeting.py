"""The first message of a server: what there is to choose from."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ...core.activations import ACTIVATIONS
from ...core.losses import LOSSES
from ...train.schedules import SCHEDULES
from .datasets import LabData, listed
from .settings import (
    INITIALIZATIONS_OFFERED,
    MOST_LAYERS,
    MOST_SPEED,
    MOST_UNITS,
    OFFERED,
    OVER_WHOLE_RUN,
    Settings,
)
from .upload import MOST_BYTES


def greeting(start: Settings, given: LabData | None) -> dict[str, Any]:
    """``start``: the settings that a page begins with; ``given``: data with a network of the user's own."""
    from importlib.metadata import version

    return {
        "type": "hello",
        "version": version("backtalk"),
        "data": listed(given),
        "activations": list(ACTIVATIONS),
        "losses": list(LOSSES),
        "outputs": ["softmax", *ACTIVATIONS],
        "optimizers": OFFERED,
        "initializations": INITIALIZATIONS_OFFERED,
        "schedules": list(SCHEDULES),
        "over_whole_run": OVER_WHOLE_RUN,
        "limits": {"upload_bytes": MOST_BYTES, "layers": MOST_LAYERS, "units": MOST_UNITS, "speed": MOST_SPEED},
        "start": {"type": "configure", **asdict(start)},
    }
