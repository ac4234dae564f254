"""Where a table comes from: names of files as text, standard input, data frames of any library."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest

from backtalk import TrainingInterrupted
from backtalk.apps.tables import diagnose, evaluate, predict, resume, train
from backtalk.apps.tables.folder import METRICS, RUN
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.reading.kinds import stem_of
from backtalk.apps.tables.reading.origins import Origin
from backtalk.apps.tables.reading.tables import read_table
from backtalk.errors import FileFormatError, InputError, InputTypeError
from one_network import Options

SMALL = Options("kind", epochs=2, hidden=(3,))


def trees(count=40):
    return pl.DataFrame(
        {
            "height": np.linspace(1, 9, count),
            "colour": ["red", "green"] * (count // 2),
            "kind": ["oak", "elm", "elm", "oak"] * (count // 4),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("origins")
    trees().write_csv(folder / "trees.csv")
    return folder


def test_names_as_text_do_what_paths_do(place):
    table, run = str(place / "trees.csv"), str(place / "as-text")
    result = train(table, run, SMALL)
    assert result.folder == Path(run)
    assert predict(run, table)[0].height == 40
    assert evaluate(run, table)[0]["rows"] == 40
    assert diagnose(run, table)[2] == ["elm", "oak"]
    assert resume(run).metrics == resume(run, table).metrics == result.metrics


def test_blanks_around_the_name_of_the_target_do_not_count(place):
    table = place / "blanks.csv"
    table.write_bytes(trees().rename({"kind": " kind "}).write_csv().encode())
    for named in ("kind", " kind "):
        assert prepare(table, replace(SMALL, target=named)).target.name == "kind"
    frame = trees().rename({"kind": "kind "})
    assert prepare(frame, replace(SMALL, target=" kind")).target.name == "kind "


def test_a_frame_is_learned_as_the_file_is_and_resumed_with_the_same_frame_only(place):
    of_file = train(place / "trees.csv", place / "of-file", SMALL)
    of_frame = train(trees(), place / "of-frame", SMALL)
    assert of_frame.metrics["scores"] == of_file.metrics["scores"]
    facts = json.loads((place / "of-frame" / RUN).read_text())
    assert facts["table"] is None
    assert "<h1>table: kind</h1>" in (place / "of-frame" / "report.html").read_text()
    assert predict(place / "of-frame", trees())[0].equals(predict(place / "of-file", place / "trees.csv")[0])
    with pytest.raises(InputError, match="was standard input or a data frame, of which nothing is kept: give it again"):
        resume(place / "of-frame")
    with pytest.raises(InputError, match="table is not what it was"):
        resume(place / "of-frame", trees().head(36))
    assert resume(place / "of-frame", trees()).metrics == of_frame.metrics


def test_a_run_on_a_frame_that_is_cut_short_goes_on_to_the_same_end(place):
    options = Options("kind", epochs=6, hidden=(3,), patience=0)
    whole = train(trees(), place / "whole", options)

    def stop(progress):
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        train(trees(), place / "cut", options, progress=stop)
    resume(place / "cut", trees())
    assert (place / "cut" / METRICS).read_bytes() == (place / "whole" / METRICS).read_bytes()
    assert whole.metrics["trainings"][0]["epochs"] == 6


def test_frames_of_pandas_and_pyarrow_and_lazy_frames_are_read_alike():
    pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    frame = trees().with_columns(pl.col("colour").cast(pl.Categorical))
    for table in (frame, frame.lazy(), frame.to_pandas(), frame.to_arrow()):
        assert read_table(table).frame.equals(trees())


def test_an_index_that_is_not_read_and_cells_of_several_kinds_are_told():
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"a": [1, "x", None], 5: [1.5, np.nan, 2]}, index=pandas.Index([7, 8, 9], name="key"))
    read = read_table(table)
    assert read.frame.to_dict(as_series=False) == {"a": ["1", "x", None], "5": [1.5, None, 2.0]}
    assert read.said == ["the index 'key' is not read: reset_index() makes columns of it."]
    with pytest.raises(InputError, match="two columns named '5'"):
        read_table(pandas.DataFrame([[1, 2]], columns=[5, "5"]))


def test_periods_and_intervals_of_pandas_are_read_as_they_are_written(place):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    table = pandas.DataFrame({"a": pandas.period_range("2020-01", periods=3, freq="M"), "b": [1.0, 2, 3]})
    intervals = table.assign(b=pandas.cut(table["b"], [0, 1, 3]))
    assert read_table(intervals).frame["a"].to_list() == ["2020-01", "2020-02", "2020-03"]
    assert read_table(intervals).frame["b"].to_list() == ["(0, 1]", "(1, 3]", "(1, 3]"]
    table.to_parquet(place / "periods.parquet")
    assert read_table(place / "periods.parquet").frame["a"].to_list() == [600, 601, 602]


def test_frames_that_hold_no_cells_are_refused():
    with pytest.raises(FileFormatError, match="table has lists in the column 'a'"):
        read_table(pl.DataFrame({"a": [[1], [2]]}))
    with pytest.raises(FileFormatError, match="table has the names of columns but no rows: add them below"):
        read_table(trees().clear())
    with pytest.raises(InputTypeError, match="table is of the type list, expected the name of a file, or a data frame"):
        read_table([1, 2])


def test_text_in_frames_is_bare_and_empty_cells_are_missing():
    frame = pl.DataFrame({"a": [" x ", "", None, "y\n"]})
    assert read_table(frame).frame["a"].to_list() == ["x", None, None, "y"]


def test_the_digest_of_a_frame_follows_its_names_kinds_and_cells():
    frames = [
        trees(),
        trees().rename({"height": "size"}),
        trees().reverse(),
        trees().with_columns(pl.col("height").cast(pl.Float32)),
    ]
    digests = [Origin.of(frame).digest() for frame in frames]
    assert len(set(digests)) == 4
    assert Origin.of(trees()).digest() == digests[0]


def test_a_stem_has_neither_folder_nor_suffixes():
    names = ["a/b.csv", "b.csv.gz", "b.2.parquet", "b", "-"]
    assert [stem_of(name) for name in names] == ["b", "b", "b.2", "b", "table"]


def piped(monkeypatch, content):
    stdin = io.BytesIO(content)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=stdin, isatty=lambda: False))


def test_standard_input_is_read_as_a_file_is(place, monkeypatch):
    content = (place / "trees.csv").read_bytes()
    piped(monkeypatch, content)
    result = train("-", place / "piped", SMALL)
    piped(monkeypatch, content)
    assert predict(place / "piped", "-")[0].height == 40
    piped(monkeypatch, content)
    assert resume(place / "piped", "-").metrics == result.metrics
    piped(monkeypatch, b"a,b\n1\n")
    with pytest.raises(FileFormatError, match="standard input has 1 cell in line 2"):
        read_table("-")
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    with pytest.raises(InputError, match="nothing is sent to standard input"):
        read_table("-")
