"""From a table in a file to a trained network in a folder, and from there to predictions.

reading/          files to data frames
cells/            cells as numbers, dates, truth values or words
columns.py        what each column is, and its cells as numbers or categories
learning.py       what each column is, learned from its cells
pieces.py         numbers in pieces between quantiles, and whole numbers one by one
slopes.py         how the inputs of a column change with its value
unknown.py        what a table to predict holds that the training does not know
scaling.py        medians, scales and ranks of numbers
row_numbers.py    row numbers and identifiers among the columns
preprocessing.py  the columns as inputs of the network, and to and from JSON
task.py           whether the numbers of a target are classes
labels.py         one label for what is one class, however it is written
target.py         what the target is: classes or numbers, as targets and back
rows.py           how many rows, in words
target_rows.py    the rows that have a target
importance/       which columns matter, to a run and to one prediction
learned.py        columns and target, from the file of a run
options.py        how a table is learned: what a user asks for
asked.py          columns read as what was asked for
roles.py          which columns are inputs, and what the others are for
division.py       which rows train, validate and test
split.py          rows drawn at random
folds.py          how many networks a run has, and which rows each of them does not see
weights.py        the weights of rows
held_out.py       rows for validation and test that have a table of their own
shares.py         what each process of a cluster reads of a table
memory.py         how much memory a table may take, and how much it would
parts.py          a table larger than memory, read in parts: to learn it, and to encode it
sampling.py       a column, learned in bounded memory
cache.py          files that live as long as a run is made
heads.py          the output function and the loss, and whether the target goes together with them
prepared.py       a table, understood, and what each training sees of it
prepare.py        from a table to rows for training and test, and to the network before training
folder.py         the files of a run, and how an earlier run stays until the new one is whole
lock.py           one process at a time writes a run
facts.py          what the JSON files of a run say
column_gradients.py  derivatives of the loss by the columns, in their units
model.py          what predicts: the members, the columns and the target
recipe.py         which networks a run trains unless a user asks for one
blend.py          how much each kind of network counts in the mean
members.py        the networks are trained, at once if there are several
history.py        what is recorded after each epoch
judging/          scores, intervals, calibration, thresholds and curves of plain arrays
metric_names.py   the metrics by their names: which fit, and which decides in training
decisions.py      what a run makes of the output: temperature, threshold, intervals
metrics.py        scores
baseline/         a linear model and boosted trees on the same rows
verdict/          what a run is worth, in a few sentences
failures.py       the rows that it gets most wrong
report/           report.html
results.py        what is written when a run was trained
run.py            train, resume
in_memory.py      a table is learned without a folder
time_limit.py     a training that ends in time
private.py        what a private run says of itself
opened.py         a run that is opened once
use.py            predict, evaluate
again.py          a run is trained again, with recordings of its trainings
influence.py      which training rows taught a run what; influence_page.py: as a page
loaded.py         load_run: a finished run in Python
onnx/             a run as an ONNX file
spreadsheets.py   predictions that no spreadsheet takes for formulas
column_findings.py  what the doctor finds about whole columns
advice.py         what to do about a finding of the doctor, in the options of a run
diagnosis.py      diagnose, and the files of a diagnosis
fixing.py         fix: other options, and a new run
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .diagnosis import diagnose
    from .fixing import fix
    from .options import Options
    from .prepared import Prepared
    from .run import Result, resume, train
    from .use import evaluate, explain, predict

__all__ = ["Options", "Prepared", "Result", "diagnose", "evaluate", "explain", "fix", "predict", "resume", "train"]

WHERE = {  # imported when asked for: a prediction needs little of it, and is not to wait for the rest
    "diagnose": "diagnosis",
    "fix": "fixing",
    "Options": "options",
    "Prepared": "prepared",
    **dict.fromkeys(("Result", "resume", "train"), "run"),
    **dict.fromkeys(("evaluate", "explain", "predict"), "use"),
}


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in WHERE:
        return getattr(import_module(f".{WHERE[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
