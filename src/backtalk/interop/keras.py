"""A network from a Keras model."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.activations import ELU, Activation, LeakyReLU, ReLU, ReLU6, as_activation
from ..core.losses import Loss
from ..core.network import Network
from ..core.outputs import Output
from ..errors import InputError, InputTypeError
from .stack import Stack, need_library

# Layers that do nothing when a model predicts
SILENT = ("InputLayer", "Dropout", "GaussianDropout", "AlphaDropout", "GaussianNoise", "Identity")
# The functions of keras.activations; ours have the same names, but for these
NAMES = ("linear", "relu", "leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "mish", "tanh", "sigmoid",
         "softsign", "relu6", "celu", "hard_tanh", "hard_sigmoid", "hard_silu", "softmax", "exponential")  # fmt: skip
RENAMED = {"linear": "identity", "leaky_relu": "leaky_relu(slope=0.2)", "hard_silu": "hard_swish", "exponential": "exp"}
OUTPUTS = ("softmax",)  # output functions of a network, which are no activations


def from_keras(
    model: Any, loss: str | Loss | None = None, *, output: str | Output | Activation | None = None
) -> Network:
    """The network of a Keras 3 model that is a stack of ``Dense`` layers, ``Sequential`` or functional, nested or not.

    W_i is the kernel of layer i transposed, to the bit, as arrays of NumPy, whichever backend Keras has; ŷ is what
    ``model.predict`` gives. The model may contain ``Dense`` with any activation of backtalk, by its name or as a layer
    (``Activation``, ``ReLU``, ``LeakyReLU``, ``ELU``, ``Softmax``); ``Flatten`` before the first layer (X is then
    flat); and ``Input``, ``Identity``, ``Dropout`` and layers of noise, which are left out. Keras's name
    ``leaky_relu`` has the slope 0.2.

    The network's output function is what the model ends with: softmax or any activation. ``loss``: by default the
    natural one of that output function: ``cross_entropy`` of softmax, ``binary_cross_entropy`` of sigmoid,
    ``poisson_deviance`` of exponential, else ``squared_error``. The loss that the model was compiled with is ignored:
    if the model gives logits, use ``loss="cross_entropy"`` or ``loss="binary_cross_entropy"``; then what its linear end
    gives is a_L of the natural output function of that loss. ``output`` names another one for it.

    Raises :class:`~backtalk.errors.InputError`, which names the first layer that a network cannot have, and
    :class:`~backtalk.errors.MissingLibraryError` without Keras.

    >>> import keras
    >>> dense = keras.layers.Dense
    >>> from_keras(keras.Sequential([keras.Input((4,)), dense(8, "tanh"), dense(3, "softmax")]))
    Network 4 → 8 → 3, 67 parameters, float32, numpy
      1  4 → 8  tanh           W (8, 4)  b (8,)
      2  8 → 3  softmax        W (3, 8)  b (3,)  cross_entropy
    """
    keras = need_library("keras", "from_keras", "pip install keras")
    if not isinstance(model, keras.Model):
        raise InputTypeError(f"model is a {type(model).__name__}, expected a keras.Sequential or a functional model.")
    stack = Stack("model")
    flat = len(_input_shape(model)) == 2
    for layer in _layers(keras, model):
        place = f"layer {layer.name!r} ({type(layer).__name__})"
        if type(layer) is keras.layers.Dense:
            if not flat:
                shape = _input_shape(model)
                raise InputError(
                    f"{place} works on X of shape {shape}, expected (None, inputs), or a Flatten before it."
                )
            stack.add_layer(*_weights(keras, layer, place))
            stack.add_function(_named(keras, layer.activation, place), place)
        elif type(layer) is keras.layers.Flatten and not stack.W:
            if layer.data_format == "channels_first" and not flat:
                raise InputError(f"{place} has data_format 'channels_first', which changes the order of the inputs.")
            flat = True
        elif type(layer).__name__ not in SILENT:
            stack.add_function(_function(keras, layer, place), place)
    return stack.network(loss, output)


def _input_shape(model: Any) -> tuple[Any, ...]:
    try:
        shape = model.input_shape
    except AttributeError:
        raise InputError("model has no weights yet: give it a keras.Input, or call model.build.") from None
    return shape if isinstance(shape, tuple) else ()


def _layers(keras: Any, model: Any) -> Iterator[Any]:
    """The layers of nested models in their order."""
    for layer in model.layers if isinstance(model, keras.Sequential) else _chain(model):
        if isinstance(layer, keras.Model):
            yield from _layers(keras, layer)
        else:
            yield layer


def _chain(model: Any) -> list[Any]:
    """The layers of a functional model, from the input to the output; refused if it is no chain."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of functions that Keras could not write into a file
            settings = model.get_config()
        known, (name, *_) = {each["name"]: each for each in settings["layers"]}, settings["output_layers"]
    except (KeyError, NotImplementedError, TypeError, ValueError):
        raise InputError(
            f"model is a {type(model).__name__} with a call of its own, expected a Sequential or a functional model."
        ) from None
    if not isinstance(name, str):
        raise InputError(f"model has {len(settings['output_layers'])} outputs, expected one.")
    chain = []
    while True:
        nodes = known[name]["inbound_nodes"]
        before = [tensor for node in nodes for tensor in _tensors(node)]
        if len(nodes) > 1 or len(before) > 1:
            heard = ", ".join(before)
            raise InputError(f"layer {name!r} ({known[name]['class_name']}) hears {heard}: expected one layer, once.")
        if all(layer.name != name for layer in model.layers):
            raise InputError(f"{known[name]['class_name']} {name!r} is no layer that a Network has.")
        chain.append(model.get_layer(name))
        if not before:
            return chain[::-1]
        (name,) = before


