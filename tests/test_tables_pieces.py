"""Numbers in pieces and levels, and the derivatives of all that encodes a column."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from backtalk import Network, diagnose, gradients
from backtalk.apps.tables.column_findings import by_columns
from backtalk.apps.tables.column_gradients import column_gradients
from backtalk.apps.tables.columns import Column
from backtalk.apps.tables.learned import Learned
from backtalk.apps.tables.model import Model
from backtalk.apps.tables.opened import Opened
from backtalk.apps.tables.pieces import (
    MOST_IN_ALL,
    MOST_PIECES,
    days_in_words,
    edges_of,
    levels_of,
    numbers_in_words,
    piece_slopes,
    put_pieces,
)
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.sampling import does_not_fit
from backtalk.apps.tables.target import Target
from backtalk.apps.tables.verdict.alone import places_of
from backtalk.errors import FileFormatError, InputError

ROWS = 400


def table(rows=ROWS, seed=0):
    """A column of every kind that has numbers, and a category; some cells are empty."""
    rng = np.random.default_rng(seed)
    start = dt.datetime(2024, 1, 1)
    far = rng.normal(size=rows)
    far[7] = 1e6
    return pl.DataFrame(
        {
            "plain": rng.normal(40, 12, rows),
            "gaps": [None if k % 9 == 4 else float(x) for k, x in enumerate(rng.gamma(2, 3, rows))],
            "far": far,
            "rooms": rng.integers(1, 8, rows),
            "paid": rng.choice(["yes", "no"], rows),
            "when": [start + dt.timedelta(minutes=int(m)) for m in rng.integers(0, 900_000, rows)],
            "day": [(start + dt.timedelta(days=int(d))).date() for d in rng.integers(0, 600, rows)],
            "clock": [
                dt.time(int(h), int(m))
                for h, m in zip(rng.integers(0, 24, rows), rng.integers(0, 60, rows), strict=True)
            ],
            "word": rng.choice(["x", "y", "z"], rows),
        }
    )


@pytest.fixture(scope="module")
def learned():
    frame = table()
    return frame, Preprocessing.learn(frame, np.arange(ROWS))


# Pieces and levels


def test_a_piece_is_how_far_a_number_is_between_two_quantiles():
    numbers = np.random.default_rng(0).gamma(2, 3, 1000)
    edges = edges_of(numbers)
    np.testing.assert_allclose(edges, np.quantile(numbers, np.linspace(0, 1, MOST_PIECES + 1)), rtol=0.02)
    assert set(edges) <= set(numbers.tolist())
    out = np.full((1000, MOST_PIECES), np.nan, np.float32)
    put_pieces(numbers, edges, out)
    low, high = np.array(edges[:-1]), np.array(edges[1:])
    expected = [[min(max((x - a) / (b - a), 0), 1) for a, b in zip(low, high, strict=True)] for x in numbers]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(low[0] + out.astype(np.float64) @ (high - low), numbers, rtol=1e-5)  # nothing is lost


def test_few_or_equal_numbers_have_fewer_pieces():
    assert edges_of(np.arange(15.0)) == []
    assert len(edges_of(np.arange(40.0))) == 6
    assert edges_of(np.repeat([0.0, 1.0, 2.0, 3.0], [900, 50, 45, 5])) == [0, 1, 3]
    assert edges_of(np.repeat([0.0, 1.0], 500)) == []
    assert edges_of(np.repeat([-1.7e308, -1.6e308, 1.7e308, 1.75e308], 20)) == []


def test_whole_numbers_of_few_levels_have_an_input_each():
    whole = np.repeat(np.arange(25.0), 8)
    assert levels_of(whole) == list(range(25))
    assert levels_of(np.append(whole, 25)) == levels_of(np.append(whole, 0.5)) == []
    assert levels_of(np.repeat([0.0, 1.0], 50)) == levels_of(np.arange(20.0)) == []


def test_names_of_inputs_tell_what_they_say(learned):
    _, preprocessing = learned
    names = {
        column: [preprocessing.inputs[place] for place in places] for column, places in preprocessing.groups.items()
    }
    assert names["paid"] == ["paid"]
    assert names["rooms"][-7:] == [f"rooms = {level}" for level in range(1, 8)]
    assert names["gaps"][:2] == ["gaps", "gaps is missing"]
    assert len(names["plain"]) == 1 + MOST_PIECES
    assert len(set(preprocessing.inputs)) == preprocessing.count == len(preprocessing.inputs)
    assert names["day"][5].startswith("day in 2024-01-")
    assert names["clock"][-1].endswith(("to 23:59", "to 23:58", "to 23:57"))
    assert numbers_in_words([1.5, 20_000, 1e20]) == ["1.5", "20,000", "1e20"]
    assert days_in_words([0, 1 / 86_400]) == ["1970-01-01 00:00:00", "1970-01-01 00:00:01"]


def test_what_is_missing_is_encoded_as_the_median_and_an_input_says_so():
    frame = table()
    preprocessing = Preprocessing.learn(frame.select("gaps"), np.arange(ROWS))
    median = preprocessing.columns[0].median[0]
    X, _ = preprocessing.transform(pl.DataFrame({"gaps": [None, median]}))
    assert X[0, 1] == 1
    assert np.delete(X[0], 1).tolist() == np.delete(X[1], 1).tolist()


def test_numbers_beyond_those_of_the_training_are_at_the_ends_of_the_pieces(learned):
    frame, preprocessing = learned
    beyond = frame[:2].with_columns(plain=pl.Series([-1e3, 1e3]))
    X, _ = preprocessing.transform(beyond)
    pieces = preprocessing.groups["plain"][1:]
    assert X[:, pieces].tolist() == [[0] * MOST_PIECES, [1] * MOST_PIECES]


def test_inputs_of_rows_do_not_depend_on_the_other_rows(learned):
    frame, preprocessing = learned
    X, _ = preprocessing.transform(frame)
    for rows in ([5], [3, 399, 17]):
        np.testing.assert_array_equal(preprocessing.transform(frame[rows])[0], X[rows])


def test_a_wide_or_long_table_has_fewer_pieces_and_says_so():
    numbers = np.linspace(0, 1, 200)
    columns = [Column(f"x{j}", "number", edges=edges_of(numbers), numbers=[f"x{j}"]) for j in range(1000)]
    wide = Preprocessing.of(columns, 200)
    assert 1000 < wide.count <= 1000 + MOST_IN_ALL
    assert len(wide.columns[0].edges) - 1 == 4
    assert wide.columns[0].edges == columns[0].edges[::4]
    assert wide.columns[0].remark == "in 4 pieces, since the table is large"
    assert Preprocessing.of(columns[:20], 200).columns == columns[:20]
    assert Preprocessing.of(columns[:20], 10_000_000).count == 20


def test_a_run_of_an_earlier_version_has_no_pieces_and_reads_as_before(learned):
    frame, preprocessing = learned
    earlier = [{k: v for k, v in column.items() if k not in ("edges", "levels")} for column in preprocessing.to_json()]
    found = Preprocessing.from_json(json.loads(json.dumps(earlier)), "file")
    assert found.inputs == preprocessing.plain.inputs == preprocessing.inputs[: found.count]
    np.testing.assert_array_equal(found.transform(frame)[0], preprocessing.transform(frame)[0][:, : found.count])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("edges", [1.0, 2.0], "has edges that are fewer than 3, not finite, or not in order"),
        ("edges", [1.0, 2.0, 2.0], "has edges that are"),
        ("edges", [-1.7e308, 1.7e308, 1.75e308], "has edges that are"),
        ("levels", [3.0, 1.0, 2.0], "has levels that are fewer than 3, not finite, or not in order"),
        ("levels", [float("inf")] * 3, "has levels"),
    ],
)
def test_edges_and_levels_of_a_file_that_are_wrong_are_named(learned, name, value, words):
    facts = learned[1].to_json()
    facts[0][name] = value
    with pytest.raises(FileFormatError, match=rf"'columns\[0\]' \('plain'\) {words}"):
        Preprocessing.from_json(facts, "file")
    facts = learned[1].to_json()
    facts[-1][name] = value
    with pytest.raises(FileFormatError, match=r"'columns\[8\]' \('word'\) is 'category', expected"):
        Preprocessing.from_json(facts, "file")


def test_a_number_that_is_no_level_is_learned_from_as_well(learned):
    frame, preprocessing = learned
    column = next(each for each in preprocessing.columns if each.name == "rooms")
    odd = does_not_fit(column, pl.Series("rooms", [3.0, 9.0, 2.5]), np.array([True] * 3), frame["rooms"])
    assert odd.tolist() == [False, True, True]


def test_a_column_is_tried_alone_by_its_scaled_number(learned):
    _, preprocessing = learned
    places, inputs = places_of(preprocessing), preprocessing.inputs
    assert [inputs[places[name].number] for name in ("plain", "gaps", "day")] == ["plain", "gaps", "day"]
    assert inputs[places["gaps"].missing] == "gaps is missing"
    assert [inputs[place] for place in range(*places["word"].categories)] == ["word = x", "word = y", "word = z"]


# Derivatives


STEPS = {"when": dt.timedelta(seconds=20), "day": dt.timedelta(seconds=20), "clock": 20_000_000_000}


def moved(cells, step):
    """The cells, each moved by the step."""
    if cells.dtype == pl.Time:
        return (cells.cast(pl.Int64) + step).cast(pl.Time)
    return cells.cast(pl.Datetime("us")) + step if cells.dtype.is_temporal() else cells + step


@pytest.mark.parametrize("name", ["plain", "gaps", "far", "when", "day", "clock"])
def test_the_slopes_are_the_central_differences_of_the_inputs(learned, name):
    frame, preprocessing = learned
    rng, rows = np.random.default_rng(3), np.arange(200)
    frame = frame[rows]
    if name in ("plain", "gaps", "far"):
        step = 1e-4
        inside = pl.Series(rng.uniform(0.5, 6, 200) if name != "plain" else rng.uniform(10, 70, 200))
        frame = frame.with_columns(pl.when(pl.col(name).is_null()).then(None).otherwise(inside).alias(name))
        apart = 2 * step
    else:
        step = STEPS[name]
        apart = 40 / 86_400
        frame = frame.with_columns(moved(frame[name], step if name == "clock" else dt.timedelta(hours=1)))
    up, _ = preprocessing.inputs_of(frame.with_columns(moved(frame[name], step)), rows, np.float64)
    down, _ = preprocessing.inputs_of(frame.with_columns(moved(frame[name], -step)), rows, np.float64)
    expected = (up - down) / apart
    g = rng.normal(size=expected.shape)
    found = preprocessing.to_columns(g, frame, rows)[name].to_numpy()
    column = next(each for each in preprocessing.columns if each.name == name)
    value = column.values(frame[name])[:, 0]
    kinks = np.array([*column.edges, *column.quantiles])
    near = np.abs(value[:, None] - kinks).min(axis=1) <= apart  # a difference across a kink is the mean of two slopes
    assert near.mean() < 0.5
    compared = (g * expected).sum(axis=1)
    np.testing.assert_allclose(found[~near], compared[~near], rtol=1e-5, atol=1e-6 * np.abs(compared).max())
    assert not found[np.isnan(value)].any()


def test_at_an_edge_the_slope_is_that_from_the_right():
    slopes = piece_slopes(np.array([0.5, 1.0, 2.0, 4.0, 5.0]), [1.0, 2.0, 4.0])
    assert slopes.tolist() == [[0, 0], [1, 0], [0, 0.5], [0, 0], [0, 0]]


def test_derivatives_by_the_columns_are_of_numbers_dates_and_times(learned):
    frame, preprocessing = learned
    X, _ = preprocessing.transform(frame)
    found = preprocessing.to_columns(np.ones_like(X), frame)
    assert found.columns == ["plain", "gaps", "far", "rooms", "paid", "when", "day", "clock"]
    assert found.shape == (ROWS, 8)
    assert found["gaps"].to_numpy()[frame["gaps"].is_null().to_numpy()].tolist() == [0] * frame["gaps"].null_count()
    column = preprocessing.columns[4]
    np.testing.assert_allclose(found["paid"], 1 / column.scale[0])
    with pytest.raises(InputError, match=r"grad_X has the shape \(3, 2\), expected"):
        preprocessing.to_columns(np.ones((3, 2)), frame)


def test_column_gradients_are_the_derivative_of_the_loss_by_the_cells(learned):
    frame, preprocessing = learned
    rng = np.random.default_rng(1)
    frame = frame[:40].with_columns(price=pl.Series(rng.normal(5, 2, 40)))
    target = Target.learn(frame["price"], "regression").scaled_by(frame["price"].to_numpy())
    sizes = [preprocessing.count, 5, 1]
    members = tuple(Network.create(sizes, "tanh", "squared_error", rng=seed) for seed in range(2))
    model = Model(members, preprocessing, target)
    run = Opened(Path("run"), model, Learned(preprocessing, target, "", None))
    found, _ = column_gradients(run, frame)
    step = 1e-4

    def loss(network, row, by):
        cells = frame["plain"].to_numpy().copy()
        cells[row] += by
        changed = frame.with_columns(plain=pl.Series(cells))
        X, _ = preprocessing.inputs_of(changed, np.arange(40), np.float64)
        return float(gradients(network, X, target.encode(frame["price"])).loss)

    for row in (0, 17, 39):
        expected = (loss(model.network, row, step) - loss(model.network, row, -step)) / (2 * step)
        assert found["plain"][row] == pytest.approx(expected, rel=1e-4, abs=1e-9)
    alone, _ = column_gradients(run, frame, member=2)
    expected = (loss(members[1], 5, step) - loss(members[1], 5, -step)) / (2 * step)
    assert alone["plain"][5] == pytest.approx(expected, rel=1e-4, abs=1e-9)


# The doctor


def test_the_doctor_speaks_of_columns_that_never_change_or_are_there_twice_and_of_no_piece():
    rng = np.random.default_rng(0)
    whole = rng.integers(0, 5, 200)
    frame = pl.DataFrame({"a": whole, "b": rng.normal(size=200), "c": whole, "word": ["x", "y"] * 100})
    preprocessing = Preprocessing.learn(frame, np.arange(200))
    X, _ = preprocessing.transform(frame.with_columns(b=pl.lit(-100.0)))
    network = Network.create([preprocessing.count, 3, 2], rng=0)
    inputs = diagnose(network, X, whole > 2, columns=preprocessing.inputs)
    assert {"constant_columns", "duplicate_columns"} <= {each.kind for each in inputs.findings}
    found = {each.kind: each for each in by_columns(inputs.findings, X, preprocessing.groups)}
    assert found["constant_columns"].said == "1 column holds the same value in every row: b."
    assert found["duplicate_columns"].said == "1 column says the same as another one in every row: c (as a)."
    X, _ = preprocessing.transform(frame.with_columns(c=pl.Series(rng.permutation(whole))))
    inputs = diagnose(network, X, whole > 2, columns=preprocessing.inputs)
    assert not {"constant_columns", "duplicate_columns", "inputs_not_scaled", "inputs_too_small"} & {
        each.kind for each in by_columns(inputs.findings, X, preprocessing.groups)
    }
