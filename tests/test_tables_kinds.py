"""Files of every kind that a table comes in: compressed, JSON lines, sheets, Arrow, Parquet; and traps among them."""

from __future__ import annotations

import bz2
import datetime as dt
import decimal
import gzip
import io
import lzma
import sys
import zipfile

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables.reading import packed
from backtalk.apps.tables.reading.arrow_sizes import unpacked_bytes
from backtalk.apps.tables.reading.kinds import COMPRESSIONS, kind_of
from backtalk.apps.tables.reading.tables import column_names, read_table
from backtalk.errors import FileFormatError, InputError, MissingLibraryError

CSV = b"a,b\n1,x\n2,y\n"
ROWS = [("1", "x"), ("2", "y")]


def zipped(content, *names):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names or ["t.csv"]:
            archive.writestr(name, content)
    return file.getvalue()


def zstd(content):
    zstd = pytest.importorskip("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    return zstd.compress(content)


PACK = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress, ".zst": zstd, ".zip": zipped}


def written(path, content):
    path.write_bytes(content)
    return path


def frame_of(path):
    return read_table(path).frame


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_compressed_text_is_read(tmp_path, suffix):
    path = written(tmp_path / f"t.csv{suffix}", PACK[suffix](CSV))
    assert frame_of(path).rows() == ROWS
    assert column_names(path) == ["a", "b"]
    assert frame_of(written(tmp_path / f"t.ndjson{suffix}", PACK[suffix](b'{"a":1}\n'))).rows() == [("1",)]
    assert frame_of(written(tmp_path / f"t{suffix}", PACK[suffix](b'{"a":1}\n'))).rows() == [("1",)]
    assert frame_of(written(tmp_path / f"t.TSV{suffix.upper()}", PACK[suffix](b"a\tb\n1\tx, y\n"))).rows() == [
        ("1", "x, y")
    ]


@pytest.mark.parametrize("suffix", COMPRESSIONS)
def test_what_unpacks_to_much_or_is_damaged_is_refused(tmp_path, monkeypatch, suffix):
    monkeypatch.setattr(packed, "BLOCK", 1000)
    content = PACK[suffix](b"a,b\n" + b"1,2\n" * 100_000)
    path = written(tmp_path / f"t.csv{suffix}", content)
    assert read_table(path, 400_004).height == 100_000
    with pytest.raises(InputError, match=rf"^{path} holds more than 0 MB once it is unpacked, the most that is taken"):
        read_table(path, 400_003)
    with pytest.raises(FileFormatError, match=rf"^{path} cannot be unpacked: it is damaged"):
        read_table(written(path, content[: len(content) // 2]))
    with pytest.raises(FileFormatError, match=rf"^{path} cannot be unpacked: it is damaged"):
        read_table(written(path, b"a,b\n1,2\n"))


def test_a_zip_file_with_several_files_is_refused(tmp_path):
    assert frame_of(written(tmp_path / "t.zip", zipped(CSV, "x/t.csv", "__MACOSX/t"))).rows() == ROWS
    with pytest.raises(InputError, match=r"t.zip is a .zip file with 2 files in it, expected one"):
        read_table(written(tmp_path / "t.zip", zipped(CSV, "a.csv", "b.csv")))


def test_a_library_that_is_missing_is_named_with_the_command_that_helps(tmp_path, monkeypatch):
    for module in ("compression", "backports", "fastexcel"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibraryError, match=r"pip install 'backtalk\[zstd\]'"):
        read_table(written(tmp_path / "t.csv.zst", b"\x28\xb5\x2f\xfd"))
    with pytest.raises(MissingLibraryError, match=r"pip install 'backtalk\[excel\]'"):
        read_table(written(tmp_path / "t.xlsx", b"PK"))


def test_the_kind_follows_from_the_name():
    assert [kind_of(name) for name in ("a.b.csv", "x.PARQUET", "t.ndjson.gz", "t.2024.gz")] == [
        (".csv", ""),
        (".parquet", ""),
        (".ndjson", ".gz"),
        ("", ".gz"),
    ]
    for name in ("t", "t.json", "t.pdf", "t.csv.rar"):
        with pytest.raises(FileFormatError, match="expected one of them by its name"):
            kind_of(name)
    with pytest.raises(FileFormatError, match=r"t.parquet.gz is compressed as a whole"):
        kind_of("t.parquet.gz")


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('{"a":1,"b":"x"}\n{"a":2.50,"b":null}\n\n{"b":" y "}\n', {"a": ["1", "2.5", None], "b": ["x", None, "y"]}),
        ('{"a":9007199254740993}\n{"a":"none"}\n', {"a": ["9007199254740993", "none"]}),
        ('{"a":true}\n{"a":1}\n{"a":NaN}\n', {"a": ["true", "1", "NaN"]}),
        ('{"a":true}\r\n{"b":false}\r\n', {"a": ["true", None], "b": [None, "false"]}),
        ('\ufeff{"größe":"ü\\n"}', {"größe": ["ü"]}),
        ('{"a":1e400}\n{"a":-Infinity}', {"a": ["1e400", "-Infinity"]}),
    ],
)
def test_lines_of_json_are_read_as_text(tmp_path, text, columns):
    for suffix in (".ndjson", ".jsonl"):
        path = written(tmp_path / f"t{suffix}", text.encode())
        assert frame_of(path).to_dict(as_series=False) == columns


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("{}\n{}\n", "nothing in its first line"),
        ('{"a":1}\n[1,2]\n', "no JSON object in line 2"),
        ('{"a":1}\n\n{"a":\n', "no JSON object in line 3"),
        ('{"a":[1,2]}\n', "lists in the column 'a'"),
        ('{"a":{"b":1}}\n', "lists in the column 'a'"),
        ('{"a":1}\n{"a":true}\n{"a":[1]}\n', "column 'a'"),
    ],
)
def test_other_json_is_refused(tmp_path, text, words):
    with pytest.raises(InputError, match=words):
        read_table(written(tmp_path / "t.ndjson", text.encode()))


