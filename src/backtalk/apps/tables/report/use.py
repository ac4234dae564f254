"""How to predict: the commands and the Python of this run."""

from __future__ import annotations

import shlex

from ....errors import cut
from ....pages.page import card, code
from .facts import Facts

MOST_NAMED = 12  # columns
LONGEST = 60  # letters of a name


def cards(facts: Facts) -> list[str]:
    """For the command line, and for Python."""
    folder, needed = (
        shlex.quote(facts.folder),
        [each["name"] for each in facts.columns[1:] if each["kind"] != "left out"],
    )
    lines = [
        "# predict rows whose target is not known",
        f"backtalk predict {folder} new.csv --out predictions.csv",
        "# the scores of rows whose target is known",
        f"backtalk evaluate {folder} more.csv",
        "# why a row gets its prediction",
        f"backtalk explain {folder} more.csv --row 12",
    ]
    named = ", ".join(cut(name, LONGEST) for name in needed[:MOST_NAMED])
    more = f" and {len(needed) - MOST_NAMED} more" if len(needed) > MOST_NAMED else ""
    note = f"new.csv needs the columns {named}{more}, in any order; the target is not needed"
    python = [
        "import backtalk",
        "import polars as pl",
        "",
        f"run = backtalk.load_run({facts.folder!r})",
        "predictions = run.predict(pl.read_csv('new.csv'))",
    ]
    return [card("On the command line", code("\n".join(lines)), note), card("In Python", code("\n".join(python)))]
