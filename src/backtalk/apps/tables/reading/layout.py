"""The first lines of a delimited file: its separator, the line that has the names of the columns, and what they are.

A separator fits if, from some line on, all lines have as many cells, quotes respected. That line has the names. Above
it may stand comments and titles. Each line below it may have one cell more: an empty one at its end, or the name of
the row in front, as R writes it.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass, field
from itertools import pairwise

from ....data.names import first_repeated
from ....errors import FileFormatError, cut, quoted
from ..cells.words import MISSING_WORDS

SEPARATORS = ["\t", ";", "|", ","]  # of two that fit alike the first is taken: commas also stand in text and numbers
UNNAMED = "column 1"  # row numbers have no name in what pandas and R write
MOST_LINES, MOST_LETTERS, LEAST_LINES = 100, 2**20, 5  # that are looked at
MOST_ROWS = 20  # whose cells are looked at
MOST_ABOVE = 30  # lines above the names
MOST_SHOWN = 3  # of these, in a sentence
MOSTLY = 0.5  # of the cells are numbers
DECLARED = re.compile(r'"?sep=(.|\\t)"?[,;\t|]*', re.IGNORECASE)  # as spreadsheets write it
NUMBER = re.compile(r"[-+(]?[$€£¥]?\s?(\d{1,3}([.,\s]\d{3})+|\d+)([.,]\d*)?([eE][-+]?\d+)?\s?[%€)]?|[-+]?[.,]\d+")
COMMENTS = ("#", "%", "//", "--", "!")
FULL_COMMENTS = ("# ", "// ", "-- ")  # of lines with as many cells as the others
DECIMAL_COMMA = re.compile(r"[-+]?[0-9]*,([0-9]{1,2}|[0-9]{4,})")
DECIMAL_POINT = re.compile(r"[-+]?([0-9]*\.([0-9]{1,2}|[0-9]{4,})|0\.[0-9]+)")
YEARS = range(1500, 2101)


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rest of a file is to be read.

    ``names``: of all cells that a line has, '' of a column without one. ``above``: physical lines up to the names, with
    them. ``said``: what there is to say, in sentences. ``quote``: what stands around cells with separators in them.
    ``decimal_comma``: whether numbers that can be read both ways have one.
    """

    separator: str
    names: list[str]
    above: int
    said: list[str] = field(default_factory=list)
    quote: str = '"'
    decimal_comma: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    """The cells of a line, or of several with quoted ends; ``end``: physical lines so far."""

    cells: list[str]
    end: int

    @property
    def is_comment(self) -> bool:
        return self.cells[0].startswith(COMMENTS)

    @property
    def filled(self) -> int:
        """Cells up to the last that is not empty."""
        return max((place + 1 for place, cell in enumerate(self.cells) if cell), default=0)


@dataclass(frozen=True, slots=True)
class _Fit:
    """A separator, the record that has the names, and how many cells more those below have; None if that varies."""

    separator: str
    records: list[_Record]
    place: int = 0
    more: int | None = None

    @property
    def names(self) -> list[str]:
        """Of all cells that the records below have, '' of those without one."""
        names = self.records[self.place].cells
        if names[0].startswith("# "):
            names = [names[0][2:].strip(), *names[1:]]
        if self.more == 1 and self.below:
            return [*names, ""] if not any(each.cells[-1] for each in self.below) else [UNNAMED, *names]
        return names[: len(names) + min(0, self.more or 0)]

    @property
    def below(self) -> list[_Record]:
        """The first records below the names, without those that repeat them."""
        names = self.records[self.place].cells
        return [each for each in self.records[self.place + 1 :] if each.cells != names][:MOST_ROWS]

    @property
    def rank(self) -> tuple[bool, bool, float]:
        """Of several that fit: one in which nothing is left over, and the one with the most numbers."""
        if self.more is None:
            return False, False, 0.0
        return True, self.place == 0 and self.more == 0, self.share_of_numbers

    @property
    def share_of_numbers(self) -> float:
        """Of the first cells below the names that are not empty."""
        cells = [cell for each in self.below for cell in each.cells if cell]
        return sum(map(_is_number, cells)) / max(1, len(cells))


