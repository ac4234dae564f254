"""Cells as people write them, each with the value that it stands for."""

from __future__ import annotations

import datetime as dt

import numpy as np
import polars as pl
import pytest

from backtalk.apps.tables.cells.dates import as_dates, is_date_form, tell_form
from backtalk.apps.tables.cells.kinds import CATEGORY, DATE, NUMBER, TIME, YES_NO, Reading, read, tell
from backtalk.apps.tables.cells.numbers import COMMA, SEPARATED, as_numbers, is_number_form
from backtalk.apps.tables.cells.otherwise import written_otherwise
from backtalk.apps.tables.cells.truth import is_truth_form
from backtalk.apps.tables.cells.words import without_missing
from backtalk.apps.tables.columns import LEFT_OUT
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.prepare import prepare
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.unknown import Unknown, say_of
from backtalk.errors import InputError
from one_network import Options

NUMBERS = [f"{k / 4:.2f}" for k in range(40)]


def understood(cells, name="a", **settings):
    """How a column is read, and its values; None for what is missing."""
    values = without_missing(pl.Series(name, cells, strict=False))
    reading = tell(values, learns_words=True, **settings)
    values = without_missing(values, reading.missing)
    found = values if reading.kind == CATEGORY else read(values, reading.kind, reading.form)
    return reading, found.to_list()


def learned(cells, name="a", missing=()):
    return learn(pl.Series(name, cells), np.arange(len(cells)), missing)


# Dates


def day(year, month=1, number=1, *clock):
    return dt.datetime(year, month, number, *clock)


