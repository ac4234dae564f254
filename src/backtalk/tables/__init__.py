"""From a table in a file to a trained network in a folder, and from there to predictions.

reading.py   CSV and Parquet files to data frames
columns.py   what each column is, and how it becomes inputs of the network
target.py    what the target is: classes or numbers, and how they become targets and come back
folder.py    the files of a run
history.py   what is noted after each epoch
metrics.py   scores
plots.py     curves and matrices as SVG
report.py    report.html
run.py       train, resume, predict, evaluate
"""

from .run import Options, Result, evaluate, predict, resume, train

__all__ = ["Options", "Result", "evaluate", "predict", "resume", "train"]
