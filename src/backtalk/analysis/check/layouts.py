"""How a student's arrays lie: examples as rows or columns, W (out, in) or (in, out), biases as vectors or not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from ...errors import InputError, InputTypeError

EXAMPLES, WEIGHTS, BIASES = ("rows", "columns"), ("(out, in)", "(in, out)"), ("(n,)", "(n, 1)", "(1, n)")


@dataclass(frozen=True, slots=True)
class Layout:
    """How examples, weights and biases lie.

    ``examples``: one a row, (B, n), or one a column, (n, B). ``weights``: W with one unit talked to a row, (out, in),
    or a column, (in, out). ``biases``: the shape of b.
    """

    examples: str = "rows"
    weights: str = "(out, in)"
    biases: str = "(n,)"

    def lay_units(self, array: np.ndarray) -> np.ndarray:
        """Theirs from ours, (B, n)."""
        return np.array(array.T if self.examples == "columns" else array)

    def lay_weights(self, array: np.ndarray) -> np.ndarray:
        """Theirs from ours, (out, in)."""
        return np.array(array.T if self.weights == "(in, out)" else array)

    def lay_biases(self, array: np.ndarray) -> np.ndarray:
        """Theirs from ours, (n,)."""
        return np.array(array.reshape({"(n,)": (-1,), "(n, 1)": (-1, 1), "(1, n)": (1, -1)}[self.biases]))

    def lay(self, family: str, array: np.ndarray) -> np.ndarray:
        """Theirs from ours; ``family``: 'a', 'h', 'W' or 'b'."""
        return {"W": self.lay_weights, "b": self.lay_biases}.get(family, self.lay_units)(array)

    def read(self, family: str, array: np.ndarray) -> np.ndarray:
        """Ours from theirs. If a bias has two axes, it is read in each of its shapes, since each has one meaning."""
        if family == "b":
            is_vector = self.biases != "(n,)" and sorted(array.shape)[:-1] == [1]
            return array.reshape(-1) if is_vector else array
        turned = self.weights == "(in, out)" if family == "W" else self.examples == "columns"
        return array.T if turned else array

    def place(self, quantity: str, family: str, i: int, where: tuple[int, ...]) -> str:
        """Where a number lies in their array, counted as Python does, as 'dW1[0, 3]'; empty if it lies so in ours.

        ``quantity``: 'd' for a gradient, or '' for a unit itself; Z is a_i, and A is h_i.
        """
        turned = self.weights == "(in, out)" if family == "W" else self.examples == "columns"
        theirs = where[::-1] if turned else where
        if family == "b":
            theirs = {"(n,)": where, "(n, 1)": (*where, 0), "(1, n)": (0, *where)}[self.biases]
        if theirs == where:
            return ""
        letter = {"a": "Z", "h": "A"}.get(family, family)
        return f"{quantity}{letter}{i}[{', '.join(map(str, theirs))}]"

    def __str__(self) -> str:
        return f"examples as {self.examples}, weights {self.weights}, biases {self.biases}"


OURS = Layout()
COLUMNS = Layout("columns", "(out, in)", "(n, 1)")
# where b is (n,) or (1, n) a pass on rows computes the same; on columns it needs (n, 1)
LIKELY = tuple(
    Layout(examples, weights, biases)
    for examples, weights in product(EXAMPLES, WEIGHTS)
    for biases in (("(n,)", "(1, n)") if examples == "rows" else ("(n, 1)",))
)


def as_layout(text: Any) -> Layout | None:
    """A layout from words such as 'columns', '(in, out)' and '(n, 1)', in one text; None stays None.

    What is not said is 'rows', '(out, in)', and '(n,)' with rows or '(n, 1)' with columns.
    """
    if text is None or isinstance(text, Layout):
        return text
    if not isinstance(text, str):
        raise InputTypeError(f"layout is {text!r}, expected a text such as 'columns' or 'rows, (in, out)'.")
    parts = {re.sub(r"\s", "", option): option for option in (*EXAMPLES, *WEIGHTS, *BIASES)}
    words = re.findall(r"\([^)]*\)|\w+|[^\s,]", text)
    chosen: dict[str, str] = {}
    for word in words:
        option = parts.get(re.sub(r"\s", "", word))
        if option is None and word in ("examples", "weights", "biases", "as"):
            continue
        kinds = (("examples", EXAMPLES), ("weights", WEIGHTS), ("biases", BIASES))
        kind = next((kind for kind, options in kinds if option in options), None)
        if option is None or kind is None or kind in chosen:
            break
        chosen[kind] = option
    else:
        if chosen:
            layout = Layout(**chosen)
            return (
                replace(layout, biases="(n, 1)") if layout.examples == "columns" and "biases" not in chosen else layout
            )
    raise InputError(
        f"layout is {text!r}, expected one or more of {', '.join(map(repr, parts.values()))}, "
        "such as 'columns' or 'rows, (in, out)'."
    )
