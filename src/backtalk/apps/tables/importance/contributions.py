"""What each column contributes to the predictions of rows, beside a row that is the mean of the training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from ....errors import InputError, InputTypeError, quoted
from ..model import Model
from .explained import explained_of
from .integrated import integrate_gradients
from .values import text_of


@dataclass(frozen=True, slots=True, eq=False)
class Contributions:
    """The contributions (rows, columns) that explain predictions: in each row Σ_j c_j = prediction − baseline.

    ``predicted``: of each row what is predicted, as text. ``of``: the class, or the target, whose log-odds or number is
    explained; ``unit``: 'log-odds', 'score', or the target's name. ``prediction``, ``baseline``: f of the row and of
    the mean row, in that unit; ``shown`` and ``shown_baseline``: the same as probabilities, if the unit is log-odds.

    ``completeness_error``: |Σ_j c_j − (prediction − baseline)|, and ``exact`` whether it is below 0.00001 of Σ |c| over
    the inputs. ``gradients``: at how many points on the way from the mean row the gradient was computed.

    ``rows``: which rows they are, counted from 1; ``cells``: what stands in the columns of each, as text; ``said``:
    messages on their cells. ``truth``: what stands in the target's column, None if the table lacks it or the cell is
    empty.
    """

    rows: list[int]
    columns: list[str]
    cells: list[list[str]]
    contributions: np.ndarray
    predicted: list[str]
    of: list[str]
    unit: str
    prediction: np.ndarray
    baseline: np.ndarray
    shown: np.ndarray
    shown_baseline: np.ndarray
    completeness_error: np.ndarray
    exact: np.ndarray
    gradients: np.ndarray
    said: list[str]
    truth: list[str | None]

    def to_dict(self) -> dict[str, Any]:
        """As plain values, row by row, the columns that contribute most first."""
        return {"unit": self.unit, "rows": [self._row(k) for k in range(len(self.rows))]}

    def _row(self, k: int) -> dict[str, Any]:
        return {
            "row": self.rows[k],
            "predicted": self.predicted[k],
            "truth": self.truth[k],
            "of": self.of[k],
            "prediction": float(self.prediction[k]),
            "baseline": float(self.baseline[k]),
            "shown": float(self.shown[k]),
            "shown_baseline": float(self.shown_baseline[k]),
            "sum": float(self.contributions[k].sum()),
            "completeness_error": float(self.completeness_error[k]),
            "exact": bool(self.exact[k]),
            "gradients": int(self.gradients[k]),
            "columns": [
                {"column": self.columns[j], "cell": self.cells[k][j], "contribution": float(self.contributions[k, j])}
                for j in self.order(k)
            ],
        }

    def order(self, k: int) -> list[int]:
        """The places of the columns, those first that contribute most to row k of these."""
        return np.argsort(-np.abs(self.contributions[k]), kind="stable").tolist()


def explain_rows(model: Model, frame: pl.DataFrame, rows: Sequence[int]) -> Contributions:
    """The contributions of each column to the predictions of some rows, counted from 1.

    Integrated gradients (:func:`~.integrated.integrate_gradients`) of the mean network of ``model``, in float64, from
    the mean of the encoded training rows to the encoded row; the contributions of a column's inputs are added. What is
    explained: see :func:`~.explained.explained_of`. The target need not be in ``frame``.

    Raises :class:`~backtalk.errors.InputError` for a row that is not there, and for a frame without a column.
    """
    if model.mean_input is None:
        raise InputError(
            "the run was made by an earlier version of backtalk, which did not keep the mean of the training rows: "
            "train anew to explain predictions."
        )
    places = _places(rows, frame.height)
    baseline_input = np.array(model.mean_input)
    preprocessing = model.preprocessing
    inputs = frame.drop(model.target.name, strict=False)
    said = preprocessing.compare(inputs.columns)
    chosen = inputs[places]
    X, unknown = preprocessing.inputs_of(chosen, places)
    network = model.network.to(np, dtype="float64")
    output = model.output_of(X)
    found, explained = [], []
    for x, yhat in zip(X.astype(np.float64), output, strict=True):
        explained.append(explained_of(model.target, network, yhat))
        found.append(integrate_gradients(network, x, baseline_input, explained[-1].quantity))
    groups = preprocessing.groups
    by_column = np.array([[each.contributions[own].sum() for own in groups.values()] for each in found])
    prediction, baseline = (np.array([getattr(each, name) for each in found]) for name in ("value", "baseline"))
    return Contributions(
        rows=[int(place) + 1 for place in places],
        columns=list(groups),
        cells=[[_text(chosen[name][k]) for name in groups] for k in range(len(places))],
        contributions=by_column,
        predicted=[text_of(value) for value in model.target.decode(output).tolist()],
        of=[each.of for each in explained],
        unit=explained[0].unit,
        prediction=prediction,
        baseline=baseline,
        shown=np.array([each.shown(f) for each, f in zip(explained, prediction, strict=True)]),
        shown_baseline=np.array([each.shown(f) for each, f in zip(explained, baseline, strict=True)]),
        completeness_error=np.abs(by_column.sum(axis=1) - (prediction - baseline)),
        exact=np.array([each.is_exact for each in found]),
        gradients=np.array([each.gradients for each in found]),
        said=[*said, *preprocessing.remarks(unknown)],
        truth=_truth(model, frame, places),
    )


def _truth(model: Model, frame: pl.DataFrame, places: np.ndarray) -> list[str | None]:
    name = model.target.name
    if name not in frame.columns:
        return [None] * len(places)
    return [_text(cell) or None for cell in frame[name][places]]


def _places(rows: Sequence[int], count: int) -> np.ndarray:
    """The rows, counted from 1, as places; refuses those that are not there."""
    if np.ndim(rows) != 1:
        raise InputTypeError(f"is {quoted(rows)}, expected the numbers of rows, such as [12].", argument="rows")
    if not len(rows):
        raise InputError("is empty, expected the numbers of rows, counted from 1.", argument="rows")
    for row in rows:
        if isinstance(row, bool) or not isinstance(row, int | np.integer):
            raise InputTypeError(f"is {row!r}, expected a whole number, counted from 1.", argument="row")
        if not 1 <= row <= count:
            raise InputError(f"is {row}, but the table has {count} rows: expected 1 to {count}.", argument="row")
    return np.array([int(row) - 1 for row in rows])


def _text(cell: Any) -> str:
    return "" if cell is None else text_of(cell)
