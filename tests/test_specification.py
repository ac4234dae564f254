"""Names with parameters as text: written, read back, and refused where they say nothing we know."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, UnknownNameError
from backtalk.core.activations import ACTIVATIONS, ELU, LeakyReLU, ReLU, as_activation
from backtalk.core.initialization import INITIALIZATIONS
from backtalk.core.losses import LOSSES, BinaryCrossEntropy, CrossEntropy, Huber, Quantiles, as_loss
from backtalk.core.optimizers import LBFGS, OPTIMIZERS, RMSprop, as_any_optimizer
from backtalk.core.specification import ALIASES, read_specification, require_range, write_specification
from backtalk.train.schedules import SCHEDULES, as_schedule


@dataclass(frozen=True)
class Thing:
    name: ClassVar[str] = "thing"
    size: float = 1.0
    rate: float = 0.5


TABLE = {"thing": Thing}


def test_defaults_are_left_out():
    assert write_specification(Thing()) == "thing"
    assert write_specification(Thing(rate=2.0)) == "thing(rate=2.0)"
    assert write_specification(Thing(3.0, 2.0)) == "thing(size=3.0, rate=2.0)"


@pytest.mark.parametrize("value", [Thing(), Thing(1 / 3, 1e-300), Thing(-0.1, 12345678.9), Thing(5e-324)])
def test_what_was_written_is_read_back_to_the_bit(value):
    assert read_specification(write_specification(value), TABLE, "thing") == value


@pytest.mark.parametrize(
    "text", ["thing(size=2)", " thing ( size = 2 ) ", "thing(size=2,)", "thing(size=2.0, rate=.5)", "thing(size=2e0)"]
)
def test_blanks_and_the_form_of_numbers_do_not_matter(text):
    assert read_specification(text, TABLE, "thing") == Thing(2.0)


def test_empty_brackets_stand_for_the_defaults():
    assert read_specification("thing()", TABLE, "thing") == Thing()


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_found_by_its_name_and_writes_it(name):
    assert repr(as_activation(name)) == name


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_found_by_its_name_and_writes_it(name):
    assert repr(as_loss(name)) == name


@pytest.mark.parametrize("value", [LeakyReLU(0.2), LeakyReLU(-1.5), ELU(0.1), ReLU()])
def test_activations_with_parameters_are_read_back(value):
    assert as_activation(repr(value)) == value


@pytest.mark.parametrize(
    "value", [Huber(0.1), CrossEntropy(0.1), BinaryCrossEntropy(1 / 3), Huber(1e10), Huber(2), Quantiles([0.1, 0.5])]
)
def test_losses_with_parameters_are_read_back(value):
    assert as_loss(repr(value)) == value


@pytest.mark.parametrize(("alias", "name"), [pair for names in ALIASES for pair in names.items()])
def test_a_thing_has_one_name_which_is_written_and_its_other_names_are_read(alias, name):
    tables = [ACTIVATIONS, LOSSES, {**OPTIMIZERS, "lbfgs": LBFGS}, SCHEDULES, INITIALIZATIONS]
    (table,) = [table for table in tables if name in table]
    assert repr(read_specification(alias, table, "thing")) == name
    assert not any(alias in each for each in tables if each is table)


@pytest.mark.parametrize(
    ("read", "name", "hint"),
    [
        (as_any_optimizer, "NAG", "did you mean 'nesterov'?"),
        (as_any_optimizer, "Adam", "did you mean 'adam'?"),
        (as_loss, "mse", "did you mean 'squared_error' (half the sum of squares, where mse is their mean)?"),
        (as_loss, "MAE", "did you mean 'absolute_error' (the sum over the outputs, where mae is the mean)?"),
        (as_loss, "hinge", "did you mean 'categorical_hinge' ("),
        (as_loss, "BCE", "did you mean 'binary_cross_entropy'?"),
    ],
)
def test_a_name_that_is_nearly_known_tells_ours_and_how_it_differs(read, name, hint):
    with pytest.raises(UnknownNameError, match=re.escape(hint)):
        read(name)


def test_one_word_may_be_the_alias_of_several_things():
    assert (repr(as_schedule("linear")), repr(as_activation("linear"))) == ("polynomial", "identity")


def test_an_alias_takes_the_parameters_of_the_thing():
    assert repr(as_any_optimizer("nag(momentum=0.5)")) == "nesterov(momentum=0.5)"
    with pytest.raises(InputError, match="but silu has no parameter 'slope'"):
        as_activation("swish(slope=1)")


def test_switches_are_written_and_read_as_true_and_false():
    assert repr(as_any_optimizer("rmsprop(centered=true)")) == "rmsprop(centered=True)"
    assert as_any_optimizer("rmsprop(centered=True)") == RMSprop(centered=True)
    with pytest.raises(InputTypeError, match=r"centered of rmsprop is 0\.5, expected True or False"):
        RMSprop(centered=0.5)
    with pytest.raises(InputTypeError, match="learning_rate of rmsprop is True, expected a number"):
        as_any_optimizer("rmsprop(learning_rate=True)")


@pytest.mark.parametrize("number", [np.float64(2), np.float32(2), np.int64(2)])
def test_numbers_of_numpy_serve_as_parameters_and_are_read_back(number):
    loss = Huber(number)
    assert repr(loss) in ("huber(delta=2)", "huber(delta=2.0)")
    assert as_loss(repr(loss)) == loss == Huber(2.0)


def test_an_activation_or_loss_passes_as_itself():
    activation, loss = LeakyReLU(0.3), Huber(2.0)
    assert as_activation(activation) is activation
    assert as_loss(loss) is loss


@pytest.mark.parametrize(("text", "nearest"), [("leaky-relu", "leaky_relu"), ("ReLU", "relu"), ("tahn", "tanh")])
def test_an_unknown_name_is_refused_with_the_nearest(text, nearest):
    with pytest.raises(UnknownNameError, match=f"^activation is '{text}'.* did you mean '{nearest}'.*Known are"):
        as_activation(text)


def test_a_name_that_is_like_none_is_refused_with_all_that_are_known():
    with pytest.raises(UnknownNameError, match=r"^loss is 'xyz', which is not known\. Known are cross_entropy, .*"):
        as_loss("xyz")


@pytest.mark.parametrize("value", [3, None, ["relu"], b"relu", ReLU])
def test_what_is_not_text_is_refused(value):
    with pytest.raises(InputTypeError, match=r"^thing is .*, expected a name such as 'thing'"):
        read_specification(value, TABLE, "thing")


@pytest.mark.parametrize("inside", ["2", "size", "size=", "size=two", "size=nan", "size=inf", "size=(2)", "size:2"])
def test_what_is_not_of_the_form_parameter_equals_number_is_refused(inside):
    with pytest.raises(InputError, match=r"expected the form name\(parameter=number\)"):
        read_specification(f"thing({inside})", TABLE, "thing")


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(InputError, match="size"):
        read_specification("thing(size=2, size=3)", TABLE, "thing")


def test_an_unknown_parameter_is_refused_with_those_that_there_are():
    with pytest.raises(InputError, match="thing has no parameter 'weight': it takes size, rate"):
        read_specification("thing(weight=2)", TABLE, "thing")
    with pytest.raises(InputError, match=r"'leaky_relu\(slope=1', expected the form name\(parameter=number\)"):
        as_activation("leaky_relu(slope=1")
    with pytest.raises(InputError, match="relu has no parameter 'slope': it takes none"):
        as_activation("relu(slope=1)")


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("adm(lr=0.01)", "optimizer is 'adm', which is not known: did you mean 'adam'?"),
        ("adam(lr=0.01)", "adam has no parameter 'lr': did you mean 'learning_rate'? It takes learning_rate, "),
        ("adam(beta1=0.5)", "adam has no parameter 'beta1': did you mean 'beta_1'?"),
    ],
)
def test_the_parameters_do_not_hide_the_nearest_name_and_have_one_themselves(text, hint):
    with pytest.raises(InputError, match=re.escape(hint)):
        as_any_optimizer(text)


@pytest.mark.parametrize(
    ("bounds", "low", "high"), [("[)", True, False), ("(]", False, True), ("[]", True, True), ("()", False, False)]
)
def test_the_ends_of_a_range_are_in_or_out_as_the_bounds_say(bounds, low, high):
    for value, allowed in ((0.0, low), (1.0, high), (0.5, True), (-0.1, False), (1.1, False), (math.nan, False)):
        if allowed:
            require_range(Thing(value), "size", 0, 1, bounds)
        else:
            with pytest.raises(InputError, match=r"^size of thing is .*, expected a number in"):
                require_range(Thing(value), "size", 0, 1, bounds)


def test_the_message_of_a_range_writes_the_interval():
    with pytest.raises(InputError) as caught:
        require_range(Thing(2.0), "size", 0, 1)
    assert str(caught.value) == "size of thing is 2.0, expected a number in [0, 1)."


@pytest.mark.parametrize("value", [True, "1", None, 1j, [1.0]])
def test_a_parameter_that_is_no_number_is_refused(value):
    with pytest.raises(InputTypeError, match=r"^size of thing is .*, expected a number"):
        require_range(Thing(value), "size", 0, 1)


@pytest.mark.parametrize("number", ["1_0", "٣", "0x1", "1e", "nan", ""])
def test_a_parameter_is_a_decimal_number_in_ascii(number):
    with pytest.raises(InputError, match="expected the form name"):
        read_specification(f"thing(size={number})", TABLE, "thing")