@pytest.mark.parametrize(
    ("cells", "days"),
    [
        # years of two digits are no years of four
        (["31-12-24", "05-01-99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["12/31/24", "01/05/99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["31/12/24", "05/01/99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["31.12.24", "5.1.99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["24-12-31", "99-01-05"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["31-Dec-24", "5-Jan-99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        (["31DEC24", "05JAN99"], [day(2024, 12, 31), day(1999, 1, 5)]),
        # the hundred years are parted where the column has no years
        (["31/12/45", "01/01/10", "05/06/60"], [day(1945, 12, 31), day(2010), day(1960, 6, 5)]),
        (["1/1/85", "2/1/85", "3/1/16"], [day(1985), day(1985, 2), day(2016, 3)]),
        (["31/12/45", "01/01/24"], [day(2045, 12, 31), day(2024)]),
        # years of four digits
        (["31-12-2024", "01-02-2024"], [day(2024, 12, 31), day(2024, 2)]),
        (["12-31-2024", "01-02-2024"], [day(2024, 12, 31), day(2024, 1, 2)]),
        (["31/12/2024", "01/02/2024"], [day(2024, 12, 31), day(2024, 2)]),
        (["12/31/2024", "1/2/2024"], [day(2024, 12, 31), day(2024, 1, 2)]),
        (["31.12.2024", "1.2.2024"], [day(2024, 12, 31), day(2024, 2)]),
        (["2024/12/31", "2024/1/2"], [day(2024, 12, 31), day(2024, 1, 2)]),
        (["2024.12.31", "2024.01.02"], [day(2024, 12, 31), day(2024, 1, 2)]),
        (["20241231", "20240102", "20230102"], [day(2024, 12, 31), day(2024, 1, 2), day(2023, 1, 2)]),
        # months as words
        (["31-Dec-2024", "1-jan-2024"], [day(2024, 12, 31), day(2024)]),
        (["Dec 31, 1999", "Jan 1, 2000"], [day(1999, 12, 31), day(2000)]),
        (["Dec-31-1999", "Jan-1-2000"], [day(1999, 12, 31), day(2000)]),
        (["December 31, 1999", "May 1 2000"], [day(1999, 12, 31), day(2000, 5)]),
        (["01 January 2020", "31 Dec 2021"], [day(2020), day(2021, 12, 31)]),
        (["Sept 5, 2020", "Oct. 6, 2020"], [day(2020, 9, 5), day(2020, 10, 6)]),
        (["31DEC2024", "01JAN2020"], [day(2024, 12, 31), day(2020)]),
        (["1st March 2024", "22nd April 2024"], [day(2024, 3), day(2024, 4, 22)]),
        (["Tuesday, December 31, 2024", "Wed, January 1, 2025"], [day(2024, 12, 31), day(2025)]),
        (["2024-Dec-31", "2024-Jan-01"], [day(2024, 12, 31), day(2024)]),
        # months alone
        (["Dec-2015", "Jan-2016"], [day(2015, 12), day(2016)]),
        (["January 2020", "Mar 2021"], [day(2020), day(2021, 3)]),
        (["2020-01", "2020-07"], [day(2020), day(2020, 7)]),
        (["12/2020", "01/2021"], [day(2020, 12), day(2021)]),
        (["1977-Jan", "1977-Feb"], [day(1977), day(1977, 2)]),
        (["1990,  July", "1991, September"], [day(1990, 7), day(1991, 9)]),
        (["1998 Q1", "1998 Q4"], [day(1998), day(1998, 10)]),
        (["Q2 2014", "Q3-2014"], [day(2014, 4), day(2014, 7)]),
        # times beside them
        (["12/31/2024 2:32 PM", "1/5/2024 12:00 AM"], [day(2024, 12, 31, 14, 32), day(2024, 1, 5)]),
        (["2024-01-05 2 PM", "2024-01-05 12:15 p.m."], [day(2024, 1, 5, 14), day(2024, 1, 5, 12, 15)]),
        (["2024-01-05 10:00:00.250", "2024-01-06"], [day(2024, 1, 5, 10, 0, 0, 250_000), day(2024, 1, 6)]),
        (["2024-01-05 10:00:00,250", "2024-01-06 9:05"], [day(2024, 1, 5, 10, 0, 0, 250_000), day(2024, 1, 6, 9, 5)]),
        (["20141013T000000", "20141014T123045"], [day(2014, 10, 13), day(2014, 10, 14, 12, 30, 45)]),
        (["Tue Dec 31 10:00:00 2024", "Wed Jan  1 00:00:01 2025"], [day(2024, 12, 31, 10), day(2025, 1, 1, 0, 0, 1)]),
        (["Dec 31, 2024 at 2:32 PM", "Jan 1, 2025 at 1:00 AM"], [day(2024, 12, 31, 14, 32), day(2025, 1, 1, 1)]),
        # instants: the hour that summer time repeats, and the one that it leaves out
        (
            ["2024-10-27T02:30:00+02:00", "2024-10-27T02:30:00+01:00"],
            [day(2024, 10, 27, 0, 30), day(2024, 10, 27, 1, 30)],
        ),
        (["2024-03-31 01:59:00+0100", "2024-03-31 03:00:00+0200"], [day(2024, 3, 31, 0, 59), day(2024, 3, 31, 1)]),
        (["2024-01-01T00:00:00Z", "2024-01-01T00:00:00-05"], [day(2024), day(2024, 1, 1, 5)]),
        (["2024-01-01 00:00:00 UTC", "2024-01-01 02:00 GMT"], [day(2024), day(2024, 1, 1, 2)]),
        (["Tue, 31 Dec 2024 10:00:00 +0100", "1 Jan 2025 10:00 GMT"], [day(2024, 12, 31, 9), day(2025, 1, 1, 10)]),
        (["05JAN2020:10:30:00", "06JAN2020:00:00:00"], [day(2020, 1, 5, 10, 30), day(2020, 1, 6)]),
        (["10/Oct/2000:13:55:36 -0700"] * 2, [day(2000, 10, 10, 20, 55, 36)] * 2),
        (["2024-01-05 10:00:00 +0000 UTC", "2024-01-05 10:00:00 +0100 CET"], [day(2024, 1, 5, 10), day(2024, 1, 5, 9)]),
        (["Fri Jan 05 2024 10:00:00 GMT+0100 (Central European Standard Time)"], [day(2024, 1, 5, 9)]),
        (["Jan  5 2024 12:00AM", "Dec 31 2024  2:32PM"], [day(2024, 1, 5), day(2024, 12, 31, 14, 32)]),
        (["Wed Oct 10 20:19:24 +0000 2018"] * 2, [day(2018, 10, 10, 20, 19, 24)] * 2),
    ],
)  # fmt: skip
def test_dates_are_the_days_and_instants_that_were_meant(cells, days):
    reading, found = understood(cells)
    assert (reading.kind, reading.unreadable, found) == (DATE, 0, days)
    assert is_date_form(reading.form)


@pytest.mark.parametrize(
    "cells",
    [
        ["4.4.2", "5.1.1"],
        ["10-10-10", "5-10-10", "10-10-10"],
        ["6/4/2", "12/1/2"],
        ["10.4.12", "10.15.7"],
        ["0024-01-05", "0031-12-24"],
        ["2024-13-45", "2024-30-30"],
        ["2009-10", "2010-11", "2011-12"],
        ["2000-1", "2000-2", "2001-1"],
        ["18-35", "36-60"],
        ["192.168.1.10", "192.168.1.11"],
        ["1/2", "3/4"],
        ["May", "June"],
        ["555-12-3456", "555-12-3457"],
    ],
)
def test_what_only_looks_like_dates_is_none(cells):
    assert understood(cells * 3)[0].kind == CATEGORY


def test_dates_of_which_some_have_the_day_first_and_some_the_month_are_none():
    reading = tell(pl.Series(["13/02/2024", "02/13/2024", "01/02/2024"]))
    assert reading.kind == CATEGORY
    assert "some have the day first and some the month" in reading.remarks[0]


def test_an_order_of_day_and_month_that_is_a_guess_is_said():
    assert "is a guess" in understood(["01/02/2024", "03/04/2024"])[0].remarks[0]
    assert understood(["01/02/2024", "03/14/2024"])[0].remarks == ()
    assert understood(["01.02.2024", "03.04.2024"])[0].remarks == ()


def test_the_hundred_years_of_two_digits_are_said_and_kept_with_the_column():
    column = learned(["12/31/24", "01/05/99", "02/15/01"] * 4)
    assert "written as %m/%d/%y of 1950-2049" in column.remark
    days = column.values(pl.Series(["12/31/49", "12/31/50", "12/31/1951"]))[:, 0]
    assert days.tolist() == [
        (each - day(1970)).days for each in (day(2049, 12, 31), day(1950, 12, 31), day(1951, 12, 31))
    ]


def test_a_few_cells_that_are_no_dates_are_missing_and_said():
    cells = [f"2024-01-{k:02d}" for k in range(1, 32)]
    column = learned([*cells, "2024-02-30"])
    assert (column.kind, column.has_missing) == (DATE, True)
    assert "1 cell is no date and counts as missing: 2024-02-30" in column.remark
    waiting = learned([*cells, *["pending"] * 8])
    assert (waiting.kind, waiting.missing) == (DATE, ["pending"])
    assert "8 cells hold pending" in waiting.remark


def test_a_table_to_predict_may_write_dates_in_another_form_but_never_in_another_order():
    column = learned(["12/31/2024", "01/05/2024", "02/15/2023"] * 4)
    written = ["12/31/2024", "12/31/24", "2024-12-31", "Dec 31, 2024", "31-Dec-2024", "2024-12-31T00:00:00Z"]
    assert column.values(pl.Series(written))[:, 0].tolist() == [(day(2024, 12, 31) - day(1970)).days] * 6
    for cells in (["31/12/2024"], ["01/02/2024", "31/12/24"]):
        with pytest.raises(InputError, match="with day and month in another order than in training"):
            column.numbers_in(pl.Series(cells), np.arange(len(cells)))
    assert np.isnan(column.values(pl.Series(["31.12.2024"]))).all()


def test_forms_of_earlier_runs_read_what_they_read():
    for form in ("%Y-%m-%dT%H:%M:%S%.f%Z", "%d.%m.%Y %H:%M", "%m/%d/%Y", "%d/%m/%Y"):
        assert is_date_form(form)
    assert as_dates(pl.Series(["5.1.2024 10:30"]), "%d.%m.%Y %H:%M")[0] == day(2024, 1, 5, 10, 30)
    assert not is_date_form("%H:%M")
    assert tell_form(pl.Series(["x", "y"])) is None


def test_dates_of_an_earlier_run_in_the_year_24_are_refused():
    column = learned(["12/31/2024", "01/05/2024", "02/15/2023"] * 4)
    values = column.__class__(
        **{name: getattr(column, name) for name in column.__slots__} | {"median": [-7e5, 0, 0, 0, 0]}
    )
    assert "years of two digits" in values.fault


def test_typed_dates_of_early_years_are_pointed_at_and_can_be_used():
    column = learned([day(14, 11, 18), day(15, 2, 1), day(15, 3, 2)] * 4)
    assert column.fault == ""
    assert "12 cells of a year before 1000, such as 0014-11-18" in column.remark


def test_typed_instants_are_those_of_text():
    times = [day(2024, 3, 31, 0, 30), day(2024, 3, 31, 1, 30)]
    typed = pl.Series(times).dt.replace_time_zone("UTC").dt.convert_time_zone("Europe/Berlin")
    assert as_dates(typed, "plain").to_list() == times
    assert understood(["2024-03-31 01:30:00+01:00", "2024-03-31 03:30:00+02:00"])[1] == times


def test_times_without_an_offset_among_others_are_said():
    reading, _ = understood(["2024-01-05T10:00:00Z", "2024-01-05T11:00:00"])
    assert reading.remarks == ("1 cell without an offset from UTC, such as 2024-01-05T11:00:00: in UTC",)


# Times


@pytest.mark.parametrize(
    ("cells", "hours"),
    [
        (["14:32", "9:05", "00:00"], [14 + 32 / 60, 9 + 5 / 60, 0]),
        (["2:32 PM", "12:00 AM", "12:15 pm"], [14 + 32 / 60, 0, 12.25]),
        (["2 PM", "11 a.m.", "12 AM"], [14, 11, 0]),
        (["14:32:30", "24:00:00", "06:00:00.5"], [14 + 32.5 / 60, 24, 6 + 0.5 / 3600]),
        ([dt.time(14, 30), dt.time(6)], [14.5, 6]),
    ],
)
def test_times_alone_are_times_of_the_day_with_waves(cells, hours):
    column = learned(cells * 3)
    assert (column.kind, column.numbers) == (TIME, ["a", "a: time of day, sine", "a: time of day, cosine"])
    values = column.values(pl.Series("a", cells))
    shares = np.array(hours) / 24
    expected = np.column_stack([shares, np.sin(2 * np.pi * shares), np.cos(2 * np.pi * shares)])
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_what_no_clock_shows_is_no_time():
    assert understood(["25:10", "14:60", "7:5"])[0].kind == CATEGORY


# Yes and no


@pytest.mark.parametrize(
    ("cells", "truth"),
    [
        (["Yes", "yes", "NO", "no", None], [1, 1, 0, 0, None]),
        (["y", "no", "N", "YES"], [1, 0, 0, 1]),
        (["T", "F", "t"], [1, 0, 1]),
        (["true", "F"], [1, 0]),
        (["TRUE", "0", "1", "False"], [1, 0, 1, 0]),
        (["on", "off", "N/A"], [1, 0, None]),
        (["☑", "☐"], [1, 0]),
        (["[x]", "[ ]"], [1, 0]),
        ([True, False, None], [1, 0, None]),
        # one value or none
        (["x", "", "x", " "], [1, 0, 1, 0]),
        (["X", "-", "x"], [1, 0, 1]),
        (["✓", None], [1, 0]),
        (["yes", None, "NA"], [1, 0, 0]),
        (["Y", ""], [1, 0]),
        ([1, None], [1, 0]),
        (["1", ""], [1, 0]),
        ([2.5, None], [1, 0]),
        ([True, None], [1, 0]),
        ([dt.date(2024, 1, 1), None], [1, 0]),
    ],
)
def test_yes_and_no_are_two_words_of_a_pair_or_one_value_or_none(cells, truth):
    reading, found = understood(cells)
    assert (reading.kind, found) == (YES_NO, truth)
    assert is_truth_form(reading.form)


@pytest.mark.parametrize(
    "cells",
    [["F", "N"], ["T", "Y"], ["T", "N", "Y"], ["no", "f"], ["yes", "off"], ["M", "F"], ["Y", "N", "U"], ["t", "y"]],
)
def test_words_of_one_kind_or_of_two_pairs_are_categories(cells):
    assert understood(cells * 4)[0].kind == CATEGORY


def test_several_spellings_of_yes_and_no_are_said():
    assert "two values, written NO, Yes, no, yes" in learned(["Yes", "yes", "NO", "no"] * 3).remark


def test_one_value_or_empty_is_an_input_and_other_values_are_no_such_thing():
    column = learned(["x", None, "x", "", None])
    assert (column.kind, column.numbers, column.has_missing) == (YES_NO, ["a"], False)
    assert "one value, x, or empty" in column.remark
    assert column.values(pl.Series(["X", None, ""]))[:, 0].tolist() == [1, 0, 0]
    _, absent, unknown = column.numbers_in(pl.Series(["x", "o", None]), np.arange(3))
    assert absent.tolist() == [False, True, False]
    assert (unknown.strange, unknown.first, unknown.row, unknown.missing) == (1, "o", 2, 0)
    assert learned(["1", "", "1"]).values(pl.Series([1.0, None]))[:, 0].tolist() == [1, 0]
    assert learned(["x"] * 3).kind == LEFT_OUT
    assert learned([None, "NA"]).remark.endswith("every value is missing")


# What is missing


@pytest.mark.parametrize(
    "word",
    [
        "", " ", "NA", "na", "N/A", "n/a", "NaN", "nan", "NULL", "Null", "None", "none", "<NA>", "#N/A", "#n/a", "?",
        ".", "..", "-", "--", "–", "\\N", "#DIV/0!", "#VALUE!", "#REF!", "Unknown", "UNKNOWN", "missing", "Missing",
        "(blank)", "NaT", "n.a.", "-1.#IND", "not available", "nil", "0000-00-00",
    ],
)  # fmt: skip
def test_the_usual_words_for_what_is_missing_are_it_in_any_case(word):
    for cells in (["1", word, "2.5"], ["red", word, "blue"], ["2024-01-05", word, "2024-01-06"], ["yes", word, "no"]):
        assert without_missing(pl.Series(cells)).to_list() == [cells[0], None, cells[2]]
        assert understood(cells)[0].unreadable == 0
    assert understood(["1", word, "2.5"]) == (Reading(NUMBER), [1, None, 2.5])


@pytest.mark.parametrize("count", [2, 4, 12, 17, 80])
def test_a_word_that_repeats_among_numbers_is_missing_however_often(count):
    column = learned([*NUMBERS, *["not tested"] * count])
    assert (column.kind, column.missing, column.has_missing) == (NUMBER, ["not tested"], True)
    assert f"{count} cells hold not tested, which counts as missing" in column.remark
    values = column.values(pl.Series(["1", "Not Tested", "NA"]))[:, 0]
    assert values[0] == 1
    assert np.isnan(values[1:]).all()


def test_words_that_are_values_of_their_own_make_categories():
    for cells in (
        ["2", "4", "more"],
        [*"23456789", "10", "J", "Q", "K"],
        ["1", "A", "B"],
        ["1.5", "2", "TRUE", "TRUE"],
    ):
        assert understood(cells * 4)[0].kind == CATEGORY
    assert understood([*NUMBERS, "A1", "A1", "B7", "B7"])[0].kind == CATEGORY


def test_a_word_that_was_a_category_in_an_earlier_run_stays_one():
    column = learned(["a", "b"] * 4)
    earlier = column.__class__("a", CATEGORY, categories=["Unknown", "b"])
    assert earlier.places(pl.Series(["Unknown", "b"]), np.arange(2))[0].tolist() == [0, 1]


def test_text_of_parquet_is_treated_as_text_of_csv():
    cells = [" 1 ", "NA", "2", "missing", None, "3"] * 3
    for dtype in (pl.String, pl.Categorical):
        column = learn(pl.Series("a", cells, dtype=dtype), np.arange(18))
        assert (column.kind, column.median) == (NUMBER, [2])


def test_words_that_are_given_are_missing_as_words_and_as_numbers():
    column = learned(["1", "2", "-999", "-999.0", "3", "tbd"], missing=["-999", "TBD"])
    assert (column.kind, column.missing) == (NUMBER, ["-999", "TBD"])
    for cells in (pl.Series([1.0, -999.0]), pl.Series(["1", "tbd"]), pl.Series([1, -999])):
        assert np.isnan(column.values(cells)[:, 0]).tolist() == [False, True]


@pytest.mark.parametrize(
    ("cells", "number"),
    [
        ([*NUMBERS, "-999", "-999"], "-999"),
        ([*range(90), 999, 999], "999"),
        ([*range(50), -1, -1], "-1"),
        ([*NUMBERS, "9999.9"], "9999.9"),
        ([1, 2, 3, 4, 99] * 2, "99"),
    ],
)
def test_numbers_that_stand_for_what_is_missing_are_pointed_at_and_stay(cells, number):
    reading, found = understood(cells)
    assert reading.kind == NUMBER
    assert f"--missing {number}" in reading.remarks[0]
    assert float(number) in found


def test_numbers_among_their_like_are_not_pointed_at():
    for cells in ([*range(120)], [*range(0, 10_000, 7), 9999], [*range(-50, 50)], [-1, 0, 1] * 5):
        assert understood(cells)[0].remarks == ()


# Numbers


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["(1,234.50)", "12", "(7)"], [-1234.5, 12, -7]),
        (["-$5.00", "$-6", "($7)", "$1,000"], [-5, -6, -7, 1000]),
        (["−1.5", "–2", "3"], [-1.5, -2, 3]),
        (["₹627", "₹12,34,567"], [627, 1234567]),
        (["USD 5", "USD 1,200.50"], [5, 1200.5]),
        (["5 USD", "6 USD"], [5, 6]),
        (["R$ 5", "US$6"], [5, 6]),
        (["Rs. 5", "Rs 6"], [5, 6]),
        (["5 kr", "6 kr."], [5, 6]),
        (["5.0-", "3"], [-5, 3]),
        (["12,34,567", "1,00,000", "5"], [1234567, 100000, 5]),
        (["1,5E-05", "2,25"], [1.5e-05, 2.25]),
        ([",532", "1,5"], [0.532, 1.5]),
        (["0,532", "1,234"], [0.532, 1.234]),
        (["-1.234,5", "1.000.000"], [-1234.5, 1000000]),
        (["1 234,5", "2"], [1234.5, 2]),
        (["1'234.50", "1’000"], [1234.5, 1000]),
        (["1\u00a0234", "1\u202f234.5"], [1234, 1234.5]),
        (["12 %", "3.5%"], [12, 3.5]),
        (["<0.5", "1.5", "2", ">100"], [0.5, 1.5, 2, 100]),
        (["≤5", "~6", "7", "8", "9"], [5, 6, 7, 8, 9]),
        (["65+", "64", "85 and over", "70"], [65, 64, 85, 70]),
        (["1", "2", "3+"], [1, 2, 3]),
        (["10,000+", "500+", "5+"], [10000, 500, 5]),
        (["7.8kg", "12 kg"], [7.8, 12]),
        (["7,8 kg", "12 kg"], [7.8, 12]),
        (["36 months", "1 month"], [36, 1]),
        (["21.4°C", "-3°C"], [21.4, -3]),
        (["€110.5M", "€500K", "€0"], [110.5e6, 500e3, 0]),
        (["1.5 million", "250 thousand"], [1.5e6, 250e3]),
        (["₹1.2 Cr", "₹85 Lac"], [1.2e7, 8.5e6]),
        (["5.-", "1'250.-", "7.50"], [5, 1250, 7.5]),
        (["5,-", "7,50"], [5, 7.5]),
        ([dt.timedelta(minutes=1).total_seconds(), 5], [60, 5]),
        (["+5", "1e3", ".5", "5."], [5, 1000, 0.5, 5]),
        (["1,234", "1e3", "0.5"], [1234, 1000, 0.5]),
    ],
)
def test_numbers_are_what_people_mean_by_them(cells, numbers):
    reading, found = understood(cells)
    assert (reading.kind, reading.unreadable, found) == (NUMBER, 0, pytest.approx(numbers, rel=1e-15))
    assert is_number_form(reading.form)


@pytest.mark.parametrize(
    "cells",
    [
        ["<=50K", ">50K"], ["<30", ">30"], ["2+", "2-", "1"], ["5kg", "300g"], ["12A", "12B", "14"], ["1.2.3", "1.2.4"],
        ["(5", "5)"], ["--5", "+-5"], ["1,23,4", "1,2,3"], ["5'11", "6'2"], ["0x1F", "0x2A"], ["0.532.1", "1"],
        ["3/4", "1/2"], ["18-35", "36+"],
    ],
)  # fmt: skip
def test_what_is_no_number_of_one_kind_stays_text(cells):
    assert understood(cells * 5)[0].kind == CATEGORY


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([*NUMBERS, "<0.5"], "bounds in 1 cell, such as <0.5"),
        ([*NUMBERS, "(5)"], "parentheses around 1 cell, such as (5): negative"),
        ([*NUMBERS, "5-", "6-"], "the sign at the end of 2 cells, such as 5-: negative"),
        (["5 %", "0.05"], "% in 1 cell, such as 5 %, and not in the others"),
        (["$5", "€6"], "several currencies ($, €)"),
        ([*map(str, range(10, 410)), "00"], "zeros before 1 cell, such as 00"),
    ],
)
def test_what_is_odd_about_numbers_is_said_with_an_example(cells, said):
    assert any(said in remark for remark in understood(cells)[0].remarks)
    assert said in learned(cells).remark


