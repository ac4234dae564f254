"""What the commands on tables share: their arguments, with completion, and how they end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..visible import visible
from .crashes import spoken
from .table_options import COLUMNS

if TYPE_CHECKING:
    from ...distributed import Group
    from ..tables import Result


def _columns(context: typer.Context, incomplete: str) -> list[str]:
    """The columns of the table, for the completion of --target and others."""
    from ...errors import BacktalkError
    from ..tables.reading.tables import column_names

    given = [context.params.get("table"), *context.args]  # if --target has no value yet, FILE is still in args
    table = next((Path(word) for word in given if word is not None and Path(word).is_file()), None)
    try:
        names = column_names(table) if table else []
    except (BacktalkError, OSError, ValueError):
        names = []
    return [name for name in names if name.startswith(incomplete) and visible(name) == name]


def _folders(incomplete: str) -> Iterator[str]:
    """Folders of runs that lie here, for completion."""
    for run in sorted(Path().glob("*/run.json")):
        if run.parent.name.startswith(incomplete):
            yield run.parent.name


Table = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A .csv, .parquet, .xlsx, .ndjson or .arrow file, a folder of .parquet files, or - for stdin.",
    ),
]
RunFolder = Annotated[
    Path, typer.Argument(metavar="FOLDER", help="What 'backtalk train' wrote.", autocompletion=_folders)
]


def option(help_text: str, group: str | None = None, *names: str, **settings: Any) -> Any:
    return typer.Option(*names, help=help_text, rich_help_panel=group, **settings)


def column(help_text: str, group: str | None = COLUMNS, *names: str, **settings: Any) -> Any:
    """An option that names columns of the table, of which the shell completes the names."""
    shown = {"metavar": "COLUMN", "show_default": False, "autocompletion": _columns}
    return option(help_text, group, *names, **shown | settings)


def aborts_of(table: Path | str, group: Group) -> AbstractContextManager[None]:
    """In a cluster they are said already."""
    return spoken(table) if group.count == 1 else nullcontext()


def leave_by_result(result: Result, printed: bool) -> None:
    """Exit code 1 if a file of the run, or stdout, could not be written; a warning has said which."""
    if result.unwritten or not printed:
        raise typer.Exit(1)
