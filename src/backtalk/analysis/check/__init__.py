"""The gradient checker: is it the derivative?

substitute.py   ℒ with one quantity replaced: the function that a derivative is measured on
measure.py      its derivatives, by complex step or central differences; which step crosses a kink
network.py      ``check`` of a network's gradients, ours or a user's, each quantity of each layer
layouts.py      how a student's arrays lie: rows or columns, (out, in) or (in, out)
calls.py        calls a student's function with what its arguments are called
reading.py      what it returned, as our arrays
student.py      the functions of a student on a batch, in their layout, which may have to be found
causes.py       which mistakes explain what they gave
own.py          ``check`` of a student's forward pass, loss and backward pass
other_biases.py  the same with other biases, if those of the network are 0
activation.py   ``check`` of a pair (g, g′); loss.py: of a loss with its gradient
report.py       what was compared, and the verdict
checker.py      ``check``: a network or an activation
step.py         ``check_step``: an update rule of a student; update.py: calls it
mistakes/       which mistake explains a wrong backward pass
"""

from .checker import check
from .report import CheckReport, CheckRow
from .step import check_step

__all__ = ["CheckReport", "CheckRow", "check", "check_step"]
