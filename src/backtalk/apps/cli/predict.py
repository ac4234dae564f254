"""``backtalk predict``: the rows of a table, as CSV."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..visible import put, put_json, say
from .common import AsJson, app, require_other, show_remarks
from .crashes import spoken
from .table_arguments import RunFolder, Table, option


@app.command(short_help="Predict the rows of a table.")
def predict(
    folder: RunFolder,
    table: Table,
    out: Annotated[Path | None, option("Write there. [default: stdout]", metavar="FILE.csv")] = None,
    csv_safe: Annotated[
        bool,
        typer.Option(
            "--csv-safe", help="For spreadsheets: an apostrophe before text that they would take for a formula."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse a cell that cannot be read, instead of counting it as missing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Predict the target for each row of FILE by the model in FOLDER, as CSV.

    Each row has the class and the probability of each class, or the value and the ends between which it lies.
    """
    from ...core.files import write_atomically
    from ...errors import InputError
    from ..tables import predict as foresee
    from ..tables.spreadsheets import without_formulas

    if csv_safe and as_json and out is None:
        raise InputError("--csv-safe is for CSV, but --json prints none: leave one of them out, or give --out.")
    if out is not None:
        require_other("out", out, folder, str(table), "the predictions", source="table")
    with spoken(table):
        predictions, remarks = foresee(folder, table, strict)
    show_remarks(remarks)
    as_csv = without_formulas(predictions) if csv_safe else predictions
    if out is not None:
        write_atomically(out, as_csv.write_csv().encode())
    if as_json:
        content = {"out": str(out)} if out else {"predictions": predictions.to_dicts()}
        put_json({"rows": predictions.height, "said": remarks, **content})
    elif out is None:
        put(as_csv.write_csv())
    else:
        say(f"wrote {out}: {predictions.height} rows")
