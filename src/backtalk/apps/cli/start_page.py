"""``backtalk`` alone: what it is, and three commands to begin with."""

from __future__ import annotations

EXAMPLES = {
    "backtalk demo": "train on handwritten digits, show and check every gradient",
    "backtalk train FILE.csv --target COLUMN": "learn a column of a table from the others",
    "backtalk lab": "watch a network learn, in the browser",
}


def show_start_page(version: str) -> None:
    """Print it, in colours if a terminal shows them."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"backtalk {version}: feedforward networks, with every gradient of back-propagation\n")
    width = max(map(len, EXAMPLES))
    for command, what in EXAMPLES.items():
        console.print(Text(f"  {command:<{width}}", "cyan"), Text(what, "dim"), sep="   ")
    console.print("\n'backtalk --help' lists all commands, 'backtalk COMMAND --help' the options of one.")
