"""Fix what was found: follow the advice, train anew, and compare on held-out rows.

rounds.py     ``fix``: trains anew and compares; steps.py: at most three rounds
plan.py       how a network is made and trained
actions.py    from a finding to a changed plan; heads.py: another loss and output function
case.py       what an action looks at
scaling.py    scales of X and of the targets, folded into the weights
training.py   one training by a plan
scores.py     scores that networks of different losses share
fixed.py      the result
"""

from .case import Case
from .fixed import Fixed, Round
from .plan import Plan
from .rounds import fix, too_few_to_fix
from .scores import is_better
from .steps import Step, first_step, is_taken_back, search

__all__ = [
    "Case",
    "Fixed",
    "Plan",
    "Round",
    "Step",
    "first_step",
    "fix",
    "is_better",
    "is_taken_back",
    "search",
    "too_few_to_fix",
]
