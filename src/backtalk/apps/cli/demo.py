"""``backtalk demo``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from ..visible import put_json
from .common import AsJson, app, leave_by, norms_as_dict


@app.command(short_help="Train on digits and show every gradient.")
def demo(
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the results are written.")] = Path("backtalk-demo"),
    seed: Annotated[
        int, typer.Option(min=0, max=2**32 - 1, help="Split, initial weights and shuffling follow from it.")
    ] = 0,
    as_json: AsJson = False,
) -> None:
    """Train on handwritten digits, then show every layer's gradients and check them."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from ...core.files import write_atomically
    from ...core.norms import layer_norms
    from ...interop.files import save
    from ..demo import EPOCHS, SIZES, run_demo
    from ..terminal import make_console, show_norms, show_verdict

    out.mkdir(parents=True, exist_ok=True)
    console, errors = make_console(quiet=as_json), make_console(stderr=True)
    console.print("[bold]backtalk demo[/]: handwritten digits of 8 × 8 pixels, from scikit-learn")
    console.print(f"network {' → '.join(map(str, SIZES))}, relu, softmax with cross-entropy, adam\n")
    text = TextColumn("{task.description}")
    columns = (TextColumn("training"), BarColumn(24), MofNCompleteColumn(), text, TimeElapsedColumn())
    with Progress(*columns, console=errors, disable=as_json or not errors.is_terminal) as progress:
        task = progress.add_task("", total=EPOCHS)
        result = run_demo(
            seed,
            lambda epoch, accuracy: progress.update(
                task, completed=epoch.number, description=f"loss {epoch.loss:.4f}  accuracy {accuracy:.4f}"
            ),
        )
    if errors.is_terminal and not as_json:
        errors.print()
    right = round(result.accuracy * result.test_count)
    console.print(f"test accuracy [bold]{result.accuracy:.4f}[/] ({right} of {result.test_count} right)\n")
    console.print("What each layer hears from the loss, on the test set:")
    rows = layer_norms(result.network, result.grads)
    show_norms(console, rows)
    console.print()
    show_verdict(console, result.report)
    summary = {
        **norms_as_dict(float(result.grads.loss), result.test_count, rows),
        "test_accuracy": result.accuracy,
        "check": result.report.to_dict(),
    }
    model, numbers = out / "model.safetensors", out / "gradients.json"
    save(result.network, model)
    write_atomically(numbers, (json.dumps(summary, indent=2) + "\n").encode())
    console.print(f"wrote {model} and {numbers}", soft_wrap=True, markup=False)
    if as_json:
        put_json(summary)
    leave_by(result.report)
