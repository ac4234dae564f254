"""``backtalk diagnose``: what is wrong with a network, and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .common import AsJson, app, require_other, version
from .networks import Target

if TYPE_CHECKING:
    from ...analysis.diagnose import Diagnosis


@app.command(short_help="What is wrong with a network, and what to do.")
def diagnose(
    model: Annotated[
        Path,
        typer.Argument(metavar="MODEL", help="A network (.safetensors or .onnx), or the folder of a run of 'train'."),
    ],
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
    as_json: AsJson = False,
) -> None:
    """Look at MODEL with DATA for what keeps it from learning; exit code 1 if more than notes are found."""
    from ...core.files import write_atomically
    from ..terminal import make_console, show_diagnosis

    if page is not None:
        require_other("html", page, model, data, "the page", own="diagnosis.html")
    title = f"{model.name} on {Path(data).name}"
    diagnosis, said, classes = _of_run(model, Path(data), target) if model.is_dir() else _of_file(model, data, target)
    if page is not None:
        write_atomically(page, diagnosis.to_html(title, classes=classes).encode())
    if as_json:
        print(json.dumps({"backtalk": version(), "said": said, **diagnosis.to_dict()}, allow_nan=False))
    else:
        from .tables import say

        say(said)
        console = make_console()
        measured = diagnosis.measurements
        mean = f"mean over {measured.examples} examples" if measured.examples > 1 else "1 example"
        console.print(f"{title}: loss {measured.loss:.6g}, {mean}\n{diagnosis.network}\n", markup=False)
        show_diagnosis(console, diagnosis)
        if page is not None:
            console.print(f"\nwrote {page}", soft_wrap=True, markup=False)
    if not diagnosis.healthy:
        raise typer.Exit(1)


Found = tuple["Diagnosis", list[str], list[str]]


def _of_file(model: Path, data: str, target: list[str] | None) -> Found:
    """Of a network in a file."""
    from ...analysis.diagnose import diagnose as doctor
    from ...data.built_in import load_data
    from ...interop import load

    network = load(model)
    examples = load_data(data, target or [], finite=False)
    return doctor(network, examples.X, examples.y, columns=examples.columns), [], []


def _of_run(folder: Path, table: Path, target: list[str] | None) -> Found:
    """Of the network of a run, with the history of that run."""
    from ..tables import diagnose as doctor
    from ..tables.use import refuse_target

    refuse_target(folder, target)
    return doctor(folder, table)
