"""What one look at a program of PyTorch shows: the graph of its loss, its optimizer, its modules.

audit.py             ``find_in_loss``, ``find_in_optimizer``, ``find_in_model``
program.py           all of them, of what a user gives
graph.py             the graph of a loss as a value; read.py: reading it
before_backward.py   the moment before ``backward()``
chains.py            from an operation down to where its input was made
output_functions.py  softmax and others: twice, left out, over the wrong dimension; activations on logits
terms.py             how the loss puts its terms together: broadcast, summed, negated
aims.py              what the losses were given; targets.py: what the targets say
reach.py             what the gradient reaches, and what not
optimizers.py        the optimizer beside the model; modules.py: the modules alone
"""

from .audit import find_in_loss, find_in_model, find_in_optimizer
from .before_backward import BeforeBackward
from .graph import LossGraph
from .program import Audit, audit_program
from .read import read_criteria, read_graph

__all__ = [
    "Audit", "BeforeBackward", "LossGraph", "audit_program", "find_in_loss", "find_in_model", "find_in_optimizer",
    "read_criteria", "read_graph",
]  # fmt: skip