def book(*sheets, **options):
    openpyxl = pytest.importorskip("openpyxl")
    pytest.importorskip("fastexcel")
    file, made = io.BytesIO(), openpyxl.Workbook(**options)
    made.remove(made.active)
    for number, sheet in enumerate(sheets):
        page = made.create_sheet(f"Sheet {number + 1}")
        for row in sheet:
            page.append(row)
    made.save(file)
    return file.getvalue()


def test_a_sheet_is_read_as_a_csv_file_is(tmp_path):
    day, moment = dt.date(2024, 2, 1), dt.datetime(2024, 1, 1, 5, 0, 7)
    rows = [["name", "n", "day", "at", "hour", "ok", "n/a"], ['x, "y"', 1, day, moment, dt.time(14, 32), True, None]]
    path = written(tmp_path / "t.xlsx", book([*rows, ["z\nw", 2.5, None, None, None, False, "-"]]))
    read = read_table(path)
    assert read.frame.columns == rows[0]
    assert read.frame.row(0) == ('x, "y"', "1", "2024-02-01 00:00:00", "2024-01-01 05:00:07", "14:32:00", "true", None)
    assert read.frame.row(1) == ("z\nw", "2.5", None, None, None, "false", "-")
    assert read.said == []


def test_titles_above_the_names_empty_rows_and_further_sheets_are_told(tmp_path):
    rows = [["Sales"], [], ["town", "n", "kind"], ["Ulm", 1, "x"], [], ["Rom", 2, "y"]]
    read = read_table(written(tmp_path / "t.xlsx", book(rows, [["other"]])))
    assert read.frame.to_dict(as_series=False) == {"town": ["Ulm", "Rom"], "n": ["1", "2"], "kind": ["x", "y"]}
    assert read.said == [
        "of its 2 sheets only the first, 'Sheet 1', is read.",
        "the names of the columns are town, …; not read above them: 'Sales'.",
    ]


def test_sheets_that_are_empty_damaged_or_a_trap_are_refused(tmp_path):
    path = tmp_path / "t.xlsx"
    with pytest.raises(FileFormatError, match=r"t.xlsx is empty"):
        read_table(written(path, book([])))
    with pytest.raises(FileFormatError, match=r"t.xlsx cannot be read"):
        read_table(written(path, book([["a"], [1]])[:-100]))
    openpyxl = pytest.importorskip("openpyxl")
    made = openpyxl.Workbook()
    made.active["A1"] = made.active["XFD1048576"] = "far apart"
    made.save(path)
    with pytest.raises(InputError, match=r"t.xlsx holds 524288 MB once it is unpacked"):
        read_table(path)
    with pytest.raises(InputError, match="once it is unpacked"):
        read_table(written(path, book([["a"], [1]])), 1000)


