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

Each sentence says which argument, what it held, what was expected and, where it helps, what to do. Its parts are
fields, so that the command line, the lab and the readers of files never take a sentence apart.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from difflib import get_close_matches
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

LONGEST, END = 1200, 300  # letters of a fault, and those of its end that stay if it is cut
MOST_LETTERS = 80  # of a name or a cell in a sentence
MOST_KNOWN = 40  # names that are listed
IN_ONE_LINE = {ord("\n"): "␊", ord("\t"): "␉"}  # so that no name can fake a line of a terminal
LONGEST_KNOWN = 200  # letters of a name that is compared with another

if TYPE_CHECKING:
    from .core.network import Network
    from .train.records import Training


class BacktalkError(Exception):
    """The root of all exceptions that backtalk raises on purpose.

    The sentence is ``file`` ``argument`` ``fault`` ``place``, ``expected`` (``hint``). All but ``fault`` are '' where
    they are not known, and may be set anew. ``file``: the file that is wrong, by its name. ``argument``: what holds the
    value, which another caller may know by another name. ``place``: where the value stands. With no ``expected`` the
    place is a sentence of its own. ``hint``: what only a caller in Python can use; ``message`` is the sentence without
    it.

    >>> error = InputError("is 7", argument="y", place="at row 0", expected="expected labels 0 … 2")
    >>> print(error)
    y is 7 at row 0, expected labels 0 … 2.
    >>> error.argument, error.place = "column 'class'", "in row 20 of part-2.parquet"
    >>> print(error)
    column 'class' is 7 in row 20 of part-2.parquet, expected labels 0 … 2.
    """

    file: str
    argument: str
    place: str
    expected: str
    hint: str

    def __init__(
        self,
        fault: str = "",
        *,
        file: str | os.PathLike[str] = "",
        argument: str = "",
        place: str = "",
        expected: str = "",
        hint: str = "",
    ) -> None:
        super().__init__(fault)
        self.file, self.argument = os.fspath(file), argument
        self.place, self.expected, self.hint = place, expected, hint

    @property
    def message(self) -> str:
        """The sentence for those who see no Python."""
        fault = " ".join(filter(None, [self.file, self.argument, self.args[0]]))
        if len(fault) > LONGEST:  # it repeats what somebody gave, and its end says what to do
            fault = f"{fault[: LONGEST - END]} … {fault[-END:]}"
        if self.expected:
            return f"{fault} {self.place}, {self.expected}."
        return f"{fault} It stands {self.place}." if self.place else fault

    def __str__(self) -> str:
        return f"{self.message.removesuffix('.')} ({self.hint})." if self.hint else self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class InputError(BacktalkError, ValueError):
    """An argument holds a value that cannot be used."""


class UnknownNameError(InputError):
    """A name that is in no table; made by ``unknown_name``."""


class FileFormatError(InputError):
    """A file is not ours, is damaged, or was written by a newer version."""


class InputTypeError(BacktalkError, TypeError):
    """An argument is of a kind that cannot be used."""


