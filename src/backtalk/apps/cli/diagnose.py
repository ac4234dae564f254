"""``backtalk diagnose``: what is wrong with a network, and what to do."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..visible import put_json, say
from .common import AsJson, ModelOrRun, Target, app, require_other, show_remarks, version
from .crashes import spoken

if TYPE_CHECKING:
    from ...analysis.diagnose import Fixed


@app.command(short_help="What is wrong with a network, and what to do.")
def diagnose(
    model: ModelOrRun,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA", help="As for gradients, and nan may stand in it; for a folder, a table as for evaluate."
        ),
    ],
    target: Target = None,
    page: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the findings there, with pictures.")
    ] = None,
    member: Annotated[int, typer.Option(help="Of several networks, the number of the one to look at.")] = 1,
    with_fix: Annotated[
        bool, typer.Option("--fix", help="Follow the advice, train anew, and compare on rows that are held out.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            help="The new model, or the folder of the new run. [default: MODEL-fixed]",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at MODEL with DATA for what keeps it from learning; exit code 1 if more than notes are found.

    With --fix the exit code is 1 if they are found and no training made it better.
    """
    from ...analysis.diagnose import diagnose as diagnose_network
    from ...analysis.diagnose.fix import too_few_to_fix
    from ...core.files import write_atomically
    from ...data.built_in import load_data
    from ...interop import load, save
    from ..terminal import make_console, show_diagnosis, show_fixed
    from .advice import for_file

    place = place_of_fixed(model, out, with_fix)
    if page is not None:
        require_other("html", page, model, data, "the page", own="diagnosis.html")
    title = f"{model.name} on {Path(data).name}"
    remarks: list[str] = []
    classes: list[str] = []
    lacks = ""
    if model.is_dir():
        from ..tables import diagnose as diagnose_run
        from ..tables import fix as fix_run
        from ..tables.use import refuse_target

        refuse_target(model, target)
        with spoken(data):
            diagnosis, remarks, classes = diagnose_run(model, Path(data), member)
        tell = None if as_json else lambda sentence: say(f"backtalk: {sentence}", on=sys.stderr)

        def fix() -> Fixed:
            with spoken(data):
                return fix_run(model, Path(data), place, diagnosis, member, tell)

    else:
        network, examples = load(model, member), load_data(data, target or [], finite=False)
        diagnosis = diagnose_network(network, examples.X, examples.y, columns=examples.columns)
        diagnosis = replace(diagnosis, findings=tuple(map(for_file, diagnosis.findings)))
        if with_fix and (lacks := too_few_to_fix(network, examples.X, examples.y)):
            lacks = f"{Path(data).name} has {lacks}, so the model cannot be fixed with it."

        def fix() -> Fixed:
            fixed = diagnosis.fix(network, examples.X, examples.y)
            if fixed.is_better:
                save(fixed.network, place)
            return fixed

    if page is not None:
        write_atomically(page, diagnosis.to_html(title, classes=classes).encode())
    fixed = fix() if with_fix and not lacks else None
    written = str(place) if fixed is not None and fixed.is_better else None
    if as_json:
        facts = {"backtalk": version(), "said": remarks, **diagnosis.to_dict()}
        if lacks:
            facts["said"] = [*remarks, lacks]
        if fixed is not None:
            facts["fix"] = {**fixed.to_dict(), "output": written}
        put_json(facts, allow_nan=False)
    else:
        show_remarks(remarks)
        console = make_console()
        measured = diagnosis.measurements
        mean = f"mean over {measured.examples} examples" if measured.examples > 1 else "1 example"
        console.print(f"{title}: loss {measured.loss:.6g}, {mean}\n{diagnosis.network}\n", markup=False)
        show_diagnosis(console, diagnosis)
        if fixed is not None:
            console.print()
            show_fixed(console, fixed)
        if lacks:
            console.print(f"\n{lacks}", markup=False)
        for path in filter(None, [page, written]):
            console.print(f"\nwrote {path}", soft_wrap=True, markup=False)
    if not (diagnosis.healthy or written):
        raise typer.Exit(1)


def place_of_fixed(model: Path, out: Path | None, with_fix: bool) -> Path:
    """Where the new model, or the new run, is written; refuses what exists."""
    from ...errors import InputError

    if not with_fix:
        if out is not None:
            raise InputError(f"is {out}, but nothing is written there without --fix: give both.", argument="out")
        return model
    if model.is_dir():
        named = model if model.name else model.resolve()
        default = named.with_name(f"{named.name}-fixed")
    else:
        default = model.with_name(f"{model.stem}-fixed.safetensors")
    place = default if out is None else out
    if place.exists():
        raise InputError(f"{place} exists, and is not overwritten: give another name with --out.")
    if not place.parent.is_dir():
        raise InputError(f"is {place}, but there is no folder {place.parent}: make it first.", argument="out")
    return place
