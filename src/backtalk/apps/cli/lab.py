"""``backtalk lab``: one page in the browser, with the real engine behind it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..visible import say
from .common import Target, app
from .crashes import spoken

if TYPE_CHECKING:
    from ..lab.datasets import LabData
    from ..lab.settings import Settings


@app.command(short_help="Watch a network learn, in the browser.")
def lab(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MODEL",
            help="A network (.safetensors or .onnx), or the folder of a run of 'train', to begin with.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="DATA]",
            help="Its data: as for gradients; for a folder, a table as for evaluate.",
            show_default=False,
        ),
    ] = None,
    target: Target = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="Where to listen. [default: 8642, or the next that is free]", show_default=False
        ),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, and open nothing.")] = False,
    settings: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="What to begin with, as in the page's address after #: 'data=spirals&layers=16,16&rate=0.01'.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Serve nothing; record a lesson as one page.", show_default=False),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Steps of the lesson. [default: 200]", show_default=False)
    ] = None,
    examples: Annotated[
        int | None, typer.Option(min=1, help="Examples of the lesson. [default: 6]", show_default=False)
    ] = None,
) -> None:
    """Serve a page, on this machine alone, that shows a network learn: every unit, every weight, every gradient.

    With --export, its steps are recorded instead: as one page that anyone can open, without a server.
    """
    from ...core.files import write_atomically
    from ...errors import InputError, MissingLibraryError

    if model is not None:
        _require_model(model)
    if model is not None and data is None:
        raise InputError(f"is missing: expected data for {model}.", argument="DATA")
    if target and model is None:
        raise InputError(f"is {target}, but there is no DATA to take a column from.", argument="target")
    for name, value in (("steps", steps), ("examples", examples)):
        if value is not None and export is None:
            raise InputError(
                f"is {value}, but there is no lesson to record: give --export FILE.html as well.", argument=name
            )
    if export is None and None in map(find_spec, ("starlette", "uvicorn", "websockets")):
        raise MissingLibraryError(
            "the lab is served by starlette, uvicorn and websockets, which are not installed: "
            "pip install 'backtalk[lab]'."
        )
    from ..lab.address import read_address
    from ..lab.given import read_given

    given = None
    if model is not None and data is not None:
        with spoken(data):
            given = read_given(model, data, target or [])
    start, beside = read_address(settings or "", given)
    if export is not None:
        page = _lesson(export, start, beside, given, steps, examples)
        write_atomically(export, page)
        say(f"wrote {export}: {len(page) / 1e6:.1f} MB")
        return
    from ..lab.serve import serve

    fragment = (settings or "").removeprefix("#")
    try:
        serve(given, port, not no_browser, lambda line: say(line, flush=True), fragment)
    except KeyboardInterrupt:
        say("\nlab ended", flush=True)  # the way in which a server ends: no failure


def _lesson(
    path: Path,
    settings: Settings,
    beside: dict[str, str],
    given: LabData | None,
    steps: int | None,
    examples: int | None,
) -> bytes:
    """The page of a lesson, recorded; ``beside``: what else it begins with, as in an address."""
    from ...errors import InputError
    from ..lab.datasets import named_data
    from ..lab.lesson import make_lesson
    from ..lab.lesson.recording import EXAMPLES, STEPS

    if path.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"is {path}, expected a name that ends in .html.", argument="export")
    row = beside.pop("example", "0")
    if not row.isdecimal():
        raise InputError(f"is {row!r}, expected a row of the data, from 0.", argument="example")
    data = named_data(settings.data, settings.noise) if given is None or settings.data != "given" else given
    return make_lesson(settings, data, steps or STEPS, examples or EXAMPLES, int(row), beside)


def _require_model(model: Path) -> None:
    """Say that a file of data is no network, and that there is no file, before anything is missed beside it."""
    from ...errors import InputError

    if model.suffix.lower() in (".csv", ".parquet", ".npz"):
        raise InputError(
            f"is {model}, which is data and no network: start 'backtalk lab', and choose it there.", argument="MODEL"
        )
    if not model.exists():
        raise InputError(
            f"is {model}, which does not exist: expected a network, or the folder of a run.", argument="MODEL"
        )
