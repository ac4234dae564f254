"""``backtalk explain``: one gradient of one example, by the chain rule, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..visible import put, put_json
from .common import AsJson, Target, app, form_of, require_other, show_remarks, version
from .crashes import spoken

if TYPE_CHECKING:
    from ...core.network import Network
    from ...teaching.derivations import Derivation, Paths, StepDerivation

FORMS = {"terminal": ".txt", "markdown": ".md", "latex": ".tex", "slides": ".tex", "html": ".html"}


@dataclass(frozen=True, slots=True)
class Example:
    """One row of the data, as the network takes it, and what there is to say of it."""

    network: Network
    x: Any
    y: Any
    columns: tuple[str, ...]
    remarks: list[str]


@app.command(short_help="Derive one gradient, step by step, with numbers or in symbols.")
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
            metavar="[DATA]", help="As for gradients; for a folder, a table as for evaluate.", show_default=False
        ),
    ] = None,
    example: Annotated[int, typer.Option(metavar="ROW", help="The row of DATA, counted from 0.")] = 0,
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
        typer.Option(help="Of each number. [default: 6; in a lecture 4]", show_default=False),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option(help=f"{', '.join(FORMS)}. [default: by the name of --out, else terminal]", show_default=False),
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there. [default: stdout]")] = None,
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
    """Derive ∂ℒ/∂(quantity) of one example by the chain rule: from the loss to the output units, to each layer, to it.

    slides is LaTeX's Beamer, latex an article: 'pdflatex FILE.tex' makes a .pdf of both. Without numbers:
    'backtalk explain --sizes 2,3,2 --quantity h[1]'.
    """
    from ...core.files import write_atomically
    from ...errors import InputError

    form = form_of(to, out, FORMS)
    if as_json and form != "terminal" and out is None:
        raise InputError(f"to is {to!r}, and --json prints JSON: give --out with a file for it.")
    if step is not None and paths is not None:
        raise InputError("step is given, and an update has no paths: leave --step or --paths out.")
    if step is not None and (detail is not None or digits is not None):
        name = "digits" if detail is None else "detail"
        raise InputError(f"{name} is given, and an update has none: leave --step or --{name} out.")
    options = {"detail": detail, "digits": digits}
    shape = {"activation": activation, "loss": loss, "output": output}
    if sizes is not None:
        if given := [name for name, value in (("model", model), ("paths", paths), ("step", step)) if value is not None]:
            name = given[0]
            if name == "model" and str(model).isdigit():
                raise InputError(
                    f"sizes is {sizes}, and {model} stands apart: write the sizes with commas, such as 2,3,2."
                )
            raise InputError(f"{name} is given, but with --sizes there are no numbers: leave one of them out.")
        made = _in_symbols(sizes, quantity, {**options, **shape})
    else:
        if model is None or data is None:
            name = "model" if model is None else "data"
            raise InputError(f"{name} is missing, expected MODEL and DATA, or --sizes for a derivation in symbols.")
        for name in (name for name, value in shape.items() if value is not None):
            raise InputError(f"{name} is given, but MODEL has its own: give it only with --sizes.")
        if out is not None:
            require_other("out", out, model, data, "the explanation")
        made = _with_numbers(model, data, example, quantity, target, paths, step, options)
    if out is not None:
        write_atomically(out, _written(made.derivation, form, made.paths, made.about).encode())
    if as_json:
        facts = {**made.facts, "paths": None if made.paths is None else made.paths.to_dict()}
        put_json({"backtalk": version(), **made.derivation.to_dict(), **facts}, allow_nan=False)
        return
    show_remarks(made.remarks)
    _print(made.derivation, form, made.paths, made.about, out)


@dataclass(frozen=True, slots=True)
class Made:
    """A derivation, and what there is to say of where it comes from."""

    derivation: Derivation | StepDerivation
    paths: Paths | None
    about: str
    remarks: list[str]
    facts: dict[str, Any]


def _with_numbers(
    model: Path,
    data: str,
    row: int,
    quantity: str | None,
    target: list[str] | None,
    paths: int | None,
    step: str | None,
    options: Any,
) -> Made:
    """Of one row of the data."""
    from ...teaching.derivations import explain as derive
    from ...teaching.derivations import explain_step
    from ...teaching.derivations import paths as strongest

    chosen = _example_of(model, data, row, target)
    remarks = list(chosen.remarks)
    if quantity is None:
        quantity = _loudest_weight(chosen)
        remarks.append(
            f"quantity is not given: this is {quantity}, the weight with the largest gradient for this example."
        )
    if step is None:
        derivation = derive(chosen.network, chosen.x, chosen.y, quantity, **options)
    else:
        derivation = explain_step(chosen.network, chosen.x, chosen.y, step, quantity)
    found = None if paths is None else strongest(chosen.network, chosen.x, chosen.y, quantity, paths)
    about = f"{model.name} on {Path(data).name}, example {row}{_column(derivation, chosen.columns)}"
    return Made(derivation, found, about, remarks, {"example": row, "said": remarks})


def _in_symbols(sizes: str, quantity: str | None, options: Any) -> Made:
    """Of a network of which only the layers are known."""
    from ...core.decimals import read_whole
    from ...errors import InputError
    from ...teaching.derivations import explain as derive

    try:
        layers = [read_whole(part) for part in sizes.split(",")]
    except ValueError:
        raise InputError(f"sizes is {sizes!r}, expected whole numbers with commas, such as 2,3,2.") from None
    derivation = derive(layers, quantity=quantity, **options)
    about = f"layers {sizes.replace(' ', '')}, in symbols"
    return Made(derivation, None, about, [], {"example": None, "said": []})


def _print(
    derivation: Derivation | StepDerivation, form: str, found: Paths | None, about: str, out: Path | None
) -> None:
    from ..terminal import make_console, show_derivation

    console = make_console()
    if out is not None:
        console.print(f"wrote {out}", soft_wrap=True, markup=False)
    elif form == "terminal":
        known = "" if derivation.loss is None else f": loss {derivation.loss:.6g}\n{derivation.network}"
        console.print(f"{about}{known}\n", soft_wrap=True, markup=False)
        show_derivation(console, derivation, found)
    else:
        put(_written(derivation, form, found, about))


def _written(derivation: Derivation | StepDerivation, form: str, found: Paths | None, about: str) -> str:
    from ...teaching.derivations import write

    if form == "terminal":
        return f"{about}\n\n{write(derivation, 'text', found)}\n"
    return write(derivation, form, found, about=about)


def _example_of(model: Path, data: str, row: int, target: list[str] | None) -> Example:
    """Of a network in a file, or of a run, whose inputs are made of the columns of a table."""
    from ...data.built_in import load_data
    from ...interop import load

    if model.is_dir():
        from ..tables.use import examples_of, refuse_target

        refuse_target(model, target)
        table = Path(data)
        with spoken(table):
            of_run, (X, y, *_), remarks, _ = examples_of(model, table)
        return Example(of_run.network, *_row(X, y, row, str(table)), tuple(of_run.preprocessing.inputs), remarks)
    network, examples = load(model), load_data(data, target or [])
    return Example(network, *_row(examples.X, examples.y, row, data), examples.columns, [])


def _row(X: Any, y: Any, row: int, data: str) -> tuple[Any, Any]:
    """One example of the data, checked."""
    import numpy as np

    from ...errors import InputError

    if np.ndim(X) != 2 or np.ndim(y) not in (1, 2) or len(X) != len(y):
        raise InputError(
            f"{data} has X of shape {np.shape(X)} and y of shape {np.shape(y)}, expected a row of both for an example."
        )
    if not 0 <= row < len(X):
        raise InputError(f"example is {row}, but {data} has {len(X)} rows: expected 0 to {len(X) - 1}.")
    for name, values in (("x", X[row]), ("y", y[row])):
        if not np.isfinite(np.asarray(values, dtype=np.float64)).all():
            raise InputError(f"example {row} of {data} has values in {name} that are not finite: choose another row.")
    return X[row], y[row]


def _loudest_weight(chosen: Example) -> str:
    """The weight whose gradient has the largest absolute value."""
    import numpy as np

    from ...core.arrays import to_numpy
    from ...engines.passes import gradients

    grads = gradients(chosen.network, chosen.x[None], np.asarray(chosen.y)[None])
    sizes = {i: np.abs(to_numpy(array)) for i, array in grads.W.items()}
    layer = max(sizes, key=lambda i: float(sizes[i].max()))
    j, k = np.unravel_index(sizes[layer].argmax(), sizes[layer].shape)
    return f"W[{layer},{j + 1},{k + 1}]"


def _column(derivation: Derivation | StepDerivation, columns: tuple[str, ...]) -> str:
    """Which column of the data the quantity hears, or is."""
    from ...errors import cut

    asked = derivation.quantity
    at_input = (asked.family == "W" and asked.layer == 1) or (asked.family == "h" and asked.layer == 0)
    if not at_input or not asked.indices or len(columns) != derivation.network.sizes[0]:
        return ""
    k = asked.indices[-1]
    return f"; h[0,{k}] is the column {cut(columns[k - 1])}"
