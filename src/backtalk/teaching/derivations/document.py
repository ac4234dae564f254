"""What stands on paper, whatever it is written in: titles, sentences, equations and pictures, in their order."""

from __future__ import annotations

from dataclasses import dataclass

from .expressions import Expression
from .picture import Picture
from .view import View


@dataclass(frozen=True, slots=True, eq=False)
class Equation:
    """left = rights[0] = rights[1] …, one = below the other; without rights, a formula alone.

    ``formula``: which of the rights says it all, in symbols; else the first.
    """

    left: Expression
    rights: tuple[Expression, ...] = ()
    formula: Expression | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """A sentence, which may be empty, and the equation that it introduces."""

    reason: str
    equation: Equation


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """A step, or a path: its title, a sentence about it, and its equation. ``number``: of a path, from 1; else 0.

    The sentence of a path, '12 % of the flow', has no full stop. ``then``: what follows on the same page;
    ``picture``: the network, with what the step speaks of lit.
    """

    title: str
    reason: str
    equation: Equation
    number: int = 0
    then: tuple[Statement, ...] = ()
    picture: Picture | None = None

    @property
    def statements(self) -> tuple[Statement, ...]:
        """All sentences with their equations."""
        return (Statement(self.reason, self.equation), *self.then)


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """Passages below one title; ``summary``: sentences before the first; ``stop``: where on the roadmap, from 1."""

    title: str
    passages: tuple[Passage, ...]
    summary: str = ""
    stop: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """``result``: the equation that is derived; ``talks``: how, the forward pass first; ``paths``: the strongest ones.

    ``about``: a sentence below the title; ``note``: which units of large layers are shown. ``view``: how much is shown
    of numbers and arrays. ``roadmap``: its stops, of which each section says where it is; empty if there is none.
    ``picture``: the network, with the way that is derived. ``illustrated``: whether the pictures stand beside the steps
    in all forms; slides and SVG have them always.
    """

    title: str
    about: str
    result: Equation
    talks: tuple[Section, ...]
    paths: Section | None
    view: View
    roadmap: tuple[str, ...] = ()
    note: str = ""
    picture: Picture | None = None
    illustrated: bool = True

    def beside(self, passage: Passage) -> Picture | None:
        """The picture of a passage, if there is to be one."""
        return passage.picture if self.illustrated else None

    @property
    def sections(self) -> tuple[Section, ...]:
        """All of them, in their order."""
        return self.talks if self.paths is None else (*self.talks, self.paths)
