"""What ``backtalk explain`` says of a run's predictions: which rows, and what each column contributes to them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .common import show_remarks
from .crashes import spoken

if TYPE_CHECKING:
    from ..tables.importance.contributions import Contributions


def source_of(model: Path, data: str) -> Any:
    """The data as the user named it; of a run a table, so that standard input is read once."""
    if not model.is_dir():
        return data
    from ..tables.reading.origins import Origin

    return Origin.of(Path(data))


def rows_to_explain(model: Path, row: str | None, example: int | None, is_asked: bool) -> list[int]:
    """The rows whose prediction is explained, counted from 1; none if only a gradient is asked for."""
    from ...core.decimals import read_whole
    from ...errors import InputError

    if row is None:
        return [1] if model.is_dir() and not is_asked and _has_mean(model) else []
    if not model.exists():
        raise InputError(f"{model} does not exist, expected the folder of a run of 'backtalk train'.")
    if not model.is_dir():
        raise InputError(
            f"is given, but {model} is a network, not the folder of a run: give --example, counted from 0.",
            argument="row",
        )
    if example is not None:
        raise InputError("row and example are given: leave one of them out.")
    try:
        rows = [read_whole(part) for part in row.split(",")]
    except ValueError:
        raise InputError(
            f"is {row!r}, expected rows counted from 1, with commas, such as 3,12.", argument="row"
        ) from None
    if is_asked and len(rows) > 1:
        raise InputError(f"is {row}, and a gradient is of one example: give one row, or --row alone.", argument="row")
    return rows


def _has_mean(model: Path) -> bool:
    """Whether the run kept the mean of its training rows, as those of earlier versions did not."""
    from ..tables.folder import Folder
    from ..tables.learned import read_learned

    return read_learned(Folder(model)).mean_input is not None


def contributions_of(model: Path, table: Any, rows: list[int], target: list[str] | None) -> Contributions:
    """Of these rows of the table."""
    from ..tables.use import explain, refuse_target

    refuse_target(model, target)
    with spoken(table):
        return explain(model, table, rows)


def show_explained(found: Contributions, table: str, more: bool) -> None:
    """Show them; ``more``: a derivation follows."""
    from ..terminal import make_console
    from .contribution_views import show_contributions

    console = make_console()
    show_remarks(found.said)
    show_contributions(console, found, table)
    if more:
        console.print()
