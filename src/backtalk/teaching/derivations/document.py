"""What stands on paper, whatever it is written in: titles, sentences and equations, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from .expressions import Expression
from .notation import Marked


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """left = rights[0] = rights[1] …, one = below the other."""

    left: Expression
    rights: tuple[Expression, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A step, or a path: its title, a sentence about it, and its equation. ``number``: of a path, from 1; else 0.

    The sentence of a path, '12 % of the flow', has no full stop.
    """

    title: str
    reason: str
    equation: Equation
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Passages below one title; ``summary``: sentences before the first."""

    title: str
    passages: tuple[Passage, ...]
    summary: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """``result``: the equation that is derived; ``talks``: how, the forward pass first; ``paths``: the strongest ones.

    ``about``: a sentence below the title. ``marked``: the entries that rows and columns show in any case.
    """

    title: str
    about: str
    result: Equation
    talks: tuple[Section, ...]
    paths: Section | None
    marked: Marked

    @property
    def sections(self) -> tuple[Section, ...]:
        """All of them, in their order."""
        return self.talks if self.paths is None else (*self.talks, self.paths)