def layout_of(content: bytes, file: str, no_header: bool = False) -> Layout:
    """Of text in UTF-8. Raises :class:`~backtalk.errors.FileFormatError` if the file has no line of names.

    ``no_header``: the first line is a row, and the columns are called ``column 1``, ``column 2`` and so on.
    """
    text, is_whole = _beginning(content)
    first, _, rest = text.partition("\n")
    declared = DECLARED.fullmatch(first) if rest.strip() else None
    separators = SEPARATORS if declared is None else [declared[1].replace("\\t", "\t")]
    text = text if declared is None else rest
    quote = "'" if text.lstrip().startswith("'") else '"'
    if no_header:
        return _without_names(
            [_records(each, quote, text, is_whole) for each in separators], declared is not None, quote
        )
    fits = [_fit(separator, quote, text, is_whole) for separator in separators]
    best = max(fits, key=lambda fit: fit.rank)
    if best.more is None:  # lines of different lengths, or of one cell: what is wrong with them is said later
        best = max(reversed(fits), key=lambda fit: _share_alike(fit.records))
    if not best.records:
        raise FileFormatError("has a first line that cannot be read.", file=file)
    _require_names(best, file)
    above = best.records[best.place].end + (declared is not None)
    return Layout(best.separator, best.names, above, _said(best), quote, _has_decimal_commas(best, best.place + 1))


def _without_names(found: list[_Fit], above: int, quote: str) -> Layout:
    """Of text whose first line is a row: the separator under which the first lines have as many cells, two or more."""
    best = max(found, key=lambda fit: (_share_alike(fit.records) == 1, fit.share_of_numbers, _share_alike(fit.records)))
    width = len(best.records[0].cells) if best.records else 1
    names = [f"{UNNAMED.removesuffix('1')}{number}" for number in range(1, width + 1)]
    said = [f"no line of names: the columns are called {names[0]} to {names[-1]}."]
    return Layout(best.separator, names, int(above), said, quote, _has_decimal_commas(best, 0))


def by_tabs(content: bytes, no_header: bool = False) -> bytes | None:
    """Text whose columns, mostly of numbers, are separated by any number of blanks, with a tab instead; else None."""
    text, is_whole = _beginning(content)
    tabbed = _with_tabs(text.encode()).decode()
    if no_header:
        return _with_tabs(content) if _share_alike(_records("\t", '"', tabbed, is_whole).records) == 1 else None
    fit = _fit("\t", '"', tabbed, is_whole)
    is_even = fit.place == 0 and fit.more in (0, 1)  # one more if the rows have names, as R writes them
    has_columns = _heads_numbers(fit) or all(map(_is_number, fit.names))  # the latter lack names, which is said later
    return _with_tabs(content) if is_even and fit.rank[2] > MOSTLY and has_columns else None


def _with_tabs(content: bytes) -> bytes:
    content = re.sub(rb"(?m)^[ \t]+|[ \t]+$", b"", content)
    if b'"' not in content:
        return re.sub(rb"[ \t]+", b"\t", content)
    return re.sub(rb'("[^"\n]*")|[ \t]+', lambda found: found[1] or b"\t", content)


def _beginning(content: bytes) -> tuple[str, bool]:
    """The first lines, and whether they are all."""
    end = 0
    for count in range(MOST_LINES):
        line_end = content.find(b"\n", end) + 1
        if not line_end or (line_end > MOST_LETTERS and count >= LEAST_LINES):
            break
        end = line_end
    return content[:end].decode(), end == len(content)


def _records(separator: str, quote: str, text: str, is_whole: bool) -> _Fit:
    """The cells of the first lines under a separator."""
    lines, records = io.StringIO(text, newline=""), []
    reader = csv.reader(lines, delimiter=separator, quotechar=quote, skipinitialspace=True)
    try:
        for row in reader:
            if any(row) or len(row) > 1:
                records.append(_Record([cell.strip() for cell in row], reader.line_num))
    except csv.Error:  # a cell that is too long to be one
        return _Fit(separator, records)
    if not is_whole and len(records) > 1:  # the last may go on
        records.pop()
    return _Fit(separator, records)


