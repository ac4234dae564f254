"""Which part of the network a step speaks of, and is lit beside it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from .expressions import Derivative, Partial, Symbol
from .picture import Lit, Picture, network_picture
from .steps import Step
from .view import View


def all_of(sizes: Sequence[int], i: int) -> Collection[int]:
    """The units of a layer; layer L + 1 is the loss."""
    return range(1, sizes[i] + 1) if i < len(sizes) else (1,)


def lit_picture(
    sizes: Sequence[int], view: View, now: Lit, names: Sequence[Symbol] = (), *, onward: bool = True
) -> Picture:
    """The network, lit where a step speaks of it, and with ``onward`` on the way from there to the loss."""
    top = max(now)
    way = {i: all_of(sizes, i) for i in range(top + 1, len(sizes) + 1)} | {top: now[top]} if onward else {}
    return network_picture(sizes, view, now, way, names)


def picture_of(step: Step, sizes: Sequence[int], view: View) -> Picture:
    """The picture for a step, by its left side."""
    i, whole = step.layer, all_of(sizes, step.layer)
    subject = step.left
    if isinstance(subject, Derivative | Partial):
        subject = subject.of if isinstance(subject, Derivative) else subject.below
    assert isinstance(subject, Symbol)
    indices = [index for index in subject.indices if isinstance(index, int)]
    own = indices[:1] or whole
    if step.talk == "forward":
        heard = {"a": {i - 1: all_of(sizes, i - 1)}, "loss": {i + 1: (1,)}}
        return lit_picture(sizes, view, {i: whole, **heard.get(subject.letter, {})}, onward=False)
    if step.talk == "output":
        return lit_picture(sizes, view, {i: own, i + 1: (1,)})
    if subject.letter == "h" and isinstance(step.left, Derivative):
        return lit_picture(sizes, view, {i: own, i + 1: all_of(sizes, i + 1)})
    if subject.letter == "W":
        return lit_picture(sizes, view, {i - 1: indices[1:] or all_of(sizes, i - 1), i: own})
    return lit_picture(sizes, view, {i: own})
