"""What a page needs to train on: the data, the settings as the kernels take them, and the state of the generator."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import numpy as np

from ....core.batch import Batch
from ....core.losses import BinaryCrossEntropy
from ....core.optimizers import OPTIMIZERS
from ....core.specification import read_specification
from ....engines.native import passes as native
from ....engines.native.kernels import kernels
from ....engines.native.steps import serves, update_of
from ....teaching.derivations.loss_formulas import SMALLEST, yhat_divides
from ....train.schedules import SCHEDULES, as_schedule
from ..settings import OFFERED
from ..trainer import MOST_JUDGED, Trainer

ZERO, HALF, ONE = np.zeros(1), np.full(1, 0.5), np.ones(1)
MOST_NUMBERS = 250_000  # of the data: 2 MB before they are packed
MOST_WORK = 100_000_000  # parameters times rows: a page takes some tenths of a second for an epoch


def training_of(trainer: Trainer) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Facts and arrays with which a page takes the steps of a trainer that has taken none; else the sentence ``why``.

    >>> from backtalk.apps.lab.datasets import named_data
    >>> from backtalk.apps.lab.settings import Settings
    >>> facts, arrays = training_of(Trainer(Settings(), named_data("moons", 0.1)))
    >>> facts["network"]["sizes"], facts["updates"]["adam"]["rule"], arrays["data.X"].shape
    ([2, 8, 8, 2], 'adam', (400, 2))
    """
    if why := _why_not(trainer):
        return {"why": why}, {}
    network, data, settings = trainer.start, trainer.data, trainer.settings
    batch = Batch.of(network, trainer.X, data.y)
    state = np.random.default_rng(settings.seed).bit_generator.state  # as Trainer.reset begins
    width = np.arange(network.sizes[-1], dtype=np.float64)[None]
    facts = {
        "network": native.described(network),
        "wide": network.W[1].dtype == np.float64,
        "updates": {name: _update(trainer, name) for name in dict.fromkeys([settings.optimizer, *OFFERED])},
        "generator": {
            "state": hex(state["state"]["state"]),
            "increment": hex(state["state"]["inc"]),
            "half": state["uinteger"] if state["has_uint32"] else None,
        },
        "schedules": {name: _schedule(name) for name in dict.fromkeys([settings.schedule, *SCHEDULES])},
        "held_out": trainer.rows_held_out.tolist(),
        "training": data.training.tolist(),
        "judged": MOST_JUDGED,
        "outputs": network.loss.prediction(width)[0].astype(int).tolist(),
        "divides": [not yhat_divides(network.loss, ZERO, ONE, HALF), not yhat_divides(network.loss, ONE, ZERO, HALF)],
        "smallest": SMALLEST,
        "binary": isinstance(network.loss, BinaryCrossEntropy),
        "mean": data.mean,
        "scale": data.scale,
    }
    return facts, {"data.X": batch.X.astype(np.float64), "data.y": np.asarray(batch.y, np.float64)}


def _why_not(trainer: Trainer) -> str:
    """The sentence that a page says instead of training on; empty if it can."""
    network, numbers = trainer.start, trainer.X.size
    if kernels() is None:
        return "This lesson was made where backtalk has no native kernels, so it plays the steps, and cannot train on."
    if not serves(network, trainer.step_settings.optimizer):
        return "The kernels do not know what this network is made of, so this page plays it, and cannot train it on."
    if "host" in native.described(network)["activations"]:
        return "This network has an activation of its own, so this page plays it, and cannot train it on."
    if numbers > MOST_NUMBERS:
        return (
            f"The data have {numbers} numbers, and a lesson takes at most {MOST_NUMBERS} along: it plays what was "
            "recorded, and cannot train on."
        )
    if network.parameter_count * len(trainer.X_training) > MOST_WORK:
        return (
            f"An epoch of {len(trainer.X_training)} rows would take this page too long: it plays what was recorded, "
            "and cannot train on."
        )
    return ""


def _schedule(name: str) -> dict[str, Any]:
    schedule = as_schedule(name)
    return {"name": schedule.name, **asdict(schedule)}


def _update(trainer: Trainer, name: str) -> dict[str, Any]:
    """The update of an optimizer, and whether it takes all rows at once."""
    optimizer = read_specification(name, OPTIMIZERS, "optimizer")
    if optimizer.searches:
        return {}
    return update_of(replace(trainer.step_settings, optimizer=optimizer)) | {"whole_batch": optimizer.whole_batch}
