"""``check``: one function for a network's gradients, for a user's backward pass and for an activation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np

from ...core.activations import ACTIVATIONS, Activation, as_activation
from ...core.arrays import to_numpy
from ...core.initialization import as_generator
from ...core.inputs import as_input, as_target, as_weight
from ...core.losses import LOSSES, Loss, RegisteredLoss, as_loss
from ...core.network import Network
from ...core.outputs import ElementWise
from ...engines.passes import backward, gradients
from ...errors import InputError, InputTypeError, unknown_name
from .activation import check_activation
from .layouts import OURS, as_layout
from .loss import check_loss, loss_takes_complex
from .measure import CENTRAL, COMPLEX, Method, takes_complex
from .network import Comparer, network_in_float64
from .other_biases import judge_other_biases
from .own import VALUE_TOLERANCE, judge, rows_first
from .report import CheckReport
from .student import Functions, Student, find_layout
from .substitute import Scene

METHODS = ["auto", "complex_step", "central_differences"]
EVERY_COORDINATE = 5000  # so many coordinates are measured one by one in about a second


def check(
    subject: Network | Activation | Loss | str,
    X: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    *,
    forward: Callable[..., Any] | None = None,
    loss: Callable[..., Any] | None = None,
    backward: Callable[..., Any] | None = None,
    layout: str | None = None,
    method: str = "auto",
    coordinates: str = "auto",
    directions: int = 8,
    tolerance: float | None = None,
    rng: np.random.Generator | int | None = 0,
) -> CheckReport:
    """Compare gradients with derivatives measured on the loss itself, in float64.

    ``subject``: a network; or an activation (or its name), to compare its g′ with its g; or a loss (or its name), to
    compare its ∂ℓ/∂ŷ with its ℓ.
    ``X``, ``y``, ``sample_weight``: the batch, as for :func:`~backtalk.gradients`; without it, 5 random examples. For
    functions of your own that want examples as columns, X may be (n_0, B) and y (k, B).
    ``forward``: a forward pass of your own, ``forward(network, X)``. It returns ŷ; or {'a': […], 'h': […]}, lists in
    the order of the layers; or ŷ and a cache; or a dictionary with keys such as 'Z1' (a_1) and 'A1' (h_1).
    ``loss``: a loss of your own, ``loss(network, X, y)``, which returns ℒ. If ``forward`` was given, it is judged for
    the ŷ that forward gave.
    ``backward``: a backward pass of your own to check, called as ``backward(network, X, y)``, with
    ``sample_weight`` as fourth argument if you gave it. It returns ``Gradients``; or a dictionary with some
    of 'a', 'h', 'W', 'b', each a list in the order of the layers (that of h begins with h_0) or a mapping by
    layer number; or a pair of lists, the gradients of the weights and those of the biases; or a pair for each layer; or
    a dictionary with keys such as 'dW1' and 'db1'. A loss beside them, (ℒ, gradients) or under 'loss', is judged too.
    ``layout``: how the arrays lie that your functions take and return, as in 'columns' or 'rows, (in, out)': examples
    as 'rows' or 'columns'; weights '(out, in)' or '(in, out)'; biases '(n,)', '(n, 1)' or '(1, n)'. Functions are
    called by what their arguments are called, if the names say it: network, X, y, parameters (a dictionary 'W1', 'b1',
    …), weights, biases, cache (what forward returned beside ŷ), yhat or AL, W1, b1, Z1, A1, … Only arrays given
    by name can lie in another way; then the layout is found if the shapes fit in one way.
    ``method``: 'complex_step', Im ℒ(θ + i·s·v)/s, exact to rounding; 'central_differences',
    [ℒ(θ + s·v) − ℒ(θ − s·v)]/(2s); 'auto', the first if every activation takes complex numbers.
    ``coordinates``: 'every', one by one; 'random', along ``directions`` random directions for each quantity at
    each layer, at a cost that does not depend on the number of parameters; if one fails, halving finds the
    coordinate; 'auto', every one up to 5000.
    ``tolerance``: the largest relative error that passes, by default 1e-7 for complex steps and 1e-5 for central
    differences. A coordinate whose step crosses a kink is counted as undecided, and not judged; so is an output
    that has rounded to an end of its range, an example with an infinite number on the way, and what a step that
    float64 can hold does not measure. If every coordinate is undecided, the verdict says so.

    If the biases of a layer are 0, a mistake with them does not show. Then your functions are also judged on the same
    network with other biases there, drawn with a fixed seed, and a note says so.

    If a function of yours fails, the report's ``mistakes`` name the likely mistakes, from tables of common ones, if
    they explain the numbers that you gave (docs/teaching.md). An error that it raises goes on, with a note that says
    what it was given.

    ``check`` covers the weights, the biases, every a_i and every h_i (h_0 is the input). Raises
    :class:`~backtalk.errors.InputError` for a batch or for arrays that do not fit, for a
    layout that the shapes leave open, and if ℒ is not finite.

    >>> net = Network.create([3, 4, 2], activation="tanh", rng=0)
    >>> report = check(net)
    >>> report.passed, report.method, report.compared
    (True, 'complex step', 101)
    >>> def half(network, X, y):
    ...     grads = gradients(network, X, y)
    ...     grads.W[2][0, 1] /= 2
    ...     return list(grads.W.values()), list(grads.b.values())
    >>> print(check(net, backward=half).verdict)
    failed in W[2]: W[2] at row 1, column 2 is 0.01363..., but the derivative is 0.02726... (relative error 5.0e-01 ...
    >>> def summed(network, X, y):
    ...     grads = gradients(network, X, y)
    ...     return {"W": [len(X) * W for W in grads.W.values()]}
    >>> print(check(net, backward=summed).mistake.said)
    the sum over the batch stands instead of the mean: 1/B is missing
    >>> def forgetful(X, parameters):
    ...     Z1 = parameters["W1"] @ X
    ...     A1 = np.tanh(Z1)
    ...     return {"Z1": Z1, "A1": A1, "Z2": parameters["W2"] @ A1 + parameters["b2"]}
    >>> print(check(net, forward=forgetful).mistake.sentence)
    the bias b_i is forgotten (i = 1)
    """
    if method not in METHODS:
        raise unknown_name("method", method, METHODS)
    if coordinates not in ("auto", "every", "random"):
        raise unknown_name("coordinates", coordinates, ["auto", "every", "random"])
    if isinstance(directions, bool) or not isinstance(directions, int | np.integer) or directions < 1:
        raise InputError(f"directions is {directions!r}, expected a whole number of 1 or more.")
    if tolerance is not None and not isinstance(tolerance, Real):
        raise InputTypeError(f"tolerance is {tolerance!r}, expected a number between 0 and 1.")
    if tolerance is not None and not 0 < float(tolerance) < 1:
        raise InputError(f"tolerance is {tolerance!r}, expected a number between 0 and 1.")
    functions = Functions(forward, loss, backward)
    own = any(function is not None for function in (forward, loss, backward))
    for name, function in (("forward", forward), ("loss", loss), ("backward", backward)):
        if function is not None and not callable(function):
            wanted = "network and X" if name == "forward" else "network, X and y"
            raise InputTypeError(f"{name} is {function!r}, expected a function of {wanted}.")
    if isinstance(subject, str | Activation | Loss):
        if own or any(argument is not None for argument in (X, y, sample_weight)):
            kind = "a loss" if _is_loss(subject) else "an activation"
            raise InputError(f"subject is {kind}, which takes no X, y, sample_weight or backward.")
        return _check_function(subject, method, tolerance)
    if not isinstance(subject, Network):
        raise InputTypeError(f"subject is a {type(subject).__name__}, expected a Network or an activation.")
    lies = as_layout(layout)
    if lies is not None and not own:
        raise InputError("layout is given, but no function of your own, whose arrays it is about.")
    generator = as_generator(rng)
    network = network_in_float64(subject)
    if X is None and y is None:
        X, y = _random_batch(network, generator)
    elif X is None or y is None:
        raise InputError("X and y belong together: give both, or neither for random examples.")
    if isinstance(network.W[1], np.ndarray) and not isinstance(subject.W[1], np.ndarray):
        X, y, sample_weight = (part if part is None else to_numpy(part) for part in (X, y, sample_weight))
    turned = False
    if own:
        X, y, turned = rows_first(network, X, y, lies)
    X = as_input(network, X)
    target, weight = as_target(network, y, X.shape[0]), as_weight(network, sample_weight, X.shape[0])
    with np.errstate(all="ignore"):
        scene = Scene.of(network.to(np), *(to_numpy(part) for part in (X, target, weight)))
        if not math.isfinite(scene.loss):
            raise InputError(
                f"the loss of the network is {scene.loss} on these examples, expected a finite number, "
                "whose derivative can be measured: scale X, y or the weights."
            )
    student = Student(functions if own else Functions(backward=_ours(scene)), OURS, network, X, y, sample_weight, scene)
    student, answers = find_layout(student, lies if own else OURS, "columns" if turned else None)
    few = sum(array.size for array in answers.gradients.values()) <= EVERY_COORDINATE
    every = coordinates == "every" or (coordinates == "auto" and few)
    chosen = _choose(method, _functions_of(network))
    limit = chosen.tolerance if tolerance is None else float(tolerance)
    with np.errstate(all="ignore"):
        comparer = Comparer(scene, chosen, limit, directions, generator)
    kind = "coordinates" if every else "random directions"
    path = f"of network {' → '.join(map(str, network.sizes))}"
    if not own:
        with np.errstate(all="ignore"):
            rows = tuple(comparer.row(quantity, array, every) for quantity, array in answers.gradients.items())
        own_parts = () if all(row.passed for row in rows) else _wrong_derivatives(network, method)
        return CheckReport(f"gradients {path}", chosen.name, kind, limit, rows, mistakes=own_parts)
    rows, mistakes, notes = judge(student, answers, comparer, every, tolerance)
    more_rows, more_mistakes, more_notes = judge_other_biases(student, rows, comparer, every, tolerance)
    rows, notes = (*rows, *more_rows), (*notes, *more_notes)
    named = {each.name for mistake in mistakes for each in (mistake, *mistake.others)}
    mistakes += tuple(mistake for mistake in more_mistakes if mistake.name not in named)
    found = lies is None and student.layout != OURS
    return CheckReport(
        f"{' and '.join(name for name in ('forward', 'loss', 'backward') if getattr(functions, name))} pass {path}",
        chosen.name if answers.gradients else "the formulas",
        kind if answers.gradients else "numbers",
        limit if answers.gradients or tolerance is not None else VALUE_TOLERANCE,
        rows,
        own=True,
        mistakes=mistakes,
        notes=(*notes, f"the layout, found from the shapes: {student.layout}") if found else notes,
    )


def _ours(scene: Scene) -> Callable[..., Any]:
    """Our gradients: of NumPy arrays from the a_i that ℒ is measured with, since rounding may change those by much."""

    def backward_pass(network: Network, X: Any, y: Any, sample_weight: Any = None) -> Any:
        if isinstance(network.W[1], np.ndarray):
            return backward(network, scene.trace, y, sample_weight)
        return gradients(network, X, y, sample_weight)

    return backward_pass


def _is_loss(subject: str | Activation | Loss) -> bool:
    name = subject.strip().partition("(")[0] if isinstance(subject, str) else ""
    return isinstance(subject, Loss) or (name in LOSSES and name not in ACTIVATIONS)


def _check_function(subject: str | Activation | Loss, method: str, tolerance: float | None) -> CheckReport:
    """An activation or a loss; a name of neither gets the nearest of both."""
    if not _is_loss(subject):
        name = subject.strip().partition("(")[0] if isinstance(subject, str) else ""
        if isinstance(subject, str) and name not in ACTIVATIONS:
            raise unknown_name("subject", subject, [*ACTIVATIONS, *LOSSES])
        activation = as_activation(subject, "subject")  # pyright: ignore[reportArgumentType]
        return check_activation(activation, _choose(method, [activation]), tolerance)
    loss = as_loss(subject, "subject")  # pyright: ignore[reportArgumentType]
    return check_loss(loss, _choose(method, [loss]), tolerance)


def _functions_of(network: Network) -> list[Activation | Loss]:
    """What a derivative of ℒ goes through, besides softmax."""
    output = [network.output.activation] if isinstance(network.output, ElementWise) else []
    return [*network.activations, *output, network.loss]


def _wrong_derivatives(network: Network, method: str) -> tuple[Any, ...]:
    """The loss and the activations of a network whose own derivatives are wrong, as those of a user's may be."""
    from .mistakes import Mistake

    parts = [("loss", network.loss, "∂ℓ/∂ŷ", "ℓ", "∂ℓ/∂ŷ holds ∂ℓ/∂ŷ_j for each output j of each example")]
    parts += [
        ("activation", activation, "g′", "g", "g′(a) = dg/da") for activation in dict.fromkeys(network.activations)
    ]
    found = []
    for kind, part, derivative, value, formula in parts:
        try:
            passed = _check_function(part, method, None).passed
        except InputError:  # it cannot be measured by itself
            continue
        if not passed:
            said = f"{derivative} of the {kind} '{part}' is not the derivative of its {value}; check('{part}') shows it"
            advice = f"mend {derivative} where '{part}' is registered"
            found.append(Mistake(f"{kind}_derivative_wrong", said, formula, advice, ()))
    return tuple(found)


def _choose(method: str, functions: Iterable[Activation | Loss]) -> Method:
    if method == "central_differences":
        return CENTRAL
    real = [each for each in dict.fromkeys(functions) if not _takes_complex(each)]
    if method == "complex_step" and real:
        raise InputError(
            f"method is 'complex_step', but {real[0]} does not carry complex numbers through: "
            "use 'central_differences'."
        )
    return CENTRAL if real else COMPLEX


def _takes_complex(function: Activation | Loss) -> bool:
    if isinstance(function, Activation):
        return takes_complex(function)
    return not isinstance(function, RegisteredLoss) or loss_takes_complex(function)  # ours all do


def _random_batch(network: Network, rng: np.random.Generator) -> tuple[Any, Any]:
    spec = network.spec
    X = rng.normal(size=(5, network.sizes[0]))
    y = network.loss.draw_target(rng, 5, network.sizes[-1])
    return tuple(spec.xp.asarray(part, device=spec.device) for part in (X, y))
