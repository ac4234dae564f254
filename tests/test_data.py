"""Data by name or from a file, and a sentence for each file that cannot be used."""

from __future__ import annotations

import os
import zipfile

import numpy as np
import pytest

from backtalk import FileFormatError, InputError, UnknownNameError
from backtalk.data.built_in import BUILT_IN, load_data


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_built_in_set_loads_with_its_columns(name):
    data = load_data(name)
    assert data.X.shape == (len(data.y), len(data.columns))
    assert np.isfinite(data.X).all()
    if name != "digits":
        np.testing.assert_allclose(data.X.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(data.X.std(axis=0), 1)


def csv(tmp_path, text, encoding="utf-8"):
    (tmp_path / "t.csv").write_text(text, encoding=encoding)
    return tmp_path / "t.csv"


def test_the_last_column_of_a_csv_file_is_y(tmp_path):
    data = load_data(csv(tmp_path, 'height,"weight, kg",label\n1.5,60,0\n\n1.75,72.5,1\n', "utf-8-sig"))
    assert data.columns == ("height", "weight, kg")
    assert data.X.tolist() == [[1.5, 60.0], [1.75, 72.5]]
    assert data.y.tolist() == [0, 1]


def test_target_chooses_one_column_or_several(tmp_path):
    path = csv(tmp_path, "a,b,c\n1,2,3\n4,5,6\n")
    assert load_data(path, ["a"]).y.tolist() == [1, 4]
    assert load_data(path, ["c", "a"]).y.tolist() == [[3, 1], [6, 4]]
    assert load_data(path, ["c", "a"]).columns == ("b",)


@pytest.mark.parametrize(
    ("text", "target", "words"),
    [
        ("", [], "has nothing in its first line"),
        ("1,2\n3,4\n", [], "has numbers in its first line, expected the names"),
        ("a,b\n", [], "no examples below it"),
        ("a,b\n1,x\n", [], r"holds 'x' in line 2, column 2 \(b\), expected a finite number"),
        ("a,b\n1,\n", [], "holds nothing in line 2, column 2"),
        ("a,b\n1,2\n\n1, nan\n", [], "holds ' nan' in line 4, column 2"),
        ("a,b\ninf,2\n", [], "holds 'inf' in line 2, column 1"),
        ("a,b\n1\n", [], "has 1 cell in line 2, expected 2"),
        (",a,b\n0,1,2\n", [], "has no name for column 1: name it, or leave out a column of row numbers"),
        ("a;b\n1;2\n", [], "has semicolons between its columns, expected commas"),
        ("a,b\n" + "1" * 200_000 + ",2\n", [], "cannot be read as a .csv file: field larger than"),
        ("a,b\n1,2\n", ["a", "a"], "has 'a' twice"),
        ("a,b\n1,2\n1,2,3\n", [], "has 3 cells in line 3, expected 2"),
        ("a,a\n1,2\n", [], "two columns named 'a'"),
        ("height,b\n1,2\n", ["heigt"], "did you mean 'height'"),
        ("a\n1\n", [], "no column besides the target"),
        (
            "a,b\n1_000,2\n",
            [],
            r"holds '1_000' in line 2, column 1 \(a\), expected a finite number, in the digits 0 to 9",
        ),
        ("a,b\n1,٣\n", [], "holds '٣' in line 2, column 2"),
        ("a,b\n1,2\0\n", [], "column 2"),
        ("a,b\n1," + "x" * 1000 + "\n", [], "holds 'x{79}…' in line 2"),
    ],
)
def test_a_csv_file_that_cannot_be_used_is_refused_with_the_place(tmp_path, text, target, words):
    with pytest.raises(InputError, match=words):
        load_data(csv(tmp_path, text), target)


def test_spaces_around_a_name_and_capitals_in_the_suffix_do_not_matter(tmp_path):
    path = csv(tmp_path, "a , b, c\n1 , 2, 3\n").rename(tmp_path / "T.CSV")
    data = load_data(path, ["b"])
    assert data.columns == ("a", "c")
    assert data.y.tolist() == [2]


def test_an_npz_file_gives_its_arrays(tmp_path):
    np.savez(tmp_path / "t.npz", X=np.eye(3), y=[0, 1, 2])
    data = load_data(tmp_path / "t.npz")
    assert data.X.tolist() == np.eye(3).tolist()
    assert data.columns == ("x_1", "x_2", "x_3")


def test_an_npz_file_that_cannot_be_used_is_refused(tmp_path):
    path = tmp_path / "t.npz"
    np.savez(path, X=np.eye(3))
    with pytest.raises(InputError, match=r"holds the arrays \['X'\], expected X and y"):
        load_data(path)
    np.savez(path, X=np.array([None, "x"], dtype=object), y=[1, 2])
    with pytest.raises(InputError, match=r"t.npz holds Python objects, expected arrays of numbers"):
        load_data(path)
    for content in (b"", b"hello", b"PK\x03\x04zzzz"):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"is not an .npz file"):
            load_data(path)
    with pytest.raises(InputError, match=r"only a .csv file has columns to choose from"):
        load_data("digits", ["a"])


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("{'descr':'<f8','fortran_order':False,'shape':(0,10000000000),}", r"X of shape \(0, 10000000000\)"),
        ("{'descr':'|V0','fortran_order':False,'shape':(4,10000000000),}", "expected at least one number"),
        ("((((", "is not an .npz file, or is damaged"),
    ],
)
def test_a_header_that_promises_columns_without_numbers_is_refused_before_they_are_named(tmp_path, header, said):
    head = header.encode().ljust(70)
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        file.writestr("X.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head)
        with file.open("y.npy", "w") as part:
            np.save(part, np.zeros(4))
    with pytest.raises(InputError, match=said):
        load_data(tmp_path / "t.npz")


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("{'descr':'<f8','fortran_order':False,'shape':(10000000000,),}", "is not an .npz file, or is damaged"),
        ("{'descr':'<f8','fortran_order':False,'shape':(-1,),}", "is not an .npz file, or is damaged"),
        ("{'descr':'<U0','fortran_order':False,'shape':(10000000000,),}", r"has y of shape .* kind <U0, expected"),
    ],
)
def test_a_header_that_promises_more_than_the_file_holds_is_refused_before_memory_is_taken(tmp_path, header, said):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        with file.open("X.npy", "w") as part:
            np.save(part, np.zeros((4, 2)))
        file.writestr("y.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(32))
    with pytest.raises(FileFormatError, match=said):
        load_data(tmp_path / "t.npz")


def test_an_npz_file_that_numpy_would_not_write_is_refused(tmp_path):
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        with zipfile.ZipFile(tmp_path / "t.npz", "w", method) as file:
            file.writestr("X.npy", b"hello")
            file.writestr("y.npy", b"hello")
        with pytest.raises(FileFormatError, match="is packed in a way that NumPy does not write"):
            load_data(tmp_path / "t.npz")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes with names")
def test_pipes_devices_and_folders_are_refused_without_waiting(tmp_path):
    for suffix in (".csv", ".npz"):
        pipe, link, folder = tmp_path / f"pipe{suffix}", tmp_path / f"zero{suffix}", tmp_path / f"folder{suffix}"
        os.mkfifo(pipe)
        link.symlink_to("/dev/zero")
        folder.mkdir()
        for path in (pipe, link):
            with pytest.raises(FileFormatError, match="is no ordinary file but a pipe or a device"):
                load_data(path)
        with pytest.raises(FileFormatError, match=rf"^{folder} is a folder, expected a file"):
            load_data(folder)


def test_a_part_of_an_npz_file_that_is_no_array_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as file:
        file.writestr("X.npy", b"hello")
        file.writestr("y.npy", b"hello")
    with pytest.raises(InputError, match="holds X, which is no array"):
        load_data(tmp_path / "t.npz")


def test_an_unknown_name_is_refused_with_the_nearest_and_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(UnknownNameError, match=r"did you mean 'digits'"):
        load_data("digit")
    with pytest.raises(InputError, match=r"expected a .csv or .npz file"):
        load_data("table.xls")
    with pytest.raises(FileNotFoundError):
        load_data(tmp_path / "none.csv")
    with pytest.raises(FileNotFoundError):
        load_data(tmp_path / "none.npz")


def test_numbers_that_are_not_finite_are_read_where_they_are_asked_for(tmp_path):
    path = csv(tmp_path, "a,b,c\n1,nan,0\n,inf,1\n")
    np.testing.assert_array_equal(load_data(path, finite=False).X, [[1, np.nan], [np.nan, np.inf]])
    with pytest.raises(InputError, match=r"holds 'nan' in line 2, column 2 \(b\), expected a finite number"):
        load_data(path)
    path = csv(tmp_path, "a,b,c\n1,,0\n,x,1\n")
    with pytest.raises(InputError, match=r"holds 'x' in line 3, column 2 \(b\), expected a number"):
        load_data(path, finite=False)


def test_spaces_of_any_kind_may_stand_around_a_number(tmp_path):
    assert load_data(csv(tmp_path, "a,b\n\u00a01.5 , .5\n-1e3,+2.\n")).X.tolist() == [[1.5], [-1000.0]]


def test_names_of_many_columns_are_compared_in_no_time_that_grows_with_their_square(tmp_path):
    names = [f"column_{k}" for k in range(50_000)]
    with pytest.raises(InputError, match="two columns named 'column_7'"):
        load_data(csv(tmp_path, ",".join([*names, "column_7"]) + "\n" + ",".join(["1"] * 50_001)))
    with pytest.raises(UnknownNameError, match=r"and 49960 more\.$"):
        load_data(csv(tmp_path, ",".join(names) + "\n" + ",".join(["1"] * 50_000)), ["other"])
