"""How many rows, in words."""


def rows_text(count: int) -> str:
    """'1 row', or how many."""
    return "1 row" if count == 1 else f"{count:,} rows"
