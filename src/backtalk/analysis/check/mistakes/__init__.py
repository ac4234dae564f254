"""Which mistake did a student make? Wrong backward passes, each with a name.

talks.py      the three talks link by link; each link can be exchanged for a wrong one
known.py      an entry of the table; table.py: the ordered table
output.py     mistakes of the first talk; shares.py: of the share 1/B; hidden.py, weights.py: of the other talks
factors.py    whatever multiplies or cuts a gradient and has no other name
quantity_factors.py   which gradients a factor explains
naming.py     the first mistake that explains the given numbers, in the order of the talks
forward.py    mistakes of the forward pass; naming_forward.py: which of them explains what was given
loss.py       mistakes of the loss; naming_loss.py: which of them explains its values
steps.py      mistakes of an update rule: steps_of_all.py, of any; steps_of_kinds.py, of Adam, momentum and squares
update_rules.py   what these share; naming_steps.py: which of them explains a path
shapes.py     why an array may have the wrong shape
mistake.py    a mistake as a report shows it
"""

from .mistake import Mistake
from .naming import name_mistakes
from .shapes import reason_for_shape
from .table import MISTAKES

__all__ = ["MISTAKES", "Mistake", "name_mistakes", "reason_for_shape"]
