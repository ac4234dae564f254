"""A run as an ONNX file: onnxruntime computes from the columns what the run does."""

from __future__ import annotations

import datetime
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from backtalk import InputError, Network
from backtalk.apps.tables.learning import learn
from backtalk.apps.tables.model import Model
from backtalk.apps.tables.onnx.columns import Inputs
from backtalk.apps.tables.onnx.export import build_model
from backtalk.apps.tables.preprocessing import Preprocessing
from backtalk.apps.tables.target import Target
from backtalk.interop.onnx.writer import Writer

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")
RNG = np.random.default_rng(0)
ROWS = 300
DAYS = [datetime.date(2024, 1, 1) + datetime.timedelta(int(k)) for k in RNG.integers(0, 400, ROWS)]
NUMBERS, WORDS = RNG.normal(size=ROWS), RNG.choice(["x", "y", "z"], ROWS)


def some_missing(values, gone=0.2):
    return pl.Series(values).set(pl.Series(RNG.random(len(values)) < gone), None)


def session_of(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def fed(session, frame):
    """The frame as the inputs of a session take it: numbers, dates as days, words."""
    found = {}
    for value in session.get_inputs():
        cells = frame[value.name]
        if value.type == "tensor(string)":
            words = [
                "" if cell is None else str(cell).lower() if isinstance(cell, bool) else str(cell) for cell in cells
            ]
            found[value.name] = np.array(words, dtype=object)[:, None]
            continue
        if cells.dtype == pl.String:
            cells = cells.str.to_date()
        if cells.dtype == pl.Time:
            cells = cells.cast(pl.Int64) / 8.64e13
        elif cells.dtype.is_temporal():
            cells = cells.cast(pl.Datetime("us")).cast(pl.Int64) / 8.64e10
        found[value.name] = cells.cast(pl.Float64).fill_null(np.nan).to_numpy()[:, None]
    return found


def encoded(preprocessing, frame):
    """X by onnxruntime."""
    writer = Writer(onnx, np.dtype(np.float32), prefix="/")
    inputs = Inputs(writer, preprocessing)
    X = onnx.helper.make_tensor_value_info(inputs.write(), onnx.TensorProto.FLOAT, ["N", len(preprocessing.inputs)])
    model = writer.model(inputs.described, [X], {})
    onnx.checker.check_model(model, full_check=True)
    session = session_of(model)
    return session.run(None, fed(session, frame))[0]


COLUMNS = {
    "a number": NUMBERS,
    "a number that may be missing": some_missing(NUMBERS),
    "whole numbers": RNG.integers(0, 1000, ROWS),
    "few whole numbers": some_missing(RNG.integers(0, 7, ROWS)),
    "far out, by ranks": np.exp(4 * NUMBERS),
    "by ranks, and most are equal": np.where(NUMBERS < 1.5, 0.0, np.exp(5 * NUMBERS)),
    "by ranks, and two are frequent": np.where(NUMBERS < 0, -1.0, np.where(NUMBERS < 1.8, 2.0, 1e6 * NUMBERS)),
    "too large to scale": 1e300 * NUMBERS,
    "words": WORDS,
    "words that may be missing": some_missing(WORDS),
    "rare words": np.where(RNG.random(ROWS) < 0.05, [f"w{k}" for k in range(ROWS)], WORDS),
    "yes and no": RNG.choice(["yes", "No"], ROWS),
    "truth values": RNG.random(ROWS) < 0.5,
    "truth values that may be missing": some_missing(RNG.random(ROWS) < 0.5),
    "ticked": some_missing(["x"] * ROWS),
    "codes": RNG.choice(["007", "008", "100"], ROWS),
    "dates": pl.Series(DAYS),
    "dates as text": [str(day) for day in DAYS],
    "dates that may be missing": some_missing(DAYS),
    "times": pl.Series(DAYS).cast(pl.Datetime("us")) + pl.Series(RNG.integers(0, 10**10, ROWS)).cast(pl.Duration("us")),
    "of the day": pl.Series([datetime.time(int(k), 7) for k in RNG.integers(0, 24, ROWS)]),
}  # fmt: skip


def frame_of(values):
    return pl.DataFrame({"c": values})


@pytest.mark.parametrize("what", COLUMNS)
def test_a_column_is_encoded_as_in_a_prediction(what):
    frame = frame_of(COLUMNS[what])
    preprocessing = Preprocessing.learn(frame, np.arange(0, ROWS, 2))
    expected, _ = preprocessing.transform(frame)
    assert abs(encoded(preprocessing, frame) - expected).max() <= 1e-6 * max(1, abs(expected).max())


def test_columns_of_all_kinds_stand_in_their_places():
    columns = {what: frame_of(values)["c"] for what, values in COLUMNS.items()}
    frame = pl.DataFrame(columns)
    preprocessing = Preprocessing.learn(frame, np.arange(ROWS))
    expected, _ = preprocessing.transform(frame)
    assert len(expected[0]) > len(COLUMNS)
    assert abs(encoded(preprocessing, frame) - expected).max() <= 1e-5


@pytest.mark.parametrize("cell", [np.nan, np.inf, -np.inf, 1e300, -1e300])
def test_a_number_that_cannot_be_scaled_is_missing(cell):
    frame = pl.DataFrame({"c": some_missing(NUMBERS)})
    preprocessing = Preprocessing.learn(frame, np.arange(ROWS))
    odd = pl.DataFrame({"c": [0.5, cell]})
    assert abs(encoded(preprocessing, odd) - preprocessing.transform(odd)[0]).max() < 1e-6


def test_a_number_that_stands_for_missing_is_missing():
    cells = pl.Series("c", NUMBERS).set(pl.Series(RNG.random(ROWS) < 0.3), -999.0)
    frame = pl.DataFrame({"c": cells, "d": -cells})
    words = {"c": ["-999", "gone"], "d": []}
    columns = [learn(frame[name], np.arange(ROWS), missing) for name, missing in words.items()]
    ready = Preprocessing.of(columns, ROWS)
    assert ready.columns[0].has_missing
    assert not ready.columns[1].has_missing
    assert abs(encoded(ready, frame) - ready.transform(frame)[0]).max() < 1e-6


@pytest.mark.parametrize(
    ("cells", "odd"),
    [
        (["x", "y"], ["X", "z", "", "unknown", "N/A", "x"]),
        (["x", "y", None], ["z", "", "UNKNOWN", "Missing", "y"]),
        (["1", "2", "b"], ["1.0", "2", "b", "3"]),
        (["True", "False", "maybe"], ["true", "FALSE", "maybe", "False"]),
        (["yes", "no"], ["YES", "No", "y", "true", "", "perhaps", "no"]),
        (["x", None], ["x", "", "X", "other"]),
    ],
)
def test_words_are_read_in_their_other_spellings(cells, odd):
    frame = pl.DataFrame({"c": cells * 20, "n": np.arange(20.0 * len(cells)) ** 2})
    preprocessing = Preprocessing.learn(frame, np.arange(frame.height))
    table = pl.DataFrame({"c": odd, "n": np.ones(len(odd))})
    expected, _ = preprocessing.transform(table.with_columns(c=pl.when(pl.col("c") != "").then("c")))
    assert abs(encoded(preprocessing, table) - expected).max() < 1e-6


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["$1,200.50", "$7.00", "$12.25"], "'c' holds numbers written with separators"),
        (["1.234,5", "7,25", "12,0"], "'c' holds numbers written with a decimal comma"),
        (["3 km", "14 km", "7 km"], "'c' holds numbers written with separators and the unit"),
        (["31.12.2024", "13.11.2023", "14.10.2023"], r"'c' holds dates written %d\.%m\.%Y"),
        (["Dec 31, 2024", "Nov 13, 2023", "Oct 1, 2023"], "'c' holds dates written %b %d %Y"),
    ],
)
def test_what_onnx_cannot_read_is_refused_with_the_column_and_what_to_do(cells, words):
    frame = pl.DataFrame({"c": cells * 10})
    preprocessing = Preprocessing.learn(frame, np.arange(30))
    with pytest.raises(InputError, match=f"{words}.*, which ONNX cannot read: .*--ignore"):
        encoded(preprocessing, frame)


