"""One update of one weight, derived with its numbers: the gradient, what the optimizer makes of it, the new weight.

rules.py     the formulas of each optimizer: one table
formulas.py  from a formula as text to a tree
values.py    the numbers of one update, from the library's own passes and optimizers
lines.py     explain_step: the lines, in their order; result.py: what it gives
"""

from .lines import explain_step
from .result import StepDerivation

__all__ = ["StepDerivation", "explain_step"]
