"""``backtalk export``: a run, or a network, as an ONNX file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..visible import put_json, say
from .common import AsJson, ModelOrRun, app


@app.command(short_help="Write a run or a network as an ONNX file.")
def export(
    model: ModelOrRun,
    out: Annotated[Path, typer.Argument(metavar="FILE.onnx", help="Where it is written.")],
    as_json: AsJson = False,
) -> None:
    """Write MODEL as an ONNX file, for other programs and languages.

    Of a run, the file takes the columns of a table by their names, as they are, and gives the predictions: numbers are
    float64, words are text, dates are days since 1970-01-01. Of a network, it takes X and gives ŷ.
    """
    from ...errors import InputError, quoted
    from ...interop import load
    from ...interop.files import is_onnx
    from ..onnx import to_onnx

    if not is_onnx(out):
        raise InputError(f"the file to write is {quoted(str(out))}, expected a name that ends in .onnx.")
    to_onnx(model if model.is_dir() else load(model), out)
    if as_json:
        put_json({"out": str(out), "bytes": out.stat().st_size})
    else:
        say(f"wrote {out}")