def _fit(separator: str, quote: str, text: str, is_whole: bool) -> _Fit:
    """Whether, and how, a separator fits."""
    records = _records(separator, quote, text, is_whole).records
    widest = max((len(each.cells) for each in records), default=0)
    for place, record in enumerate(records[:MOST_ABOVE]):
        fit = _Fit(separator, records, place, _more(records[place:]))
        if fit.more is not None and _has_names(fit, separator + " " in text):
            return fit
        if not (record.is_comment or record.filled <= max(1, widest // 2)):
            break
    comments = 0
    while comments + 1 < len(records) and records[comments].is_comment:
        comments += 1
    return _Fit(separator, records, comments)


def _more(records: list[_Record]) -> int | None:
    """How many cells more than the first record those below have; None if that varies, or they have only one."""
    widths = {len(each.cells) for each in records[1:]}
    if len(widths) != 1 or max(widths) < 2:
        return None
    return widths.pop() - len(records[0].cells)


def _has_names(fit: _Fit, has_blanks: bool) -> bool:
    """Whether the record of a fit can be the names of the columns."""
    record, below, names = fit.records[fit.place], fit.below, fit.names
    if fit.more == -1 and record.cells[-1] == "":
        return True
    if fit.more not in (0, 1) or not below:
        return fit.more == 0
    following = _Fit(fit.separator, fit.records, fit.place + 1, 0)
    if fit.more == 1 and names[0] == UNNAMED:
        are_names = first_repeated(each.cells[0] for each in below) is None and not any(map(_is_number, names))
        return are_names and not (fit.place or has_blanks or record.is_comment or _is_header(following))
    unnamed = [place for place, name in enumerate(names) if not name]
    is_named = not any(each.cells[place] for place in unnamed for each in below)
    if record.cells[0].startswith(FULL_COMMENTS) and _is_header(following):
        return False
    if fit.place == 0:
        return is_named or record.filled > max(1, len(names) // 2)
    return is_named and _is_header(fit)


def _is_header(fit: _Fit) -> bool:
    """Whether a record below other lines is certainly one of names."""
    names = [name for name in fit.names if name]
    if not names or any(map(_is_number, names)) or first_repeated(names) is not None:
        return False
    return _heads_numbers(fit) or (len(names) > 2 and not _repeated_below(fit))


def _heads_numbers(fit: _Fit) -> bool:
    """Whether some name that is no number has nothing but numbers below it."""
    below = fit.below
    return any(
        not _is_number(name) and name.lower() not in MISSING_WORDS and _are_numbers(below, place)
        for place, name in enumerate(fit.names)
    )


def _are_numbers(below: list[_Record], place: int) -> bool:
    cells = [each.cells[place] for each in below if each.cells[place].lower() not in MISSING_WORDS]
    return bool(cells) and all(map(_is_number, cells))


def _repeated_below(fit: _Fit) -> int:
    """How many names stand among the cells of their column."""
    below = fit.below
    return sum(any(each.cells[place] == name for each in below) for place, name in enumerate(fit.names) if name)


def _require_names(fit: _Fit, file: str) -> None:
    """Refuse a first line that is a row as those below it."""
    names = fit.names
    numbers = [name for name in names if _is_number(name)]
    if fit.more is None or fit.place or len(numbers) == len(names) or _heads_numbers(fit):
        return
    below = fit.below
    above = [name for place, name in enumerate(names) if _is_number(name) and _are_numbers(below, place)]
    if (above and not _are_ordered(above)) or _repeated_below(fit) * 2 > len(names):
        found = (above or names)[0]
        raise FileFormatError(
            f"seems to have no line of names: its first line holds {quoted(found)}, as lines below it do. Write the "
            "names of the columns above it, or give --no-header.",
            file=file,
        )


def _are_ordered(names: list[str]) -> bool:
    """Whether numbers may be the names of columns: years, or one after the other."""
    if not all(name.isdecimal() for name in names):
        return False
    numbers = [int(name) for name in names]
    return all(number in YEARS for number in numbers) or (
        len(numbers) > 1 and all(after == before + 1 for before, after in pairwise(numbers))
    )


def _has_decimal_commas(fit: _Fit, first: int) -> bool:
    """Whether semicolons separate the columns, and the first numbers do not show that a point is the decimal one."""
    cells = [cell for each in fit.records[first:] for cell in each.cells]
    if fit.separator != ";":
        return False
    return any(map(DECIMAL_COMMA.fullmatch, cells)) or not any(map(DECIMAL_POINT.fullmatch, cells))


def _said(fit: _Fit) -> list[str]:
    said = []
    if fit.place and fit.more is not None:
        titles = [quoted(" ".join(filter(None, each.cells))) for each in fit.records[: fit.place]]
        shown = ", ".join(titles[:MOST_SHOWN]) + (", …" if len(titles) > MOST_SHOWN else "")
        said.append(f"the names of the columns are {cut(fit.names[0])}, …; not read above them: {shown}.")
    if fit.more == 1 and fit.names[0] == UNNAMED:
        said.append(
            f"each line has one cell more than there are names: the first is taken for the name of the row, "
            f"{quoted(UNNAMED)}, as R writes it."
        )
    return said


def _share_alike(records: list[_Record]) -> float:
    """Of all records, those with as many cells as the first; 0 if it has one."""
    if not records or len(records[0].cells) < 2:
        return 0.0
    return sum(len(each.cells) == len(records[0].cells) for each in records) / len(records)


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text) is not None
