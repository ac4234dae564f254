"""Processes that train together, on one machine or on many, over JAX's distributed runtime.

group.py        the group: values that every process gives, and all get; work that each does on its own
exchange.py     rows that go to other processes
join.py         this process joins: by what it was told, or by what SLURM, Kubernetes or MPI say to JAX
rendezvous.py   processes that were started by hand find one another, and fit together
aborts.py       what JAX says when it ends a process, as a sentence
"""

from .exchange import exchange_rows, places_of
from .group import ALONE, Group, joined_group

__all__ = ["ALONE", "Group", "exchange_rows", "joined_group", "places_of"]
