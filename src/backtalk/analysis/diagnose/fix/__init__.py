"""Fix what was found: follow the advice, train anew, and compare on held-out rows.

rounds.py     ``fix``: at most three rounds
plan.py       how a network is made and trained
actions.py    from a finding to a changed plan; heads.py: another loss and output function
case.py       what an action looks at
scaling.py    scales of X and of the targets, folded into the weights
training.py   one training by a plan
scores.py     scores that networks of different losses share
fixed.py      the result
"""

from .fixed import Fixed, Round
from .rounds import fix

__all__ = ["Fixed", "Round", "fix"]
