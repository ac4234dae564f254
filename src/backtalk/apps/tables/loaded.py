"""A finished run in Python: ``load_run``."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from ...core.network import Network
from .folder import METRICS, PREPROCESSING, Folder, run_of
from .opened import Opened, open_run
from .rows import rows_text

if TYPE_CHECKING:
    from .importance.contributions import Contributions


def load_run(folder: str | os.PathLike[str]) -> Run:
    """Open a run of ``backtalk train``, once, to predict with it again and again.

    Raises :class:`~backtalk.errors.InputError` for a folder without a whole run, and
    :class:`~backtalk.errors.FileFormatError` for files that are damaged, or not of one run.

    >>> import tempfile
    >>> from backtalk.apps.tables import Options, train
    >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "kind": ["small"] * 20 + ["large"] * 20})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = train(table, folder + "/run", Options("kind", hidden=(8,), epochs=20))
    ...     run = load_run(folder + "/run")
    >>> run.predict(pl.DataFrame({"size": [2, 37]})).columns
    ['prediction', 'probability of large', 'probability of small']
    >>> run.target, run.task, len(run.members), [column["name"] for column in run.columns]
    ('kind', 'classification', 5, ['size'])
    """
    opened = open_run(folder)
    place = Folder(opened.folder)
    metrics = place.read(METRICS) if (place / METRICS).exists() else {}
    place.require_one_run([(PREPROCESSING, opened.learned.run), (METRICS, run_of(metrics, place / METRICS))])
    return Run(opened.folder, opened.model, opened.learned, metrics)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Run(Opened):
    """A run that was opened: what :func:`load_run` gives.

    ``metrics``: what its ``metrics.json`` holds. A table is the name of a file, or a data frame of polars, pandas or
    pyarrow. What there is to say of a table, such as a category never seen, is a warning.

    >>> import tempfile
    >>> from backtalk.apps.tables import Options, train
    >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "price": [3.5 * k for k in range(40)]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = train(table, folder + "/run", Options("price", members=1, epochs=20))
    ...     run = load_run(folder + "/run")
    ...     [name for name in ("r2", "mean_absolute_error") if name in run.evaluate(table)]
    ['r2', 'mean_absolute_error']
    >>> print(str(run).partition(" in ")[0])
    Run: price from 1 column, regression, learned from 40 rows
    """

    metrics: dict[str, Any]

    @property
    def members(self) -> tuple[Network, ...]:
        """The networks that predict together."""
        return self.model.members

    @property
    def network(self) -> Network:
        """The mean of the members, as one network: for gradients, ``diagnose`` and whatever else takes a network."""
        return self.model.network

    @property
    def target(self) -> str:
        """The name of the column that is predicted."""
        return self.model.target.name

    @property
    def task(self) -> str:
        """``classification`` or ``regression``."""
        return self.model.target.task

    @property
    def classes(self) -> list[str]:
        """The classes, in the order of the network's outputs; none of a regression."""
        return self.model.target.classes

    @property
    def columns(self) -> list[dict[str, Any]]:
        """Of each other column how it was read: its name and kind, its form, examples and a remark."""
        return self.model.preprocessing.described()

    def predict(self, table: Any, *, strict: bool = False) -> pl.DataFrame:
        """A row for each row of the table: the class and the probability of each, or the number.

        ``strict``: a cell that cannot be read is refused, instead of counting as missing.
        """
        from .use import predict

        predictions, said = predict(self, table, strict)
        _warn(said)
        return predictions

    def evaluate(self, table: Any) -> dict[str, Any]:
        """Scores on a table with the target, by their names, and the ``verdict`` on them."""
        from .use import evaluate

        scores, said = evaluate(self, table)
        _warn(said)
        return scores

    def explain(self, table: Any, rows: Sequence[int]) -> Contributions:
        """What each column contributes to the predictions of some rows of the table, counted from 1.

        By integrated gradients from the mean of the training rows, whose sum is checked; see
        ``explain_rows`` of the module ``importance.contributions``. The table need not have the target.

        >>> import tempfile
        >>> from backtalk.apps.tables import Options, train
        >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "price": [3.5 * k for k in range(40)]})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = train(table, folder + "/run", Options("price", members=1, epochs=20))
        ...     run = load_run(folder + "/run")
        >>> found = run.explain(table, [3, 40])
        >>> found.columns, found.contributions.shape, bool(found.exact.all())
        (['size'], (2, 1), True)
        """
        from .use import explain

        found = explain(self, table, rows)
        _warn(found.said)
        return found

    def inputs(self, table: Any) -> tuple[np.ndarray, np.ndarray]:
        """X (rows, inputs) of the network and the target y of a table that has it, for all that takes a network.

        >>> import tempfile
        >>> from backtalk import gradients
        >>> from backtalk.apps.tables import Options, train
        >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "kind": ["small"] * 20 + ["large"] * 20})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = train(table, folder + "/run", Options("kind", epochs=2))
        ...     run = load_run(folder + "/run")
        >>> X, y = run.inputs(table)
        >>> gradients(run.network, X, y).h[0].shape == X.shape
        True
        """
        from .use import examples_of

        _, (X, y, *_), said, _ = examples_of(self, table)
        _warn(said)
        return X, y

    def column_gradients(self, table: Any, member: int | None = None) -> pl.DataFrame:
        """∂ℒ/∂v of each cell v of a table with the target, rows × columns: each in its unit, dates and times per day.

        ℒ is the loss that was trained, of the encoded target, its mean over these rows, by their weights if the run has
        some; of the mean of the members, or of one ``member``, counted from 1. The gradient by the inputs is carried on
        by the derivatives of what encodes the columns: ∂ℒ/∂age = Σ_j ∂ℒ/∂x_j · ∂x_j/∂age. Missing cells have 0;
        categories have no derivative, and are not there. At a kink, such as the edge of a piece, it is that from the
        right. Rows without a target are left out, with a warning.

        >>> import tempfile
        >>> from backtalk.apps.tables import Options, train
        >>> table = pl.DataFrame({"size": [k * k for k in range(40)], "kind": ["small"] * 20 + ["large"] * 20})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = train(table, folder + "/run", Options("kind", epochs=2))
        ...     run = load_run(folder + "/run")
        >>> run.column_gradients(table).shape
        (40, 1)
        """
        from .column_gradients import column_gradients

        gradients, said = column_gradients(self, table, member)
        _warn(said)
        return gradients

    def __repr__(self) -> str:
        used = len(self.model.preprocessing.used)
        of, count = f"{used} column{'s' * (used != 1)}", len(self.members)
        rows = self.metrics.get("scores", {}).get("training", {}).get("rows")
        of_rows = f", learned from {rows_text(rows)}" if isinstance(rows, int) else ""
        lines = [f"Run: {self.target} from {of}, {self.task}{of_rows} in {self.folder}"]
        first = repr(self.members[0]).splitlines()[0]
        lines.append(f"  {count} members, each: {first}" if count > 1 else f"  {first}")
        return "\n".join(lines)


def _warn(said: list[str]) -> None:
    for sentence in said:
        warnings.warn(sentence, stacklevel=3)
