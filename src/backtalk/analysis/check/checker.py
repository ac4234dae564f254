"""``check``: one function for a network's gradients, for a user's backward pass and for an activation."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any

import numpy as np

from ...core.activations import Activation, as_activation
from ...core.arrays import to_numpy
from ...core.initialization import as_generator
from ...core.inputs import as_input, as_target, as_weight
from ...core.network import Network
from ...engines.passes import gradients
from ...errors import InputError, InputTypeError, unknown_name
from .activation import check_activation
from .measure import CENTRAL, COMPLEX, Method, takes_complex
from .network import Comparer, network_in_float64, read_gradients
from .report import CheckReport
from .substitute import Scene

METHODS = ["auto", "complex_step", "central_differences"]
EVERY_COORDINATE = 5000  # so many coordinates are measured one by one in about a second


def check(
    subject: Network | Activation | str,
    X: Any = None,
    y: Any = None,
    sample_weight: Any = None,
    *,
    backward: Callable[..., Any] | None = None,
    method: str = "auto",
    coordinates: str = "auto",
    directions: int = 8,
    tolerance: float | None = None,
    rng: np.random.Generator | int | None = 0,
) -> CheckReport:
    """Compare gradients with derivatives measured on the loss itself, in float64.

    ``subject``: a network; or an activation (or its name), to compare its g′ with its g.
    ``X``, ``y``, ``sample_weight``: the batch, as for :func:`~backtalk.gradients`; without it, 5 random examples.
    ``backward``: a backward pass of your own to check, called as ``backward(network, X, y)``, with
    ``sample_weight`` as fourth argument if you gave it. It returns ``Gradients``; or a dictionary with some
    of 'a', 'h', 'W', 'b', each a list in the order of the layers (that of h begins with h_0) or a mapping by
    layer number; or a pair of lists, the gradients of the weights and those of the biases.
    ``method``: 'complex_step', Im ℒ(θ + i·s·v)/s, exact to rounding; 'central_differences',
    [ℒ(θ + s·v) − ℒ(θ − s·v)]/(2s); 'auto', the first if every activation takes complex numbers.
    ``coordinates``: 'every', one by one; 'random', along ``directions`` random directions for each quantity at
    each layer, at a cost that does not depend on the number of parameters; if one fails, halving finds the
    coordinate; 'auto', every one up to 5000.
    ``tolerance``: the largest relative error that passes, by default 1e-7 for complex steps and 1e-5 for central
    differences. A coordinate whose step crosses a kink is counted as undecided, and not judged; so is an output
    that has rounded to an end of its range. If every coordinate is undecided, the verdict says so.

    If your backward pass fails, the report's ``mistakes`` name the likely mistakes, from a table of common ones, if
    they explain every number that you gave (docs/teaching.md).

    ``check`` covers the weights, the biases, every a_i and every h_i (h_0 is the input). Raises
    :class:`~backtalk.errors.InputError` for a batch or for gradients that do not fit, and if ℒ is not finite.

    >>> net = Network.create([3, 4, 2], activation="tanh", rng=0)
    >>> report = check(net)
    >>> report.passed, report.method, report.compared
    (True, 'complex step', 101)
    >>> def half(network, X, y):
    ...     grads = gradients(network, X, y)
    ...     grads.W[2][0, 1] /= 2
    ...     return list(grads.W.values()), list(grads.b.values())
    >>> print(check(net, backward=half).verdict)
    failed in W[2]: W[2] at [0, 1] is 0.01363..., but the derivative is 0.02726... (relative error 5.0e-01 over 26 ...
    >>> def summed(network, X, y):
    ...     grads = gradients(network, X, y)
    ...     return {"W": [len(X) * W for W in grads.W.values()]}
    >>> print(check(net, backward=summed).mistake.said)
    the sum over the batch stands instead of the mean: 1/B is missing
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
    if backward is not None and not callable(backward):
        raise InputTypeError(f"backward is {backward!r}, expected a function of network, X and y.")
    if isinstance(subject, str | Activation):
        if any(argument is not None for argument in (X, y, sample_weight, backward)):
            raise InputError("subject is an activation, which takes no X, y, sample_weight or backward.")
        activation = as_activation(subject, "subject")
        return check_activation(activation, _choose(method, [activation]), tolerance)
    if not isinstance(subject, Network):
        raise InputTypeError(f"subject is a {type(subject).__name__}, expected a Network or an activation.")
    generator = as_generator(rng)
    network = network_in_float64(subject)
    if X is None and y is None:
        X, y = _random_batch(network, generator)
    elif X is None or y is None:
        raise InputError("X and y belong together: give both, or neither for random examples.")
    if isinstance(network.W[1], np.ndarray) and not isinstance(subject.W[1], np.ndarray):
        X, y, sample_weight = (part if part is None else to_numpy(part) for part in (X, y, sample_weight))
    X = as_input(network, X)
    target, weight = as_target(network, y, X.shape[0]), as_weight(network, sample_weight, X.shape[0])
    with np.errstate(all="ignore"):
        scene = Scene.of(network.to(np), *(to_numpy(part) for part in (X, target, weight)))
        if not math.isfinite(scene.loss):
            raise InputError(
                f"the loss of the network is {scene.loss} on these examples, expected a finite number, "
                "whose derivative can be measured: scale X, y or the weights."
            )
    arguments = (X, y) if sample_weight is None else (X, y, sample_weight)
    given = read_gradients((backward or gradients)(network, *arguments), scene)
    few = sum(array.size for array in given.values()) <= EVERY_COORDINATE
    every = coordinates == "every" or (coordinates == "auto" and few)
    chosen = _choose(method, network.activations)
    limit = chosen.tolerance if tolerance is None else float(tolerance)
    with np.errstate(all="ignore"):
        comparer = Comparer(scene, chosen, limit, directions, generator)
        rows = tuple(comparer.row(quantity, array, every) for quantity, array in given.items())
    mistakes = ()
    if backward is not None and not all(row.passed for row in rows):
        from .mistakes import name_mistakes  # seldom needed

        raw = None if sample_weight is None else np.asarray(to_numpy(sample_weight), dtype=np.float64)
        mistakes = name_mistakes(scene, given, comparer.size, raw)
    whose = "gradients" if backward is None else "backward pass"
    return CheckReport(
        f"{whose} of network {' → '.join(map(str, network.sizes))}",
        chosen.name,
        "coordinates" if every else "random directions",
        limit,
        rows,
        backward is not None,
        mistakes,
    )


def _choose(method: str, activations: Iterable[Activation]) -> Method:
    if method == "central_differences":
        return CENTRAL
    real = [activation for activation in dict.fromkeys(activations) if not takes_complex(activation)]
    if method == "complex_step" and real:
        raise InputError(
            f"method is 'complex_step', but {real[0]} does not carry complex numbers through: "
            "use 'central_differences'."
        )
    return CENTRAL if real else COMPLEX


def _random_batch(network: Network, rng: np.random.Generator) -> tuple[Any, Any]:
    spec = network.spec
    X = rng.normal(size=(5, network.sizes[0]))
    y = network.loss.draw_target(rng, 5, network.sizes[-1])
    return tuple(spec.xp.asarray(part, device=spec.device) for part in (X, y))
