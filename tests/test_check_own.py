"""A forward pass, a loss and a backward pass of a student's own: layouts, names of arguments, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backtalk import InputError, InputTypeError, Network, check, forward, gradients

SIZES = (3, 4, 2)


def problem(sizes: tuple[int, ...] = SIZES, count: int = 6, loss: str = "cross_entropy") -> tuple[Network, Any, Any]:
    rng = np.random.default_rng(1)
    W, _ = Network.create(sizes, "tanh", loss, rng=0).to_lists()
    network = Network(W, [rng.normal(size=n) for n in sizes[1:]], "tanh", loss)
    return network, rng.normal(size=(count, sizes[0])), network.loss.draw_target(rng, count, sizes[-1])


def trace(network: Network, X: Any) -> dict[str, list[Any]]:
    found = forward(network, X)
    return {"a": list(found.a.values()), "h": list(found.h.values())}


def changed(family: str, k: int, change: Any) -> Any:
    """Our forward pass with one array changed."""

    def mine(network: Network, X: Any) -> Any:
        found = trace(network, X)
        found[family][k] = change(found[family][k])
        return found

    return mine


@pytest.mark.parametrize(
    "mine",
    [
        trace,
        lambda network, X: trace(network, X)["h"][-1],
        lambda network, X: {"h": trace(network, X)["h"][1:]},
        lambda network, X: {"a": {2: trace(network, X)["a"][1]}},
        lambda network, X: {f"{name}{i + 1}": array for name, key in (("Z", "a"), ("A", "h"))
                            for i, array in enumerate(trace(network, X)[key][-2:])},
        lambda network, X: (trace(network, X)["h"], trace(network, X)["a"]),
        lambda network, X: (trace(network, X)["h"][-1], "anything"),
        forward,
    ],
)  # fmt: skip
def test_a_forward_pass_may_return_units_in_many_ways(mine):
    report = check(*problem(), forward=mine)
    assert report.passed, str(report)
    assert report.compared > 0
    assert all(row.quantity.startswith("forward ") for row in report.rows)


def test_a_unit_that_is_off_is_located_from_1_and_what_it_spoils_is_not_blamed():
    network, X, y = problem()
    report = check(network, X, y, forward=changed("a", 0, lambda a: a - network.b[1]))
    assert "forward a[1] at example" in report.verdict
    assert [(mistake.name, mistake.layers) for mistake in report.mistakes] == [("bias_forgotten", (1,))]
    place = report.worst.where
    assert f"example {place[0] + 1}, unit {place[1] + 1}" == report.worst.place


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (None, InputTypeError, "forward returned a NoneType, expected a dictionary"),
        (3.0, InputTypeError, "forward returned a float"),
        ({}, InputError, "forward returned a dictionary without units"),
        (np.ones((2, 6)), InputError, r"h\[2\] with shape \(2, 6\), expected \(6, 2\).*likely it is transposed"),
        (np.ones(2), InputError, r"h\[2\] with shape \(2,\)"),
        ({"a": [np.ones((6, 4))]}, InputError, "forward returned 1 arrays for a, expected 2"),
        ({"h": ["x"] * 3}, InputTypeError, r"forward returned h\[0\] that holds no numbers"),
        ({"a": {3: np.ones(2)}}, InputError, r"forward returned a\[3\], expected layers 1 … 2"),
    ],
)
def test_what_a_forward_pass_may_not_return_is_named(returned, error, words):
    with pytest.raises(error, match=words):
        check(*problem(), forward=lambda network, X: returned)


def test_units_of_nan_fail_and_have_no_name():
    report = check(*problem(), forward=lambda network, X: np.full((6, 2), np.nan))
    assert not report.passed
    assert report.mistakes == ()


def test_a_unit_that_is_wrong_at_random_has_no_name():
    report = check(*problem(), forward=changed("h", 1, lambda h: h + np.random.default_rng(0).normal(size=h.shape)))
    assert not report.passed
    assert report.mistakes == ()


@pytest.mark.parametrize("number", [1.5, np.float64(1.5), np.array(1.5), np.array([[1.5]])])
def test_a_loss_may_be_a_number_of_any_kind(number):
    report = check(*problem(), loss=lambda network, X, y: number)
    assert report.rows[0].quantity == "loss"
    assert report.rows[0].given == 1.5


@pytest.mark.parametrize(
    ("returned", "error", "words"),
    [
        (np.ones(6), InputError, r"a loss of shape \(6,\), expected a number \(one number for each example: take"),
        (np.ones((6, 2)), InputError, r"a loss of shape \(6, 2\)"),
        (None, InputTypeError, "loss returned a NoneType for the loss, expected a number"),
        ("1.5", InputTypeError, "loss returned a str"),
    ],
)
def test_what_a_loss_may_not_return_is_named(returned, error, words):
    with pytest.raises(error, match=words):
        check(*problem(), loss=lambda network, X, y: returned)


@pytest.mark.parametrize("form", [lambda loss, grads: (loss, (list(grads.W.values()), list(grads.b.values()))),
                                  lambda loss, grads: {"loss": loss, "W": grads.W, "b": grads.b}])  # fmt: skip
def test_a_loss_that_comes_with_the_gradients_is_compared(form):
    network, X, y = problem()

    def mine(network: Network, X: Any, y: Any) -> Any:
        grads = gradients(network, X, y)
        return form(float(grads.loss) * len(X), grads)

    report = check(network, X, y, backward=mine)
    assert [row.quantity for row in report.rows if not row.passed] == ["loss of backward"]
    assert [mistake.name for mistake in report.mistakes] == ["loss_summed"]


def test_a_loss_of_a_wrong_output_is_right_in_itself():
    network, X, y = problem()
    wrong = lambda network, X: np.full((6, 2), 0.5)  # noqa: E731
    loss = lambda yhat, y: -np.log(yhat[np.arange(6), y]).mean()  # noqa: E731
    report = check(network, X, y, forward=wrong, loss=loss)
    assert [row.quantity for row in report.rows if not row.passed] == ["forward h[2]"]


def test_a_loss_and_a_forward_pass_with_sample_weights_are_judged():
    network, X, y = problem()
    weights = np.linspace(0.5, 2, 6)

    def loss(network: Network, X: Any, y: Any, sample_weight: Any) -> float:  # noqa: ARG001
        return float(-np.log(forward(network, X).output[np.arange(len(y)), y]).mean())

    report = check(network, X, y, weights, loss=loss)
    assert [mistake.name for mistake in report.mistakes] == ["loss_weights_ignored"]


def test_a_mistake_in_the_forward_pass_inside_a_backward_pass_is_named():
    network, X, y = problem()

    def mine(network: Network, X: Any, y: Any) -> Any:
        bare = Network(list(network.W.values()), [0 * b for b in network.b.values()], "tanh")
        grads = gradients(bare, X, y)
        return list(grads.W.values()), list(grads.b.values())

    report = check(network, X, y, backward=mine)
    assert [(mistake.name, mistake.layers) for mistake in report.mistakes] == [("bias_forgotten", (1, 2))]


def test_a_consequence_of_the_forward_pass_is_not_blamed_on_the_backward_pass():
    network, X, y = problem()

    def mine(X: Any, parameters: Any) -> Any:
        Z1 = X @ parameters["W1"].T
        Z2 = np.tanh(Z1) @ parameters["W2"].T + parameters["b2"]
        return np.exp(Z2) / np.exp(Z2).sum(axis=1, keepdims=True), {"A1": np.tanh(Z1), "Z1": Z1}

    def back(parameters: Any, cache: Any, yhat: Any, X: Any, y: Any) -> Any:
        d2 = (yhat - np.eye(2)[y]) / len(X)
        d1 = d2 @ parameters["W2"] * (1 - cache["A1"] ** 2)
        return {"dW1": d1.T @ X, "db1": d1.sum(axis=0), "dW2": d2.T @ cache["A1"], "db2": d2.sum(axis=0)}

    report = check(network, X, y, forward=mine, backward=back)
    assert {mistake.name for mistake in report.mistakes} == {"bias_forgotten", "maximum_not_subtracted"}
    assert {row.quantity for row in report.rows if not row.passed} >= {"W[1]", "b[2]"}


def test_random_numbers_in_a_backward_pass_are_said():
    network, X, y = problem()
    rng = np.random.default_rng(0)

    def mine(network: Network, X: Any, y: Any) -> Any:
        grads = gradients(network, X * (rng.random(X.shape) > 0.5), y)
        return list(grads.W.values()), list(grads.b.values())

    report = check(network, X, y, backward=mine)
    assert not report.passed
    assert "other numbers each time" in report.notes[0]
    assert report.notes[0] in str(report)


# layouts


def columns_rows(text: str) -> Any:
    """A backward pass for one layout, its gradients made of ours."""

    def back(parameters: Any, X: Any, y: Any) -> Any:
        W1, b1 = parameters["W1"], parameters["b1"]
        if text == "columns":
            h = np.tanh(W1 @ X + b1)
            d2 = (softmax(parameters["W2"] @ h + parameters["b2"], 0) - np.eye(2)[y].T) / len(y)
            d1 = parameters["W2"].T @ d2 * (1 - h * h)
            return {"dW1": d1 @ X.T, "db1": d1.sum(1, keepdims=True), "dW2": d2 @ h.T, "db2": d2.sum(1, keepdims=True)}
        h = np.tanh(X @ W1 + b1)
        d2 = (softmax(h @ parameters["W2"] + parameters["b2"], 1) - np.eye(2)[y]) / len(y)
        d1 = d2 @ parameters["W2"].T * (1 - h * h)
        return {"dW1": X.T @ d1, "db1": d1.sum(0), "dW2": h.T @ d2, "db2": d2.sum(0)}

    return back


def softmax(a: np.ndarray, axis: int) -> np.ndarray:
    return np.exp(a) / np.exp(a).sum(axis=axis, keepdims=True)


@pytest.mark.parametrize(("layout", "found"), [
    ("columns", "examples as columns, weights (out, in), biases (n, 1)"),
    ("rows, (in, out)", "examples as rows, weights (in, out), biases (n,)"),
])  # fmt: skip
@pytest.mark.parametrize("asked", [True, False])
def test_a_layout_is_taken_as_said_or_found_from_the_shapes(layout, found, asked):
    report = check(*problem(), backward=columns_rows(layout), layout=layout if asked else None)
    assert report.passed, str(report)
    assert report.notes == (() if asked else (f"the layout, found from the shapes: {found}",))


def test_a_layout_that_fits_two_ways_is_asked_for():
    network, X, y = problem((2, 2, 2), count=5)
    with pytest.raises(InputError, match=r"the shapes fit '.*\(out, in\).*' and '.*\(in, out\).*': say which"):
        check(network, X, y, backward=columns_rows("columns"))
    assert check(network, X, y, backward=columns_rows("columns"), layout="columns").passed


def test_X_and_y_may_be_given_as_columns():
    network, X, y = problem()
    assert check(network, X.T, y, backward=columns_rows("columns")).passed
    turned = lambda network, X, y: columns_rows("columns")(  # noqa: E731
        {f"{k}{i}": array if k == "W" else array[:, None] for i in (1, 2) for k, array in
         (("W", network.W[i]), ("b", network.b[i]))}, X, y)  # fmt: skip
    assert check(network, X.T, y, backward=turned).passed
    assert check(network, X, y, backward=turned, layout="columns").passed


@pytest.mark.parametrize(
    ("layout", "error", "words"),
    [
        ("column", InputError, "layout is 'column', expected one or more of 'rows', 'columns'"),
        ("rows columns", InputError, "layout is 'rows columns'"),
        ("", InputError, "layout is ''"),
        (3, InputTypeError, "layout is 3, expected a text"),
    ],
)
def test_a_layout_that_is_none_is_refused(layout, error, words):
    with pytest.raises(error, match=words):
        check(*problem(), forward=trace, layout=layout)


def test_a_layout_without_a_function_is_refused():
    with pytest.raises(InputError, match="layout is given, but no function of your own"):
        check(*problem(), layout="columns")


# names of arguments, and errors of the student's own


def test_arguments_are_given_by_their_names_in_any_order():
    network, X, y = problem()

    def back(y: Any, A1: Any, A2: Any, W2: Any, x: Any, m: int) -> Any:
        d2 = (A2 - np.eye(2)[y]) / m
        d1 = d2 @ W2 * (1 - A1**2)
        return d1.T @ x, d1.sum(0), d2.T @ A1, d2.sum(0)

    assert check(network, X, y, backward=back).passed


def test_lists_of_weights_and_biases_are_given_by_name_and_pairs_are_read():
    network, X, y = problem()

    def back(weights: Any, biases: Any, X: Any, y: Any) -> Any:
        grads = gradients(Network(weights, biases, "tanh"), X, y)
        return [{"dW": grads.W[i], "db": grads.b[i]} for i in (1, 2)]

    assert check(network, X, y, backward=back).passed


def test_arguments_without_a_meaning_are_refused():
    with pytest.raises(InputError, match="backward takes thing, other, which does not say what they hold"):
        check(*problem(), backward=lambda thing, other: None)


def test_a_cache_that_nobody_gave_is_asked_for():
    with pytest.raises(InputError, match="backward takes cache, but there is none: it is what forward returns"):
        check(*problem(), backward=lambda parameters, cache, X, y: None)


def test_an_error_of_the_students_own_goes_on_with_what_was_given():
    with pytest.raises(ZeroDivisionError) as caught:
        check(*problem(), backward=lambda network, X, y: 1 / 0)
    assert (
        "raised in backward, which was given network (Network), X of shape (6, 3), y of shape (6,)"
        in (caught.value.__notes__[0])
    )
    with pytest.raises(KeyError) as caught:
        check(*problem(), forward=lambda X, parameters: parameters["W3"])
    assert "parameters {'W1': of shape (4, 3)" in caught.value.__notes__[0]
    assert "say yours, as in layout=" in caught.value.__notes__[1]


@pytest.mark.parametrize("name", ["forward", "loss"])
def test_what_is_no_function_is_refused(name):
    with pytest.raises(InputTypeError, match=f"{name} is 'mine', expected a function of network"):
        check(*problem(), **{name: "mine"})


def test_functions_may_change_what_they_are_given_by_name():
    network, X, y = problem()

    def back(parameters: Any, X: Any, y: Any) -> Any:
        found = columns_rows("rows")(parameters, X, y)
        for array in (*parameters.values(), X):
            array *= 0
        return found

    before = X.copy()
    assert check(network, X, y, backward=back, layout="(in, out)").passed
    assert np.array_equal(X, before)


# biases of 0


def one_hidden(sign: int) -> Any:
    return lambda X, W1, b1, W2, b2: np.tanh(X @ W1 + sign * b1) @ W2 + b2


@pytest.mark.parametrize(("sign", "name"), [(0, "bias_forgotten"), (-1, "bias_subtracted"), (1, None)])
def test_a_mistake_with_biases_is_named_if_those_of_the_network_are_0(sign, name):
    network = Network.create([3, 4, 2], "tanh", "squared_error", rng=0)
    X, y = np.random.default_rng(0).normal(size=(5, 3)), np.ones((5, 2))
    report = check(network, X, y, forward=one_hidden(sign))
    assert [(mistake.name, mistake.layers) for mistake in report.mistakes] == ([(name, (1,))] if name else [])
    assert report.passed == (name is None)
    assert "the biases of layers 1, 2 are 0" in str(report)
    if name:
        assert "forward h[2] with other biases" in report.verdict
        assert report.mistake.sentence in report.verdict


def test_a_backward_pass_that_forgets_a_bias_is_told_so_and_a_right_one_passes_with_biases_of_0():
    network = Network.create(SIZES, "tanh", rng=0)

    def bare(network: Network, X: Any, y: Any) -> Any:
        return gradients(network.replace(network.to_lists()[0], [0 * b for b in network.b.values()]), X, y)

    assert check(network, backward=gradients).passed
    report = check(network, backward=bare)
    assert [mistake.name for mistake in report.mistakes] == ["bias_forgotten"]


def test_functions_that_ignore_the_parameters_they_are_handed_are_not_accused():
    network, weights = Network.create(SIZES, "tanh", rng=0), np.ones((5, 1))
    X, y = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 1, 0, 1])
    for functions in (
        {"forward": lambda net, X: forward(network, X).output * weights},
        {"backward": lambda net, X, y: gradients(network, X, y)},
        {"loss": lambda net, X, y: gradients(network, X, y).loss},
        {"forward": lambda X: forward(network, X).output},
    ):
        report = check(network, X, y, **functions)
        assert report.passed, str(report)
        assert "could not be tried" in report.notes[-1]


# where it is, and what is asked for, in the layout of the user


def test_a_place_is_said_in_the_layout_of_the_function_as_well():
    def spoiled(parameters: Any, X: Any, y: Any) -> Any:
        found = columns_rows("rows")(parameters, X, y)
        found["dW1"][0, 3] += 1
        return found

    report = check(*problem(), backward=spoiled, layout="(in, out)")
    assert "W[1] at row 4, column 1 (dW1[0, 3] in your layout) is" in report.verdict
    assert report.worst.where == (3, 0)


def test_a_transposed_gradient_is_told_which_layout_would_fit():
    network, X, y = problem()

    class Mine:
        def backward(self, X: Any, Y: Any) -> Any:
            return columns_rows("rows")({"W1": network.W[1].T, "b1": network.b[1], "W2": network.W[2].T,
                                         "b2": network.b[2]}, X, Y)  # fmt: skip

    with pytest.raises(InputError, match=r"if your weights are \(in, out\), say layout='rows, \(in, out\)'"):
        check(network, X, y, backward=Mine().backward)
    assert check(network, X, y, backward=Mine().backward, layout="rows, (in, out)").passed


@pytest.mark.parametrize("returned", [None, (np.ones(3),)])
def test_what_is_no_gradient_is_told_every_form(returned):
    with pytest.raises(InputTypeError, match=r"'dW1', 'db1'"):
        check(*problem(), backward=lambda network, X, y: returned)


def test_a_loss_of_yhat_is_asked_for_no_layout_of_weights():
    network, X, y = problem((2, 3, 3), count=3)
    with pytest.raises(InputError, match="the shapes fit 'rows' and 'columns': say which"):
        check(network, X, np.eye(3)[y], loss=lambda yhat, Y: -np.log((yhat * Y).sum(axis=1) + yhat[:, 0] * 0.1).mean())
