"""The first lines of delimited files as people and programs write them; encodings; what is said of each."""

from __future__ import annotations

import polars as pl
import pytest

from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.reading.delimited import read_delimited
from backtalk.errors import FileFormatError, InputError
from one_network import Options


def read(text, encoding="utf-8"):
    found = read_delimited(text.encode(encoding), "t.csv")
    return found.frame, found.said


def rows(count, line):
    return "".join(line.format(k=k, letter="abcdefghij"[k % 10]) for k in range(count))


NOTHING = "nothing is said"


@pytest.mark.parametrize(
    ("text", "names", "first", "said"),
    [
        # the separator under which the lines agree
        ("height, m;weight, kg;sex\n1,5;70,2;f\n1,8;80,1;m\n", ["height, m", "weight, kg", "sex"], None, NOTHING),
        ("a, b;c, d\n1,5;2,5\n3,5;4,5\n", ["a, b", "c, d"], None, NOTHING),
        ("last, first;city, country\nPoe, A;Rom, I\nRaf, B;Ulm, D\n", ["last, first", "city, country"], None, NOTHING),
        ("lat;lon,b,c\n1;2,3,4\n5;6,7,8\n", ["lat;lon", "b", "c"], ("1;2", "3", "4"), NOTHING),
        ('"a;b;c;d",e\n1,x\n2,y\n', ["a;b;c;d", "e"], ("1", "x"), NOTHING),
        ("title,genres\nToy Story,Comedy|Drama\nHeat,Drama|Crime\n", ["title", "genres"], None, NOTHING),
        ("a\tb, c\n1\tx, y\n2\tz, w\n", ["a", "b, c"], ("1", "x, y"), NOTHING),
        ("a|b;c\n1|2\n3|4\n", ["a", "b;c"], ("1", "2"), NOTHING),
        ("text,label\n\"one; two; three\",x\n\"four; five\",y\n", ["text", "label"], ("one; two; three", "x"), NOTHING),
        # declared
        ("sep=;\na,b;c\n1;2\n", ["a,b", "c"], ("1", "2"), NOTHING),
        ('"sep=,"\na,b\n1,2\n', ["a", "b"], ("1", "2"), NOTHING),
        ("SEP=\t\na\tb\n1\t2\n", ["a", "b"], ("1", "2"), NOTHING),
        ("sep=~\na~b\n1~2\n", ["a", "b"], ("1", "2"), NOTHING),
        # titles and comments above
        ("# made by hand\na,b\n1,2\n3,4\n", ["a", "b"], ("1", "2"), "'# made by hand'"),
        ("# x, y and z\n# of 2024\nx,y,z\n1,2,3\n", ["x", "y", "z"], ("1", "2", "3"), "'# x y and z', '# of 2024'"),
        ("% of all\n\na,b\n1,2\n", ["a", "b"], ("1", "2"), "'% of all'"),
        ("Report of 24\n\nname,age,city\nBo,3,Ulm\nAl,4,Rom\n", ["name", "age", "city"], ("Bo", "3", "Ulm"), "Repo"),
        ("Report,,\nname,age,city\nBo,3,Ulm\n", ["name", "age", "city"], ("Bo", "3", "Ulm"), "'Report'"),
        ("Report,\nname,age\nBo,3\nAl,5\n", ["name", "age"], ("Bo", "3"), "'Report'"),
        ("Station:,Ulm,,\nYear:,2024,,\nday,t,w,r\n1,2,3,4\n2,2,3,4\n", ["day", "t", "w", "r"], None, "'Station: Ulm'"),
        ("T\n\n\nA;B\n1,5;2\n1,6;3\n", ["A", "B"], None, "'T'"),
        ("# a b\n# 1\n# 2\n# 3\n# 4\nx,y\n1,2\n", ["x", "y"], ("1", "2"), "'# a b', '# 1', '# 2', …"),
        # which are none
        ("# a,b\n1,2\n3,4\n", ["a", "b"], ("1", "2"), NOTHING),
        ("#,name,age\n1,Bo,5\n2,Al,6\n", ["#", "name", "age"], None, NOTHING),
        ("#id,kind\nx,y\nz,w\n", ["#id", "kind"], ("x", "y"), NOTHING),
        ("% fat,name,town\nhigh,Bo,Rom\nlow,Al,Ulm\n", ["% fat", "name", "town"], None, NOTHING),
        # blanks
        ('"a", "b"\n"1", "x, y"\n', ["a", "b"], ("1", "x, y"), NOTHING),
        ('"a" ,"b" , "c"\n"1" ,"x, y", 3\n', ["a", "b", "c"], ("1", "x, y", "3"), NOTHING),
        (" a , b \n 1 , 2 \n", ["a", "b"], ("1", "2"), NOTHING),
        ('a,b\n1, "x\ny"\n', ["a", "b"], ("1", "x\ny"), NOTHING),
        ("'a', 'b'\n'x, y',1\n'it''s',2\n", ["a", "b"], ("x, y", "1"), NOTHING),
        # blanks between columns, and in one
        ("a b  c\n1   2 3\n 4 5 6 \n", ["a", "b", "c"], ("1", "2", "3"), "separated by blanks"),
        ('"a" "b c"\n1 2\n3 4\n', ["a", "b c"], ("1", "2"), "separated by blanks"),
        ("full name\nBo Li\nAl Wu\n", ["full name"], ("Bo Li",), NOTHING),
        # a separator at the end of lines
        ("a,b,\n1,2,\n3,4,\n", ["a", "b"], ("1", "2"), NOTHING),
        ("a,b,c,\n1,2,3\n4,5,6\n", ["a", "b", "c"], ("1", "2", "3"), NOTHING),
        ("a,b,c\n1,2,3,\n4,5,6,\n", ["a", "b", "c"], ("1", "2", "3"), NOTHING),
        ("a|b|\n1|2|\n", ["a", "b"], ("1", "2"), NOTHING),
        ("a;b;;;\n1;2;;;\n3;4;;;\n", ["a", "b"], ("1", "2"), NOTHING),
        (",a,b,\n,1,2,\n,3,4,\n", ["a", "b"], ("1", "2"), NOTHING),
        # names of rows
        (",a\n0,5\n1,6\n", ["column 1", "a"], ("0", "5"), NOTHING),
        ('"mpg","cyl"\n"Kia",21,6\n"Fiat",22,4\n', ["column 1", "mpg", "cyl"], ("Kia", "21", "6"), "as R writes it"),
        ('x\ty\n1\t3.5\ta\n2\t4.5\tb\n', ["column 1", "x", "y"], ("1", "3.5", "a"), "as R writes it"),
        # names that are numbers
        ("land,1990,1991\nIt,5,6\nDe,7,8\n", ["land", "1990", "1991"], ("It", "5", "6"), NOTHING),
        ("kind,0,1,2\nx,5,6,7\ny,7,8,9\n", ["kind", "0", "1", "2"], None, NOTHING),
        # names that come again
        ("a,b\n1,x\na,b\n2,y\n", ["a", "b"], ("1", "x"), "left out: 1 row that repeats the names of the columns."),
        # one column, or one row
        ("name\nx\ny\n", ["name"], ("x",), NOTHING),
        ("c0\nv0\na;b\n", ["c0"], ("v0",), NOTHING),
        ("a,b\n1,2", ["a", "b"], ("1", "2"), NOTHING),
        ("email\ntest@gmail.com\ntest2@yahoo.com\n", ["email"], ("test@gmail.com",), NOTHING),
        # the end of a file under DOS, and Greek and quotes in names
        ("a,b\r\n1,2\r\n\x1a", ["a", "b"], ("1", "2"), NOTHING),
        ('"size ""big""",β\n1,2\n', ['size "big"', "β"], ("1", "2"), NOTHING),
    ],
)  # fmt: skip
def test_the_first_lines_are_understood(text, names, first, said):
    frame, remarks = read(text)
    assert frame.columns == names
    if first is not None:
        assert frame.row(0) == first
    assert (not remarks) if said is NOTHING else (len(remarks) == 1 and said in remarks[0])


