"""``backtalk`` alone: what it is, and three commands to begin with."""

from __future__ import annotations

from ..visible import say

EXAMPLES = {
    "backtalk demo": "train on handwritten digits, and check every gradient",
    "backtalk train FILE.csv --target COLUMN": "learn a column of a table",
    "backtalk lab": "watch a network learn, in the browser",
}


def show_start_page(version: str) -> None:
    """Print it, at once: nothing is imported for it."""
    width = max(map(len, EXAMPLES))
    say(f"backtalk {version}: feedforward networks, with every gradient of back-propagation\n")
    for command, what in EXAMPLES.items():
        say(f"  {command:<{width}}   {what}")
    say("\n'backtalk --help' lists all commands, 'backtalk COMMAND --help' the options of one.")