def test_a_cell_between_semicolons_has_a_decimal_comma_where_both_are_possible():
    for cells, without, between in [
        (["1,234", "2"], [1234, 2], [1.234, 2]),
        (["1,5", "1.234,5"], [1.5, 1234.5], [1.5, 1234.5]),
    ]:
        assert understood(cells)[1] == without
        assert understood(cells, decimal_comma=True)[1] == between
    assert understood(["1.234", "2.5"], decimal_comma=True)[1] == [1.234, 2.5]


def test_a_point_stands_between_thousands_only_where_it_can():
    assert as_numbers(pl.Series(["1.234", "0.532", "1.5"]), COMMA).to_list() == [1234, None, None]
    assert as_numbers(pl.Series(["1,234", "0,532", "1,5"]), SEPARATED).to_list() == [1234, None, None]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["00501", "12345", "90210"], CATEGORY),
        (["01", "02", "12"], CATEGORY),
        (["007", "12", "1234"], CATEGORY),
        (["01", "01.1", "01.11", "20", "20.5", "20.59"], CATEGORY),
        (["05.25", "12.50", "07.00"], NUMBER),
        (["-05", "07", "12"], NUMBER),
        ([*map(str, range(10, 410)), "00"], NUMBER),
        ([*NUMBERS, "05"], NUMBER),
        ([*[f"{k:05}" for k in range(30_000, 30_400)], "00501"], CATEGORY),
    ],
)
def test_zeros_before_numbers_make_codes_unless_they_are_slips(cells, kind):
    assert understood(cells)[0].kind == kind


