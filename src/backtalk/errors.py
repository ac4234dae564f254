"""Every exception that backtalk raises on purpose.

    BacktalkError
    ├── InputError (ValueError)           an argument holds a value that cannot be used
    │   ├── UnknownNameError              a name that is in no table; the nearest one is suggested
    │   └── FileFormatError               a file is not ours, is damaged, or is of a newer version
    ├── InputTypeError (TypeError)        an argument is of a kind that cannot be used
    ├── LayerError (KeyError)             a layer number outside the network
    ├── MissingLibraryError (ImportError) an optional library is needed and not installed
    ├── ProcessLostError (ConnectionError) another process of the cluster no longer answers
    └── DivergedError (ArithmeticError)   training reached a value that is not finite

Each message says which argument, what it held, what was expected and, where it helps, what to do.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.network import Network


class BacktalkError(Exception):
    """The root of all exceptions that backtalk raises on purpose."""


class InputError(BacktalkError, ValueError):
    """An argument holds a value that cannot be used."""


class UnknownNameError(InputError):
    """A name that is in no table; made by :func:`unknown_name`."""


class FileFormatError(InputError):
    """A file is not ours, is damaged, or was written by a newer version."""


class InputTypeError(BacktalkError, TypeError):
    """An argument is of a kind that cannot be used."""


class LayerError(BacktalkError, KeyError):
    """A layer number outside the network."""

    __str__ = Exception.__str__  # KeyError would show the sentence in quotes


class MissingLibraryError(BacktalkError, ImportError):
    """An optional library is needed and not installed."""


class ProcessLostError(BacktalkError, ConnectionError):
    """Another process of the cluster no longer answers.

    ``reason``: what happened, in words without an end. ``process`` and ``processes``: which process says so, and how
    many train together. ``checkpoint``: the file from which training goes on, if one was written.

    >>> print(ProcessLostError("process 1 no longer answers", process=0, processes=2, checkpoint="run.safetensors"))
    process 1 no longer answers (this is process 0 of 2). The checkpoint run.safetensors goes on, also with another \
number of processes.
    """

    def __init__(
        self, reason: str, *, process: int | None = None, processes: int | None = None, checkpoint: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.process, self.processes, self.checkpoint = reason, process, processes, checkpoint

    def __str__(self) -> str:
        this = "" if self.process is None else f" (this is process {self.process} of {self.processes})"
        goes_on = f"The checkpoint {self.checkpoint} goes on, also with another number of processes."
        return f"{self.reason}{this}.{'' if self.checkpoint is None else f' {goes_on}'}"

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(type(self), process=self.process, processes=self.processes, checkpoint=self.checkpoint)
        return rebuild, self.args


class DivergedError(BacktalkError, ArithmeticError):
    """Training reached a value that is not finite.

    ``network`` is the last good network (the weights before the step), ``step`` counts updates from 1,
    ``quantity`` and ``layer`` name the first place, in the order of computing, that is not finite.
    """

    def __init__(self, message: str, *, network: Network, step: int, quantity: str, layer: int) -> None:
        super().__init__(message)
        self.network = network
        self.step = step
        self.quantity = quantity
        self.layer = layer

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(type(self), network=self.network, step=self.step, quantity=self.quantity, layer=self.layer)
        return rebuild, self.args


def unknown_name(argument: str, found: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a name that is in no table, with the nearest known name.

    >>> print(unknown_name("activation", "rleu", ["relu", "tanh"]))
    activation is 'rleu', which is not known: did you mean 'relu'? Known are relu, tanh.
    """
    names = list(known)
    near = get_close_matches(str(found).lower(), names, n=1, cutoff=0.5)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return UnknownNameError(f"{argument} is {found!r}, which is not known{hint} Known are {', '.join(names)}.")