def model_of(target, members=3, outputs=None, frame=None, loss=None):
    """A model that was not trained."""
    frame = frame if frame is not None else pl.DataFrame({"a": some_missing(NUMBERS), "b": WORDS})
    ready = Preprocessing.learn(frame, np.arange(ROWS))
    loss = loss or ("cross_entropy" if target.classifies else "squared_error")
    sizes = [len(ready.inputs), 8, 4, outputs or target.outputs]
    networks = (Network.create(sizes, "mish", loss, rng=seed, dtype="float32") for seed in range(members))
    return Model(tuple(networks), ready, target), frame


CLASSES = Target("kind", "classification", "texts", classes=["no", "wörd", "yes"])
AMOUNTS = Target("price", "regression", "numbers", "plain", mean=100.0, scale=20.0)


@pytest.mark.parametrize(("members", "weights"), [(1, None), (3, None), (3, [0.5, 0.2, 0.3])])
def test_the_label_and_the_probabilities_are_those_of_the_mean(members, weights):
    model, frame = model_of(CLASSES, members)
    model = replace(model, weights=weights)
    session = session_of(build_model(onnx, model))
    label, probabilities = session.run(["label", "probabilities"], fed(session, frame))
    output = model.output_of(model.preprocessing.transform(frame)[0])
    assert abs(probabilities - output).max() < 1e-6
    assert label.tolist() == CLASSES.decode(output).tolist()
    assert {value.name: value.shape for value in session.get_inputs()} == {"a": ["N", 1], "b": ["N", 1]}


def test_the_label_follows_the_threshold_of_two_classes():
    target = replace(CLASSES, classes=["no", "yes"], threshold=0.45)
    model, frame = model_of(target)
    session = session_of(build_model(onnx, model))
    output = model.output_of(model.preprocessing.transform(frame)[0])
    label = session.run(["label"], fed(session, frame))[0]
    near = abs(output[:, 1] - 0.45) < 1e-6
    assert (label[~near] == target.decode(output)[~near]).all()
    assert (target.decode(output) != replace(target, threshold=None).decode(output)).any()


@pytest.mark.parametrize("loss", ["squared_error", "gaussian_nll", "quantiles"])
def test_the_prediction_is_in_the_unit_of_the_target(loss):
    model, frame = model_of(AMOUNTS, outputs=1 if loss == "squared_error" else 2, loss=loss)
    session = session_of(build_model(onnx, model))
    found = session.run(None, fed(session, frame))
    output = model.output_of(model.preprocessing.transform(frame)[0])
    assert abs(found[0][:, 0] - AMOUNTS.decode(output)).max() < 1e-4
    if loss == "gaussian_nll":
        assert abs(found[1][:, 0] / AMOUNTS.deviation(model.network, output) - 1).max() < 1e-5


def test_columns_may_have_the_names_of_outputs_and_of_weights():
    frame = pl.DataFrame({"label": NUMBERS, "probabilities": WORDS, "/columns.0": NUMBERS**2, "W.1": NUMBERS**3})
    model, frame = model_of(CLASSES, frame=frame)
    session = session_of(build_model(onnx, model))
    assert [value.name for value in session.get_outputs()] == ["label_", "probabilities_"]
    assert len(session.run(None, fed(session, frame))[0]) == ROWS
