"""Row numbers and identifiers among the columns: they say where a row stood, and nothing about it.

A network learns them all the same: in a table that is sorted by its classes they give the class away.
"""

from __future__ import annotations

import re
import shlex

import numpy as np
import polars as pl

FEWEST = 10  # rows: below that, 1 to N may well be measured
MANY = 100  # rows of which no two have the same number by chance …
DENSE = 10  # … if the numbers are below this many times the rows
COUNTS_UP = 0.9  # of the steps from row to row, in tables that were put one below the other

# What pandas calls the index that it writes
INDEX = re.compile(r"unnamed: ?0([._].*)?|__index_level_\d+__|level_0", re.IGNORECASE)
# Columns without a name, by this package and by readr of R
NAMELESS = re.compile(r"column 1|\.\.\.1", re.IGNORECASE)
IDENTIFIER = re.compile(
    r"(.*[\W_])?(id|ids|index|idx|ix|key|pk|nr|no|sno|slno|srno|row|rowid|rownames?|row[\W_]names?|uid|uuid|guid|oid|fid|"
    r"gid|objectid|(row|record|rec|serial|line|obs|seq|case)[\W_]?(no|nr|num|number|index|idx|id))|#|№|n[°º]",
    re.IGNORECASE,
)
CAMEL = re.compile(r".*[a-z](I[dD]|No|Nr|Idx)")  # as in customerID
# Names that row numbers have, and other things as well: the numbers must look like it, too
PERHAPS = re.compile(
    r"x|x1|v1|n|i|seq|sequence|obs|observation|case|counter|instant|pos|order|line|record|serial|entry|item|sample|"
    r"subject|patient|participant|respondent|num|number|.*[\W_](num|number)|.*[a-z](?-i:Num|Number)",
    re.IGNORECASE,
)


def row_numbers_in(name: str, numbers: pl.Series, rows: np.ndarray, is_index: bool = False) -> str:
    """What there is to say if a column holds row numbers or identifiers; '' if it holds something else.

    ``numbers``: of all rows, of which ``rows`` says where in the table they stand, counted from 0. ``is_index``:
    whether pandas wrote the column as its index.
    """
    present = numbers.drop_nulls()
    if len(present) == 0 or not (present == present.round()).all():
        return ""
    back = f"if it measures something, --types {shlex.quote(f'{name}=number')}"
    called, distinct = name.strip().strip("._-: "), present.n_unique() == len(rows)
    if distinct and (IDENTIFIER.fullmatch(called or name.strip()) or CAMEL.fullmatch(called)):
        return "a number of its own in every row: an identifier"
    if len(present) == len(rows) >= FEWEST and _in_order(numbers.to_numpy(), rows):
        return f"row numbers, {int(numbers[0])} to {int(numbers[-1])}; {back}"
    if INDEX.fullmatch(name.strip()) or (NAMELESS.fullmatch(name) and (distinct or _counts_up(present))):
        return f"row numbers; {back}"
    if distinct and is_index:
        return f"row numbers: pandas' index; {back}"
    if distinct and PERHAPS.fullmatch(called) and _are_close(present):
        return f"row numbers in another order; {back}"
    return ""


def _in_order(numbers: np.ndarray, rows: np.ndarray) -> bool:
    """Whether they are 0 … N−1 or 1 … N, from the first row on or from the last."""
    ahead, total = numbers - rows, numbers + rows
    upward = ahead[0] in (0, 1) and (ahead == ahead[0]).all()
    return bool(upward or (numbers[-1] in (0, 1) and (total == total[0]).all()))


def _counts_up(numbers: pl.Series) -> bool:
    ones = (numbers.diff().drop_nulls() == 1).to_numpy()
    return len(numbers) >= FEWEST and bool(ones.mean() >= COUNTS_UP)


def _are_close(numbers: pl.Series) -> bool:
    """Whether whole numbers that are all distinct are 0 … N−1 or 1 … N, or too close to one another for chance."""
    values = numbers.to_numpy()
    count, least, most = len(values), values.min(), values.max()
    if count >= FEWEST and least in (0, 1) and most == least + count - 1:
        return True
    return bool(count >= MANY and least >= 0 and most < DENSE * count)
