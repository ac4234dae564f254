"""Files to frames, cells to numbers, dates and words: what is read, and what is refused."""

from __future__ import annotations

import datetime as dt
import math
import os

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables.cells.dates import as_dates
from backtalk.apps.tables.cells.kinds import CATEGORY, DATE, NUMBER, YES_NO, Reading, tell
from backtalk.apps.tables.cells.numbers import SEPARATED, as_numbers
from backtalk.apps.tables.cells.truth import as_truth
from backtalk.apps.tables.cells.words import as_words
from backtalk.apps.tables.reading.footer import unpacked_bytes
from backtalk.apps.tables.reading.origins import Origin
from backtalk.apps.tables.reading.parquet import ParquetTable
from backtalk.apps.tables.reading.tables import column_names, read_table
from backtalk.errors import FileFormatError, InputError


def frame_of(table):
    return read_table(table).frame


def digest(path):
    return Origin.of(path).digest()


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


@pytest.fixture
def csv(tmp_path):
    return lambda text, encoding="utf-8": written(tmp_path / "t.csv", text, encoding)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_the_one_that_the_first_line_has_most_of(csv, separator):
    frame = frame_of(csv("a,b\n1,2\n3,4\n".replace(",", separator)))
    assert frame.rows() == [("1", "2"), ("3", "4")]


def test_empty_cells_are_null_and_spaces_around_cells_are_taken_away(csv):
    frame = frame_of(csv("a,b\n 1 ,x\nNA, ?\n,NaN\nnull, \n"))
    assert frame["a"].to_list() == ["1", "NA", None, "null"]
    assert frame["b"].to_list() == ["x", "?", "NaN", None]


def test_cells_between_semicolons_stay_as_they_are(csv):
    assert frame_of(csv("a;b\n1,5;1.234,5\n")).rows() == [("1,5", "1.234,5")]


def test_a_byte_order_mark_quotes_and_line_ends_of_windows_are_read(csv):
    frame = frame_of(csv('\ufeffname,b\r\n"a, b",1\r\n"c ""d""\ne",2\r\n'))
    assert frame["name"].to_list() == ["a, b", 'c "d"\ne']


@pytest.mark.parametrize("text", ["a,b\n1,2\n\n3,4\n\n", 'a,b\n"1",2\n\n3,4\n', "a,b\r1,2\r3,4\r", "\n\na,b\n1,2\n3,4"])
def test_empty_lines_are_skipped_and_any_line_end_is_read(csv, text):
    assert frame_of(csv(text)).rows() == [("1", "2"), ("3", "4")]


def test_quotes_within_cells_and_line_ends_within_names_are_read(csv):
    assert frame_of(csv('a,b\n5" pipe,1\n"6"" pipe",2\n'))["a"].to_list() == ['5" pipe', '6" pipe']
    assert frame_of(csv('"a\nb",c\n1,2\n')).columns == ["a\nb", "c"]


def test_a_row_of_empty_cells_is_a_row(csv):
    assert frame_of(csv("a,b\n1,2\n,\n3,4\n")).rows() == [("1", "2"), (None, None), ("3", "4")]


def test_row_numbers_as_pandas_writes_them_get_a_name(csv):
    assert frame_of(csv(",a\n0,5\n1,6\n")).columns == ["column 1", "a"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("a,b\n", "no rows"),
        ("a,b\n1,2\n3\n", "1 cell in line 3, expected 2"),
        ("a,b\n1,2\n\n3\n", "1 cell in line 4, expected 2"),
        ('a,b\n"1",2\n\n3\n', "1 cell in line 4, expected 2"),
        ("a,b\n1,2\n3,4,5\n", "3 cells in line 3, expected 2"),
        ('a,b\n"1",2\n3,4,5\n', "3 cells in line 3, expected 2"),
        ('a,b\n1,"2\n', "cannot be read as CSV"),
        ("a,b\n1,\0\n", "holds binary data"),
        ("a,,c\n1,2,3\n", "no name for column 2"),
        ("a,a\n1,2\n", "two columns named 'a'"),
        ("1,2\n3,4\n", "numbers in its first line"),
    ],
)
def test_a_damaged_csv_file_is_refused_in_a_sentence(csv, text, words):
    with pytest.raises(InputError, match=words):
        read_table(csv(text))


