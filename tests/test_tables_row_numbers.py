"""Row numbers and identifiers are left out, and measurements that look like them are not."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables.columns import LEFT_OUT
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.prepare import prepare
from one_network import Options


def remark_on(name, cells, **more):
    column = learn(pl.Series(name, cells), np.arange(len(cells)), **more)
    return column.remark if column.kind == LEFT_OUT else ""


UP = list(range(200))
SHUFFLED = np.random.default_rng(0).permutation(200).tolist()
FILTERED = np.random.default_rng(0).permutation(1500)[:200].tolist()
REPEATED = [*range(120), *range(80)]


@pytest.mark.parametrize("name", ["a", "t", "Unnamed: 0", "rownames", "X"])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("as_kind", [int, float, str, lambda number: f"{number}.0"])
def test_numbers_in_row_order_are_row_numbers_whatever_the_name(name, first, as_kind):
    assert remark_on(name, [as_kind(number + first) for number in UP])
    assert remark_on(name, [as_kind(number + first) for number in UP[::-1]])


@pytest.mark.parametrize(
    "name",
    [
        "Unnamed: 0", "Unnamed: 0.1", "Unnamed: 0_level_0", "__index_level_0__", "level_0", "rownames", "RowNumber",
        "row_names", "Row.names", "No.", "No", "S.No.", "S.No", "Sl. No", "SNo", "#", "№", "...1", "column 1", "idx",
        "index", "ID", "customerID", "CaseNo", "record_id", "Nr.", "lfd. Nr.", "row", "X", "X1", "V1", "obs", "Obs.",
        "seq", "instant", "case", "subject", "sample", "Sample Number", "n",
    ],
)  # fmt: skip
@pytest.mark.parametrize("cells", [SHUFFLED, FILTERED, [str(number) for number in FILTERED]])
def test_by_their_names_they_are_left_out_in_any_order(name, cells):
    assert remark_on(name, cells)


def test_the_way_back_is_an_option_that_a_shell_takes():
    assert remark_on("Unnamed: 0", UP).endswith("if it measures something, --types 'Unnamed: 0=number'")
    assert remark_on("t", UP).endswith("--types t=number")


def test_an_identifier_is_said_to_be_one_without_advice_on_its_numbers():
    assert remark_on("ID", SHUFFLED) == "a number of its own in every row: an identifier"


@pytest.mark.parametrize("name", ["Unnamed: 0", "__index_level_0__", "level_0", "...1", "column 1"])
def test_what_a_program_numbered_is_left_out_also_if_tables_were_put_together(name):
    assert remark_on(name, REPEATED)
    assert not remark_on("a", REPEATED)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("a", SHUFFLED),
        ("weight", FILTERED),
        ("year", list(range(1960, 2020))),
        ("X", [number * 1000 for number in SHUFFLED]),
        ("x1", [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]),
        ("x", list(range(9))),
        ("X", [number + 0.5 for number in UP]),
        ("obs", [1, 2, 3, 4, 5] * 20),
        ("level_1", [1, 2, 3, 4, 5] * 20),
        ("number", [3, 1, 2]),
        ("column 1", [20, 30, 30, 25] * 10),
        ("notes", SHUFFLED),
        ("grid", SHUFFLED),
    ],
)
def test_measurements_stay(name, cells):
    assert not remark_on(name, cells)


def test_the_remark_says_how_to_bring_them_back():
    assert remark_on("t", UP) == "row numbers, 0 to 199; if it measures something, --types t=number"


def test_rows_without_a_target_do_not_hide_row_numbers():
    rng = np.random.default_rng(0)
    y = [None if rng.random() < 0.2 else "ab"[k > 100] for k in range(200)]
    ready = prepare(pl.DataFrame({"k": range(1, 201), "a": rng.normal(size=200), "y": y}), Options("y"))
    assert [column.name for column in ready.preprocessing.columns if not column.used] == ["k"]


def test_the_index_of_pandas_is_told_by_what_it_writes_beside_the_schema(tmp_path):
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    frame = pl.DataFrame({"size": FILTERED, "a": np.random.default_rng(0).normal(size=200), "y": ["a", "b"] * 100})
    for name, left_out in (("size", ["size"]), (None, [])):
        facts = json.dumps(
            {"index_columns": [name] if name else [{"kind": "range", "start": 0, "stop": 200, "step": 1}]}
        )
        table = pyarrow.table(frame.to_dict(as_series=False)).replace_schema_metadata({"pandas": facts})
        parquet.write_table(table, tmp_path / "t.parquet")
        ready = prepare(tmp_path / "t.parquet", Options("y"))
        assert [column.name for column in ready.preprocessing.columns if not column.used] == left_out