@pytest.mark.parametrize(
    "name", ["zip", "ZIP", "zip_code", "Zip Code", "zipcode", "postal_code", "area code", "Area.Code", "PLZ"]
)
@pytest.mark.parametrize("cells", [[2139, 10001, 90210], ["2139", "10001", "90210"], [2139.0, 10001.0, 90210.0]])
def test_numbers_that_are_codes_by_their_name_are_categories(name, cells):
    column = learned(cells * 4, name)
    assert (column.kind, column.categories) == (CATEGORY, ["10001", "2139", "90210"])
    assert "codes, by its name" in column.remark


def test_numbers_that_are_ids_of_things_by_their_name_are_pointed_at():
    for name in ("store_id", "storeId", "StoreID"):
        assert "ids" in learned([1, 2, 3] * 4, name).remark
    assert learned([1, 2, 3] * 4, "paid").remark == ""


def test_inputs_of_a_table_are_the_same_from_text_and_from_types():
    days = [day(2024, 1, 1) + dt.timedelta(hours=31 * k) for k in range(40)]
    typed = pl.DataFrame(
        {"n": [k / 4 for k in range(40)], "d": days, "t": [each.time() for each in days], "x": [None, 1] * 20}
    )
    text = pl.DataFrame(
        {
            "n": NUMBERS,
            "d": [each.strftime("%d %B %Y %I:%M %p") for each in days],
            "t": [each.strftime("%H:%M") for each in days],
            "x": ["", "1"] * 20,
        }
    )
    one, other = (Preprocessing.learn(frame, np.arange(40)) for frame in (typed, text))
    assert one.inputs == other.inputs
    for preprocessing in (one, other):
        for frame in (typed, text):
            np.testing.assert_allclose(preprocessing.transform(frame)[0], one.transform(typed)[0], atol=1e-6)


