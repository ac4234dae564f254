"""``backtalk gradients`` and ``backtalk check``: a network that is saved, looked at."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Annotated, Any

import typer

from ..visible import put_json
from .common import AsJson, Target, app, leave_by, norms_as_dict

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A network: a .safetensors or .onnx file.")]
DataSource = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A .csv or .npz file, or digits, iris, wine, breast_cancer, diabetes."),
]


@app.command(short_help="The norms of every gradient on data.")
def gradients(
    model: Model,
    data: DataSource,
    target: Target = None,
    arrays: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="Write every gradient there, under names such as W.1, a.2, h.0."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the loss and the norms of every layer's gradients of MODEL on DATA."""
    from ...core.norms import layer_norms
    from ...data.built_in import load_data
    from ...engines.passes import gradients as compute
    from ...interop import load
    from ..terminal import make_console, show_norms

    network = load(model)
    examples = load_data(data, target or [])
    grads = compute(network, examples.X, examples.y)
    rows = layer_norms(network, grads)
    if arrays is not None:
        _write_arrays(arrays, grads)
    if as_json:
        put_json(norms_as_dict(float(grads.loss), len(examples.X), rows))
        return
    console, count = make_console(), len(examples.X)
    mean = f"mean over {count} examples" if count > 1 else "1 example"
    console.print(f"loss {float(grads.loss):.6g} ({network.loss}), {mean} of {examples.name}\n", markup=False)
    show_norms(console, rows)
    if arrays is not None:
        console.print(f"\nwrote {arrays}", soft_wrap=True, markup=False)


@app.command(short_help="Are they the derivatives? Measure it.")
def check(
    model: Model,
    data: Annotated[
        str | None,
        typer.Argument(metavar="[DATA]", help="As for gradients; without it, 5 random examples.", show_default=False),
    ] = None,
    target: Target = None,
    method: Annotated[str, typer.Option(help="auto, complex_step or central_differences.")] = "auto",
    coordinates: Annotated[str, typer.Option(help="auto, every or random.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Compare every gradient of MODEL with the derivative measured on the loss; exit code 1 if one is wrong."""
    from ...analysis.check import check as compare
    from ...data.built_in import load_data
    from ...errors import InputError
    from ...interop import load
    from ..terminal import make_console, show_check

    if target and data is None:
        raise InputError(f"is {target}, but there is no DATA to take a column from.", argument="target")
    network = load(model)
    examples = None if data is None else load_data(data, target or [])
    X, y = (None, None) if examples is None else (examples.X, examples.y)
    report = compare(network, X, y, method=method, coordinates=coordinates)
    if as_json:
        put_json(report.to_dict())
    else:
        console = make_console()
        console.print(f"{report.subject}, on {'5 random examples' if data is None else data}\n", markup=False)
        show_check(console, report)
    leave_by(report)


def _write_arrays(path: Path, grads: Any) -> None:
    import numpy as np

    from ...core.arrays import to_numpy
    from ...core.files import write_atomically

    arrays = {
        f"{family}.{i}": to_numpy(array)
        for family in ("a", "h", "W", "b")
        for i, array in getattr(grads, family).items()
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())
