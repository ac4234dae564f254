"""The answers of a class beside the right ones: for each student, and for each question."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import FileFormatError, InputError, unknown_name
from .classes import COLUMNS, ClassSheets
from .marking import GOOD, TWO_DECIMALS, Mark, Marks
from .sheet import Exercise

VERDICTS = "right", "follows", "wrong", "unreadable", "not answered"


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A sheet with the name on it, and its marks, a row for each question."""

    sheet: int
    name: str
    marks: Marks

    @property
    def mistakes(self) -> list[str]:
        """The first of the likely mistakes in the gradients, and those of single answers with where they were made."""
        named = [mistake.said for mistake in self.marks.mistakes[:1]]
        return named + [f"{row.name}: {row.said}" for row in self.marks.rows if row.said.startswith("as if")]


@dataclass(frozen=True, slots=True, eq=False)
class ClassMarks:
    """The marks of a class: print it for a summary, :meth:`to_csv` gives the points."""

    students: tuple[Student, ...]
    silent: tuple[int, ...]  # the sheets without an answer

    def of_question(self, place: int) -> tuple[str, Counter[str], Counter[str]]:
        """The name of a question, how often each verdict was given, and what was likely done."""
        rows: list[Mark] = [student.marks.rows[place] for student in self.students]
        done = Counter(row.said for row in rows if row.verdict == "wrong" and row.said)
        return rows[0].name, Counter(row.verdict for row in rows), done

    def to_csv(self) -> str:
        """A row for each student: points, for each question 1 or 0, and the likely mistakes."""
        file = io.StringIO()
        table = csv.writer(file, lineterminator="\n")
        names = [row.name for row in self.students[0].marks.rows]
        table.writerow(["sheet", "name", "points", "of", *names, "mistakes"])
        for student in self.students:
            rows = student.marks.rows
            points = [int(row.verdict in GOOD) for row in rows]
            table.writerow([student.sheet, student.name, sum(points), len(rows), *points, "; ".join(student.mistakes)])
        return file.getvalue()

    def __str__(self) -> str:
        count, most = len(self.students), len(self.students[0].marks.rows)
        mean = sum(student.marks.points for student in self.students) / count
        lines = [f"{count} sheet{'s' * (count > 1)} marked, {mean:.1f} of {most} points on average", ""]
        width = max(4, *(len(student.name) for student in self.students))
        lines.append(f"sheet  {'name':<{width}}  points  likely mistakes")
        for student in self.students:
            first, *others = student.mistakes or [""]
            lines.append(f"{student.sheet:>5}  {student.name:<{width}}  {student.marks.points:>6}  {first}".rstrip())
            lines += [f"{'':{width + 17}}{other}" for other in others]
        found = [self.of_question(place) for place in range(most)]
        width = max(8, *(len(name) for name, _, _ in found))
        lines += ["", f"{'question':<{width}}  {'  '.join(VERDICTS)}  most often"]
        for name, verdicts, done in found:
            counts = "  ".join(f"{verdicts[verdict]:>{len(verdict)}}" for verdict in VERDICTS)
            common = "" if not done else "{} ({})".format(*done.most_common(1)[0])
            lines.append(f"{name:<{width}}  {counts}  {common}".rstrip())
        if self.silent:
            lines += ["", f"without an answer: sheet{'s' * (len(self.silent) > 1)} {', '.join(map(str, self.silent))}"]
        return "\n".join(lines)


def mark_class(sheets: ClassSheets, answers: Path, tolerance: float = TWO_DECIMALS) -> ClassMarks:
    """Mark the table of answers of a class: columns sheet, question and answer, and name if you like.

    The numbers of an answer stand one after another with ';' between, those of a matrix row by row.

    Raises :class:`~backtalk.errors.FileFormatError` for a file that is no such table, and
    :class:`~backtalk.errors.InputError` for a sheet or a question that there is not, and for two answers to one.
    """
    names, given = _read(sheets, answers)
    students = []
    for number, made in sheets.exercises.items():
        texts = given.get(number, {})
        if any(text.strip() for text in texts.values()):
            read = {name: _numbers(made, name, texts.get(name, "")) for name in made.answers}
            students.append(Student(number, names.get(number, ""), made.check(read, tolerance=tolerance)))
    if not students:
        raise FileFormatError("holds no answer: fill its column answer.", file=str(answers))
    seen = {student.sheet for student in students}
    return ClassMarks(tuple(students), tuple(number for number in sheets.numbers if number not in seen))


