"""Which build of the C++ kernels serves here, and on how many threads.

The kernels are built several times, for the levels x86-64-v4, v3 and v2 and in a portable form; the first in that
order that this processor and system run is taken. The environment variable ``BACKTALK_KERNELS`` forces one by its
name, and ``none`` leaves the work to the formulas.

Threads: as many as ``threadpoolctl`` allows, else ``OMP_NUM_THREADS`` if that is a whole number above 0, else one for
each processor that this process may use; 1024 at the most. Threads of Python that train at the same time share them.
Results do not depend on their number.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

import threadpoolctl

from ...errors import InputError, unknown_name

_missing = ""  # why there is no compiled module
if TYPE_CHECKING:
    from . import _native as extension
else:
    extension = None
    try:
        extension = import_module("._native", __package__)
    except ModuleNotFoundError:
        _missing = "backtalk was installed without a C++ compiler that builds them"
    except ImportError as error:  # it is there, and a library of the system is too old for it, say
        _missing = f"the compiled module does not load here ({error})"

VARIABLE = "BACKTALK_KERNELS"
NONE = "none"
MOST_THREADS = 1024


@cache
def kernels() -> str | None:
    """The name of the build that serves, or None if the formulas do.

    Raises :class:`~backtalk.errors.InputError` if ``BACKTALK_KERNELS`` names one that is not known, or that does
    not run here.
    """
    builds: dict[str, bool] = dict(extension.variants()) if extension else {}
    wanted = os.environ.get(VARIABLE, "")
    if not wanted:
        return next((name for name, runs in builds.items() if runs), None)
    if wanted == NONE:
        return None
    if extension is None:
        raise InputError(f"{VARIABLE} is {wanted!r}, but {_missing}: leave the variable out.")
    if wanted not in builds:
        raise unknown_name(VARIABLE, wanted, [*builds, NONE])
    if not builds[wanted]:
        raise InputError(f"{VARIABLE} is {wanted!r}, which this processor does not run: leave the variable out.")
    return wanted


def available() -> list[str]:
    """The names of the builds that run here, the fastest first."""
    return [name for name, runs in extension.variants() if runs] if extension else []


def describe() -> str:
    """In words: which kernels serve, or why none do."""
    name = kernels()
    if name is None:
        reason = f": {_missing}" if extension is None else f", as {VARIABLE} says"
        return f"none{reason}, so the formula engine serves NumPy arrays too"
    others = [build for build in available() if build != name]
    count = "one thread" if (ready := ready_threads()) == 1 else f"up to {ready} threads"
    if ready < all_threads():
        count += f" because the system starts no more of the {all_threads()} that are allowed"
    return f"{name}, on {count} (this machine also runs {', '.join(others) or 'no other'})"


_limit: int | None = None


def threads_asked_for(text: str) -> int | None:
    """How many threads ``OMP_NUM_THREADS`` asks for; None if it is no whole number above 0.

    >>> [threads_asked_for(text) for text in ("3", "4,2", "9" * 5000, "-1", "0", "", "two")]
    [3, 4, 1024, None, None, None, None]
    """
    digits = text.split(",")[0].strip().lstrip("0")
    if not re.fullmatch("[0-9]+", digits):
        return None
    return MOST_THREADS if len(digits) > len(str(MOST_THREADS)) else min(int(digits), MOST_THREADS)


@cache
def _threads_at_start() -> int:
    asked = threads_asked_for(os.environ.get("OMP_NUM_THREADS", ""))
    return asked or (max(1, extension.processors()) if extension else 1)


def all_threads() -> int:
    """How many threads the kernels may use in this process, all calls together."""
    return _threads_at_start() if _limit is None else _limit


_sharing: dict[int, int] = {}  # threads of Python that train, by identity, and how many runs each is in, one in another


def threads() -> int:
    """How many threads the kernels may use in a call by this thread of Python: its share, and 1 at the least."""
    total = all_threads()
    if not _sharing:
        return total
    sharing, own = list(_sharing), threading.get_ident()
    place = sharing.index(own) if own in sharing else len(sharing)
    callers = max(place + 1, len(sharing))
    return max(1, total // callers + (place < total % callers))


@contextmanager
def sharing_threads() -> Iterator[None]:
    """Within it this thread of Python trains: it and all others that do have a share of the kernels' threads each.

    Otherwise, a search by scikit-learn on two threads of Python would use twice as many threads as there are.
    """
    own = threading.get_ident()
    _sharing[own] = _sharing.get(own, 0) + 1
    try:
        yield
    finally:
        if _sharing[own] > 1:
            _sharing[own] -= 1
        else:
            del _sharing[own]


def _share_with_nobody() -> None:
    """In the child of a fork, where none of the other threads lives on."""
    for each in _sharing.keys() - {threading.get_ident()}:
        del _sharing[each]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_share_with_nobody)


def ready_threads() -> int:
    """How many of them there are; those that are missing are started now, and fewer only if the system refuses."""
    return extension.ready_threads(all_threads()) if extension else 1


class _Controller(threadpoolctl.LibController):
    """Lets ``threadpoolctl.threadpool_limits``, and with it scikit-learn and joblib, set the number of threads."""

    user_api = "openmp"
    internal_api = "backtalk"
    filename_prefixes = ("_native",)
    check_symbols = ("backtalk_kernels",)

    def get_version(self) -> Any:
        return None

    def get_num_threads(self) -> Any:
        return all_threads()

    def set_num_threads(self, num_threads: int) -> Any:
        global _limit
        _limit = min(max(1, int(num_threads)), MOST_THREADS)


if extension is not None:
    threadpoolctl.register(_Controller)
