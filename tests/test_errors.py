"""Exceptions: fields that whoever shows an error relies on, one sentence made of them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

from backtalk import Network, errors, fit, gradients
from backtalk.apps.tables.reading.tables import read_table
from backtalk.data.built_in import load_data
from backtalk.errors import (
    BacktalkError,
    DivergedError,
    FileFormatError,
    InputError,
    InputTypeError,
    LayerError,
    MissingLibraryError,
    ProcessLostError,
    UnknownNameError,
    first_line,
    quoted,
    unknown_name,
)

NETWORK = Network.create([2, 3], rng=0)
BUILT_IN = {
    InputError: ValueError,
    UnknownNameError: ValueError,
    FileFormatError: ValueError,
    InputTypeError: TypeError,
    LayerError: KeyError,
    MissingLibraryError: ImportError,
}


@pytest.mark.parametrize("kind", BUILT_IN, ids=lambda kind: kind.__name__)
def test_the_sentence_is_made_of_the_fields_and_outlives_pickle_and_copy(kind):
    error = kind("holds 7", file="a.csv", place="in line 3", expected="expected a label", hint="see load_data")
    assert isinstance(error, BUILT_IN[kind])
    assert isinstance(error, BacktalkError)
    sentence = "a.csv holds 7 in line 3, expected a label"
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert str(each) == f"{sentence} (see load_data)."
        assert each.message == f"{sentence}."
        assert repr(each) == f"{kind.__name__}({str(error)!r})"


def test_a_sentence_without_fields_is_the_sentence():
    assert str(InputError("X has no rows, expected at least one example.")) == (
        "X has no rows, expected at least one example."
    )
    assert str(BacktalkError()) == ""


def test_a_place_in_a_sentence_that_has_no_room_for_one_stands_behind_it():
    error = InputError("y holds 1e+300, which is too big for float32: scale it.")
    error.place = "in row 3 of a.parquet"
    assert str(error) == "y holds 1e+300, which is too big for float32: scale it. It stands in row 3 of a.parquet."


@pytest.mark.parametrize(
    ("y", "sentence"),
    [
        ([0, 3], "y is 3 HERE, expected labels 0 … 2, because the network has 3 outputs."),
        ([0, np.nan], "y holds nan HERE, expected finite numbers."),
        ([[1, 0, 0], [0.5, 0, 0]], "the sum of a row of y is 0.5 HERE, expected probabilities with sum 1."),
    ],
)
def test_the_place_of_a_value_can_be_named_anew(y, sentence):
    with pytest.raises(InputError) as caught:
        gradients(NETWORK, np.ones((2, 2)), y)
    caught.value.place = "HERE"
    assert str(caught.value) == sentence


def test_a_name_that_is_not_known_says_of_which_argument():
    with pytest.raises(UnknownNameError) as caught:
        Network.create([2, 3, 3], ["tahn"])
    assert caught.value.argument == "activation[0]"
    assert pickle.loads(pickle.dumps(caught.value)).argument == "activation[0]"


def test_training_that_diverged_has_a_sentence_for_those_who_see_no_python():
    X, y = np.array([[1e8, 0.0]]), [0]
    with np.errstate(all="ignore"), pytest.raises(DivergedError) as caught:
        fit(NETWORK, X * 1e300, y, epochs=9, optimizer="sgd(learning_rate=1e9)", rng=0)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert error.message.endswith("use a smaller learning rate, or scale the inputs.")
        assert str(error) == f"{error.message[:-1]} (the last good network is in the error's .network)."
        assert error.network.sizes == (2, 3)


def test_a_lost_process_keeps_its_fields():
    error = ProcessLostError("process 1 no longer answers", process=0, processes=2)
    error.checkpoint = "run.safetensors"
    for each in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert isinstance(each, ConnectionError)
        assert (each.reason, each.process, each.processes) == ("process 1 no longer answers", 0, 2)
        assert (
            str(each)
            == each.message
            == (
                "process 1 no longer answers (this is process 0 of 2). "
                "The checkpoint run.safetensors goes on, also with another number of processes."
            )
        )


@pytest.mark.parametrize("read", [read_table, load_data])
def test_an_error_about_a_file_can_call_it_by_another_name(tmp_path, read):
    path = tmp_path / "upload.csv"
    path.write_text("a,b\n1,2\n3\n")
    with pytest.raises(InputError) as caught:
        read(path)
    assert caught.value.file == str(path)
    assert str(caught.value) == f"{path} has 1 cell in line 3, expected 2, as in its first line."
    caught.value.file = "shop.csv"
    assert str(caught.value) == "shop.csv has 1 cell in line 3, expected 2, as in its first line."


def test_the_first_line_of_what_another_library_says():
    assert errors.first_line(ValueError("it is damaged.\nin line 3")) == "it is damaged"
    assert errors.first_line(ValueError()) == "ValueError"


def test_a_fault_that_repeats_a_long_text_is_cut_and_keeps_its_end():
    error = InputError(f"loss is {'a' * 10**6!r}, which is not known: use one of ours.")
    assert len(str(error)) < 1300
    assert str(error).startswith("loss is 'aaa")
    assert str(error).endswith("which is not known: use one of ours.")


def test_what_a_file_holds_is_cut_in_a_sentence():
    assert len(quoted("x" * 10**6)) <= 82
    assert len(str(unknown_name("target", "x" * 10**6, ["y" * 10**6] * 1000))) < 4000
    assert quoted("\x1b[2J\u202e") == repr("\x1b[2J\u202e")
    assert quoted(3.5) == "3.5"
    assert len(first_line(ValueError("x" * 10**6))) <= 201
