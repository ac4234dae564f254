"""The steps of a lesson: every weight of the network, and every number of some examples, after each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....analysis.diagnose.measure import finite_or_none
from ....errors import BacktalkError, InputError
from ....teaching.derivations.records import arrays_of
from ....teaching.derivations.templates import Templates
from ....teaching.derivations.values import ExampleValues
from ..answers import findings_message
from ..datasets import LabData
from ..payloads import Drawn, frame, grid, setup, unpack
from ..settings import Settings, whole
from ..trainer import Trainer
from .training import training_of
from .walks import Walks

STEPS, EXAMPLES = 200, 6  # unless another number is asked for
MOST_STEPS, MOST_EXAMPLES = 2000, 50
MOST_BYTES = 48_000_000  # of numbers, before they are packed: a file of some 30 MB
FINDINGS = 10  # times that the doctor looks
OF_STEP = ("curve",)  # arrays of a frame that are the same for every example
NOT_KEPT = ("type", "arrays", "running")  # of what a frame says


def record(
    settings: Settings, data: LabData, steps: int = STEPS, examples: int = EXAMPLES, row: int = 0
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train from the first weights on, and write down every step: facts, and arrays whose first axis is the steps.

    ``row``: an example that is among the ``examples``. If training diverges, the recording ends there. Raises
    :class:`~backtalk.errors.InputError` if it would be too large, with what to leave out.
    """
    steps, examples = whole(steps, "steps", 1, MOST_STEPS), whole(examples, "examples", 1, MOST_EXAMPLES)
    trainer = Trainer(settings, data)
    drawn = Drawn.of(trainer.network.sizes)
    if not drawn.whole:
        raise InputError(f"{drawn.note} A lesson holds networks that are drawn whole: choose smaller layers.")
    rows = chosen_rows(trainer, examples, whole(row, "row", 0, len(trainer.X) - 1))
    recording, stopped = Recording(trainer, drawn, rows), ""
    training, data_arrays = training_of(trainer)
    asked_at = set(np.linspace(0, steps, FINDINGS + 1).round().astype(int).tolist())
    recording.note(asks=True)
    recording.require_moderate(steps)
    for step in range(1, steps + 1):
        try:
            trainer.advance(1)
            recording.note(asks=step in asked_at)
        except BacktalkError as error:  # it diverged, or a number is not finite
            stopped = f"The recording ends after step {step - 1}: {error}"
            break
    facts = {
        "setup": setup(trainer, drawn) | {"shown": rows},
        "stopped": stopped,
        "training": training,
        **recording.facts(),
    }
    return finite_or_none(facts), {name: np.stack(arrays) for name, arrays in recording.arrays.items()} | data_arrays


def chosen_rows(trainer: Trainer, count: int, first: int) -> list[int]:
    """So many examples in their order, ``first`` among them: of each class alike, at even distances."""
    y = trainer.data.y
    labels = np.zeros(len(y)) if not trainer.data.classes else y if y.ndim == 1 else y.argmax(axis=1)
    kinds = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    rows = [first]
    for n in range(count):
        kind = kinds[n % len(kinds)]
        rows.append(int(kind[int((n // len(kinds) + 0.5) / -(-count // len(kinds)) * len(kind))]))
    return sorted(list(dict.fromkeys(rows))[:count])


class Recording:
    """What was written down so far."""

    trainer: Trainer
    drawn: Drawn
    rows: list[int]
    grid: np.ndarray | None
    templates: Templates
    walks: Walks
    steps: list[dict[str, Any]]
    findings: list[dict[str, Any]]
    arrays: dict[str, list[np.ndarray]]

    def __init__(self, trainer: Trainer, drawn: Drawn, rows: list[int]) -> None:
        self.trainer, self.drawn, self.rows = trainer, drawn, rows
        self.grid = grid(trainer.data)
        self.templates = Templates()
        self.walks = Walks(drawn)
        self.steps = []
        self.findings = []
        self.arrays = {}

    def note(self, *, asks: bool) -> None:
        """The network as it stands: facts, weights, and for each example its numbers and the kind of its formulas.

        ``asks``: whether the doctor looks. Raises :class:`~backtalk.errors.InputError`, before anything is noted, if a
        number is not finite.
        """
        trainer = self.trainer
        with np.errstate(all="ignore"):
            values = [ExampleValues(trainer.network, trainer.data.X[row], trainer.data.y[row]) for row in self.rows]
            numbers = list(map(arrays_of, values))
        found = {
            name: array if name[0] in "Wb" else np.stack([each[name] for each in numbers])
            for name, array in numbers[0].items()
        }
        kinds = list(map(self.templates.add, values))
        walks = self.walks.note(trainer, values, kinds)
        examples, facts = [], {}
        for row, kind, walk in zip(self.rows, kinds, walks, strict=True):
            surface = None if examples else self.grid
            facts, arrays = unpack(frame(trainer, self.drawn, row, running=False, surface=surface))
            if "surface" in arrays:
                found["surface"], found["surface.ends"] = in_bytes(arrays["surface"])
            found |= {f"frame.{name}": arrays[name] for name in arrays if name in OF_STEP}
            examples.append(facts.pop("example") | {"kind": kind, "walk": walk})
        for name, array in found.items():
            self.arrays.setdefault(name, []).append(array)
        self.steps.append({name: facts[name] for name in facts if name not in NOT_KEPT} | {"examples": examples})
        if asks:
            self.findings.append(findings_message(trainer, trainer.network, trainer.recorder.telemetry))

    def require_moderate(self, steps: int) -> None:
        """Refuse so many steps, all as large as the first one, if they do not fit in a file."""
        count, each = steps + 1, sum(array.nbytes for arrays in self.arrays.values() for array in arrays)
        if count * each > MOST_BYTES:
            raise InputError(
                f"the lesson would hold {count * each / 1e6:.0f} MB of numbers, expected at most "
                f"{MOST_BYTES / 1e6:.0f}: record at most {max(MOST_BYTES // each - 1, 0)} steps, or fewer examples "
                f"than {len(self.rows)}, or choose smaller layers."
            )

    def facts(self) -> dict[str, Any]:
        """What is no array."""
        return {
            "steps": self.steps,
            "slides": self.walks.to_json(),
            "open_slides": self.walks.open,
            "findings": self.findings,
            "templates": self.templates.to_json(),
        }


def in_bytes(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of a picture as bytes, from the least (0) to the largest (255), and these two ends.

    >>> in_bytes(np.array([0.0, 0.25, 0.5]))
    (array([  0, 128, 255], dtype=uint8), array([0. , 0.5]))
    """
    ends = np.array([np.min(array), np.max(array)], np.float64)
    spread = ends[1] - ends[0]
    if not np.isfinite(spread) or spread == 0:
        return np.zeros(array.shape, np.uint8), np.nan_to_num(ends)
    return np.round((array - ends[0]) / spread * 255).astype(np.uint8), ends
