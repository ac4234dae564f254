"""An error in the words of the command line: its options' names, and where their help is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from typer.core import TyperCommand

    from ...errors import BacktalkError

# What a command calls an argument of a function that it calls
OPTIONS = {"X": "data", "target_epsilon": "epsilon", "every_seconds": "checkpoint_seconds", "id": "id_column"}


def as_used(error: typer.TyperException, command: TyperCommand | None) -> str:
    """The sentence for a command line that cannot be understood."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    path = context.command_path if context else _path(command)  # the parser knows no context
    return f"{message}{'' if message.endswith(('.', '?')) else '.'} {_help_of(path)}"


def as_asked(error: BacktalkError, command: TyperCommand | None) -> str:
    """The sentence for a value that cannot be used; if an option holds it, by its name, and with its help."""
    from ...errors import UnknownNameError

    if command is not None and error.argument:
        error.argument = _called(error.argument.replace("-", "_"), command) or error.argument
    is_of_an_option = error.argument.startswith("--")
    if not is_of_an_option or isinstance(error, UnknownNameError):  # which lists what there is
        return error.message
    return f"{error.message} {_help_of(_path(command))}"


def _called(argument: str, command: TyperCommand) -> str | None:
    """``--batch-size`` for the option ``batch_size``, ``DATA`` for the argument ``data``; None if it has no such."""
    known = {parameter.name: parameter for parameter in command.params}
    parameter = known.get(argument) or known.get(OPTIONS.get(argument, ""))
    if parameter is None:
        return None
    if parameter.param_type_name == "argument":
        return (parameter.metavar or argument.upper()).strip("[]")
    return max(parameter.opts, key=len)


def _path(command: TyperCommand | None) -> str:
    return f"backtalk {command.name}" if command else "backtalk"


def _help_of(path: str) -> str:
    return f"Try '{path} --help'."
