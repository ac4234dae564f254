"""The columns of a table as the inputs of the network, in ONNX operators."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....errors import InputError, quoted
from ....interop.onnx.writer import Writer
from ..cells.kinds import CATEGORY, DATE, NUMBER, TIME, YES_NO
from ..cells.numbers import PLAIN
from ..columns import CYCLES, Column
from ..preprocessing import Preprocessing
from .pieces import binary, chosen, constant, floats, joined, normal_points, normal_ranks, shares_of_bins
from .words import one_of_each, truth

ISO = "%Y-%m-%d"
HELD = {  # what an input holds, for those who look at the file
    NUMBER: "a number; NaN if it is missing",
    YES_NO: "yes or no as text, such as true and false; '' if it is missing",
    DATE: "days since 1970-01-01 in UTC, with the time of the day as a fraction; NaN if it is missing",
    TIME: "the time of the day as a share of the day, 0 to 1; NaN if it is missing",
    CATEGORY: "text; '' if it is missing",
}


@dataclass(slots=True)
class Inputs:
    """The graph's inputs of the columns, and X (N, inputs), float32, that follows from them."""

    writer: Writer
    preprocessing: Preprocessing
    described: list[Any] = field(default_factory=list)

    def write(self) -> str:
        """The name of X."""
        columns = [column for column in self.preprocessing.columns if column.used]
        for column in columns:
            _require_plain(column)
        cells = {column.name: self._input(column) for column in columns}
        numeric = [column for column in columns if not column.categories]
        parts, refined = self._numbers(numeric, cells) if numeric else ([], [])
        words = [one_of_each(self.writer, cells[column.name], column) for column in columns if column.categories]
        return joined(self.writer, [*parts, *words, *refined])

    def _input(self, column: Column) -> str:
        """An input of the graph for a column: (N, 1), text or float64."""
        onnx = self.writer.onnx
        kind = onnx.TensorProto.STRING if column.kind in (CATEGORY, YES_NO) else onnx.TensorProto.DOUBLE
        value = onnx.helper.make_tensor_value_info(column.name, kind, ["N", 1])
        value.doc_string = HELD[column.kind]
        self.described.append(value)
        return column.name

    def _numbers(self, columns: list[Column], cells: dict[str, str]) -> tuple[list[str], list[str]]:
        """The numbers of all columns, filled and scaled, and which of them are missing; and their pieces and levels."""
        writer = self.writer
        given = [
            truth(writer, cells[column.name], column) if column.kind == YES_NO else cells[column.name]
            for column in columns
        ]
        numbers = joined(writer, given)
        known = self._without_missing(numbers, columns)
        every = []
        for place, column in enumerate(columns):
            own = chosen(writer, known, [place]) if len(columns) > 1 else known
            every += [own, *(_wave(writer, own, column.name, name) for name in column.numbers[1:])]
        A = joined(writer, every)
        medians = [value for column in columns for value in column.median]
        gone = writer.node("IsNaN", A)
        filled = writer.node("Where", gone, constant(writer, [medians]), A)
        means, scales = ([value for column in columns for value in getattr(column, each)] for each in ("mean", "scale"))
        scaled = binary(writer, "Div", binary(writer, "Sub", filled, [means]), [scales])
        parts = [floats(writer, self._with_ranks(scaled, filled, columns))]
        places = np.cumsum([0, *(len(column.numbers) for column in columns)])
        flags = [int(place) for place, column in zip(places, columns, strict=False) if column.has_missing]
        if flags:
            parts.append(floats(writer, chosen(writer, gone, flags)))
        return parts, self._refined(filled, columns, places)

    def _without_missing(self, numbers: str, columns: list[Column]) -> str:
        """NaN for what is infinite, too far from the training's numbers for float32, or stands for what is missing."""
        writer, most = self.writer, float(np.finfo(np.float32).max)
        low, high = [], []
        for column in columns:
            bounded = column.kind != YES_NO and not column.quantiles
            with np.errstate(over="ignore"):
                reach = most * column.scale[0] if bounded else np.inf
            low.append(max(column.mean[0] - reach, -np.finfo(np.float64).max))
            high.append(min(column.mean[0] + reach, np.finfo(np.float64).max))
        outside = writer.node("Or", binary(writer, "Less", numbers, [low]), binary(writer, "Greater", numbers, [high]))
        gone = outside
        for place, column in enumerate(columns):
            for value in _missing_numbers(column):
                is_it = np.full(len(columns), np.nan)
                is_it[place] = value
                gone = writer.node("Or", gone, binary(writer, "Equal", numbers, [is_it]))
        return writer.node("Where", gone, constant(writer, np.nan), numbers)

    def _refined(self, filled: str, columns: list[Column], places: np.ndarray) -> list[str]:
        """How far each number has come through its pieces, and which of its levels it is."""
        writer, found = self.writer, []
        for place, column in zip(places, columns, strict=False):
            own = chosen(writer, filled, [int(place)]) if column.refined_count else filled
            if column.edges:
                found.append(floats(writer, shares_of_bins(writer, own, np.array(column.edges))))
            if column.levels:
                found.append(floats(writer, binary(writer, "Equal", own, [column.levels])))
        return found

    def _with_ranks(self, scaled: str, filled: str, columns: list[Column]) -> str:
        """The numbers, with ranks instead of those that are taken by ranks."""
        writer, place, ranks, where = self.writer, 0, [], {}
        total = sum(len(column.numbers) for column in columns)
        for column in columns:
            if column.quantiles:
                where[place] = total + len(ranks)
                own = chosen(writer, filled, [place]) if total > 1 else filled
                ranks.append(normal_ranks(writer, own, np.array(column.quantiles)))
            place += len(column.numbers)
        if not ranks:
            return scaled
        points = normal_points(writer, joined(writer, ranks))
        return chosen(writer, joined(writer, [scaled, points]), [where.get(k, k) for k in range(total)])


def _wave(writer: Writer, days: str, name: str, wave: str) -> str:
    """The sine or the cosine of the time within a cycle."""
    cycle, _, kind = wave.removeprefix(f"{name}: ").partition(", ")
    angle = binary(writer, "Div", binary(writer, "Mul", days, 2 * np.pi), CYCLES[cycle])
    return writer.node("Sin" if kind == "sine" else "Cos", angle)


def _missing_numbers(column: Column) -> list[float]:
    """The numbers that stand for what is missing, such as −999."""
    found = []
    for word in column.missing if column.kind == NUMBER else []:
        try:
            found.append(float(word))
        except ValueError:
            continue
    return [value for value in found if np.isfinite(value)]


def _require_plain(column: Column) -> None:
    """Refuse a column whose cells ONNX cannot read, or that it cannot name."""
    if not column.name:
        raise InputError("the table has a column without a name, which ONNX needs: name it, and train anew.")
    if column.kind == NUMBER and column.form != PLAIN:
        raise InputError(
            f"column {quoted(column.name)} holds numbers written {column.form}, which ONNX cannot read: write them "
            "plainly, such as 1234.5, and train anew, or leave the column out by --ignore."
        )
    if column.kind == DATE and column.form not in (PLAIN, ISO):
        raise InputError(
            f"column {quoted(column.name)} holds dates written {column.form}, which ONNX cannot read: write them as "
            "%Y-%m-%d, and train anew, or leave the column out by --ignore."
        )
