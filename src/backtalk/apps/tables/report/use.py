"""How to predict: the commands and the Python of this run.

They are for its own folder, whose path is not told, so that the same run gives the same page wherever it lies.
"""

from __future__ import annotations

from ....errors import cut
from ....pages.page import card, code
from .facts import Facts

MOST_NAMED = 12  # columns
LONGEST = 60  # letters of a name


def cards(facts: Facts) -> list[str]:
    """For the command line, and for Python."""
    needed = [each["name"] for each in facts.columns[1:] if each["kind"] != "left out"]
    named = ", ".join(cut(name, LONGEST) for name in needed[:MOST_NAMED])
    more = f" and {len(needed) - MOST_NAMED} more" if len(needed) > MOST_NAMED else ""
    commands = [
        "# what is predicted of other rows",
        "backtalk predict . new.csv --out predictions.csv",
        "# the scores of other rows, whose target is known",
        "backtalk evaluate . other.csv",
        "# what the columns contribute to the prediction of row 12",
        "backtalk explain . other.csv --row 12",
    ]
    python = [
        "import backtalk",
        "import polars as pl",
        "",
        "run = backtalk.load_run('.')",
        "predictions = run.predict(pl.read_csv('new.csv'))",
        "scores = run.evaluate(pl.read_csv('other.csv'))",
    ]
    note = f"in the folder of this page; new.csv needs {named}{more}, in any order, and may have other columns"
    return [
        card("On the command line", code("\n".join(commands)), note),
        card("In Python", code("\n".join(python)), "a frame of polars, pandas or pyarrow, or the name of a file"),
    ]
