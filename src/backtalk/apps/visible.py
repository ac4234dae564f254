"""What a terminal is sent: text in which nothing can act on it.

Names of columns and files, and cells, may hold escape sequences that move the cursor, rename the window or hide what
stands there, and marks that turn the order of letters around.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, TextIO

KEPT = "\n\t"
# Controls (C0, delete, C1), line separators, and what sets the direction of text
ACTING = [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}  # ␛ for ESC; all others are �
SHOWN = {code: PICTURES.get(code, 0xFFFD) for code in ACTING if chr(code) not in KEPT}


def visible(text: str) -> str:
    """The text with a picture instead of each character that acts on a terminal, line ends and tabs apart.

    >>> visible("age\\x1b[2J\\u202e")
    'age␛[2J�'
    """
    return text.translate(SHOWN)


def say(text: str, *, on: TextIO | None = None, end: str = "\n", flush: bool = False) -> None:
    """Print a sentence for people; ``on``: sys.stderr, or by default sys.stdout as it is now."""
    print(visible(text), file=on, end=end, flush=flush)


def put(content: str) -> None:
    """Print what a program or a file may take: as it is, and for people if stdout is a terminal."""
    if sys.stdout is not None:
        print(visible(content) if sys.stdout.isatty() else content, end="")


def discard(descriptor: int) -> None:
    """From now on what is written to this descriptor of the process goes nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def put_json(facts: Any, allow_nan: bool = True) -> None:
    """Print one line of JSON, in which everything but ASCII is escaped."""
    print(json.dumps(facts, allow_nan=allow_nan).replace("\x7f", "\\u007f"))
