"""Every module of a PyTorch model in a forward and backward pass: hidden units, gradients, statistics, findings.

hooks.py        ``ModuleHooks``: captures the calls of all modules while a block runs
calls.py        a captured call, and the tensors that it gave; kinds.py: what is known of PyTorch's modules
hidden.py       h and ∇_h by the names of the modules
gather.py       from the calls to statistics.py, the numbers of every module: measures.py (norms), units.py,
                weights.py, chains.py (layers in a row), stop.py (where a gradient ends), finite.py, reach.py (which
                parameters a gradient reached)
find.py         ``find_in_modules``: from the statistics to findings, by rules/
"""

from .find import OF_BROKEN, OF_MODULES, find_in_modules
from .hidden import Hidden
from .hooks import ModuleHooks
from .reach import Reach, find_unreached
from .statistics import ModelStatistics, ModuleStatistics

__all__ = [
    "OF_BROKEN",
    "OF_MODULES",
    "Hidden",
    "ModelStatistics",
    "ModuleHooks",
    "ModuleStatistics",
    "Reach",
    "find_in_modules",
    "find_unreached",
]