def kinds_of_columns():
    pa = pytest.importorskip("pyarrow")
    return pa, pa.table(
        {
            "view": pa.array(["a", " b ", None, ""], pa.string_view()),
            "large": pa.array(["a", "b", None, "d"], pa.large_string()),
            "dictionary": pa.array(["x", "y", "x", None]).dictionary_encode(),
            "numbers": pa.array([5, 6, 5, None]).dictionary_encode(),
            "decimal": pa.array([decimal.Decimal("1.50"), None, decimal.Decimal("2.25"), None]),
            "whole": pa.array([decimal.Decimal(7), None, decimal.Decimal(8), None], pa.decimal128(18, 0)),
            "long": pa.array([decimal.Decimal(9007199254740993)] * 4, pa.decimal128(38, 0)),
            "none": pa.nulls(4),
        }
    )


WANTED = {
    "view": ["a", "b", None, None],
    "large": ["a", "b", None, "d"],
    "dictionary": ["x", "y", "x", None],
    "numbers": [5, 6, 5, None],
    "decimal": [1.5, None, 2.25, None],
    "whole": [7, None, 8, None],
    "long": ["9007199254740993"] * 4,
    "none": [None] * 4,
}


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".feather", ".ipc"])
@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
def test_parquet_and_arrow_with_text_and_decimals_of_every_kind_are_read_alike(tmp_path, suffix, compression):
    pa, table = kinds_of_columns()
    path = tmp_path / f"t{suffix}"
    if suffix == ".parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path, compression=compression or "none")
    else:
        with pa.OSFile(str(path), "wb") as file:
            writer = pa.ipc.new_stream if suffix == ".ipc" else pa.ipc.new_file
            with writer(file, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as out:
                out.write_table(table)
    assert frame_of(path).to_dict(as_series=False) == WANTED
    assert column_names(path) == table.column_names


def test_arrow_files_that_are_damaged_or_hold_lists_are_refused(tmp_path):
    path = tmp_path / "t.arrow"
    pl.DataFrame({"a": [1, 2]}).write_ipc(path)
    with pytest.raises(FileFormatError, match=r"t.arrow cannot be read"):
        read_table(written(path, path.read_bytes()[:-20]))
    with pytest.raises(FileFormatError, match=r"t.arrow cannot be read"):
        read_table(written(path, b"nonsense"))
    with pytest.raises(FileFormatError, match=r"Feather file of the first version"):
        read_table(written(path, b"FEA1nonsense"))
    pl.DataFrame({"a": [[1], [2]]}).write_ipc(path)
    with pytest.raises(FileFormatError, match="lists in the column 'a'"):
        read_table(path)


@pytest.mark.parametrize("write", ["write_ipc", "write_ipc_stream"])
@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_an_arrow_file_says_how_large_it_is_before_it_is_unpacked(tmp_path, monkeypatch, write, compression):
    path, text = tmp_path / "t.arrow", "x" * 1000
    frame = pl.DataFrame({"a": [text + str(row % 3) for row in range(2000)], "b": range(2000), "c": [text] * 2000})
    frame = frame.with_columns(pl.col("c").cast(pl.Categorical))
    getattr(frame, write)(path, compression=compression, compat_level=pl.CompatLevel.oldest())
    whole = 2000 * 1001 + 2000 * (8 + 8 + 4)  # letters, and where they end; numbers; categories
    assert whole <= unpacked_bytes(path.read_bytes()) < whole + 10_000
    assert read_table(path).frame["a"].to_list() == frame["a"].to_list()
    monkeypatch.setattr("polars.read_ipc", None)
    monkeypatch.setattr("polars.read_ipc_stream", None)
    with pytest.raises(InputError, match=r"t\.arrow holds 2 MB once it is unpacked, more than the 1 MB"):
        read_table(path, 2**20)


def test_damaged_messages_of_arrow_are_left_to_the_reader(tmp_path):
    path, rng = tmp_path / "t.arrow", np.random.default_rng(0)
    pl.DataFrame({"a": [1, 2], "b": ["x", "y"]}).write_ipc(path, compression="zstd")
    whole = path.read_bytes()
    for _ in range(300):
        damaged = bytearray(whole)
        for place in rng.integers(8, len(whole), rng.integers(1, 6)):
            damaged[place] = rng.integers(256)
        assert unpacked_bytes(bytes(damaged)) >= 0
        assert unpacked_bytes(bytes(damaged[8:])) >= 0
