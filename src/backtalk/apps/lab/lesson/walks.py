"""The slides of every recorded step, each different one once."""

from __future__ import annotations

import json
from typing import Any

from ....teaching.derivations.notation import is_scalar
from ....teaching.derivations.text import write_text
from ....teaching.derivations.values import ExampleValues
from ..payloads import Drawn
from ..slide_message import slide_message
from ..slides import Slide, Walk, as_told, example_slides, update_slides
from ..trainer import Trainer


class Walks:
    """``messages``: slides as the server sends them, but for arrays, which a recording has already."""

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.messages: dict[str, int] = {}
        self._places: dict[Any, int] = {}
        self._update: list[Slide] = []

    def note(self, trainer: Trainer, values: list[ExampleValues], kinds: list[int]) -> list[list[int]]:
        """The places of the slides of a step, for each example; ``kinds``: whose formulas are the same."""
        self._update = update_slides(trainer)
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

    def _place(self, walk: Walk, at: int, key: Any) -> int:
        if key not in self._places:
            message = slide_message(walk, at, self.drawn)
            del message["arrays"]
            self._places[key] = self.messages.setdefault(json.dumps(message), len(self.messages))
        return self._places[key]

    def to_json(self) -> list[Any]:
        """The messages, in their places."""
        return list(map(json.loads, self.messages))


def _numbers_of(slide: Slide) -> tuple[str, ...]:
    """What a slide says that depends on numbers: its reasons, and formulas of one number, into which they are put."""
    found = [statement.reason for statement in slide.statements]
    for statement in slide.statements:
        if is_scalar(statement.equation.left):
            found += map(write_text, statement.equation.rights)
    return tuple(found)
