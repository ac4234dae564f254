"""``backtalk influence``: which training rows taught a run what it says, and which it could not learn from others."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..visible import put_json, say
from .common import AsJson, app, require_other, show_remarks, version
from .crashes import spoken

if TYPE_CHECKING:
    from ..tables.again import Again
    from ..tables.influence import RowInfluences, SelfInfluences

FORMS = ".csv", ".html"


@app.command(short_help="Which training rows taught a run what it says.")
def influence(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="What 'backtalk train' wrote.")],
    table: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="The rows to ask about, as for predict. [default: the training rows]"),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help="tracin, ekfac, fisher, unrolled, … [default: ekfac, and tracin without FILE]", show_default=False
        ),
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="How many training rows of each kind.")] = 5,
    agreement: Annotated[
        int, typer.Option(min=0, help="How often the run is trained again without half of its rows, as a check.")
    ] = 8,
    training: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the training table is now, if it was moved.", show_default=False),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of it there: .csv, or .html for a page.", show_default=False),
    ] = None,
    full_matrix: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.npz", help="Write the influence of every training row on every row.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say which training rows lowered the loss of each row of FILE most, and which raised it.

    The run is trained again from its table, to the bit, so nothing need have been recorded. Without FILE: which
    training rows the others do not explain, such as rows with a wrong target, the most suspicious first.
    """
    from ...analysis.influence.methods import METHODS
    from ...analysis.influence.training_examples import LEAST_RETRAINED
    from ...errors import InputError, unknown_name
    from ..tables.influence import SelfInfluences, influences_on, rows_to_ask, self_influences
    from ..tables.opened import open_run
    from ..terminal import make_console
    from .influence_views import show_influences, show_suspects

    if out is not None and out.suffix.lower() not in FORMS:
        raise InputError(
            f"is {out}, whose name does not say what to write: expected FILE.csv or FILE.html.", argument="out"
        )
    if method is not None and method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if 0 < agreement < LEAST_RETRAINED:
        raise InputError(
            f"is {agreement}, expected {LEAST_RETRAINED} trainings or more, or 0 for none.", argument="agreement"
        )
    data = "" if table is None else str(table)
    for argument, place in (("out", out), ("full-matrix", full_matrix)):
        if place is not None:
            for source in filter(None, (data, str(training or ""))):
                require_other(argument, place, folder, source, "the influences", source="table")
    if full_matrix is not None and table is None:
        raise InputError("full-matrix is given without FILE: give the rows to ask about, such as the training table.")
    with spoken(table or training or "the table"):
        asked = None if table is None else rows_to_ask(open_run(folder), table)  # before anything takes its time
        again = _trained_again(folder, training, as_json)
        with make_console(stderr=True, quiet=as_json).status("asking the training rows", speed=0.5):
            if asked is None:
                found = self_influences(again, method or "tracin")
            else:
                found = influences_on(again, asked, method or "ekfac", top, agreement, full_matrix is not None)
    if out is not None:
        _write(found, out, folder, table)
    if full_matrix is not None and not isinstance(found, SelfInfluences):
        _write_matrix(found, full_matrix)
    written = [str(place) for place in (out, full_matrix) if place is not None]
    if as_json:
        put_json({"backtalk": version(), **_as_dict(found), "written": written}, allow_nan=False)
        return
    console = make_console()
    if isinstance(found, SelfInfluences):
        show_suspects(console, found, top, folder)
    else:
        show_remarks(found.said)
        show_influences(console, found, data)
    for place in written:
        say(f"wrote {place}")


def _trained_again(folder: Path, training: Path | None, silent: bool) -> Again:
    from ..tables.again import train_again
    from ..terminal import make_console
    from .progress import TrainingProgress

    bar = TrainingProgress(make_console(patient=True, stderr=True), disabled=silent)
    try:
        return train_again(folder, training, progress=bar.show)
    finally:
        bar.close()


def _write(found: RowInfluences | SelfInfluences, out: Path, folder: Path, table: Path | None) -> None:
    from ...core.files import write_atomically
    from ..tables.influence_page import influence_page

    if out.suffix.lower() == ".csv":
        content = found.to_frame().write_csv()
    else:
        content = influence_page(found, folder.resolve().name, None if table is None else table.name)
    write_atomically(out, content.encode())


def _write_matrix(found: RowInfluences, place: Path) -> None:
    import numpy as np

    from ...core.files import write_atomically

    content, matrix = io.BytesIO(), found.found.matrix
    assert matrix is not None  # it was asked for
    training = found.training.numbers
    np.savez_compressed(content, influence=matrix, rows=found.rows, training_rows=training)
    write_atomically(place, content.getvalue())


def _as_dict(found: RowInfluences | SelfInfluences) -> dict[str, Any]:
    from ..tables.influence import SelfInfluences

    rows = found.to_frame().to_dicts()
    if isinstance(found, SelfInfluences):
        return {"target": found.target, "rows": rows}
    agreed = found.found.agreement
    numbers = None if agreed is None else {
        "networks": agreed.networks, "left_out": agreed.left_out, "correlation": agreed.correlation,
        "factor": agreed.factor,
    }  # fmt: skip
    return {
        "target": found.target, "method": found.found.method, "agreement": numbers, "said": found.said, "rows": rows,
    }  # fmt: skip
