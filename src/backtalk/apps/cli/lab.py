"""``backtalk lab``: one page in the browser, with the real engine behind it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from ..visible import say
from .common import Target, app
from .crashes import spoken


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
) -> None:
    """Serve a page, on this machine alone, that shows a network learn: every unit, every weight, every gradient."""
    from ...errors import InputError, MissingLibraryError

    if model is not None:
        _require_model(model)
    if model is not None and data is None:
        raise InputError(f"DATA is missing: expected data for {model}.")
    if target and model is None:
        raise InputError(f"target is {target}, but there is no DATA to take a column from.")
    if None in map(find_spec, ("starlette", "uvicorn", "websockets")):
        raise MissingLibraryError(
            "the lab is served by starlette, uvicorn and websockets, which are not installed: "
            "pip install 'backtalk[lab]'."
        )
    from ..lab.given import read_given
    from ..lab.serve import serve

    given = None
    if model is not None and data is not None:
        with spoken(data):
            given = read_given(model, data, target or [])
    try:
        serve(given, port, not no_browser, lambda line: say(line, flush=True))
    except KeyboardInterrupt:
        say("\nlab ended", flush=True)  # the way in which a server ends: no failure


def _require_model(model: Path) -> None:
    """Say that a file of data is no network, and that there is no file, before anything is missed beside it."""
    from ...errors import InputError

    if model.suffix.lower() in (".csv", ".parquet", ".npz"):
        raise InputError(f"MODEL is {model}, which is data and no network: start 'backtalk lab', and choose it there.")
    if not model.exists():
        raise InputError(f"MODEL is {model}, which does not exist: expected a network, or the folder of a run.")