def test_words_for_what_is_missing_that_are_given_reach_the_columns_and_the_target(tmp_path):
    rows = [f"{k / 7:.3f},{k % 9 - 999 * (k % 10 == 0)},{'tbd' if k % 20 == 3 else 'xyz'[k % 3]}" for k in range(200)]
    (tmp_path / "t.csv").write_text("y,a,b\n" + "\n".join([*rows, "tbd,1,x", "-999,1,y", "NA,1,z"]) + "\n")
    ready = prepare(tmp_path / "t.csv", Options("y", missing=("TBD", "-999")))
    assert (ready.target.task, ready.target.missing) == ("regression", ["TBD", "-999"])
    assert sum(map(len, ready.truth.values())) == 200
    a, b = ready.preprocessing.columns
    assert (a.kind, a.missing, b.categories) == (NUMBER, ["TBD", "-999"], ["x", "y", "z", "(missing)"])
    assert "holds -999" not in a.remark


def test_text_of_which_most_cells_are_numbers_says_how_to_read_it_as_numbers():
    heights = [f"{60 + k % 20}" for k in range(90)] + [f"5' {k}\"" for k in range(10)]
    reading, _ = understood(heights, "height")
    assert reading.kind == CATEGORY
    assert "90 of 100 cells are numbers" in reading.remarks[0]
    assert "such as 5' 0\"" in reading.remarks[0]
    assert reading.remarks[0].endswith("--types height=number")