def test_blanks_between_columns_and_names_of_rows_as_r_writes_them():
    frame, remarks = read('"a" "b"\n"Bo Li" 1 2\n"Al Wu" 3 4\n')
    assert frame.columns == ["column 1", "a", "b"]
    assert frame.rows() == [("Bo Li", "1", "2"), ("Al Wu", "3", "4")]
    assert len(remarks) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        # no line of names
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", "seems to have no line of names: its first line holds '5.1'"),
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", "or give --no-header"),
        ("39, Private, 77516, 13\n50, Self, 83311, 13\n38, Private, 2156, 9\n", "no line of names"),
        ("M,0.455,0.365\nM,0.35,0.265\nF,0.53,0.42\n", "no line of names"),
        ("b,?,g\na,30.8,g\nb,25,g\n", "no line of names"),
        ("1,male,22\n0,female,38\n1,male,26\n", "no line of names"),
        ("1,2\n3,4\n", "numbers in its first line, expected the names of the columns: write them above it"),
        ("1.5 0.0 -0.3\n2.5 1.0 0.4\n", "numbers in its first line"),
        # lines of different lengths, and what is no title
        ("a,b\nx,y\nx,y,z\nu,v,w\n", "3 cells in line 3, expected 2"),
        ("name,age\nSmith, John,30\nDoe, Jane,40\n", "3 cells in line 2, expected 2"),
        ("a,b\n1,2\n\n\n3\n", "1 cell in line 5, expected 2"),
        ("# made by hand\n\na,b\n1,2\n3\n4,5\n", "1 cell in line 5, expected 2"),
        ("a,,c\nx,y,z\nu,v,w\n", "no name for column 2"),
        ("a,b,\nx,y,z\nu,v,w\n", "no name for column 3"),
        ("sep=;\na;b\n1;2;3\n4;5\n", "3 cells in line 3, expected 2"),
    ],
)
def test_what_cannot_be_understood_is_refused(text, words):
    with pytest.raises(InputError, match=words):
        read(text)