def _tensors(part: Any) -> Iterator[str]:
    """The names of the layers whose outputs stand in the arguments of a call."""
    if isinstance(part, dict):
        if part.get("class_name") == "__keras_tensor__":
            yield part["config"]["keras_history"][0]
        else:
            for value in part.values():
                yield from _tensors(value)
    elif isinstance(part, list | tuple):
        for value in part:
            yield from _tensors(value)


def _weights(keras: Any, layer: Any, place: str) -> tuple[Any, Any]:
    if not layer.built:
        raise InputError(f"{place} has no weights yet: give the model a keras.Input, or call model.build.")
    if getattr(layer, "quantization_mode", None):
        raise InputError(f"{place} is quantized to {layer.quantization_mode}, expected weights of floats.")
    variables = [layer.kernel, layer.bias] if layer.use_bias else [layer.kernel]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Keras's own, of arrays of PyTorch
        W, *b = map(keras.ops.convert_to_numpy, variables)
    return W.T, b[0] if b else np.zeros(W.shape[1], W.dtype)


def _named(keras: Any, function: Any, place: str) -> Activation | str:
    """What a function of keras.activations is here."""
    for name in NAMES:
        if function is getattr(keras.activations, name, None):  # older versions have not all of them
            ours = RENAMED.get(name, name)
            return ours if ours in OUTPUTS else as_activation(ours)
    name = getattr(function, "__name__", repr(function))
    raise InputError(f"{place} has the activation {name!r}, expected {', '.join(NAMES[:-1])} or {NAMES[-1]}.")


def _function(keras: Any, layer: Any, place: str) -> Activation | str:
    """What a layer without weights is here."""
    layers, kind = keras.layers, type(layer)
    if kind is layers.Activation:
        return _named(keras, layer.activation, place)
    if kind is layers.ReLU:
        if layer.max_value == 6 and not layer.threshold and not layer.negative_slope:
            return ReLU6()
        if layer.max_value is not None or layer.threshold:
            raise InputError(f"{place} has max_value {layer.max_value} and threshold {layer.threshold}, expected none.")
        return LeakyReLU(float(layer.negative_slope)) if layer.negative_slope else ReLU()
    if kind is layers.LeakyReLU:
        return LeakyReLU(float(layer.negative_slope))
    if kind is layers.ELU:
        return ELU(float(layer.alpha))
    if kind is layers.Softmax:
        if layer.axis not in (-1, 1):
            raise InputError(f"{place} is over axis {layer.axis}, expected -1: over the outputs of one example.")
        return "softmax"
    raise InputError(
        f"{place} is a layer that a Network does not have: expected Dense, Activation, ReLU, LeakyReLU, ELU, "
        "Softmax, Dropout, or a Flatten before the first."
    )