@pytest.mark.parametrize("cells", [["1", "2", "3", "crew", "staff"] * 10, ["red", "green", "5"] * 10])
def test_other_text_has_no_such_remark(cells):
    reading, _ = understood(cells)
    assert reading.kind == CATEGORY
    assert reading.remarks == ()


def test_numbers_far_from_all_of_the_training_are_taken_as_they_are_and_told():
    column = learned([k / 2 for k in range(200)], "age")
    A, missing, unknown = column.numbers_in(pl.Series("age", ["5", "-999", "70", "9999"]), np.arange(4))
    assert not missing.any()
    assert column.scaled(A)[1, 0] < -30
    assert say_of(column, unknown) == [
        "column 'age' holds '-999' in row 2, far from all numbers of the training, and so does 1 row more: taken as it "
        "is; if that means missing, empty the cell."
    ]
    assert say_of(column, Unknown.together([Unknown(3), unknown])) == say_of(column, unknown)
    assert Preprocessing([column]).remarks_on_training([unknown]) == []  # of the table that was learned itself
    _, _, usual = column.numbers_in(pl.Series("age", ["5", "170"]), np.arange(2))
    assert say_of(column, usual) == []


# Numbers of a later table, and other things that are told from the whole


TRAINED = [f"{k / 4 + 1000:.2f}" for k in range(40)]
GERMAN = [cell.replace(".", ",") for cell in TRAINED]