@pytest.mark.parametrize(
    ("encoding", "said"),
    [
        ("utf-8", []),
        ("utf-8-sig", []),
        ("utf-16", ["read as text in UTF-16."]),
        ("utf-16-le", ["read as text in UTF-16."]),
        ("utf-16-be", ["read as text in UTF-16."]),
        ("utf-32", ["read as text in UTF-32."]),
        ("cp1252", ["read as text in Windows-1252, since it is not UTF-8 (line 2: 'Köln')."]),
        ("latin-1", ["read as text in Windows-1252, since it is not UTF-8 (line 2: 'Köln')."]),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_text_in_any_common_encoding_is_read_and_others_than_utf_8_are_said(encoding, said, end):
    frame, remarks = read(end.join(["town,n", "in Köln,5", '"Ñ, é",6', ""]), encoding)
    assert frame.rows() == [("in Köln", "5"), ("Ñ, é", "6")]
    assert remarks == said


def test_damaged_text_is_refused_with_the_line():
    mixed = "a,b\nü,2\n".encode() + "ü,3\n".encode("latin-1")
    with pytest.raises(FileFormatError, match=r"not text in UTF-8 \(line 3\)"):
        read_delimited(mixed, "t.csv")
    with pytest.raises(FileFormatError, match=r"not text in UTF-8 \(line 2\)"):
        read_delimited(b"a,b\n\x81,2\n", "t.csv")
    with pytest.raises(FileFormatError, match="is damaged UTF-16"):
        read_delimited("a,b\n1,2\n".encode("utf-16") + b"\n", "t.csv")
    with pytest.raises(FileFormatError, match=r"holds binary data \(gzip\?\)"):
        read_delimited(b"\x1f\x8b\x08\x00\x00\x00", "t.csv")


def test_a_long_file_is_understood_by_its_first_lines_and_checked_to_its_end(monkeypatch):
    monkeypatch.setattr("backtalk.apps.tables.reading.delimited.BLOCK", 100)
    text = "Title\nx;y\n" + rows(1000, "{k},5;{letter}\n")
    frame, remarks = read(text)
    assert (frame.height, frame.row(999), len(remarks)) == (1000, ("999,5", "j"), 1)
    with pytest.raises(FileFormatError, match="3 cells in line 1003, expected 2"):
        read(text + "1;2;3\n")


def test_quoted_cells_in_a_long_file_are_read_by_lines(monkeypatch):
    monkeypatch.setattr("backtalk.apps.tables.reading.delimited.BLOCK", 100)
    text = '"a","b, c"\n' + rows(500, '"{letter}, ""{k}""","x\ny"\n')
    frame, _ = read(text)
    assert (frame.height, frame.row(321)) == (500, ('b, "321"', "x\ny"))
    with pytest.raises(FileFormatError, match=r"3 cells in line 1002, expected 2"):
        read(text + "1,2,3\n")


def test_wide_tables_have_long_first_lines():
    names = [f"a long name of the column {place}" for place in range(5000)]
    frame, _ = read(",".join(names) + "\n" + rows(3, ",".join(["{k}"] * 5000) + "\n"))
    assert frame.columns == names
    assert frame.shape == (3, 5000)
    assert frame.select(pl.last()).to_series().to_list() == ["0", "1", "2"]


@pytest.mark.parametrize(("separator", "mean"), [(";", 3.456), (",", 3456.0)])
def test_between_semicolons_a_comma_is_the_decimal_point_where_both_can_be(tmp_path, separator, mean):
    path = tmp_path / "t.csv"
    path.write_text(
        f"a{separator}y\n" + "".join(f'"1,234"{separator}{k % 2}\n"5,678"{separator}1\n' for k in range(10))
    )
    ready = prepare(path, Options("y", test=0, validation=0))
    (column,) = ready.preprocessing.columns
    assert column.mean == pytest.approx([mean])


@pytest.mark.parametrize(
    ("text", "width", "first"),
    [
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n\n", 3, ("5.1", "3.5", "Iris-setosa")),
        ("1;2,5;a\n3;4,5;b\n", 3, ("1", "2,5", "a")),
        ("18.0   8.  buick\n15.0   4.  ford\n", 3, ("18.0", "8.", "buick")),
        ("1,2\n3,4\n", 2, ("1", "2")),
        ('"a, b",1\n"c, d",2\n', 2, ("a, b", "1")),
    ],
)
def test_without_a_line_of_names_columns_are_called_by_their_places(text, width, first):
    found = read_delimited(text.encode(), "t.csv", no_header=True)
    assert found.frame.columns == [f"column {number}" for number in range(1, width + 1)]
    assert found.frame.row(0) == first
    assert found.frame.height == 2
    assert f"the columns are called column 1 to column {width}." in found.said[-1]


def test_semicolons_mean_decimal_commas_unless_the_numbers_show_points():
    assert read_delimited(b"a;b\n1.870;2,5\n850;3,25\n", "t.csv").decimal_comma
    assert read_delimited(b"a;b\n1.870;x\n850;y\n", "t.csv").decimal_comma
    assert not read_delimited(b"a;b\n1.870;2.5\n850;3.25\n", "t.csv").decimal_comma
