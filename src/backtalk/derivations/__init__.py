"""The chain rule with the numbers of a network and an example: derivations, paths, exercises.

expressions.py  formulas as trees: numbers are put in, and each side is computed
quantity.py     W[1,2,3], h[2], …: what can be asked for
values.py       the numbers of the symbols, from the library's own passes
outputs.py      the first talk of each loss, as formulas
explain.py      explain: the steps, in the order of the talks; derivation.py: what it gives
paths.py        the strongest paths from a quantity to the loss
exercises/      a sheet to compute gradients by hand, and its key
"""

from .derivation import Derivation, Step
from .exercises import Exercise, exercise
from .explain import explain
from .paths import Path, Paths, paths

__all__ = ["Derivation", "Exercise", "Path", "Paths", "Step", "exercise", "explain", "paths"]