@pytest.mark.parametrize(
    ("trained", "later", "expected"),
    [
        (TRAINED, ["$720.38", "(30.79)", "−5.5"], [720.38, -30.79, -5.5]),
        (TRAINED, ["720,38", "3.391,50", "3.391"], [720.38, 3391.5, 3391.0]),  # the first shows what the last is
        (TRAINED, ["3,391.50", "3,391"], [3391.5, 3391.0]),
        (TRAINED, ["3,391", "5"], [None, 5.0]),
        (TRAINED, ["12 %", "5"], [None, 5.0]),
        (TRAINED, ["720,38", "720.38", "3,391"], [720.38, 720.38, None]),
        (TRAINED, ["720,38", "3,391", "3,392"], [720.38, None, None]),
        (TRAINED, ["7,5", "1.234", "2.345"], [7.5, 1.234, 2.345]),  # one slip says nothing about the others
        (GERMAN, ["720.38", "1.234"], [720.38, 1.234]),
        (GERMAN, ["720.38", "7,5", "1.234"], [720.38, 7.5, 1234.0]),
        (GERMAN, ["1.234", "850"], [1234.0, 850.0]),
        ([f"{cell} kg" for cell in TRAINED], ["19.2", "20 kg", "5 lb"], [19.2, 20.0, None]),
    ],
)
def test_numbers_written_otherwise_than_in_training_are_read_if_they_cannot_be_mistaken(trained, later, expected):
    form = understood(trained)[0].form
    words = pl.Series("a", later)
    found = written_otherwise(words, form)
    assert (as_numbers(words, form) if found is None else found).to_list() == expected


