"""``backtalk diagnose``: what is wrong with a network, and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..visible import put_json
from .common import AsJson, ModelOrRun, Target, app, require_other, show_remarks, version
from .crashes import spoken


@app.command(short_help="What is wrong with a network, and what to do.")
def diagnose(
    model: ModelOrRun,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="As for gradients, and nan may stand in it; for a folder, a table as for evaluate."
        ),
    ],
    target: Target = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the findings there, with pictures.")
    ] = None,
    member: Annotated[int, typer.Option(help="Of several networks, the number of the one to look at.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Look at MODEL with DATA for what keeps it from learning; exit code 1 if more than notes are found."""
    from ...analysis.diagnose import diagnose as diagnose_network
    from ...core.files import write_atomically
    from ...data.built_in import load_data
    from ...interop import load
    from ..terminal import make_console, show_diagnosis

    if page is not None:
        require_other("html", page, model, data, "the page", own="diagnosis.html")
    title = f"{model.name} on {Path(data).name}"
    remarks: list[str] = []
    classes: list[str] = []
    if model.is_dir():
        from ..tables import diagnose as diagnose_run
        from ..tables.use import refuse_target

        refuse_target(model, target)
        with spoken(data):
            diagnosis, remarks, classes = diagnose_run(model, Path(data), member)
    else:
        network, examples = load(model, member), load_data(data, target or [], finite=False)
        diagnosis = diagnose_network(network, examples.X, examples.y, columns=examples.columns)
    if page is not None:
        write_atomically(page, diagnosis.to_html(title, classes=classes).encode())
    if as_json:
        put_json({"backtalk": version(), "said": remarks, **diagnosis.to_dict()}, allow_nan=False)
    else:
        show_remarks(remarks)
        console = make_console()
        measured = diagnosis.measurements
        mean = f"mean over {measured.examples} examples" if measured.examples > 1 else "1 example"
        console.print(f"{title}: loss {measured.loss:.6g}, {mean}\n{diagnosis.network}\n", markup=False)
        show_diagnosis(console, diagnosis)
        if page is not None:
            console.print(f"\nwrote {page}", soft_wrap=True, markup=False)
    if not diagnosis.healthy:
        raise typer.Exit(1)
