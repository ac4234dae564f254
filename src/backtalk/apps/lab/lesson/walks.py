"""The slides of every recorded step, each different one once; and those of a step that a page will take."""

from __future__ import annotations

import json
from typing import Any

from ....teaching.derivations.expressions import Partial
from ....teaching.derivations.notation import is_scalar
from ....teaching.derivations.records import step_records
from ....teaching.derivations.steps import Step
from ....teaching.derivations.templates import Shape
from ....teaching.derivations.text import write_text
from ....teaching.derivations.values import ExampleValues
from ..payloads import Drawn
from ..slide_message import slide_message
from ..slides import Slide, Walk, as_told, example_slides, untold_update, update_slides
from ..trainer import Trainer

UPDATE = "The optimizer changes every weight and bias; what it makes of the numbers is told for recorded steps alone."


class Walks:
    """``messages``: slides as the server sends them, but for arrays, which a recording has already.

    ``open``: of each kind of example the slides without their numbers, for a page that puts them in, or none if ŷ has
    rounded to an end of its range. A statement has then ``remarks``, and ``numbers``: the formula into which they go.
    """

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.messages: dict[str, int] = {}
        self._places: dict[Any, int] = {}
        self._update: list[Slide] = []
        self.open: list[list[dict[str, Any]]] = []

    def note(self, trainer: Trainer, values: list[ExampleValues], kinds: list[int]) -> list[list[int]]:
        """The places of the slides of a step, for each example; ``kinds``: whose formulas are the same."""
        self._update = update_slides(trainer)
        for each, kind in zip(values, kinds, strict=True):
            if kind == len(self.open):
                self.open.append(self._open(each) if each.clear else [])
        return [self._walk(each, (kind, trainer.step)) for each, kind in zip(values, kinds, strict=True)]

    def _walk(self, values: ExampleValues, key: tuple[int, int]) -> list[int]:
        kind, step = key
        own = example_slides(as_told(values))
        walk = Walk([*own, *self._update], values)
        keys = [
            (kind, at, _numbers_of(slide)) if at < len(own) else (kind, at, step)
            for at, slide in enumerate(walk.slides)
        ]
        return [self._place(walk, at, each) for at, each in enumerate(keys)]

    def _open(self, values: ExampleValues) -> list[dict[str, Any]]:
        shape = Shape(values)
        walk = Walk([*example_slides(shape), untold_update(values.network, UPDATE)], shape)
        found = []
        for at, slide in enumerate(walk.slides):
            message = slide_message(walk, at, self.drawn)
            for told, step in zip(message["statements"], slide.steps, strict=bool(slide.steps)):
                told |= _left_open(step)
            found.append(message)
        return found

    def _place(self, walk: Walk, at: int, key: Any) -> int:
        if key not in self._places:
            message = slide_message(walk, at, self.drawn)
            del message["arrays"]
            self._places[key] = self.messages.setdefault(json.dumps(message), len(self.messages))
        return self._places[key]

    def to_json(self) -> list[Any]:
        """The messages, in their places."""
        return list(map(json.loads, self.messages))


def _left_open(step: Step) -> dict[str, Any]:
    """What the numbers of a step go into; of a vector they are shown beside its formula."""
    record = step_records([step])[0]
    takes = not step.rule and (is_scalar(step.left) or isinstance(step.left, Partial))
    return {
        "remarks": record["remarks"],
        "numbers": {name: record[name] for name in ("left", "forms", "rule")} if takes else None,
    }


def _numbers_of(slide: Slide) -> tuple[str, ...]:
    """What a slide says that depends on numbers: its reasons, and formulas of one number, into which they are put."""
    found = [statement.reason for statement in slide.statements]
    for statement in slide.statements:
        if is_scalar(statement.equation.left):
            found += map(write_text, statement.equation.rights)
    return tuple(found)
