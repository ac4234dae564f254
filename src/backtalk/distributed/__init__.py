"""Processes that train together, on one machine or on many, over JAX's distributed runtime.

meet.py        the processes meet: who is there, and whether they fit together
join.py        this process joins: by what it was told, or by what SLURM, Kubernetes or MPI say
processes.py   how many there are; values that every process gives, and all get
exchange.py    rows that go to other processes
work.py        work that each does on its own, and errors that are raised in all

Every process calls the same functions in the same order. With one process each of them is trivial.
"""

from .exchange import exchange_rows, places_of
from .group import ALONE, Group, joined_group
from .processes import agree, answering, any_of, concatenate, count, gather, index
from .work import from_first, gather_from, share, together

__all__ = [
    "ALONE",
    "Group",
    "agree",
    "answering",
    "any_of",
    "concatenate",
    "count",
    "exchange_rows",
    "from_first",
    "gather",
    "gather_from",
    "index",
    "joined_group",
    "places_of",
    "share",
    "together",
]
