"""The command line: parse, call, print. What a command needs is imported when it runs."""

from __future__ import annotations

import codecs
import errno
import io
import os
import re
import sys
import warnings
from contextlib import suppress
from typing import NoReturn

import typer

from ...starting import INTERRUPTED, started
from ..visible import discard, say
from . import (
    demo,
    diagnose,
    evaluate,
    exercise,
    explain,
    export,
    influence,
    info,
    lab,
    networks,
    predict,
    resume,
    train,
)
from .cluster import LOST, end, is_first, speaker
from .common import StoppedError, app, running, without_memory
from .naming import as_asked, as_used

__all__ = [
    "app",
    "demo",
    "diagnose",
    "evaluate",
    "exercise",
    "explain",
    "export",
    "influence",
    "info",
    "lab",
    "main",
    "networks",
    "predict",
    "resume",
    "train",
]
ADVICE = {  # what to do if the system refuses
    errno.ENOSPC: "make room there, and try again",
    errno.EDQUOT: "make room there, and try again",
    errno.EFBIG: "allow larger files there (ulimit -f), and try again",
    errno.EIO: "look after that disk, and try again",
    errno.EROFS: "name another place",
    errno.EACCES: "name another place, or change who may use this one",
    errno.EPERM: "name another place, or change who may use this one",
    errno.EMFILE: "allow more open files (ulimit -n)",
}
SPELLED = {
    "→": "->", "×": "x", "…": "...", "∇": "grad ", "‖": "|", "ŷ": "yhat", "ℒ": "loss", "′": "'", "∂": "d", "−": "-",
    "·": "*", "⊙": ".*", "⊘": "./", "Σ": "sum", "ᵀ": "^T", "⋮": ":", "⋯": "...", "⋱": "...", "─": "-", "∞": "inf",
    "●": "@", "◎": "o", "○": ".", "╰": "`", "╯": "'", "┬": "+", "⁽": "(", "⁾": ")", "ⁿ": "n",
    "σ": "sigma", "ρ": "rho", "δ": "delta", "½": "1/2 ", "≤": "<=", "≥": ">=", "Φ": "Phi", "φ": "phi",
    **{chr(code): "'" for code in range(0x2800, 0x2900)},
    **dict.fromkeys("⎡⎢⎣", "["), **dict.fromkeys("⎤⎥⎦", "]"), **dict.fromkeys("⎛⎜⎝", "("), **dict.fromkeys("⎞⎟⎠", ")"),
}  # fmt: skip
RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def main() -> None:
    """Run the command line; an error is one sentence on stderr and exit code 2, or 75 if a process was lost."""
    started()
    warnings.simplefilter("ignore", RuntimeWarning)  # what overflows is shown as inf or nan
    warnings.showwarning = _warn
    codecs.register_error("spell", _spell)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="spell")
    try:
        code = app(standalone_mode=False, prog_name="backtalk")
        if sys.stdout is not None:  # as after >&- in a shell
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as head, has seen enough
        discard(sys.stdout.fileno() if sys.stdout else 1)
        _leave(0, read=False)
    except SystemExit as ended:  # by typer, if nobody reads what is printed
        _leave(ended.code if isinstance(ended.code, int) else 1, read=False)
    except StoppedError as stopped:
        _say(str(stopped))
        _leave(INTERRUPTED)
    except KeyboardInterrupt:
        code = INTERRUPTED
    except BaseException as error:  # such as the panic of a library in Rust
        _say(_sentence(error))
        for note in getattr(error, "__notes__", []):  # such as what was kept
            _say(note)
        code = _code(error)
    if code == INTERRUPTED and is_first():  # typer turns Ctrl-C into this code
        _say("interrupted.")
    _leave(code if isinstance(code, int) else 0)


def _say(sentence: str) -> None:
    if sentence:
        with suppress(OSError):  # nobody may read it
            say(f"{speaker()}: {sentence}", on=sys.stderr)


def _code(error: BaseException) -> int:
    from ...errors import ProcessLostError

    return LOST if isinstance(error, ProcessLostError) else 2


def _leave(code: int, read: bool = True) -> NoReturn:
    end(code, read)
    sys.exit(code)


def _warn(message: Warning | str, *_: object) -> None:
    """A warning, such as that a checkpoint could not be written, in one line."""
    _say(str(message))


def _spell(error: UnicodeError) -> tuple[str, int]:
    """What a terminal without Unicode shows instead of what it cannot."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    refused = re.sub(
        "[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+", lambda power: f"^{power[0].translate(RAISED)}", error.object[error.start : error.end]
    )
    return "".join(letter if letter.isascii() else SPELLED.get(letter, "?") for letter in refused), error.end


def _sentence(error: BaseException) -> str:
    from ...errors import BacktalkError, bug, is_no_memory

    if isinstance(error, typer.TyperException):
        return as_used(error, running())
    if isinstance(error, BacktalkError):
        return as_asked(error, running())
    if is_no_memory(error):
        return without_memory(error)
    if isinstance(error, OSError) and error.strerror:
        place = error.filename or ("stdout" if error.errno in ADVICE else "")
        advice = f": {ADVICE[error.errno]}" if error.errno in ADVICE else ""
        return f"{place and f'{place}: '}{error.strerror}{advice}."
    if os.environ.get("BACKTALK_TRACEBACK"):
        raise error
    return bug(error)
