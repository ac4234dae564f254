"""``backtalk explain``: what each column does for a prediction; one gradient, by the chain rule, step by step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..visible import put, put_json
from .common import AsJson, Target, app, form_of, require_other, show_remarks, version
from .contributions import contributions_of, rows_to_explain, show_explained, source_of
from .derived import Made, Place, in_symbols, with_numbers

if TYPE_CHECKING:
    from ..tables.importance.contributions import Contributions

FORMS = {"terminal": ".txt", "markdown": ".md", "latex": ".tex", "slides": ".tex", "html": ".html", "svg": ".svg"}


@app.command(short_help="Explain a prediction by its columns; derive one gradient, step by step.")
def explain(
    model: Annotated[
        Path | None,
        typer.Argument(
            metavar="[MODEL]",
            help="A network (.safetensors or .onnx), or the folder of a run of 'train'.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]", help="As for gradients; for a folder, a table as for predict.", show_default=False
        ),
    ] = None,
    row: Annotated[
        str | None,
        typer.Option(
            metavar="ROW,…",
            help="For a folder: what each column contributes to the prediction of this row of DATA, or of several, "
            "counted from 1.",
            show_default=False,
        ),
    ] = None,
    example: Annotated[
        int | None,
        typer.Option(
            metavar="ROW", help="The row of DATA for a gradient, counted from 0. [default: 0]", show_default=False
        ),
    ] = None,
    quantity: Annotated[
        str | None,
        typer.Option(
            metavar="'W[1,2,3]'",
            help="What the loss is differentiated by, numbered from 1: a weight W[layer,unit,unit it hears], a bias "
            "b[1,2], a unit h[1,2] or a[1,2], an input x[3], or the whole W[1], b[1], h[1] or a[1]. "
            "[default: the weight with the largest gradient]",
            show_default=False,
        ),
    ] = None,
    detail: Annotated[
        str | None,
        typer.Option(
            metavar="brief|lecture",
            help="lecture: each formula is derived as on a blackboard. [default: brief; with --sizes lecture]",
            show_default=False,
        ),
    ] = None,
    digits: Annotated[
        int | None,
        typer.Option(help="Of each number. [default: 6; in a lecture 4; in slides and svg 3]", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(FORMS)}. [default: by the name of --out, else terminal]", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there. [default: stdout]")] = None,
    theme: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Of slides and svg: light or dark; of slides also a theme of Beamer, such as Madrid. [default: light]",
            show_default=False,
        ),
    ] = None,
    paths: Annotated[
        int | None,
        typer.Option(metavar="K", min=1, max=10_000, help="The K strongest paths to the loss as well, for one number."),
    ] = None,
    step: Annotated[
        str | None,
        typer.Option(
            metavar="OPTIMIZER",
            help="Derive the first update of a weight or bias by this optimizer instead, such as adam or "
            "'sgd(learning_rate=0.1)'.",
        ),
    ] = None,
    sizes: Annotated[
        str | None,
        typer.Option(
            metavar="2,3,2",
            help="Instead of MODEL and DATA: derive it in symbols, for layers of these sizes.",
            show_default=False,
        ),
    ] = None,
    activation: Annotated[
        str | None, typer.Option(help="With --sizes: of the hidden units. [default: relu]", show_default=False)
    ] = None,
    loss: Annotated[str | None, typer.Option(help="With --sizes. [default: cross_entropy]", show_default=False)] = None,
    output: Annotated[
        str | None,
        typer.Option(help="With --sizes: the output function. [default: that of the loss]", show_default=False),
    ] = None,
    target: Target = None,
    as_json: AsJson = False,
) -> None:
    """Explain predictions of a run by its columns, or derive one gradient.

    For a folder and --row: what each column contributes to the prediction, by integrated gradients, whose sum is
    checked. With another option: ∂ℒ/∂(quantity) of one example by the chain rule, from the loss to the output units, to
    each layer, to it. For a folder alone both, of the first row.

    slides is LaTeX's Beamer, latex an article: 'pdflatex FILE.tex' makes a .pdf of both. svg makes a picture of each
    step, to paste anywhere: 'FILE-01.svg', 'FILE-02.svg' and so on. Without numbers:
    'backtalk explain --sizes 2,3,2 --quantity h[1]'.
    """
    from ...core.files import write_atomically
    from ...errors import InputError

    form = form_of(to, out, FORMS)
    if theme is not None and form not in ("slides", "svg"):
        raise InputError(
            f"is {theme}, which {form} does not have: leave it out, or give --to slides or --to svg.", argument="theme"
        )
    if form == "svg" and out is None:
        raise InputError(
            "is svg, a picture for each step, but out is missing: give --out with a name for them.", argument="to"
        )
    if form == "svg" and paths is not None:
        raise InputError("is given, and svg has a picture for each step alone: leave --paths out.", argument="paths")
    if as_json and form != "terminal" and out is None:
        raise InputError(f"is {to!r}, and --json prints JSON: give --out with a file for it.", argument="to")
    if step is not None and paths is not None:
        raise InputError("is given, and an update has no paths: leave --step or --paths out.", argument="step")
    if step is not None and (detail is not None or digits is not None):
        name = "digits" if detail is None else "detail"
        raise InputError(f"is given, and an update has none: leave --step or --{name} out.", argument=name)
    options = {"detail": detail, "digits": digits}
    explained: Contributions | None = None
    table: Any = None
    made: Made | None = None
    shape = {"activation": activation, "loss": loss, "output": output}
    if sizes is not None:
        fixed = {"model": model, "row": row, "paths": paths, "step": step}
        if given := [name for name, value in fixed.items() if value is not None]:
            name = given[0]
            if name == "model" and str(model).isdigit():
                raise InputError(
                    f"is {sizes}, and {model} stands apart: write the sizes with commas, such as 2,3,2.",
                    argument="sizes",
                )
            raise InputError("is given, but with --sizes there are no numbers: leave one of them out.", argument=name)
        made = in_symbols(sizes, quantity, {**options, **shape})
    else:
        if model is None or data is None:
            name = "model" if model is None else "data"
            raise InputError(
                "is missing, expected MODEL and DATA, or --sizes for a derivation in symbols.", argument=name
            )
        for name in (name for name, value in shape.items() if value is not None):
            raise InputError("is given, but MODEL has its own: give it only with --sizes.", argument=name)
        if out is not None:
            require_other("out", out, model, data, "the explanation")
        is_asked = any(value is not None for value in (example, quantity, to, out, paths, step, *options.values()))
        table = source_of(model, data)
        rows = rows_to_explain(model, row, example, is_asked)
        if rows:
            explained = contributions_of(model, table, rows, target)
        if is_asked or explained is None or (row is None and explained.truth[0] is not None):
            place = Place(example or 0) if row is None and is_asked else Place(0, rows[0] if rows else None)
            made = with_numbers(model, table, place, quantity, target, paths, step, options)
    files: dict[Path, str] = {}
    if out is not None and made is not None:
        files = _files(made, form, theme or "light", out)
        for place, text in files.items():
            write_atomically(place, text.encode())
    if as_json:
        put_json({"backtalk": version(), **_facts(explained, made)}, allow_nan=False)
        return
    if explained is not None and form == "terminal" and out is None:
        show_explained(explained, str(table), more=made is not None)
    if made is not None:
        show_remarks(made.remarks)
        _print(made, form, theme or "light", list(files))


def _facts(explained: Contributions | None, made: Made | None) -> dict[str, Any]:
    """Both, as JSON has them."""
    facts: dict[str, Any] = {} if explained is None else {"contributions": explained.to_dict(), "said": explained.said}
    if made is not None:
        paths = None if made.paths is None else made.paths.to_dict()
        facts |= {**made.derivation.to_dict(), **made.facts, "paths": paths}
    return facts


def _print(made: Made, form: str, theme: str, files: list[Path]) -> None:
    from ..terminal import make_console, show_derivation

    console, derivation = make_console(), made.derivation
    if files:
        last = f" to {files[-1]}" if len(files) > 1 else ""
        console.print(f"wrote {files[0]}{last}", soft_wrap=True, markup=False)
    elif form == "terminal":
        known = "" if derivation.loss is None else f": loss {derivation.loss:.6g}\n{derivation.network}"
        console.print(f"{made.about}{known}\n", soft_wrap=True, markup=False)
        show_derivation(console, derivation, made.paths)
    else:
        put(_written(made, form, theme))


def _files(made: Made, form: str, theme: str, out: Path) -> dict[Path, str]:
    """What is written into each file: of SVG one for each step, with its number in its name."""
    if form != "svg":
        return {out: _written(made, form, theme)}
    pictures = made.derivation.to_svg(theme=theme)
    return {out.with_name(f"{out.stem}-{k:02}{out.suffix}"): text for k, text in enumerate(pictures, start=1)}


def _written(made: Made, form: str, theme: str) -> str:
    from ...teaching.derivations import write

    if form == "terminal":
        return f"{made.about}\n\n{write(made.derivation, 'text', made.paths)}\n"
    return write(made.derivation, form, made.paths, about=made.about, theme=theme)
