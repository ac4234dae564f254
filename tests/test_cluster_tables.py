"""A table in a cluster: each process reads its own part, and all of them together learn what one process would."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any

import numpy as np
import polars as pl
import pytest

from backtalk import TrainingInterrupted, load
from backtalk.apps.tables import prepare, run
from backtalk.apps.tables.division import split_rows
from backtalk.apps.tables.folder import CHECKPOINT, HISTORY, METRICS, MODEL, PREPROCESSING, REPORT, RUN
from backtalk.apps.tables.history import read_history
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.metrics import score, score_of_shares
from backtalk.apps.tables.reading.origins import Origin
from backtalk.apps.tables.reading.parquet import ParquetTable
from backtalk.apps.tables.target import Target
from backtalk.apps.tables.unknown import Unknown, say_of
from backtalk.distributed import ALONE, Group
from backtalk.errors import FileFormatError, InputError, ProcessLostError
from groups import call
from limits import LIMIT
from one_network import ALONE_IN_WORDS, Options
from ports import free_port

ROWS, GROUP = 900, 50


def orders(rows=ROWS):
    """Columns of every kind, with gaps, identifiers, rare words; some rows have no target."""
    rng = np.random.default_rng(5)
    size, town = rng.gamma(3, 2, rows), rng.choice([f"town {i}" for i in range(8)], rows, p=[0.3, 0.3, *[0.4 / 6] * 6])
    paid = (size + (town == "town 1") * 5 + rng.normal(0, 1, rows)) > 7
    place = np.arange(rows)
    return pl.DataFrame(
        {
            "row_id": place,
            "size": [None if rng.random() < 0.1 else float(x) for x in size],
            "paid": [None if k % 97 == 5 else "yes" if x else "no" for k, x in enumerate(paid)],
            "town": [f"hamlet {k}" if k % 131 == 7 else str(t) for k, t in enumerate(town)],
            "depot": ["north" if k == 17 else None if k % 211 == 3 else str(d) for k, d in enumerate(town > "town 3")],
            "far": np.where(place == 40, 1e7, rng.normal(size=rows)),
            "day": [dt.date(2024, 1, 1) + dt.timedelta(days=int(d)) for d in rng.integers(0, 300, rows)],
            "gift": rng.choice(["yes", "no"], rows),
            "note": [f"order {i}" for i in range(rows)],
            "amount": 100 * size + rng.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """The same table as CSV, as a Parquet file, and as a folder of them."""
    folder, frame = tmp_path_factory.mktemp("orders"), orders()
    frame.write_csv(folder / "t.csv")
    frame.write_parquet(folder / "t.parquet", row_group_size=GROUP)
    (folder / "parts").mkdir()
    for k in range(4):
        part = frame.slice(k * ROWS // 4, ROWS // 4)
        part.write_parquet(folder / "parts" / f"{k}.parquet", row_group_size=GROUP)
    return {"csv": folder / "t.csv", "file": folder / "t.parquet", "folder": folder / "parts"}


COMPILED = Options("paid", engine="compiled")


@pytest.mark.parametrize("target", ["paid", "amount"])
@pytest.mark.parametrize("kind", ["csv", "file", "folder"])
@pytest.mark.parametrize("count", [2, 3, 11])
def test_together_the_processes_have_what_one_process_has_to_the_bit(tables, kind, count, target):
    options = Options(target, engine="compiled", test=0.05, seed=3)
    alone = prepare.prepare(tables[kind], options)
    every = call(count, lambda group: prepare.prepare(tables[kind], options, group))
    for ready in every:
        assert ready.preprocessing == alone.preprocessing
        assert (ready.target, ready.said) == (alone.target, alone.said)
        assert all((ready.network.W[i] == alone.network.W[i]).all() for i in (1, 2, 3))
        for part in alone.parts:
            np.testing.assert_array_equal(ready.truth[part], alone.parts[part][1])
    for part, both in alone.parts.items():
        for place, whole in enumerate(both):
            shares = [ready.parts[part][place] for ready in every]
            np.testing.assert_array_equal(np.concatenate(shares), whole)
    held = [sum(len(y) for _, y in ready.parts.values()) for ready in every]
    assert max(held) - min(held) <= 1


def test_a_process_reads_the_target_its_columns_and_its_rows_and_nothing_else(tables, monkeypatch):
    read, here = [[], [], []], threading.local()
    collect: Any = pl.LazyFrame.collect

    def spied(lazy, *arguments, **settings):
        frame = collect(lazy, *arguments, **settings)
        if frame.columns != ["len"]:
            read[here.index].append((frame.columns, frame.height, lazy.explain()))
        return frame

    monkeypatch.setattr(pl.LazyFrame, "collect", spied)
    monkeypatch.setattr(pl, "read_parquet", None)  # which would read all

    def prepared(group):
        here.index = group.index
        return prepare.prepare(tables["folder"], COMPILED, group)

    every = call(3, prepared)
    names = [name for name in orders().columns if name != "paid"]
    for index, (target, columns, rows) in enumerate(read):
        assert target[:2] == (["paid"], ROWS)
        assert columns[:2] == (names[index::3], ROWS)
        assert f"PROJECT {len(names[index::3])}/10 COLUMNS" in columns[2]
        assert rows[0] == every[0].preprocessing.used
        assert rows[1] <= ROWS / 3 + 10  # the rows that have a target, and those between them
        assert "SLICE" in rows[2]
        assert f"PROJECT {len(rows[0])}/10 COLUMNS" in rows[2]


def test_rows_are_read_from_the_groups_in_which_they_lie(tmp_path):
    """The bytes of all other groups are destroyed."""
    from pyarrow.parquet import ParquetFile

    path = tmp_path / "t.parquet"
    orders().write_parquet(path, row_group_size=GROUP)
    whole, content = ParquetTable(path).rows(310, 390, ["size", "town"]), bytearray(path.read_bytes())
    groups = ParquetFile(path).metadata
    for number in range(groups.num_row_groups):
        for j in range(groups.num_columns):
            column = groups.row_group(number).column(j)
            first = column.dictionary_page_offset or column.data_page_offset
            wanted = column.path_in_schema in ("size", "town") and 300 <= number * GROUP < 400
            if not wanted:
                content[first : first + column.total_compressed_size] = b"\xff" * column.total_compressed_size
    path.write_bytes(content)
    table = ParquetTable(path)
    assert table.height == ROWS
    assert table.rows(310, 390, ["size", "town"]).equals(whole)
    with pytest.raises(FileFormatError, match="cannot be read"):
        table.rows(290, 390, ["size", "town"])


def test_with_more_processes_than_rows_some_have_none(tmp_path):
    pl.DataFrame({"a": range(12), "b": ["x", "y"] * 6, "y": [0.5, 1.5, 2.5] * 4}).write_parquet(tmp_path / "t.parquet")
    options = Options("y", task="regression", engine="compiled")
    alone = prepare.prepare(tmp_path / "t.parquet", options)
    every = call(9, lambda group: prepare.prepare(tmp_path / "t.parquet", options, group))
    for part, both in alone.parts.items():
        for place, whole in enumerate(both):
            np.testing.assert_array_equal(np.concatenate([ready.parts[part][place] for ready in every]), whole)
    assert min(len(ready.parts["validation"][0]) for ready in every) == 0


def test_shares_are_equal_and_follow_each_other():
    assert [Group(index, 3).share(7) for index in range(3)] == [slice(0, 2), slice(2, 4), slice(4, 7)]
    assert [Group(index, 2).share(1) for index in range(2)] == [slice(0, 0), slice(0, 1)]


# What there is to say, and what goes wrong


def test_what_is_unknown_in_parts_is_what_is_unknown_in_all():
    column, rows = learn(pl.Series("a", ["x", "y"] * 5), np.arange(10)), np.arange(8)

    def unknown_in(cells, first=0):
        return column.places(pl.Series("a", cells), rows[first:])[1]

    cells = ["x", "7", None, "new", "y", "7", "x", None]
    whole = unknown_in(cells)
    for cut in range(9):
        assert Unknown.together([unknown_in(cells[:cut]), unknown_in(cells[cut:], cut)]) == whole
    never = "column 'a' holds '7', never seen in training, in 3 rows: it counts for nothing."
    gaps = "column 'a' has missing values, and had none in training: they count for nothing."
    assert say_of(column, whole) == [never, gaps]
    missing = Unknown.together([unknown_in(each) for each in (["x"], [None], ["y"])])
    assert say_of(column, missing) == [gaps]
    numbers = [unknown_in(each) for each in (["7"], ["8"])]
    with pytest.raises(InputError, match="holds numbers such as 7"):
        say_of(column, Unknown.together(numbers))
    (mixed,) = say_of(column, Unknown.together([*numbers, unknown_in(["x"])]))
    assert "in 2 rows" in mixed


def test_what_was_never_seen_is_told_once_for_all_processes(tmp_path):
    labels = np.arange(200) % 2
    words = np.array(["x", "z", "y"], dtype=object)[np.arange(200) % 3]
    held_out = split_rows(Target.learn(pl.Series("paid", labels), "auto"), labels, None, COMPILED)[0]
    words[held_out["test"][[3, -1]]] = ["later", "never"]
    words[held_out["validation"][-2]] = None
    pl.DataFrame({"w": words.tolist(), "paid": labels}).write_parquet(tmp_path / "t.parquet")
    said = [
        "validation rows: column 'w' has missing values, and had none in training: they count for nothing.",
        "test rows: column 'w' holds 'later', never seen in training, in 2 rows: it counts for nothing.",
    ]
    assert prepare.prepare(tmp_path / "t.parquet", COMPILED).said == said
    for ready in call(3, lambda group: prepare.prepare(tmp_path / "t.parquet", COMPILED, group)):
        assert ready.said == said


def test_an_error_of_one_process_is_raised_in_all(tables):
    def prepared(group):
        table = tables["file"].with_name("other.parquet") if group.index == 1 else tables["file"]
        return prepare.prepare(table, COMPILED, group)

    first, second, third = call(3, prepared)
    assert isinstance(second, FileNotFoundError)
    assert second.filename == str(tables["file"].with_name("other.parquet"))
    for error in (first, third):
        assert isinstance(error, FileNotFoundError)
        assert error.strerror == "No such file or directory in process 1"

    def wrong(index):
        if index:
            raise InputError("the column is wrong.")

    assert [str(error) for error in call(2, lambda group: group.run(lambda: wrong(group.index)))] == [
        "process 1: the column is wrong.", "the column is wrong.",
    ]  # fmt: skip
    broken = call(2, lambda group: group.run(lambda: 1 // (1 - group.index)))
    assert [type(error) for error in broken] == [ProcessLostError, ZeroDivisionError]
    assert "process 1 of 2 stopped: ZeroDivisionError" in str(broken[0])


def test_what_one_process_gives_the_others_get():
    assert call(3, lambda group: group.run_and_gather(lambda: group.index * 0.1)) == [[0.0, 0.1, 0.2]] * 3
    assert call(3, lambda group: group.broadcast(lambda: f"of {group.index}")) == ["of 0"] * 3
    assert ALONE.broadcast(lambda: "alone") == "alone"


def test_a_number_that_cannot_be_scaled_is_said_with_its_row_in_all_processes(tmp_path):
    numbers = np.random.default_rng(0).normal(size=(200, 2))
    path, options = tmp_path / "t.parquet", Options("y", engine="compiled")
    frame = pl.DataFrame({"a": numbers[:, 0], "y": numbers[:, 1]})
    target = Target.learn(frame["y"], "auto")
    row = int(split_rows(target, target.encode(frame["y"]), None, options)[0]["test"][-2])
    frame[row, "a"] = 1e300
    frame.write_parquet(path)
    (alone,) = prepare.prepare(path, options).said
    assert alone.startswith(f"test rows: column 'a' holds 1e+300 in row {row + 1}, too far from the numbers")
    assert [ready.said for ready in call(2, lambda group: prepare.prepare(path, options, group))] == [[alone]] * 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            lambda frame: frame.head(800),
            "the processes differ in the number of rows: 900 in process 0, 800 in process 1",
        ),
        (lambda frame: frame.rename({"far": "near"}), "the processes differ in the names of the columns"),
        (lambda frame: frame.with_columns(pl.col("far").cast(pl.Float32)), "the kind of the column 'far': Float64 in"),
        (lambda frame: frame.with_columns(pl.col("size") * 1.1), "differ in the number of bytes of the table"),
        (lambda frame: frame.with_columns(pl.col("paid").reverse()), "the target 'paid', whose values have the check"),
    ],
)
def test_processes_that_read_different_tables_are_refused(tables, tmp_path, change, words):
    change(orders()).write_parquet(tmp_path / "other.parquet")
    paths = [tables["file"], tmp_path / "other.parquet"]
    for error in call(2, lambda group: prepare.prepare(paths[group.index], COMPILED, group)):
        assert isinstance(error, InputError)
        assert words in str(error)
        assert str(error).endswith("give all of them the same table.")


def test_processes_that_are_asked_for_different_things_are_refused(tables, tmp_path):
    def differing(group):
        return prepare.prepare(tables["csv"], Options("paid", seed=group.index, test=5.0), group)

    for error in call(2, differing):
        assert isinstance(error, InputError)
        assert "the processes differ in seed: 0 in process 0, 1 in process 1" in str(error)

    def either(group):
        if group.index:
            return run.resume(tmp_path / "r", group=group)
        return run.train(tables["csv"], tmp_path / "r", COMPILED, group=group)

    for error in call(2, either):
        assert "differ in what they do: train in process 0, resume in process 1" in str(error)


def test_what_needs_all_rows_in_one_process_is_refused(tables):
    for error in call(2, lambda group: prepare.prepare(tables["csv"], Options("paid"), group)):
        assert (
            str(error)
            == "engine is 'auto', but 2 processes train together: expected 'compiled' or 'compiled_bfloat16'."
        )
    for error in call(
        2, lambda group: prepare.prepare(tables["csv"], Options("paid", engine="compiled", diagnose=True), group)
    ):
        assert "none of them has all rows: leave it out, and call 'backtalk diagnose FOLDER FILE' afterwards" in str(
            error
        )


def test_a_folder_that_is_taken_is_told_by_process_0(tables, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    first, second = call(2, lambda group: run.train(tables["csv"], tmp_path, COMPILED, group=group))
    assert "holds other files" in str(first)
    assert str(second) == f"process 0: {first}"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_process_0_alone_sums_up_the_files_of_a_table(tables, tmp_path, monkeypatch):
    summed, here = [], threading.local()
    monkeypatch.setattr(Origin, "digest", lambda _: summed.append(getattr(here, "index", 0)) or "what it was")
    run.train(tables["csv"], tmp_path / "run", Options("paid", epochs=1))

    def resumed(group):
        here.index = group.index
        return run.resume(tmp_path / "run", group=group)

    for error in call(3, resumed):
        assert "engine is 'auto'" in str(error)
    assert summed == [0, 0]


def test_where_a_process_is_lost_the_run_stays_if_it_can_go_on(tables, tmp_path, monkeypatch):
    place = tmp_path / "run"
    run.train(tables["csv"], place, Options("paid", epochs=1))

    def lost(*_):
        raise ProcessLostError("process 1 is lost")

    def lost_later(place, *_):
        (place / CHECKPOINT).write_text("all that is known")
        lost()

    monkeypatch.setattr(run, "train_members", lost)
    with pytest.raises(ProcessLostError):
        run.train(tables["csv"], place, Options("paid", epochs=2), overwrite=True)
    assert json.loads((place / METRICS).read_text())["trainings"][0]["epochs"] == 1
    monkeypatch.setattr(run, "train_members", lost_later)
    with pytest.raises(ProcessLostError):
        run.train(tables["csv"], place, Options("paid", epochs=2), overwrite=True)
    assert json.loads((place / RUN).read_text())["epochs"] == 2
    assert (place / CHECKPOINT).read_text() == "all that is known"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize(
    "target", [Target("y", "classification", "", None, ["a", "b", "c"]), Target("y", "regression", "")]
)
def test_the_score_of_shares_is_that_of_all(target):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 50) if target.classifies else rng.normal(size=(50, 1)).astype(np.float32)
    output = rng.random((50, target.outputs)).astype(np.float32)
    whole = score(target, truth, output)

    def own(group):
        rows = group.share(50)
        return score_of_shares(target, truth, truth[rows], output[rows], group)

    found = call(3, own)
    assert len(set(found)) == 1
    assert found[0] == pytest.approx(whole, rel=0 if target.classifies else 1e-6)


# In real processes

ENVIRONMENT = {**os.environ, "JAX_PLATFORMS": "cpu"}
SETTINGS = Options("paid", epochs=15, patience=0, class_weight="balanced", batch_size=64, engine="compiled")
OPTIONS = ["--target", "paid", "--epochs", "15", "--patience", "0", "--class-weight", "balanced", "--batch-size", "64"]


def start(count, *arguments, folder, elsewhere=None):
    """The command in so many processes; those that are not the first, in another folder if there is one."""
    port = free_port()
    command = [sys.executable, "-m", "backtalk", *map(str, arguments), "--coordinator", f"127.0.0.1:{port}"]
    pipes: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    return [
        subprocess.Popen(
            [*command, "--processes", str(count), "--process", str(index)],
            cwd=elsewhere if elsewhere and index else folder, **pipes,
        )
        for index in range(count)
    ]  # fmt: skip


def answers(started, wait=LIMIT):
    """Exit code, stdout and stderr of each."""
    try:
        return [(*process.communicate(timeout=wait), process.returncode) for process in started]
    finally:
        for process in started:
            process.kill()


@pytest.fixture(scope="module")
def alone(tables):
    """The folder of a run in one process."""
    folder = tables["folder"].with_name("alone") / "run"
    run.train(tables["folder"], folder, SETTINGS)
    return folder


OF_ONE_PROCESS = ["baselines", "importance", "importance_of", "copies", "dependence", "worst_rows", "verdict"]


def require_same_run(alone, other):
    """The same files, in which numbers differ by rounding."""
    assert sorted(path.name for path in other.iterdir()) == sorted(path.name for path in alone.iterdir())
    assert (other / PREPROCESSING).read_bytes() == (alone / PREPROCESSING).read_bytes()
    found, expected = (json.loads((folder / METRICS).read_text()) for folder in (other, alone))
    for facts in (found, expected):  # in a cluster there are no baselines, and process 0 judges by its own rows
        for name in OF_ONE_PROCESS:
            facts.pop(name, None)
    assert_close(found, expected)
    found, expected = (read_history(folder / HISTORY) for folder in (other, alone))
    assert_close(found, expected)
    found, expected = (load(folder / MODEL) for folder in (other, alone))
    for i in expected.W:
        np.testing.assert_allclose(found.W[i], expected.W[i], atol=1e-5)
    found, expected = ((folder / RUN).read_text() for folder in (other, alone))
    assert found == expected
    assert (other / REPORT).stat().st_size > 10_000


def assert_close(found, expected):
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, list):
        assert len(found) == len(expected)
        for each, other in zip(found, expected, strict=True):
            assert_close(each, other)
    else:
        assert found == (pytest.approx(expected, abs=1e-5) if isinstance(expected, float) else expected)


def test_two_processes_write_what_one_process_writes(tables, alone, tmp_path):
    train = ["train", tables["folder"], *OPTIONS, *ALONE_IN_WORDS, "--engine", "compiled", "--out", "run"]
    (tmp_path / "elsewhere").mkdir()
    (out, err, code), *others = answers(start(2, *train, folder=tmp_path, elsewhere=tmp_path / "elsewhere"))
    assert (code, err) == (0, "")
    assert others == [("", "", 0)]
    assert "2 processes train together" in out
    assert "15 epochs in" in out
    assert "Gloo" not in out
    assert "note: left out: 10 rows without a value of 'paid'." in out
    counts = {part: found["rows"] for part, found in json.loads((alone / METRICS).read_text())["scores"].items()}
    assert f"rows: {', '.join(f'{count} {part}' for part, count in counts.items())}\n" in out
    require_same_run(alone, tmp_path / "run")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_run_of_two_processes_that_is_stopped_goes_on_in_one(tables, alone, tmp_path):
    folder = tmp_path / "run"
    train = ["train", tables["folder"], *OPTIONS, *ALONE_IN_WORDS, "--engine", "compiled", "--out", "run"]
    started = start(2, *train, folder=tmp_path)
    try:
        until = time.monotonic() + LIMIT
        while not read_history(folder / HISTORY):
            assert all(process.poll() is None for process in started), [process.communicate() for process in started]
            assert time.monotonic() < until
            time.sleep(0.01)
        started[1].send_signal(signal.SIGINT)
    finally:
        ended = answers(started)
    assert [code for _, _, code in ended] == [130] * 2
    assert "'backtalk resume run' goes on" in ended[0][1]
    assert not (folder / MODEL).exists()
    run.resume(folder)
    require_same_run(alone, folder)


def test_a_run_of_one_process_that_is_stopped_goes_on_in_three(tables, alone, tmp_path):
    def stop(progress):
        if progress.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(TrainingInterrupted):
        run.train(tables["folder"], tmp_path / "run", SETTINGS, progress=stop)
    (out, err, code), *others = answers(start(3, "resume", "run", "--json", folder=tmp_path))
    assert (code, err, json.loads(out)["trainings"][0]["epochs"]) == (0, "", 15)
    assert others == [("", "", 0)] * 2
    require_same_run(alone, tmp_path / "run")
