"""Every module of a PyTorch model in a forward and backward pass: hidden units, gradients, statistics, findings.

hooks.py        ``ModuleHooks``: captures the calls of all modules while a block runs
calls.py        a captured call, and the tensors that it gave
hidden.py       h and ∇_h by the names of the modules
statistics.py   numbers of every module; gather.py: from the calls to them
reach.py        which parameters a gradient reached
find.py         ``find_in_modules``: from the statistics to findings
"""

from .find import find_in_modules
from .hidden import Hidden
from .hooks import ModuleHooks
from .reach import Reach, find_unreached
from .statistics import ModelStatistics, ModuleStatistics

__all__ = [
    "Hidden", "ModelStatistics", "ModuleHooks", "ModuleStatistics", "Reach", "find_in_modules", "find_unreached",
]  # fmt: skip
