"""Tables that are larger than the memory they may take: read in parts, learned column by column, encoded once."""

from __future__ import annotations

import errno
import json
import shutil
import sys
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import backtalk.apps.tables
from backtalk import TrainingInterrupted
from backtalk.apps.tables import cache, evaluate, memory, parts, predict, resume, train
from backtalk.apps.tables.cache import Cache
from backtalk.apps.tables.folder import METRICS, MODEL, PREPROCESSING, REPORT
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.memory import bound_for, bytes_of
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.reading import spilled
from backtalk.apps.tables.reading.delimited import read_delimited
from backtalk.apps.tables.reading.origins import Origin
from backtalk.apps.tables.reading.spilled import spill_delimited
from backtalk.apps.tables.sampling import Drawn
from backtalk.data.streams.rows import InFileRows
from backtalk.errors import FileFormatError, InputError
from groups import call
from one_network import Options
from test_cluster_tables import orders

ROWS = 3000


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The same table as CSV and as Parquet."""
    folder, frame = tmp_path_factory.mktemp("orders"), orders(ROWS)
    frame.write_csv(folder / "t.csv")
    frame.write_parquet(folder / "t.parquet", row_group_size=500)
    return {"csv": folder / "t.csv", "parquet": folder / "t.parquet"}


@pytest.fixture
def small(monkeypatch):
    """Bounds of a few kilobytes count, as if the libraries took none."""
    monkeypatch.setattr(memory, "LEAST", 1)
    for module in (memory, parts):
        monkeypatch.setattr(module, "LIBRARIES", 0)
    monkeypatch.setattr(parts, "ROW", 1)
    monkeypatch.setattr(parts, "LEARNED", 20)


ALL_IN_MEMORY, IN_FILES = "5100K", "300K"


def asked(size, **others):
    return Options("paid", epochs=4, patience=2, memory=size, **others)


def every_option(size, **others):
    return backtalk.apps.tables.Options("paid", epochs=4, memory=size, **others)


# How much memory


@pytest.mark.parametrize(
    ("text", "size"),
    [("2G", 2**31), ("1.5 GB", 1.5 * 2**30), ("800M", 800 * 2**20), ("800MiB", 800 * 2**20), (str(2**30), 2**30)],
)
def test_a_size_is_read_as_people_write_it(text, size):
    assert bytes_of(text) == size


@pytest.mark.parametrize("text", ["", "much", "-2G", "2X", "G", "1e9", "100M", "0"])
def test_what_is_no_size_or_too_small_is_refused(text):
    with pytest.raises(InputError, match="expected"):
        bytes_of(text)


def test_a_table_that_fits_is_read_as_a_whole(tables, monkeypatch):
    origin = Origin.of(tables["csv"])
    assert bound_for(origin, "2G") is None
    assert bound_for(origin, None) is None
    monkeypatch.setattr(memory, "free_bytes", lambda: 2**20)
    assert bound_for(origin, None) is None  # a small table always does
    monkeypatch.setattr(memory, "LEAST", 1)
    assert bound_for(origin, None) == 2**19
    assert bound_for(Origin.of(orders(20)), None) is None  # it is in memory already
    packed = tables["csv"].with_name("t.csv.gz")
    packed.write_bytes(tables["csv"].read_bytes())
    assert bound_for(Origin.of(packed), None) is None  # it can be read in no other way


# Delimited text in parts


LINES = 'a,b\n1,"x\ny"\n2,"q""\n"\n\n3,"5\r\n6"\n4,é\n5,""\n6,z\n7,"u, v"\n'


@pytest.mark.parametrize("size", [3, 20, 64])
@pytest.mark.parametrize("text", [LINES, LINES.replace("\n", "\r\n"), LINES.replace('"', ""), LINES + "8,end"])
def test_text_that_is_read_in_parts_has_the_cells_of_the_whole(text, size, tmp_path):
    path, folder = tmp_path / "t.csv", tmp_path / "parts"
    if '"' not in text:
        text = "a,b\n" + "\n".join(f"{k},{k * k}" for k in range(50))
    path.write_bytes(text.encode())
    folder.mkdir()
    assert spill_delimited(path, folder, size).columns().equals(read_delimited(text.encode(), "t.csv").frame)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n" + "1,2\n" * 20 + "3\n" + "1,2\n" * 20, "has 1 cell in line 22, expected 2"),
        ("a,b\n" + "1,2\n" * 20 + "3,é\n", None),
    ],
)
def test_what_is_wrong_in_a_part_is_said_with_its_line(text, words, tmp_path):
    path, folder = tmp_path / "t.csv", tmp_path / "parts"
    path.write_text(text)
    folder.mkdir()
    if words is None:
        assert spill_delimited(path, folder, 8).height == 21
        return
    with pytest.raises(FileFormatError, match=words):
        spill_delimited(path, folder, 8)


def test_parts_in_two_encodings_are_refused(tmp_path, monkeypatch):
    path, folder = tmp_path / "t.csv", tmp_path / "parts"
    path.write_bytes(b"a,b\n" + b"1,2\n" * 20 + "3,é\n".encode() + b"1,2\n" * 20 + "4,é\n".encode("cp1252"))
    folder.mkdir()
    monkeypatch.setattr(spilled, "BEGINNING", 100)
    with pytest.raises(FileFormatError, match="is partly in UTF-8 and partly in another encoding"):
        spill_delimited(path, folder, 8)


def test_text_in_utf_16_is_not_read_in_parts(tmp_path):
    (tmp_path / "t.csv").write_bytes("a,b\n1,2\n".encode("utf-16"))
    with pytest.raises(InputError, match="save it as UTF-8, or give more --memory"):
        spill_delimited(tmp_path / "t.csv", tmp_path, 8)


# Columns


class Source:
    """A table of one column."""

    def __init__(self, cells):
        self.frame = pl.DataFrame({"a": cells})

    def rows(self, first, last, names):
        return self.frame.slice(first, last - first).select(names)


def learned(cells, most, training=None, at_once=100, present=None):
    """A column, learned from some rows of those that are present, and from all of them."""
    cells = pl.Series("a", cells)
    present = np.ones(len(cells), bool) if present is None else present
    rows = np.flatnonzero(present)
    training = np.arange(len(rows)) if training is None else training
    drawn = Drawn.of(present, training, most, at_once, seed=0)

    def of_rows(cells, training, rows):
        return learn(cells, training, rows=rows)

    return drawn.learn(Source(cells), "a", of_rows), of_rows(cells.gather(rows), training, rows)


RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=2000).round(3)
WORDS = RNG.choice(["x", "y", "z"], 2000).tolist()


def with_cell(cells, cell, place=1234):
    cells = list(map(str, cells))
    cells[place] = cell
    return cells


COLUMNS = {
    "numbers": NORMAL,
    "numbers as text": list(map(str, NORMAL)),
    "words": WORDS,
    "yes/no": RNG.choice(["yes", "no"], 2000).tolist(),
    "days": [f"2024-01-{k % 28 + 1:02}" for k in range(2000)],
    "names": [f"name {k}" for k in range(2000)],
    "gaps": [None if k % 3 == 0 else float(k) for k in range(2000)],
    "nothing": [None] * 2000,
    "one value": ["x"] * 2000,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_that_fits_is_learned_from_all_its_cells(name):
    found, whole = learned(COLUMNS[name], most=2000, training=np.arange(0, 2000, 2))
    assert found == whole


ODD = {
    "a text among numbers": with_cell(NORMAL, "much"),
    "an infinite number": with_cell(NORMAL, "inf"),
    "a number far out": with_cell(NORMAL, "1e9"),
    "an empty cell among numbers": [None if k == 1234 else x for k, x in enumerate(NORMAL.tolist())],
    "a third word beside yes and no": with_cell(COLUMNS["yes/no"], "later"),
    "no date among dates": with_cell(COLUMNS["days"], "soon"),
    "a rare word": with_cell(WORDS, "once"),
    "an empty cell among words": [None if k == 1234 else word for k, word in enumerate(WORDS)],
    "another value than the one": with_cell(COLUMNS["one value"], "z"),
    "an empty cell beside one value": with_cell(COLUMNS["one value"], None),
    "one value that is there": with_cell([""] * 2000, "z"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_cell_that_was_not_drawn_and_does_not_fit_is_learned_as_well(name):
    """No silent wrong answer: what one cell among thousands changes, it changes as if all were learned from."""
    found, whole = learned(ODD[name], most=300)
    assert (found.kind, found.form, found.tolerant, found.has_missing) == (
        whole.kind,
        whole.form,
        whole.tolerant,
        whole.has_missing,
    )
    assert found.categories == whole.categories
    assert bool(found.quantiles) == bool(whole.quantiles)


def test_the_numbers_of_a_sample_are_near_those_of_all():
    found, whole = learned(NORMAL, most=1000)
    assert found.mean != whole.mean
    assert found.mean == pytest.approx(whole.mean, abs=0.1)
    assert found.scale == pytest.approx(whole.scale, rel=0.1)


@pytest.mark.parametrize("most", [300, 2000])
@pytest.mark.parametrize("first", [0, 1, 5])
def test_row_numbers_are_known_if_some_rows_are_drawn_or_have_no_target(first, most):
    present = np.arange(2000) % 7 != 3
    found, whole = learned(np.arange(first, first + 2000), most, present=present)
    assert found.kind == whole.kind
    assert found.used == (first == 5)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("size", [ALL_IN_MEMORY, IN_FILES])
def test_the_index_of_pandas_is_known_in_parts(size, tables, tmp_path, monkeypatch):
    monkeypatch.setattr(parts.ParquetTable, "index_columns", frozenset({"distance"}))
    distinct = pl.read_parquet(tables["parquet"]).with_columns(distance=pl.Series(RNG.permutation(ROWS) * 1000))
    distinct.write_parquet(tmp_path / "t.parquet", row_group_size=500)
    with Cache(tmp_path / "run") as place:
        columns = prepare(tmp_path / "t.parquet", asked(size), cache=place).preprocessing.columns
    remarks = {column.name: column.remark for column in columns}
    assert remarks["distance"].startswith("row numbers: pandas' index")


# Whole runs


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.usefixtures("small")
def test_a_table_that_fits_when_it_is_encoded_gives_the_bits_of_one_read_as_a_whole(kind, tables, tmp_path):
    noted = []
    one = train(tables[kind], tmp_path / "whole", asked(None))
    other = train(tables[kind], tmp_path / "parts", asked(ALL_IN_MEMORY), note=noted.append)
    assert bool(noted) == (kind == "csv")
    assert other.said == one.said
    assert (other.metrics["scores"], other.metrics["trainings"]) == (one.metrics["scores"], one.metrics["trainings"])
    columns = [json.loads((tmp_path / name / PREPROCESSING).read_text())["columns"] for name in ("whole", "parts")]
    assert columns[0] == columns[1]


@pytest.fixture
def in_files(tables, tmp_path, small):  # noqa: ARG001
    """A run whose encoded rows lie in a file while it is made."""
    noted = []
    result = train(tables["csv"], tmp_path / "run", asked(IN_FILES, class_weight="balanced"), note=noted.append)
    return tmp_path / "run", result, noted


def test_a_table_larger_than_memory_is_trained_on(in_files, tables, tmp_path):
    folder, result, noted = in_files
    assert [str(tmp_path) in sentence for sentence in noted] == [True, True]
    assert any("do not fit into 300K of memory" in sentence for sentence in result.said)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run"]
    assert (folder / REPORT).exists()
    whole = train(tables["csv"], tmp_path / "whole", asked(None, class_weight="balanced"))
    for part, found in whole.metrics["scores"].items():
        assert result.metrics["scores"][part]["rows"] == found["rows"]
        assert result.metrics["scores"][part]["accuracy"] == pytest.approx(found["accuracy"], abs=0.05)


@pytest.mark.usefixtures("small")
def test_a_table_larger_than_memory_is_for_one_network(tables, tmp_path):
    with Cache(tmp_path / "run") as place:
        ready = prepare(tables["csv"], every_option(IN_FILES), cache=place)
        assert (ready.plan.members, ready.plan.folds, list(ready.parts)) == (1, 0, ["training", "validation", "test"])
        one = "one network, without folds, since the table is larger than the memory that it may take."
        assert one in ready.said
    with Cache(tmp_path / "run") as place, pytest.raises(InputError, match="members is 3, but the table is larger"):
        prepare(tables["csv"], every_option(IN_FILES, members=3), cache=place)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.usefixtures("small")
def test_a_table_larger_than_memory_is_predicted_and_evaluated_in_parts(kind, tables, tmp_path, monkeypatch):
    train(tables["csv"], tmp_path / "run", Options("paid", epochs=2))
    whole, said = predict(tmp_path / "run", tables[kind])
    scored = evaluate(tmp_path / "run", tables[kind])
    monkeypatch.setattr(memory, "free_bytes", lambda: 2 * 300 * 2**10)
    monkeypatch.setattr(parts, "ENCODED", 100)
    predicted, others = predict(tmp_path / "run", tables[kind])
    assert (predicted.to_dict(as_series=False), others) == (whole.to_dict(as_series=False), said)
    assert evaluate(tmp_path / "run", tables[kind]) == scored
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.usefixtures("small")
def test_the_rows_of_each_part_are_those_of_a_table_read_as_a_whole(tables, tmp_path):
    whole = prepare(tables["csv"], asked(None))
    with Cache(tmp_path / "run") as place:
        ready = prepare(tables["csv"], asked(IN_FILES), cache=place)
        kinds = {part: type(X) for part, (X, _) in ready.parts.items()}
        assert kinds["training"] is InFileRows
        for part, (_, y) in whole.parts.items():
            np.testing.assert_array_equal(ready.parts[part][1], y)
    with Cache(tmp_path / "run") as place:
        ready = prepare(tables["csv"], replace(asked(ALL_IN_MEMORY)), cache=place)
        for part, (X, _) in whole.parts.items():
            np.testing.assert_array_equal(ready.parts[part][0], X)


def test_a_run_larger_than_memory_that_is_stopped_goes_on_to_the_bit(in_files, tables, tmp_path):
    folder, whole, _ = in_files

    def stop(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(tables["csv"], tmp_path / "stopped" / "run", asked(IN_FILES, class_weight="balanced"), progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run", "stopped"]
    assert resume(tmp_path / "stopped" / "run").metrics == whole.metrics
    for name in (MODEL, METRICS, REPORT, PREPROCESSING):
        assert (tmp_path / "stopped" / "run" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.usefixtures("small")
def test_the_cache_goes_after_an_error_too(tables, tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(cache.InputsInFile, "put", fails)
    with pytest.raises(InputError, match="set TMPDIR to a folder with more room"):
        train(tables["csv"], tmp_path / "run", asked(IN_FILES))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("small")
def test_a_disk_with_too_little_room_is_told_before_anything_is_written(tables, tmp_path, monkeypatch):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(1000))
    with pytest.raises(InputError, match="has 1K free, but reading "):
        train(tables["csv"], tmp_path / "run", asked(IN_FILES))
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_and_what_another_uses_stays(tmp_path):
    left = tmp_path / ".run.cache-abcdefgh"
    left.mkdir()
    (left / ".lock").touch()
    (left / "training.float32").touch()
    with Cache(tmp_path / "run") as one:
        place = one.folder
        assert not left.exists()
        if sys.platform == "linux":
            with Cache(tmp_path / "run") as other:
                assert other.folder != place
                assert place.exists()


def test_the_cache_lies_in_tmpdir_if_that_is_set(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "elsewhere"))
    with Cache(tmp_path / "run") as place:
        assert place.folder.parent == tmp_path / "elsewhere"


# What is refused


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({"diagnose": True}, "diagnose is asked for, but the encoded rows do not fit into 300K of memory"),
        ({"optimizer": "lbfgs"}, "optimizer is 'lbfgs', which takes all rows in each step"),
        ({"optimizer": "gd(learning_rate=0.1)"}, "which takes all rows in each step"),
    ],
)
@pytest.mark.usefixtures("small")
def test_what_needs_all_encoded_rows_is_refused(others, words, tables, tmp_path):
    with pytest.raises(InputError, match=words):
        train(tables["csv"], tmp_path / "run", asked(IN_FILES, **others))
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_takes_no_bound(tables):
    options = asked("2G", engine="compiled")
    for error in call(2, lambda group: prepare(tables["csv"], options, group)):
        assert "memory is '2G', but 2 processes train together" in str(error)


@pytest.mark.usefixtures("small")
def test_a_kind_that_cannot_be_read_in_parts_is_refused(tables, tmp_path):
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(tables["csv"].read_bytes())
    with pytest.raises(InputError, match="its kind cannot be read in parts: give more --memory, or save it as CSV"):
        train(packed, tmp_path / "run", asked(IN_FILES))


@pytest.mark.usefixtures("small")
def test_more_rows_than_can_be_held_are_refused(tables, tmp_path, monkeypatch):
    monkeypatch.setattr(parts, "ROW", 1000)
    with pytest.raises(InputError, match="has 3000 rows, of each of which some 1000 bytes are held"):
        train(tables["parquet"], tmp_path / "run", asked(IN_FILES))


@pytest.mark.usefixtures("small")
def test_row_groups_that_do_not_fit_are_refused(tmp_path):
    orders(ROWS).write_parquet(tmp_path / "t.parquet", row_group_size=ROWS)
    with pytest.raises(InputError, match="has row groups of 3000 rows, which do not fit into 300K of memory: write it"):
        train(tmp_path / "t.parquet", tmp_path / "run", asked(IN_FILES))


# Memory


def status(name):
    return next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith(name)
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of memory is told by Linux")
def test_the_peak_of_memory_stays_within_the_bound(tmp_path, monkeypatch):
    """Some 10 MB of text, which would take 57 MB as a whole, in 32 MB."""
    rng, rows = np.random.default_rng(0), 100_000
    frame = pl.DataFrame({f"x{j}": rng.normal(size=rows).round(6) for j in range(10)})
    frame.with_columns(paid=pl.Series(np.where(frame["x0"] > 0, "yes", "no"))).write_csv(tmp_path / "t.csv")
    room = 32 * 2**20
    monkeypatch.setattr(memory, "LEAST", 1)
    monkeypatch.setattr(spilled, "BEGINNING", 2**18)
    with Cache(tmp_path / "run") as place:
        prepare(tmp_path / "t.csv", Options("paid", memory="2G"), cache=place)  # what is imported and kept
        bound = memory.LIBRARIES + room
        Path("/proc/self/clear_refs").write_text("5")
        before = status("VmRSS")
        prepare(tmp_path / "t.csv", Options("paid", memory=str(bound)), cache=place)
        assert status("VmHWM") - before < room