def test_other_files_and_missing_files_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "t.csv")
    with pytest.raises(FileNotFoundError):
        read_table(tmp_path / "t.parquet")
    (tmp_path / "t.pdf").write_text("")
    with pytest.raises(FileFormatError, match=r"t\.pdf is no .csv, .parquet, .xlsx, .ndjson or .arrow file, expected"):
        read_table(tmp_path / "t.pdf")
    (tmp_path / "t.parquet").write_text("not parquet")
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_table(tmp_path / "t.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match=r"without \.parquet files"):
        read_table(tmp_path / "empty")


def test_a_folder_of_parquet_files_is_one_table(tmp_path):
    whole = pl.DataFrame({"a": [1.0, math.nan, 3.0], "b": ["x", "y", None]})
    whole[:2].write_parquet(tmp_path / "1.parquet")
    whole[2:].write_parquet(tmp_path / "2.parquet")
    assert frame_of(tmp_path).rows() == [(1.0, "x"), (None, "y"), (3.0, None)]
    before = digest(tmp_path)
    whole[:1].write_parquet(tmp_path / "2.parquet")
    assert digest(tmp_path) != before


def test_lists_and_bytes_in_parquet_are_refused(tmp_path):
    pl.DataFrame({"a": [[1], [2]]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(FileFormatError, match="lists in the column 'a'"):
        read_table(tmp_path / "t.parquet")
    pl.DataFrame({"a": [b"1"]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(FileFormatError, match="bytes in the column 'a'"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.parametrize("error", [MemoryError("Unable to allocate"), pl.exceptions.PanicException("Out of memory")])
def test_memory_that_runs_out_over_a_file_is_told_with_what_helps(tmp_path, monkeypatch, error):
    def fail(*_, **__):
        raise error

    path = tmp_path / "t.parquet"
    pl.DataFrame({"a": [1, 2]}).write_parquet(path)
    with monkeypatch.context() as patch:
        patch.setattr(pl.LazyFrame, "collect", fail)
        with pytest.raises(
            FileFormatError, match=r"needs more memory than there is \(.*\): give fewer rows or columns"
        ):
            read_table(path)
    monkeypatch.setattr(pl, "read_csv", fail)
    with pytest.raises(MemoryError):
        read_table(written(tmp_path / "t.csv", "a,b\n1,2\n"))


def test_durations_become_numbers_and_times_stay(tmp_path):
    frame = pl.DataFrame({"d": [dt.timedelta(minutes=1)], "t": [dt.time(6, 30)]})
    frame.write_parquet(tmp_path / "t.parquet")
    assert frame_of(tmp_path / "t.parquet").rows() == [(60.0, dt.time(6, 30))]


def shared(text: str, rows: int) -> pl.Series:
    """One text in all rows, which share it."""
    return pl.Series("s", [text]).new_from_index(0, rows)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.DataFrame([shared("x" * 100_000, 60_000).cast(pl.Categorical)]), "5723 MB"),  # more than 32 bits can count
        (pl.DataFrame([shared("x" * 10_000, 60_000)]), "57[34] MB"),
    ],
)
def test_a_small_parquet_file_that_unpacks_to_much_is_refused(tmp_path, frame, said):
    path = tmp_path / "t.parquet"
    frame.write_parquet(path, compression="zstd")
    assert path.stat().st_size < 25_000
    with pytest.raises(InputError, match=rf"^{path} holds {said} once it is unpacked, more than the 2\d\d MB that"):
        read_table(path)


def test_the_footer_says_how_large_a_file_is_before_it_is_unpacked(tmp_path, monkeypatch):
    path = tmp_path / "t.parquet"
    frame = pl.DataFrame({"a": range(1000), "b": [str(k) for k in range(1000)], "c": [None, True] * 500})
    frame.write_parquet(path, row_group_size=300)
    parquet = pytest.importorskip("pyarrow.parquet")
    metadata = parquet.read_metadata(path)
    known = sum(metadata.row_group(k).total_byte_size for k in range(metadata.num_row_groups))
    assert unpacked_bytes(path) == known
    monkeypatch.setattr("polars.scan_parquet", None)
    with pytest.raises(InputError, match="once it is unpacked"):
        ParquetTable(path, known - 1)
    monkeypatch.undo()
    with pytest.raises(InputError, match="once it is unpacked"):
        ParquetTable(path, 8 * 3 * 1000 - 1).columns()


def test_a_damaged_footer_is_left_to_the_reader(tmp_path):
    path, other = tmp_path / "t.parquet", tmp_path / "other.parquet"
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_parquet(path)
    content, rng = path.read_bytes(), np.random.default_rng(0)
    footer = int.from_bytes(content[-8:-4], "little") + 8
    for _ in range(100):
        damaged = bytearray(content)
        for place in rng.integers(len(content) - footer, len(content), rng.integers(1, 6)):
            damaged[place] = rng.integers(256)
        other.write_bytes(damaged)
        assert unpacked_bytes(other) >= 0
    for content in (b"", b"PAR1", b"\x19" * 1000 + (1000).to_bytes(4, "little") + b"PAR1"):
        other.write_bytes(content)
        assert unpacked_bytes(other) == 0


def test_column_names_are_read_without_the_rows(tmp_path):
    assert column_names(written(tmp_path / "t.csv", "a; b\n1;2")) == ["a", "b"]
    pl.DataFrame({"c": [1]}).write_parquet(tmp_path / "t.parquet")
    assert column_names(tmp_path / "t.parquet") == ["c"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1", "-2.5", "1e3", None], [1, -2.5, 1000, None]),
        (["1,234", "12", "1,000,000.5"], [1234, 12, 1000000.5]),
        (["$5", "€1 200", "7 %"], [5, 1200, 7]),
        (["3,14", "2", "-1.234,5"], [3.14, 2, -1234.5]),
    ],
)
def test_numbers_are_told_from_text(cells, numbers):
    values = pl.Series("a", cells)
    reading = tell(values)
    assert (reading.kind, reading.unreadable) == (NUMBER, 0)
    assert as_numbers(values, reading.form).to_list() == numbers


def test_digits_of_other_scripts_are_text_and_separators_are_said():
    assert tell(pl.Series(["١٢", "٣", "4"])).kind == CATEGORY
    assert tell(pl.Series(["1_000", "2_000", "3"])) == Reading(NUMBER, SEPARATED)
    assert as_numbers(pl.Series(["1_000", "١٢"]), SEPARATED).to_list() == [1000.0, None]


def test_few_cells_that_are_no_numbers_are_tolerated_and_counted():
    reading = tell(pl.Series("a", ["1"] * 30 + ["abc"]))
    assert (reading.kind, reading.unreadable) == (NUMBER, 1)
    assert tell(pl.Series("a", ["1"] * 5 + ["abc"])).kind == CATEGORY


def test_codes_with_leading_zeros_stay_text():
    assert tell(pl.Series("zip", ["00501", "12345"])).kind == CATEGORY


@pytest.mark.parametrize(
    ("cells", "second"),
    [
        (["2024-01-05", "2023-12-31"], dt.datetime(2023, 12, 31)),
        (["2024-01-05T10:00:00Z", "2024-01-05T10:30:00Z"], dt.datetime(2024, 1, 5, 10, 30)),
        (["2024-01-05 10:00", "2024-01-05 10:01"], dt.datetime(2024, 1, 5, 10, 1)),
        (["5.1.2024", "31.12.2023"], dt.datetime(2023, 12, 31)),
        (["01/02/2024", "13/02/2024"], dt.datetime(2024, 2, 13)),
        (["01/02/2024", "02/13/2024"], dt.datetime(2024, 2, 13)),
    ],
)
def test_dates_are_told_from_text(cells, second):
    values = pl.Series("a", cells)
    reading = tell(values)
    assert reading.kind == DATE
    assert as_dates(values, reading.form)[1] == second


def test_truth_values_in_any_spelling_are_one_and_zero():
    assert tell(pl.Series("a", ["Yes", "no", None])).kind == YES_NO
    for cells in (["TRUE", "false", None], ["y", "n", None], [True, False, None], [1, 0, None]):
        assert as_truth(pl.Series("a", cells)).to_list() == [1.0, 0.0, None]


def test_words_of_whole_floats_have_no_point():
    assert as_words(pl.Series("a", [1.0, 2.5, None])).to_list() == ["1", "2.5", None]


def test_infinite_numbers_are_unreadable():
    values = pl.Series("a", np.array([1.0] * 30 + [np.inf]))
    assert tell(values).unreadable == 1
    assert as_numbers(values, "plain").null_count() == 1


def test_infinite_cells_among_numbers_make_no_column_of_words():
    cells = ["1.5", "inf", "-Infinity", "2", "1e400", "INF", None]
    assert tell(pl.Series("a", cells)) == Reading(NUMBER, "plain", 4, 4)
    assert tell(pl.Series("a", [*cells, "w"] * 9)).kind == CATEGORY
    assert tell(pl.Series("a", ["1,000", "inf"])) == Reading(NUMBER, "with separators", 1, 1)
    assert tell(pl.Series("a", ["inf", "infinity"])).kind == CATEGORY


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_and_devices_are_refused_without_waiting(tmp_path):
    for suffix in (".csv", ".parquet", ".xls"):
        pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"zero{suffix}"
        os.mkfifo(pipe)
        device.symlink_to("/dev/zero")
        for path in (pipe, device):
            for read in (read_table, digest):
                with pytest.raises(FileFormatError, match="is no ordinary file but a pipe or a device"):
                    read(path)