def _read(sheets: ClassSheets, path: Path) -> tuple[dict[int, str], dict[int, dict[str, str]]]:
    """The names of sheets, and the answers of each by question."""
    rows = _rows(path)
    names: dict[int, str] = {}
    given: dict[int, dict[str, str]] = {}
    lines: dict[tuple[int, str], int] = {}
    for line, row in rows:
        number = _sheet(sheets, row["sheet"], path, line)
        question, name = row["question"].strip(), row.get("name", "").strip()
        known = sheets.exercises[number].answers
        if question not in known:
            raise unknown_name(f"the question in line {line} of {path}", question, list(known))
        if (number, question) in lines:
            raise InputError(
                f"{path} answers {question} of sheet {number} twice, in lines {lines[number, question]} and {line}: "
                "leave one of them out."
            )
        if name and names.setdefault(number, name) != name:
            raise InputError(f"line {line} of {path} names sheet {number} {name!r}, after {names[number]!r}.")
        lines[number, question] = line
        given.setdefault(number, {})[question] = row["answer"]
    return names, given


def _rows(path: Path) -> list[tuple[int, Mapping[str, str]]]:
    """The rows of the table, each with its line; columns may stand in any order, with ',', ';' or tabs between."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise FileFormatError("is no text in UTF-8: save it as CSV in UTF-8.", file=str(path)) from None
    header = text.partition("\n")[0]
    mark = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text), delimiter=mark, strict=True)
    try:
        columns = [name.strip().casefold() for name in next(reader, [])]
        for name in COLUMNS:
            if name != "name" and columns.count(name) != 1:
                there = "has no column" if name not in columns else "has twice the column"
                raise FileFormatError(f"{there} {name!r}, expected sheet, question and answer.", file=str(path))
        found = []
        for row in reader:
            if any(cell.strip() for cell in row):
                cells = [*row, *[""] * (len(columns) - len(row))]
                if len(cells) > len(columns) and any(cell.strip() for cell in cells[len(columns) :]):
                    raise FileFormatError(
                        f"has {len(row)} cells in line {reader.line_num}, expected {len(columns)}: put an answer that "
                        f"holds {mark!r} in quotes.",
                        file=str(path),
                    )
                found.append((reader.line_num, dict(zip(columns, cells, strict=False))))
    except csv.Error as error:
        raise FileFormatError(f"is no CSV in line {reader.line_num}: {error}.", file=str(path)) from None
    return found


def _sheet(sheets: ClassSheets, text: str, path: Path, line: int) -> int:
    written = text.strip()
    if written.isdecimal() and len(written) < 10 and int(written) in sheets.exercises:
        return int(written)
    numbers = sheets.numbers
    if not written:
        raise InputError(
            f"line {line} of {path} has no sheet: write the number that stands at the head of the sheet, from "
            f"{numbers[0]} to {numbers[-1]}; a name alone does not tell which sheet it is."
        )
    raise InputError(
        f"line {line} of {path} is about sheet {written[:40]!r}, expected one of the {len(numbers)} from {numbers[0]} "
        f"to {numbers[-1]}."
    )


def _numbers(made: Exercise, name: str, text: str) -> Any:
    """An answer as text in the shape of the right one; as it stands if it has another number of numbers."""
    if not text.strip():
        return None
    parts: list[Any] = text.split(";")
    right = made.answers[name]
    if not isinstance(right, list):
        return text if len(parts) == 1 else parts
    if isinstance(right[0], list) and len(parts) == len(right) * len(right[0]):
        width = len(right[0])
        return [parts[k : k + width] for k in range(0, len(parts), width)]
    return parts
