"""What was made of the columns."""

from __future__ import annotations

from typing import Any

from ....errors import cut
from ....pages.page import bullets, card, number_text, table
from ..columns import NUMBER, Column
from .facts import Facts

MOST_COLUMNS = 60  # that are shown without asking
MOST_WORDS, LONGEST = 12, 60  # of a category; letters of a name


def found_in(column: Column) -> dict[str, Any]:
    """What the report says of a column: how it was read, and what was learned of it."""
    words = column.categories[:MOST_WORDS]
    learned = ", ".join(cut(word, LONGEST) for word in words) + ", …" * (len(column.categories) > MOST_WORDS)
    if column.kind == NUMBER and not column.quantiles:
        learned = f"mean {number_text(column.mean[0])}, standard deviation {number_text(column.scale[0])}"
    pieces = f"in {len(column.edges) - 1} pieces" if column.edges else ""
    levels = f"an input for each of its {len(column.levels)} values" if column.levels else ""
    remark = "; ".join(filter(None, [learned, pieces, levels, column.remark]))
    return {"name": column.name, "kind": column.kind, "examples": column.examples, "remark": remark}


def cards(facts: Facts) -> list[str]:
    """The table of them, and what there is to say about the table."""
    rows = [
        [cut(each["name"], LONGEST), each["kind"], ", ".join(each["examples"]), each["remark"]]
        for each in facts.columns
    ]
    listed = table(["column", "what it is", "for example", "what was found"], rows)
    if len(rows) > MOST_COLUMNS:
        listed = f"<details><summary>all {len(rows)} columns</summary>{listed}</details>"
    notes = [card("Notes", bullets(facts.said), wide=True)] if facts.said else []
    return [card("Columns", listed, wide=True), *notes]
