"""The gradient checker: is it the derivative?

substitute.py   ℒ with one quantity replaced: the function that a derivative is measured on
measure.py      its derivatives, by complex step or central differences; which step crosses a kink
network.py      ``check`` of a network's gradients, ours or a user's, each quantity of each layer
activation.py   ``check`` of a pair (g, g′)
report.py       what was compared, and the verdict
checker.py      ``check``: a network or an activation
mistakes/       which mistake explains a wrong backward pass
"""

from .checker import check
from .report import CheckReport, CheckRow

__all__ = ["CheckReport", "CheckRow", "check"]
