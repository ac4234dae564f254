"""Formulas as JSON, for a writer in another language: web/src/formulas/ reads them.

A node is an object whose ``is`` says its kind, and whose other keys are those of expressions.py; a key is left out if
it holds nothing. Functions are named and not sent: what they come to is a value of the example, or known to the reader.
Letters of an optimizer come with how they are ``written`` in LaTeX.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .expressions import (
    Apply,
    Braced,
    Call,
    Derivative,
    Diagonal,
    Dot,
    Elementwise,
    Expression,
    Grid,
    Indicator,
    Larger,
    Listed,
    Negative,
    Number,
    OfExample,
    Others,
    Partial,
    Product,
    Sum,
    SumOver,
    Symbol,
    Transposed,
)
from .letters import LATEX
from .view import View


def tree_of(part: Expression, view: View | None = None) -> dict[str, Any]:
    """A formula as JSON. Of a matrix written entry by entry only the entries are there that ``view`` shows.

    A sum over an index has one ``term``, with the letter of the index for it; for a number to be put in, an index such
    as '2+j' is a sum.

    >>> tree_of(Negative(Symbol("W", 2, (1, 3))))
    {'is': 'negative', 'of': {'is': 'symbol', 'letter': 'W', 'layer': 2, 'indices': [1, 3]}}
    """

    def trees(parts: Sequence[Any]) -> list[Any]:
        return [each if isinstance(each, str) else tree_of(each, view) for each in parts]

    def node(kind: str, **facts: Any) -> dict[str, Any]:
        """With the formulas among the facts as trees, and without what is empty; layer 0 is not."""
        found = {name: tree_of(each, view) if isinstance(each, Expression) else each for name, each in facts.items()}
        return {"is": kind} | {
            name: each for name, each in found.items() if each not in (None, "", []) and each is not False
        }

    match part:
        case Symbol(letter, layer, indices):
            return node("symbol", letter=letter, layer=layer, indices=list(indices), written=LATEX.get(letter))
        case Derivative(of) | Negative(of) | Transposed(of) | Diagonal(of) | OfExample(of):
            return node(type(part).__name__.lower(), of=of)
        case Partial(above, below):
            return node("partial", above=above, below=below)
        case Number(value, axes):
            if np.ndim(value) == 0:
                return {"is": "number", "value": float(value)}
            return {"is": "number", "value": np.asarray(value, np.float64).tolist(), "axes": list(axes)}
        case Others(count, value):
            return {"is": "others", "count": count, "value": float(value)}
        case Sum(terms):
            return node("sum", terms=trees(terms))
        case SumOver(index, last, term, axis):
            return node("sumover", index=index, last=last, term=term(index), axis=axis)
        case Product(factors):
            return node("product", factors=trees(factors))
        case Elementwise(left, right, divide):
            return node("elementwise", left=left, right=right, divide=divide)
        case Apply(name, of, _, layer, detail, as_value):
            return node("apply", name=name, of=of, layer=layer, detail=detail, value=as_value)
        case Larger(left, right) | Dot(left, right):
            return node(type(part).__name__.lower(), left=left, right=right)
        case Indicator(left, right):
            return {"is": "indicator", "left": left, "right": right}
        case Grid():
            return _grid(part, view)
        case Braced(of, notes):
            return node("braced", of=of, notes=trees(notes))
        case Listed(parts):
            return node("listed", parts=trees(parts))
        case Call(of, arguments):
            return node("call", of=of, arguments=trees(arguments))
    raise TypeError(f"{part!r} is a part of a sentence, and no formula")


def _grid(part: Grid, view: View | None) -> dict[str, Any]:
    """``rows`` and ``columns``: from 0, those whose entries are in ``cells``."""
    rows, columns = (
        range(length) if view is None else [place for place in view.places(length, axis) if place is not None]
        for length, axis in zip(part.shape, part.axes, strict=True)
    )
    return {
        "is": "grid",
        "shape": list(part.shape),
        "axes": list(part.axes),
        "rows": list(rows),
        "columns": list(columns),
        "cells": [[tree_of(part.entry(i + 1, k + 1), view) for k in columns] for i in rows],
    }
