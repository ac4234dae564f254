"""The network: sizes, weights, biases, activations, and its head: the output function with the loss. Frozen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

import array_api_compat
import numpy as np

from ..errors import InputError, InputTypeError, unknown_name
from .activations import Activation, as_activation
from .arrays import (
    Array,
    ArraySpec,
    as_array,
    dtype_name,
    jax_has_float64,
    library_name,
    namespace,
    refuse_non_finite,
    resolve_namespace,
    to_numpy,
)
from .head import Head, as_head
from .initialization import Initialization, as_generator, initial_weights
from .layers import Layers
from .losses import Loss
from .outputs import Output
from .predictor import Predictor
from .pytrees import note_tree, tell_jax


@dataclass(frozen=True, slots=True, eq=False, repr=False, init=False)
class Network:
    """A feedforward network: a_i = W_i h_{i-1} + b_i, h_i = g_i(a_i) for i < L, ŷ = O(a_L).

    ``W[i]`` has shape (n_i, n_{i-1}) (row: the unit talked to; column: the unit it hears), ``b[i]`` has shape
    (n_i,), i = 1 … L. ``activations`` holds g_1 … g_{L-1}. ``loss`` is ℓ and ``output`` is O: 'softmax', or any
    activation, element by element. By default O is the one that goes with the loss, such as softmax with cross_entropy.

    Give a list of weight matrices and a list of bias vectors, in the order of the layers, or use :meth:`create`.
    The arrays may be of NumPy, PyTorch, JAX or any library that follows the Array API standard, in float32 or
    float64: whole numbers become float64, smaller floats float32, and a mixture of both becomes float64. NumPy
    arrays are copied and set read-only. PyTorch tensors are copied and detached, so you can give the parameters of
    a model as they are: training the model does not change the network, and autograd does not follow the weights,
    whose gradients backtalk computes itself. It does follow an X that requires a gradient.

    Raises :class:`~backtalk.errors.InputError` if shapes do not fit each other or a number is not finite.
    Source: section 2 of the notation, ``docs/notation.md``.

    >>> net = Network([[[1.0, -1.0]], [[2.0], [0.5]]], [[0.0], [0.0, 0.1]], "tanh", "cross_entropy")
    >>> net
    Network 2 → 1 → 2, 7 parameters, float64, numpy
      1  2 → 1  tanh           W (1, 2)  b (1,)
      2  1 → 2  softmax        W (2, 1)  b (2,)  cross_entropy
    >>> net.W[2]
    array([[2. ],
           [0.5]])
    """

    W: Layers
    b: Layers
    activations: tuple[Activation, ...]
    head: Head
    prepared: Any  # what an engine keeps with the network: it made it from W and b, which do not change

    def __init__(
        self,
        W: Sequence[Any] | Mapping[int, Any],
        b: Sequence[Any] | Mapping[int, Any],
        activation: str | Activation | Sequence[str | Activation] = "relu",
        loss: str | Loss = "cross_entropy",
        *,
        output: str | Output | Activation | None = None,
    ) -> None:
        weights, biases = _in_layer_order(W, "W"), _in_layer_order(b, "b")
        if not weights:
            raise InputError("is empty, expected one weight matrix for each layer.", argument="W")
        if len(weights) != len(biases):
            raise InputError(
                f"has {len(biases)} vectors, but W has {len(weights)} matrices: expected one each.", argument="b"
            )
        weights, biases = _as_parameters(weights, biases)
        object.__setattr__(self, "W", Layers(weights))
        object.__setattr__(self, "b", Layers(biases))
        object.__setattr__(self, "activations", _as_activations(activation, len(weights) - 1))
        head = as_head(loss, output)
        head.loss.require_outputs(self.sizes[-1])
        object.__setattr__(self, "head", head)
        object.__setattr__(self, "prepared", None)

    @classmethod
    def create(
        cls,
        sizes: Sequence[int],
        activation: str | Activation | Sequence[str | Activation] = "relu",
        loss: str | Loss = "cross_entropy",
        *,
        output: str | Output | Activation | None = None,
        initialization: str | Initialization | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = "float64",
    ) -> Network:
        """A network with random weights and biases 0.

        ``sizes``: n_0 (inputs), n_1, …, n_L (outputs), each 1 or more. ``activation``: one for all hidden
        layers, or a list of L − 1. ``loss``, ``output``: as for :class:`Network`. ``initialization``:
        glorot, he or lecun, with ``_uniform`` or ``_normal``; ``zeros``, ``constant(value=0.1)``, ``normal(std=0.01)``
        or ``uniform(scale=0.05)``; by default each hidden layer takes the scheme of its activation and the output
        layer glorot_uniform. ``rng``: a ``numpy.random.Generator`` or a seed.

        >>> Network.create([64, 32, 10], activation="relu", loss="cross_entropy", rng=0)
        Network 64 → 32 → 10, 2410 parameters, float64, numpy
          1  64 → 32  relu           W (32, 64)  b (32,)
          2  32 → 10  softmax        W (10, 32)  b (10,)  cross_entropy
        """
        sizes = _as_sizes(sizes)
        activations = _as_activations(activation, len(sizes) - 2)
        dtype = _as_dtype_name(dtype)
        generator = as_generator(rng)
        schemes = [initialization or each.initialization for each in activations]
        schemes.append(initialization or "glorot_uniform")
        W = [
            initial_weights(scheme, fan_out, fan_in, generator).astype(dtype)
            for scheme, fan_in, fan_out in zip(schemes, sizes, sizes[1:], strict=False)
        ]
        b = [np.zeros(size, dtype) for size in sizes[1:]]
        return cls(W, b, activations, loss, output=output)

    @property
    def loss(self) -> Loss:
        """ℓ, the loss of one example."""
        return self.head.loss

    @property
    def output(self) -> Output:
        """O, the output function."""
        return self.head.output

    @property
    def depth(self) -> int:
        """L, the number of layers with weights."""
        return len(self.W)

    @property
    def sizes(self) -> tuple[int, ...]:
        """(n_0, …, n_L), the number of units in each layer, the input first."""
        return (self.W[1].shape[1], *(int(b.shape[0]) for b in self.b.values()))

    @property
    def parameter_count(self) -> int:
        """How many numbers the weights and biases hold."""
        return sum(n * (m + 1) for m, n in zip(self.sizes, self.sizes[1:], strict=False))

    @property
    def spec(self) -> ArraySpec:
        """Where the arrays live: library, dtype, device."""
        return ArraySpec.of(self.W[1])

    def replace(self, W: Iterable[Array], b: Iterable[Array]) -> Network:
        """The same network with other parameters; they are not checked or copied, but set read-only."""
        network = object.__new__(Network)
        for name, value in (("W", Layers(W)), ("b", Layers(b))):
            object.__setattr__(network, name, value)
            for array in value.values():
                if isinstance(array, np.ndarray):
                    array.flags.writeable = False
        object.__setattr__(network, "activations", self.activations)
        object.__setattr__(network, "head", self.head)
        object.__setattr__(network, "prepared", None)
        return network

    def to_lists(self) -> tuple[list[Array], list[Array]]:
        """The weight matrices and the bias vectors, each as a list in the order of the layers."""
        return list(self.W.values()), list(self.b.values())

    def to(self, library: ModuleType, *, dtype: Any = None, device: Any = None) -> Network:
        """The same network with arrays of another library (``numpy``, ``torch``, ``jax.numpy``, …).

        ``dtype``: 'float32' or 'float64', by default the one it has; JAX converts everything to float32 unless
        ``jax_enable_x64`` is set. ``device``: any device of the library.

        >>> import numpy as np
        >>> Network.create([2, 1], rng=0).to(np, dtype="float32").W[1].dtype
        dtype('float32')
        """
        xp = resolve_namespace(library, "library")
        name = _as_dtype_name(dtype or str(to_numpy(self.W[1]).dtype))
        if library_name(xp) == "jax" and not jax_has_float64():
            if dtype == "float64":
                raise InputError(
                    "is 'float64', which JAX has only after jax.config.update('jax_enable_x64', True).",
                    argument="dtype",
                )
            name = "float32"
        kind = getattr(xp, name)

        def move(array: Array) -> Array:
            with np.errstate(over="ignore"):  # the infinite value is refused below
                return xp.asarray(np.array(to_numpy(array)), dtype=kind, device=device)

        W, b = self.to_lists()
        return Network(
            [move(part) for part in W], [move(part) for part in b], self.activations, self.loss, output=self.output
        )

    def predictor(self, rows: int = 1) -> Predictor:
        """What predicts ŷ for up to ``rows`` examples a call in microseconds: see :class:`~backtalk.Predictor`.

        >>> import numpy as np
        >>> net = Network([[[2.0]]], [[0.5]], loss="squared_error")
        >>> net.predictor()(np.array([3.0]))
        array([6.5])
        """
        return Predictor(self, rows)

    def __reduce__(self) -> tuple[Any, ...]:  # copies are made by the constructor, so they are read-only as well
        return partial(Network, output=self.output), (*self.to_lists(), self.activations, self.loss)

    def __repr__(self) -> str:
        path = " → ".join(str(size) for size in self.sizes)
        lines = [f"Network {path}, {self.parameter_count} parameters, {self.spec}"]
        functions = [*map(repr, self.activations), repr(self.output)]
        arrows = [f"{m} → {n}" for m, n in zip(self.sizes, self.sizes[1:], strict=False)]
        shapes = [(f"W {tuple(self.W[i].shape)}", f"b {tuple(self.b[i].shape)}") for i in self.W]
        widths = [max(map(len, column)) for column in (arrows, *zip(*shapes, strict=True))]
        digits = len(str(self.depth))
        for i, (arrow, function, (W, b)) in enumerate(zip(arrows, functions, shapes, strict=True), start=1):
            line = f"  {i:<{digits}}  {arrow:<{widths[0]}}  {function:<13}  {W:<{widths[1]}}  {b:<{widths[2]}}"
            lines.append((line + (f"  {self.loss}" if i == self.depth else "")).rstrip())
        return "\n".join(lines)


note_tree(Network, ("W", "b"), ("activations", "head"), {"prepared": None})


def _as_dtype_name(dtype: Any) -> str:
    """'float32' or 'float64', from the name, or from a dtype of NumPy or another library."""
    try:
        name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    except TypeError:
        name = dtype_name(dtype)
    if name not in ("float32", "float64"):
        raise unknown_name("dtype", name, ["float32", "float64"])
    return name


def _in_layer_order(arrays: Sequence[Any] | Mapping[int, Any], argument: str) -> list[Any]:
    if isinstance(arrays, Mapping):
        if set(arrays) != set(range(1, len(arrays) + 1)):
            raise InputError(f"has keys {list(arrays)}, expected the layer numbers 1 … L.", argument=argument)
        return [arrays[layer] for layer in sorted(arrays)]
    if isinstance(arrays, str) or not isinstance(arrays, Sequence):
        raise InputTypeError(
            f"is a {type(arrays).__name__}, expected a list of arrays, one for each layer.", argument=argument
        )
    return list(arrays)


def _as_parameters(weights: list[Any], biases: list[Any]) -> tuple[list[Array], list[Array]]:
    """The arrays of one library, dtype and device, with shapes that fit one another."""
    named = [(f"W[{i}]", value, 2) for i, value in enumerate(weights, 1)]
    named += [(f"b[{i}]", value, 1) for i, value in enumerate(biases, 1)]
    spec: ArraySpec | None = None
    arrays: list[Array] = []
    for name, value, dimensions in named:
        array = as_array(value, name) if spec is None else spec.receive(value, name)
        spec = spec or ArraySpec.of(array)
        if array.ndim != dimensions or 0 in array.shape:
            kind = "a matrix (units, units heard)" if dimensions == 2 else "a vector (units,)"
            raise InputError(f"has shape {tuple(array.shape)}, expected {kind}, each size 1 or more.", argument=name)
        refuse_non_finite(array, name)
        arrays.append(array)
    dtype = _common_dtype(arrays)
    arrays = [_freeze(namespace(array).astype(array, dtype)) for array in arrays]
    W, b = arrays[: len(weights)], arrays[len(weights) :]
    for i in range(1, len(W) + 1):
        units, heard = W[i - 1].shape
        if b[i - 1].shape[0] != units:
            raise InputError(
                f"b[{i}] has {b[i - 1].shape[0]} entries, but W[{i}] has {units} rows: expected one a unit."
            )
        if i > 1 and heard != W[i - 2].shape[0]:
            raise InputError(
                f"W[{i}] has {heard} columns, but W[{i - 1}] has {W[i - 2].shape[0]} rows: "
                f"expected one column for each unit of layer {i - 1}."
            )
    if array_api_compat.is_jax_array(W[0]):
        tell_jax()
    return W, b


def _common_dtype(arrays: list[Array]) -> Any:
    xp = namespace(arrays[0])
    names = {dtype_name(array.dtype) for array in arrays}
    small = {"float32", "float16", "bfloat16"}
    if names <= small or not hasattr(xp, "float64"):
        return xp.float32
    jax_without_float64 = library_name(xp) == "jax" and not jax_has_float64()
    return xp.float32 if jax_without_float64 else xp.float64


def _freeze(array: Array) -> Array:
    if isinstance(array, np.ndarray):
        array = np.array(array, order="C")
        array.flags.writeable = False
    return array.detach() if array_api_compat.is_torch_array(array) else array


def _as_activations(value: Any, count: int) -> tuple[Activation, ...]:
    if isinstance(value, str | Activation):
        return (as_activation(value),) * count
    if not isinstance(value, Sequence):
        raise InputTypeError(
            f"is {value!r}, expected a name, or a list with one for each hidden layer.", argument="activation"
        )
    if len(value) != count:
        raise InputError(
            f"has {len(value)} entries, expected {count}: one for each hidden layer.", argument="activation"
        )
    return tuple(as_activation(each, f"activation[{i}]") for i, each in enumerate(value))


def _as_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    try:
        given = list(sizes)
    except TypeError:
        raise InputTypeError(f"is {sizes!r}, expected a list such as [64, 32, 10].", argument="sizes") from None
    if len(given) < 2:
        raise InputError(f"is {given}, expected at least two: the inputs and the outputs.", argument="sizes")
    for i, size in enumerate(given):
        if isinstance(size, bool) or not isinstance(size, int | np.integer):
            raise InputTypeError(f"sizes[{i}] is {size!r}, expected a whole number.")
        if size < 1:
            raise InputError(f"sizes[{i}] is {size}, expected 1 or more units.")
    return tuple(int(size) for size in given)
