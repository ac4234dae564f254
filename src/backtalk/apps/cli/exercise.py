"""``backtalk exercise`` and ``backtalk mark``: sheets to compute gradients by hand, their keys, and marks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..visible import put, say
from .common import app, form_of

FORMS = {"markdown": ".md", "latex": ".tex", "html": ".html"}
FOLDER = Path("sheets")


@app.command(short_help="A sheet to compute gradients by hand, and its key.")
def exercise(
    seed: Annotated[
        int | None,
        typer.Option(
            help="0 or more; the same seed gives the same sheet, to the letter. [default: 0; with --class, 1 for the "
            "first sheet, 2 for the next]",
            show_default=False,
        ),
    ] = None,
    sizes: Annotated[
        str, typer.Option(metavar="2,3,2", help="The units of each layer, the inputs first; at most 4 in each.")
    ] = "2,2,2",
    activation: Annotated[str, typer.Option(help="Of the hidden units.")] = "leaky_relu(slope=0.5)",
    loss: Annotated[str, typer.Option(help="What the outputs are judged by.")] = "cross_entropy",
    output: Annotated[
        str | None,
        typer.Option(help="softmax, or any activation. [default: that which goes with the loss]", show_default=False),
    ] = None,
    hints: Annotated[bool, typer.Option(help="Whether the sheet gives the formula beside each blank.")] = True,
    also: Annotated[
        str,
        typer.Option(
            metavar="KINDS",
            help="Ask also for these, with commas: jacobian, column, stacking, batch, step; or all.",
            show_default=False,
        ),
    ] = "",
    allow_zero: Annotated[
        bool, typer.Option("--allow-zero", help="Let answers be 0; with relu, one unit is then silent.")
    ] = False,
    count: Annotated[
        int | None,
        typer.Option(
            "--class", metavar="N", help="Write N different sheets with their keys, for a class.", show_default=False
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(
            help=f"{', '.join(FORMS)}. [default: by the name of --out, else markdown; with --class, latex]",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the sheet there, and its key beside it. [default: to stdout] With --class, a new folder. "
            "[default: sheets]",
            show_default=False,
        ),
    ] = None,
    key: Annotated[bool, typer.Option("--key", help="Without --out: print the key, not the sheet.")] = False,
) -> None:
    """Make an exercise: a small network with friendly numbers, and blanks for every gradient in the order of the talks.

    With --out sheet.tex, the sheet goes to sheet.tex and the key to sheet-key.tex; 'pdflatex sheet.tex' makes a .pdf.
    With --class 40, a folder gets 40 sheets with the same questions and other numbers, their keys, and answers.csv, to
    be filled for 'backtalk mark'.
    """
    from ...core.files import write_atomically
    from ...errors import InputError
    from ...teaching.exercises import Paper
    from ...teaching.exercises import exercise as make
    from ..terminal import make_console

    if key and out is not None:
        raise InputError(
            "is given, but with --out the key is written beside the sheet: leave one of them out.", argument="key"
        )
    kinds = [kind.strip() for kind in also.split(",")] if also.strip() else []
    settings = {
        "sizes": _sizes(sizes),
        "activation": activation,
        "loss": loss,
        "output": output,
        "hints": hints,
        "also": kinds,
        "allow_zero": allow_zero,
    }
    if count is not None:
        if key:
            raise InputError(
                "is given, but with --class the keys are written beside the sheets: leave it out.", argument="key"
            )
        _write_class(count, 1 if seed is None else seed, settings, to, out or FOLDER)
        return
    form = form_of(to, out, FORMS)
    made = make(seed or 0, **settings)
    written = {"markdown": Paper.to_markdown, "latex": Paper.to_latex, "html": Paper.to_html}[form]
    if out is None:
        put(written(made.key if key else made.sheet))
        return
    beside = out.with_name(f"{out.stem}-key{out.suffix}")
    for path, paper in ((out, made.sheet), (beside, made.key)):
        write_atomically(path, written(paper).encode())
    make_console().print(f"wrote {out} and {beside}", soft_wrap=True, markup=False)


def _write_class(count: int, seed: int, settings: dict[str, Any], to: str | None, folder: Path) -> None:
    from ...core.files import write_atomically
    from ...errors import InputError
    from ...teaching.exercises import make_class
    from ..terminal import make_console

    form = form_of(to or "latex", None, FORMS)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"is {folder}, which is there already: name a new folder.", argument="out")
    sheets = make_class(count, seed, settings)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sheets.files(form).items():
        write_atomically(folder / name, text.encode())
    said = f"wrote {count} sheet{'s' * (count > 1)} with keys to {folder}; fill answers.csv there, then: backtalk mark "
    make_console().print(f"{said}{folder} {folder / 'answers.csv'}", soft_wrap=True, markup=False)


@app.command(short_help="Mark a class's answers to its sheets.")
def mark(
    sheets: Annotated[Path, typer.Argument(metavar="SHEETS", help="The folder of 'backtalk exercise --class'.")],
    answers: Annotated[
        Path, typer.Argument(metavar="ANSWERS.csv", help="Columns sheet, question and answer, and name if you like.")
    ],
    sheet: Annotated[
        int | None, typer.Option(metavar="N", help="Show all marks of this sheet instead.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="Write the points there.", show_default=False)
    ] = None,
    tolerance: Annotated[float, typer.Option(help="How far from the right number an answer may be.")] = 5e-3,
) -> None:
    """Mark the answers of a class, with the likely mistakes, for each student and for each question.

    The numbers of an answer have ';' between them: '1/3; 2/3', and those of a matrix stand row by row. An answer that
    follows rightly from a wrong one above it gets its point.
    """
    from ...core.files import write_atomically
    from ...errors import InputError
    from ...teaching.exercises import mark_class, read_class

    if out is not None and out.resolve() == answers.resolve():
        raise InputError(f"is {out}, the answers themselves: give another file for the points.", argument="out")
    found = mark_class(read_class(sheets), answers, tolerance)
    if out is not None:
        write_atomically(out, found.to_csv().encode())
    if sheet is None:
        put(f"{found}\n")
    else:
        of_sheet = [student for student in found.students if student.sheet == sheet]
        if not of_sheet:
            raise InputError(f"is {sheet}, of which {answers} holds no answer.", argument="sheet")
        put(f"sheet {sheet} {of_sheet[0].name}".rstrip() + f"\n{of_sheet[0].marks}\n")
    if out is not None:
        say(f"wrote {out}")


def _sizes(text: str) -> list[int]:
    from ...core.decimals import read_whole
    from ...errors import InputError

    try:
        return [read_whole(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"is {text!r}, expected whole numbers with commas, such as 2,3,2.", argument="sizes") from None
