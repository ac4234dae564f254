"""``backtalk resume``: a run that was cut short goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .cluster import Coordinator, Process, Processes, joined
from .common import AsJson, app
from .table_arguments import RunFolder, aborts_of, leave_by_result
from .watch import Watch, is_printed


@app.command(short_help="Go on with a run that was cut short.")
def resume(
    folder: RunFolder,
    table: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Where the table is now, if it was moved.")
    ] = None,
    coordinator: Coordinator = None,
    processes: Processes = None,
    process: Process = None,
    as_json: AsJson = False,
) -> None:
    """Go on from the checkpoint in FOLDER; the result equals that of never having stopped, to the bit.

    With the compiled engine it goes on in any number of processes; a sum may then differ in its last digit.
    """
    from ..tables import resume as go_on
    from ..tables.facts import read_run
    from ..tables.folder import Folder

    engine = read_run(Folder(folder)).options.engine
    with joined(coordinator, processes, process, engine=engine, folder=folder, anew=False) as group:
        watch = Watch(folder, as_json, group)
        with aborts_of(table or "the table", group), watch:
            result = go_on(folder, table, group=group, **watch.watchers)
        printed = is_printed(result, watch, as_json, went_on=True)
    leave_by_result(result, printed)
