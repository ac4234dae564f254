"""The chain rule with the numbers of a network and an example: derivations and paths.

expressions.py  formulas as trees: numbers are put in, and each side is computed
quantity.py     W[1,2,3], h[2], …: what can be asked for
values.py       the numbers of the symbols, from the library's own passes
outputs.py      the first talk of each loss, as formulas
explanation.py  explain: the steps, in the order of the talks; derivation.py: what it gives
strongest.py    the strongest paths from a quantity to the loss
"""

from .derivation import Derivation, Step
from .explanation import explain
from .strongest import Path, Paths, paths

__all__ = ["Derivation", "Path", "Paths", "Step", "explain", "paths"]