@pytest.mark.parametrize(
    ("trained", "later", "said"),
    [
        (TRAINED, ["$720.38", "5"], "holds '$720.38' in row 1, written otherwise than in training: read as 720.38"),
        ([f"${cell}" for cell in TRAINED], ["€5.00", "$6.00"], "another currency"),
        ([f"{k}.5%" for k in range(40)], ["0.127", "0.2"], "without a percent sign"),
    ],
)
def test_what_is_new_about_the_numbers_of_a_later_table_is_said(trained, later, said):
    *_, unknown = learned(trained).numbers_in(pl.Series("a", later), np.arange(len(later)))
    assert said in " ".join(unknown.said)
    *_, unknown = learned(trained).numbers_in(pl.Series("a", trained), np.arange(len(trained)))
    assert unknown.said == ()


def test_categories_are_one_in_every_spelling_of_truth_values_and_whole_numbers():
    column = learned(["true", "false", "maybe", "2", "2.50", "A", "a"] * 4)
    places, unknown = column.places(pl.Series("a", ["TRUE", "False", "2.0", "2.5", "A", "a"]), np.arange(6))
    shown = [column.categories[place] if place >= 0 else None for place in places]
    assert shown == ["true", "false", "2", None, "A", "a"]
    assert unknown.strange == 1


def test_seconds_before_am_and_pm_are_no_hours():
    assert understood(["1/5/2024 9:05:00 AM", "12/31/2024 12:05:07 PM"] * 5)[1][:2] == [
        dt.datetime(2024, 1, 5, 9, 5),
        dt.datetime(2024, 12, 31, 12, 5, 7),
    ]
    assert read(pl.Series(["9:05:07 PM", "2 PM"]), TIME, "plain").to_list() == [
        dt.datetime(1970, 1, 1, 21, 5, 7),
        dt.datetime(1970, 1, 1, 14),
    ]


def test_points_stand_between_thousands_where_commas_are_decimal():
    reading, found = understood(["1.870", "850", "12.345"] * 5, decimal_comma=True)
    assert found[:3] == [1870.0, 850.0, 12345.0]
    assert "points between thousands, as in 1.870" in reading.remarks[0]
    assert understood(["1.870", "850", "12.345"] * 5)[1][:3] == [1.87, 850.0, 12.345]
    for other in ("1850", "0.5", "1.5"):  # there, a point is the decimal one
        assert understood(["1.870", "850", other] * 5, decimal_comma=True)[1][:3] == [1.87, 850.0, float(other)]


def test_whole_numbers_that_are_too_long_and_phone_numbers_are_no_amounts():
    for cells in (["9007199254740993", "9007199254740992"] * 5, [2**53 + 1, 2**53] * 5, ["+49 619 507", "+1 20 30 40"]):
        assert understood(cells)[0].kind == CATEGORY
    assert understood(["9007199254740992", "9007199254740994"] * 5)[0].kind == NUMBER
    assert understood(["+1 234", "+2 345"] * 5)[1][:2] == [1234.0, 2345.0]