class LayerError(BacktalkError, KeyError):
    """A layer number outside the network."""


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

    reason: str
    process: int | None
    processes: int | None
    checkpoint: str | None

    def __init__(
        self, reason: str, *, process: int | None = None, processes: int | None = None, checkpoint: str | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.process, self.processes, self.checkpoint = reason, process, processes, checkpoint

    @property
    def message(self) -> str:
        this = "" if self.process is None else f" (this is process {self.process} of {self.processes})"
        goes_on = f"The checkpoint {self.checkpoint} goes on, also with another number of processes."
        return f"{self.reason}{this}.{'' if self.checkpoint is None else f' {goes_on}'}"


class DivergedError(BacktalkError, ArithmeticError):
    """Training reached a value that is not finite.

    ``network`` is the last good network (the weights before the step), ``step`` counts updates from 1,
    ``quantity`` and ``layer`` name the first place, in the order of computing, that is not finite. ``outcomes``: from
    ``fit_many``, for each network its ``Training`` or, if it diverged, the error of its own.
    """

    outcomes: tuple[Training | DivergedError, ...] = ()

    def __init__(self, fault: str, *, network: Network, step: int, quantity: str, layer: int, hint: str = "") -> None:
        super().__init__(fault, hint=hint)
        self.network = network
        self.step = step
        self.quantity = quantity
        self.layer = layer

    def __reduce__(self) -> tuple[Any, ...]:
        rebuild = partial(type(self), network=self.network, step=self.step, quantity=self.quantity, layer=self.layer)
        return rebuild, self.args, self.__dict__


def unknown_name(
    argument: str, found: object, known: Iterable[str], near: str = "", note: str = ""
) -> UnknownNameError:
    """The error for a name that is in no table, with the nearest known name: ``near``, or the one most like it.

    ``note``: how what ``near`` names differs from what was asked for.

    >>> print(unknown_name("activation", "rleu", ["relu", "tanh"]))
    activation is 'rleu', which is not known: did you mean 'relu'? Known are relu, tanh.
    """
    names = list(known)
    near = near or nearest(str(found), names)
    hint = f": did you mean {quoted(near)}{note and f' ({note})'}?" if near else "."
    more = f" and {len(names) - MOST_KNOWN} more" if len(names) > MOST_KNOWN else ""
    listed = ", ".join(map(cut, names[:MOST_KNOWN])) + more
    return UnknownNameError(f"is {quoted(found)}, which is not known{hint} Known are {listed}.", argument=argument)


def nearest(found: str, known: Iterable[str]) -> str:
    """The known name that is most like another one; '' if none is.

    >>> nearest("rleu", ["relu", "tanh"])
    'relu'
    """
    compared = [name for name in islice(known, 1000) if len(name) <= LONGEST_KNOWN]  # each takes some time
    return next(iter(get_close_matches(cut(found).lower(), compared, n=1, cutoff=0.5)), "")


def cut(text: str, most: int = MOST_LETTERS) -> str:
    """A name or a cell for a sentence or a table: its first letters, in one line.

    >>> len(cut("a" * 1000)), cut("age"), cut("age\\nrow 2\\tfaked")
    (80, 'age', 'age␊row 2␉faked')
    """
    return _first(text, most).translate(IN_ONE_LINE)


def _first(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def quoted(value: object) -> str:
    """The same in quotation marks, in which what cannot be shown is escaped; a number as it is.

    >>> print(quoted("it\\x1b[2J" + "e" * 1000)[:20], quoted(0.5))
    'it\\x1b[2Jeeeeeeeeee 0.5
    """
    return repr(_first(value, MOST_LETTERS)) if isinstance(value, str) else _first(repr(value), MOST_LETTERS)


def a_kind(value: object) -> str:
    """The type of a value, with its article.

    >>> a_kind(3), a_kind("loss")
    ('an int', 'a str')
    """
    name = type(value).__name__
    return f"{'an' if name[0] in 'AEIOUaeio' else 'a'} {name}"  # a uint8


def first_line(error: BaseException) -> str:
    """What another library says, for the middle of a sentence: the first line, cut, without the point at its end.

    >>> first_line(ValueError("the header is damaged.\\nIt stands in line 3."))
    'the header is damaged'
    """
    said = (str(error).strip() or type(error).__name__).splitlines()[0]
    return (said if len(said) <= LONGEST_KNOWN else said[:LONGEST_KNOWN] + "…").rstrip(".")


NOT_LOADED = "failed to map segment"  # of a library
NO_MEMORY = (NOT_LOADED, "cannot allocate memory", "can't start new thread", "unable to allocate")
NO_ROOM = ("resource temporarily unavailable", "memory allocation of", "out of memory", "bad_alloc")  # for a thread too
NOTHING_RAISED = ("without exception set", "returned null without setting")  # by C, which found no memory even for that
TO_LOAD = "libraries need about 1.5 GB of address space, so raise the limit that is set, such as by ulimit -v"


def is_no_memory(error: BaseException) -> bool:
    """Whether memory ran out, of which libraries tell in several ways.

    >>> is_no_memory(MemoryError()), is_no_memory(ImportError("x.so: failed to map segment from shared object"))
    (True, True)
    """
    if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
        return True
    said = str(error).lower()
    if isinstance(error, SystemError):
        return any(words in said for words in NOTHING_RAISED)
    if isinstance(error, ImportError | OSError):
        return any(words in said for words in NO_MEMORY)
    of_a_library = isinstance(error, RuntimeError) or type(error).__module__.startswith(("polars", "pyo3", "pyarrow"))
    return of_a_library and any(words in said for words in NO_MEMORY + NO_ROOM)


def no_memory(error: BaseException, doing: str = "", advice: str = "take fewer examples, or a smaller network") -> str:
    """The sentence for it: in what, what was asked for, and what helps; ``advice`` does not if a library needs it.

    >>> no_memory(MemoryError("Unable to allocate 7.45 GiB for an array"), "'backtalk check'", "take fewer rows")
    "memory ran out in 'backtalk check' (Unable to allocate 7.45 GiB for an array): take fewer rows."
    """
    where = f" in {doing}" if doing else ""
    asked = f" ({first_line(error)})" if str(error).strip() else ""
    return f"memory ran out{where}{asked}: {TO_LOAD if NOT_LOADED in str(error) else advice}."


def bug(error: BaseException) -> str:
    """The sentence for an error that nobody raised on purpose."""
    if is_no_memory(error):
        return no_memory(error)
    what = f"{type(error).__name__}: {first_line(error)}"
    return f"internal error, {what}; this is a bug, and BACKTALK_TRACEBACK=1 shows where."
