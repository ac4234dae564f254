"""The names of a table's columns, in the first line of its file."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from ..core.decimals import is_decimal
from ..errors import InputError, quoted


def require_names(names: Sequence[str], path: str | os.PathLike[str]) -> None:
    """Refuse numbers instead of names, a column without a name, and a name that two columns have."""
    if not names or all(map(is_decimal, names)):
        found = "numbers" if names else "nothing"
        raise InputError(
            f"has {found} in its first line, expected the names of the columns: write them above it.", file=path
        )
    if "" in names:
        place = names.index("") + 1
        raise InputError(f"has no name for column {place}: name it, or leave out a column of row numbers.", file=path)
    if (twice := first_repeated(names)) is not None:
        raise InputError(f"has two columns named {quoted(twice)}: rename one of them.", file=path)


def first_repeated(names: Iterable[str]) -> str | None:
    """The first name that was there before; None if all differ.

    >>> first_repeated(["a", "b", "b", "a"])
    'b'
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None
