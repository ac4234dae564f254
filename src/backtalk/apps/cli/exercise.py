"""``backtalk exercise``: a sheet to compute gradients by hand, and its key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..visible import put
from .common import app, form_of

FORMS = {"markdown": ".md", "latex": ".tex", "html": ".html"}


@app.command(short_help="A sheet to compute gradients by hand, and its key.")
def exercise(
    seed: Annotated[int, typer.Option(help="0 or more; the same seed gives the same sheet, to the letter.")] = 0,
    sizes: Annotated[
        str, typer.Option(metavar="2,3,2", help="The units of each layer, the inputs first; at most 4 in each.")
    ] = "2,2,2",
    activation: Annotated[str, typer.Option(help="Of the hidden units.")] = "relu",
    loss: Annotated[str, typer.Option(help="What the outputs are judged by.")] = "cross_entropy",
    output: Annotated[
        str | None,
        typer.Option(help="softmax, or any activation. [default: that which goes with the loss]", show_default=False),
    ] = None,
    hints: Annotated[bool, typer.Option(help="Whether the sheet gives the formula beside each blank.")] = True,
    to: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(FORMS)}. [default: by the name of --out, else markdown]", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the sheet there, and its key beside it. [default: to stdout]"),
    ] = None,
    key: Annotated[bool, typer.Option("--key", help="Without --out: print the key, not the sheet.")] = False,
) -> None:
    """Make an exercise: a small network with friendly numbers, and blanks for every gradient in the order of the talks.

    With --out sheet.tex, the sheet goes to sheet.tex and the key to sheet-key.tex; 'pdflatex sheet.tex' makes a .pdf.
    """
    from ...core.files import write_atomically
    from ...errors import InputError
    from ...teaching.exercises import Paper
    from ...teaching.exercises import exercise as make
    from ..terminal import make_console

    if key and out is not None:
        raise InputError("key is given, but with --out the key is written beside the sheet: leave one of them out.")
    form = form_of(to, out, FORMS)
    made = make(seed, _sizes(sizes), activation, loss, output=output, hints=hints)
    written = {"markdown": Paper.to_markdown, "latex": Paper.to_latex, "html": Paper.to_html}[form]
    if out is None:
        put(written(made.key if key else made.sheet))
        return
    beside = out.with_name(f"{out.stem}-key{out.suffix}")
    for path, paper in ((out, made.sheet), (beside, made.key)):
        write_atomically(path, written(paper).encode())
    make_console().print(f"wrote {out} and {beside}", soft_wrap=True, markup=False)


def _sizes(text: str) -> list[int]:
    from ...core.decimals import read_whole
    from ...errors import InputError

    try:
        return [read_whole(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"sizes is {text!r}, expected whole numbers with commas, such as 2,3,2.") from None
