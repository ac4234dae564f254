"""A run that is opened once: its model, and what was learned of its table."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FileFormatError, InputError, InputTypeError
from ...interop.files import facts_of_run, read_members
from .folder import BEFORE, MODEL, PREPROCESSING, RUN, Folder, run_of
from .learned import Learned, read_learned, require_fit
from .model import Model


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A run in a folder, of which all that predictions need is in memory."""

    folder: Path
    model: Model
    learned: Learned


def open_run(folder: str | os.PathLike[str]) -> Opened:
    """Open the run in a folder; its files must be of one run."""
    place = Folder(folder)
    learned, model, file = read_learned(place), place / MODEL, place / PREPROCESSING
    if not model.exists():
        earlier = f"; the earlier run lies in {place / BEFORE}" if (place / BEFORE / MODEL).exists() else ""
        raise InputError(
            f"{folder} holds no model yet: the run was cut short, 'backtalk resume {folder}' goes on with it{earlier}."
        )
    (members, weights), of_model = read_members(model), facts_of_run(model)
    runs = [(RUN, run_of(place.read(RUN), place / RUN))] if (place / RUN).exists() else []
    place.require_one_run([*runs, (PREPROCESSING, learned.run), (MODEL, of_model.get("id"))])
    if of_model.get("preprocessing", learned.sha256) != learned.sha256:
        raise FileFormatError(
            f"{file} is not the one with which {model} was trained: put that one back, or train anew."
        )
    require_fit(members[0], learned, model, file)
    predictor = Model(members, learned.preprocessing, learned.target, weights, learned.mean_input)
    return Opened(place.path, predictor, learned)


def as_opened(run: str | os.PathLike[str] | Opened) -> Opened:
    """A run, which is opened if it is the name of a folder."""
    return run if isinstance(run, Opened) else open_run(run)


def model_of(run: Any) -> Model:
    """The model of a run that was opened, of the folder of a run, or of a fitted estimator of tables."""
    if isinstance(run, str | os.PathLike | Opened):
        return as_opened(run).model
    model = getattr(run, "model_", None)
    if isinstance(model, Model):
        return model
    raise InputTypeError(
        f"network is a {type(run).__name__}, expected a backtalk.Network, a run or its folder, or a fitted "
        "TableClassifier or TableRegressor."
    )
