"""``backtalk evaluate``: the scores of a model on a table."""

from __future__ import annotations

from ..visible import put_json
from .common import AsJson, app, show_remarks
from .crashes import spoken
from .table_arguments import RunFolder, Table

TRAINED_ON = "new rows will have worse scores, such as those of rows that were not trained on, in"


@app.command(short_help="Scores of a model on a table.")
def evaluate(folder: RunFolder, table: Table, as_json: AsJson = False) -> None:
    """Compare what the model in FOLDER predicts for FILE with the target that stands there."""
    from ..tables import evaluate as judge
    from ..tables.facts import read_run
    from ..tables.folder import METRICS, RUN, Folder
    from ..tables.reading.origins import Origin
    from ..terminal import make_console
    from .table_views import show_confusion, show_scores, show_verdict

    with spoken(table):
        origin, place = Origin.of(table), Folder(folder)
        scores, remarks = judge(folder, origin)
        if (place / RUN).exists() and origin.digest() == read_run(place).sha256:
            remarks.append(f"{origin} is the table of the training: {TRAINED_ON} {place / METRICS}.")
    if as_json:
        put_json({**scores, "said": remarks})
        return
    show_remarks(remarks)
    console = make_console()
    show_verdict(console, scores["verdict"])
    console.print()
    show_scores(console, {table.name: scores}, scores.get("metric"))
    show_confusion(console, scores)
