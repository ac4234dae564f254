"""Is it the derivative? The public gradient checker.

substitute.py   ℒ with one quantity put in another's place: what a derivative is measured on
measure.py      derivatives of it, by complex step or central differences; which step crosses a kink
network.py      ``check`` of a network's gradients, ours or a user's, each quantity at each layer
activation.py   ``check`` of a pair (g, g′)
report.py       what was compared, and the verdict
"""

from .checker import check
from .report import CheckReport, CheckRow

__all__ = ["CheckReport", "CheckRow", "check"]
