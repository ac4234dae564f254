"""What the commands share: the app, its common options, and how a result becomes JSON or an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ..visible import say

if TYPE_CHECKING:
    from typer.core import TyperCommand

    from ...analysis.check import CheckReport
    from ...core.norms import LayerNorms

COMMANDS = (
    "demo", "train", "resume", "predict", "evaluate", "influence", "explain", "diagnose", "gradients", "check",
    "exercise", "mark", "lab", "export", "info",
)  # fmt: skip


class Ordered(TyperGroup):
    """The commands in the order in which somebody meets them."""

    def list_commands(self, ctx: Any) -> list[str]:
        return sorted(self.commands, key=COMMANDS.index)


app: typer.Typer = typer.Typer(
    name="backtalk",
    cls=Ordered,
    help="Feedforward networks with every gradient of back-propagation as a first-class result.",
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help: importing rich for it would double the start-up time
    context_settings={"help_option_names": ["-h", "--help"]},
)


class StoppedError(Exception):
    """Ctrl-C, with a sentence that says how to go on."""


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
ModelOrRun = Annotated[
    Path,
    typer.Argument(metavar="MODEL", help="A network (.safetensors or .onnx), or the folder of a run of 'train'."),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        metavar="COLUMN",
        help="The column of a .csv file that is y; may be repeated. [default: the last]",
    ),
]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False,
) -> None:
    if show_version:
        say(f"backtalk {version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:  # only an option such as --version may stand alone
        from .start_page import show_start_page

        show_start_page(version())
        return
    global _running
    commands: dict[str, TyperCommand] = getattr(context.command, "commands", {})
    _running = commands.get(context.invoked_subcommand)
    from ...engines.native.kernels import kernels

    kernels()  # refuses what BACKTALK_KERNELS names wrongly, whether the command computes or not


_running: TyperCommand | None = None


def running() -> TyperCommand | None:
    """The command that runs, once it is known."""
    return _running


def without_memory(error: BaseException) -> str:
    """The sentence if memory ran out: in which command, and what helps there."""
    from ...errors import no_memory

    advice, command = "give fewer rows, or free some memory", _running.name if _running else ""
    if command == "train":
        advice = (
            "give --memory, such as --memory 1G, so that the table is read in parts, fewer rows or columns, a Parquet "
            "file, fewer --hidden units, or a smaller --batch-size"
        )
    elif command == "resume":
        advice = "free some memory, and go on again"
    elif command in ("predict", "evaluate"):
        advice = "give the rows in several tables"
    return no_memory(error, f"'backtalk {command}'" if command else "", advice)


def version() -> str:
    """The version of the package that is installed."""
    from importlib.metadata import version

    return version("backtalk")


def norms_as_dict(loss: float, count: int, rows: list[LayerNorms]) -> dict[str, Any]:
    """The norms of the gradients, as JSON."""
    from math import isfinite

    return {
        "backtalk": version(),
        "loss": loss if isfinite(loss) else None,
        "examples": count,
        "gradient_norms": [row.to_dict() for row in rows],
    }


def leave_by(report: CheckReport) -> None:
    """Exit code 1 if a gradient is wrong."""
    if not report.passed:
        raise typer.Exit(1)


def show_remarks(remarks: Iterable[str]) -> None:
    """On stderr, where they do not get between the rows of an answer."""
    for remark in remarks:
        say(f"backtalk: {remark}", on=sys.stderr)


def form_of(to: str | None, out: Path | None, forms: dict[str, str]) -> str:
    """What is written, by --to or by the suffix of the file, else the first form. ``forms``: each with its suffix."""
    from ...errors import InputError, unknown_name

    if to is not None and to not in forms:
        raise unknown_name("to", to, forms)
    if to is not None or out is None:
        return to or next(iter(forms))
    for form, suffix in forms.items():
        if out.suffix.lower() == suffix:
            return form
    raise InputError(
        f"is {out}, whose name does not say what to write: give --to, one of {', '.join(forms)}.", argument="out"
    )


def require_other(
    argument: str, place: Path, model: Path, data: str, what: str, *, own: str = "", source: str = "data"
) -> None:
    """Refuse to write a file over the model or the data, or into the folder of the run, where ``own`` may lie."""
    from ...errors import InputError

    target, read = place.resolve(), Path(data).resolve()
    if target == model.resolve():
        raise InputError(f"is {place}, the model itself: give another file for {what}.", argument=argument)
    if target == read or read in target.parents:
        raise InputError(f"is {place}, the {source} itself: give another file for {what}.", argument=argument)
    if model.resolve() in target.parents and place.name != own:
        raise InputError(f"is {place}, which lies in the folder of the run: give a file elsewhere.", argument=argument)
