"""The command line: parse, call, print. What a command needs is imported when it runs."""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from .check import CheckReport
    from .norms import LayerNorms

app = typer.Typer(
    name="backtalk",
    help="Feedforward networks with every gradient of back-propagation as a first-class result.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich for it would double the start-up time
    context_settings={"help_option_names": ["-h", "--help"]},
)

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="A network saved by backtalk (.safetensors).")]
DataSource = Annotated[
    str,
    typer.Argument(metavar="DATA", help="A .csv or .npz file, or digits, iris, wine, breast_cancer, diabetes."),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="COLUMN",
        help="The column of a .csv file that is y; may be repeated. [default: the last]",
    ),
]
INTERRUPTED = 130  # the exit code of Ctrl-C
SPELLED = {"→": "->", "×": "x", "…": "...", "∇": "grad ", "‖": "|", "ŷ": "yhat", "ℒ": "loss", "′": "'"}

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if version:
        print(f"backtalk {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:  # only an option such as --version may stand alone
        print(context.get_help())
        return
    from .engines.kernels import kernels

    kernels()  # refuses what BACKTALK_KERNELS names wrongly, whether the command computes or not


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

    from .demo import EPOCHS, SIZES, run_demo
    from .interop.files import save, write_atomically
    from .norms import layer_norms
    from .terminal import make_console, show_norms, show_verdict

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
        **_norms_as_dict(float(result.grads.loss), result.test_count, rows),
        "test_accuracy": result.accuracy,
        "check": result.report.to_dict(),
    }
    model, numbers = out / "model.safetensors", out / "gradients.json"
    save(result.network, model)
    write_atomically(numbers, (json.dumps(summary, indent=2) + "\n").encode())
    console.print(f"wrote {model} and {numbers}", soft_wrap=True, markup=False)
    if as_json:
        print(json.dumps(summary))
    _leave_by(result.report)


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
    from .data import load_data
    from .interop import load
    from .norms import layer_norms
    from .terminal import make_console, show_norms
    from .verbs import gradients as compute

    network = load(model)
    examples = load_data(data, target or [])
    grads = compute(network, examples.X, examples.y)
    rows = layer_norms(network, grads)
    if arrays is not None:
        _write_arrays(arrays, grads)
    if as_json:
        print(json.dumps(_norms_as_dict(float(grads.loss), len(examples.X), rows)))
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
    """Compare every gradient of MODEL with the derivative measured on the loss; exit code 1 where one is wrong."""
    from .check import check as compare
    from .data import load_data
    from .errors import InputError
    from .interop import load
    from .terminal import make_console, show_check

    if target and data is None:
        raise InputError(f"target is {target}, but there is no DATA to take a column from.")
    network = load(model)
    examples = None if data is None else load_data(data, target or [])
    X, y = (None, None) if examples is None else (examples.X, examples.y)
    report = compare(network, X, y, method=method, coordinates=coordinates)
    if as_json:
        print(json.dumps(report.to_dict()))
    else:
        console = make_console()
        console.print(f"{report.subject}, on {'5 random examples' if data is None else data}\n", markup=False)
        show_check(console, report)
    _leave_by(report)


@app.command(short_help="Versions, engine, array libraries.")
def info(as_json: AsJson = False) -> None:
    """Say which version this is, what computes, and which array libraries are here."""
    import importlib.metadata
    import platform

    from .engines.kernels import available, describe, kernels, threads

    serves = kernels()
    facts: dict[str, Any] = {
        "backtalk": _version(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "engine": "formula" if serves is None else "native",
        "kernels": serves,
        "kernels_available": available(),
        "threads": None if serves is None else threads(),
        "why_no_kernels": describe() if serves is None else None,
    }
    for library in ("numpy", "scipy", "scikit-learn", "torch", "jax", "cupy"):
        try:
            facts[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            facts[library] = None
    if as_json:
        print(json.dumps(facts))
        return
    others = "formula for arrays of any other library"
    facts["engine"] = "formula for all arrays" if serves is None else f"native for NumPy arrays, {others}"
    facts["kernels"] = describe()
    for said in ("kernels_available", "threads", "why_no_kernels"):
        del facts[said]
    for name, fact in facts.items():
        print(f"{name:<15} {'not installed' if fact is None else fact}")


def _version() -> str:
    from importlib.metadata import version

    return version("backtalk")


def _norms_as_dict(loss: float, count: int, rows: list[LayerNorms]) -> dict[str, Any]:
    from math import isfinite

    return {
        "backtalk": _version(),
        "loss": loss if isfinite(loss) else None,
        "examples": count,
        "gradient_norms": [row.to_dict() for row in rows],
    }


def _write_arrays(path: Path, grads: Any) -> None:
    import numpy as np

    from .arrays import to_numpy
    from .interop.files import write_atomically

    arrays = {
        f"{family}.{i}": to_numpy(array)
        for family in ("a", "h", "W", "b")
        for i, array in getattr(grads, family).items()
    }
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_atomically(path, content.getvalue())


def _leave_by(report: CheckReport) -> None:
    if not report.passed:
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; an error is one sentence on stderr and exit code 2."""
    warnings.simplefilter("ignore", RuntimeWarning)  # what overflows is shown as inf or nan
    codecs.register_error("spell", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spell")
    try:
        code = app(standalone_mode=False, prog_name="backtalk")
        if sys.stdout is not None:  # as after >&- in a shell
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except Exception as error:
        print(f"backtalk: {_sentence(error)}", file=sys.stderr)
        code = 2
    if code == INTERRUPTED:  # typer turns Ctrl-C into this code
        print("backtalk: interrupted.", file=sys.stderr)
    sys.exit(code if isinstance(code, int) else 0)


def _spell(error: UnicodeError) -> tuple[str, int]:
    """What a terminal without Unicode shows in the place of what it cannot."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELLED.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


def _sentence(error: Exception) -> str:
    from .errors import BacktalkError

    if isinstance(error, typer.TyperException):
        message = error.format_message()
        return f"{message}{'' if message.endswith(('.', '?')) else '.'} Try 'backtalk --help'."
    if isinstance(error, BacktalkError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}." if error.filename else f"{error.strerror}."
    if os.environ.get("BACKTALK_TRACEBACK"):
        raise error
    return f"internal error, {type(error).__name__}: {error}; this is a bug, and BACKTALK_TRACEBACK=1 shows where."


if __name__ == "__main__":
    main()
