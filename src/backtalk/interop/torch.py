"""A network from and to an ``nn.Sequential`` of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from array_api_compat import is_torch_array

from ..core import activations
from ..core.activations import Activation
from ..core.inputs import require_network
from ..core.losses import Loss, as_loss
from ..core.network import Network
from ..core.outputs import ElementWise, Output
from ..errors import InputError, InputTypeError
from .stack import Stack, need_library

# PyTorch's modules that have the name of ours, and no parameters
SAME_NAME = ("ReLU", "SELU", "SiLU", "Mish", "Tanh", "Sigmoid", "Softsign", "ReLU6")
HARD = {"Hardsigmoid": "HardSigmoid", "Hardswish": "HardSwish", "Hardtanh": "HardTanh"}  # and ours
INSTALL = "pip install 'backtalk[torch]'"
# From so large an a on, torch's Softplus gives a itself. At 40 that is log(1 + e^a) to the last digit of float64, and
# e^40 is no trouble for float32; at torch's own 20 they differ by 2e-9.
EXACT_THRESHOLD, LEAST_THRESHOLD = 40.0, 20.0


def from_torch(
    model: Any, loss: str | Loss | None = None, *, output: str | Output | Activation | None = None
) -> Network:
    """The network of a ``torch.nn.Sequential`` of ``Linear`` layers and activations.

    The weights are copied as they are, to the bit, and stay tensors of the model's dtype and device; the network's
    ŷ is what ``model.eval()`` gives, and its gradients are those that autograd finds. A model may contain nested
    ``Sequential``, ``Linear`` (without bias: b = 0), ``Flatten`` before the first layer (X is then flat),
    ``Identity``, ``Dropout`` and ``AlphaDropout`` (left out: they do nothing in ``model.eval()``), ``ReLU``,
    ``LeakyReLU``, ``ELU``, ``CELU``, ``SELU``, ``GELU``, ``SiLU``, ``Softplus``, ``Mish``, ``Tanh``, ``Sigmoid``,
    ``Softsign``, ``ReLU6``, ``Hardtanh``, ``Hardsigmoid``, ``Hardswish``, and ``Softmax`` or ``LogSoftmax`` at the end.

    The network's output function is what the model ends with: softmax after ``Softmax`` or ``LogSoftmax``, any
    activation, or the identity after ``Linear``. ``loss``: by default the natural one of that output function:
    ``cross_entropy`` of softmax, ``binary_cross_entropy`` of sigmoid, else ``squared_error``. A model that is trained
    with ``nn.CrossEntropyLoss`` or ``nn.BCEWithLogitsLoss`` ends with ``Linear`` and gives logits: with
    ``loss="cross_entropy"`` or ``loss="binary_cross_entropy"``, what a ``Linear`` at the end gives is a_L of the
    natural output function of that loss. ``output`` names another one for it.

    Raises :class:`~backtalk.errors.InputError`, which names the first module that a network cannot have and its place,
    and :class:`~backtalk.errors.MissingLibraryError` without PyTorch.

    >>> import torch
    >>> model = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Linear(8, 3))
    >>> from_torch(model, loss="cross_entropy")
    Network 4 → 8 → 3, 67 parameters, float32, torch
      1  4 → 8  tanh           W (8, 4)  b (8,)
      2  8 → 3  softmax        W (3, 8)  b (3,)  cross_entropy
    """
    torch = need_library("torch", "from_torch", INSTALL)
    if not isinstance(model, torch.nn.Module):
        raise InputTypeError(f"model is a {type(model).__name__}, expected a torch.nn.Sequential.")
    stack, functions = Stack("model"), _functions(torch.nn)
    for place, module in _modules(torch.nn, model, "model"):
        kind = type(module)
        if kind.forward is torch.nn.Linear.forward:
            W, b = module.weight, module.bias
            if isinstance(W, torch.nn.UninitializedParameter) or W.is_meta:
                raise InputError(f"{place} has no weights yet: run the model once, or load its weights.")
            stack.add_layer(W, W.new_zeros(W.shape[0]) if b is None else b)
        elif kind is torch.nn.Flatten:
            if stack.W or (module.start_dim, module.end_dim) != (1, -1):
                raise InputError(f"{place} is not Flatten(1, -1) before the first layer, as a Network has it.")
        elif kind not in (torch.nn.Identity, torch.nn.Dropout, torch.nn.AlphaDropout):
            if kind not in functions:
                *names, last = (each.__name__ for each in functions)
                raise InputError(
                    f"{place} is a module that a Network does not have: expected Linear, Dropout, Identity, Flatten, "
                    f"{', '.join(names)} or {last}."
                )
            if kind is torch.nn.LogSoftmax and loss is not None and not as_loss(loss).takes_classes:
                raise InputError(
                    f"{place} gives log ŷ, but loss {str(loss)!r} takes ŷ: leave loss out for cross_entropy, or "
                    "end the model with Softmax."
                )
            stack.add_function(functions[kind](module, place), place)
    return stack.network(loss, output)


def to_torch(network: Network) -> Any:
    """A ``torch.nn.Sequential`` that computes what the losses of PyTorch expect.

    If the output function is the natural one of the loss, it is left out, and the model computes a_L: logits for
    ``nn.CrossEntropyLoss`` and ``nn.BCEWithLogitsLoss``, log ŷ for ``nn.PoissonNLLLoss``, ŷ itself of the identity.
    Any other output function ends the model, which then computes ŷ, as for softmax with squared error
    ``nn.MSELoss`` expects. The parameters are a copy of W and b, to the bit, on the network's device if it has tensors
    of PyTorch, else on the CPU; training the model does not change the network.
    ``from_torch(to_torch(network), network.loss, output=network.output)`` is the same network.

    Raises :class:`~backtalk.errors.InputError` for an activation for which PyTorch has no module, and
    :class:`~backtalk.errors.MissingLibraryError` without PyTorch.

    >>> import torch
    >>> to_torch(Network.create([4, 8, 3], "elu(alpha=0.5)", rng=0))
    Sequential(
      (0): Linear(in_features=4, out_features=8, bias=True)
      (1): ELU(alpha=0.5)
      (2): Linear(in_features=8, out_features=3, bias=True)
    )
    """
    require_network(network)
    torch = need_library("torch", "to_torch", INSTALL)
    if not is_torch_array(network.W[1]):
        network = network.to(torch)
    modules = []
    for i, W in network.W.items():
        options = {"device": W.device, "dtype": W.dtype}
        linear = torch.nn.utils.skip_init(torch.nn.Linear, W.shape[1], W.shape[0], **options)
        with torch.no_grad():
            linear.weight.copy_(W)
            linear.bias.copy_(network.b[i])
        modules.append(linear)
        if i < network.depth:
            modules.append(_module(torch.nn, network.activations[i - 1], f"activations[{i - 1}]"))
    if not network.head.is_natural:
        output = network.output
        own = isinstance(output, ElementWise)
        modules.append(_module(torch.nn, output.activation, "output") if own else torch.nn.Softmax(dim=-1))
    return torch.nn.Sequential(*modules)


def _modules(nn: Any, module: Any, place: str) -> Iterator[tuple[str, Any]]:
    """The modules of nested Sequentials in their order, each with its place."""
    if type(module).forward is not nn.Sequential.forward:
        yield f"{place} ({type(module).__name__})", module
        return
    for name, part in zip(module._modules, module, strict=True):  # named_children leaves a module's second use out
        yield from _modules(nn, part, f"{place}[{name}]" if name.isdigit() else f"{place}.{name}")


def _functions(nn: Any) -> dict[Any, Callable[[Any, str], Activation | str]]:
    """From the class of a module to its activation, or the name of its output function."""

    def of_softplus(module: Any, place: str) -> Activation:
        if module.beta != 1 or module.threshold < LEAST_THRESHOLD:
            raise InputError(f"{place} has beta {module.beta} and threshold {module.threshold}, expected 1 and ≥ 20.")
        return activations.Softplus()

    def of_hardtanh(module: Any, place: str) -> Activation:
        if (module.min_val, module.max_val) != (-1, 1):
            raise InputError(f"{place} is clipped to [{module.min_val}, {module.max_val}], expected [-1, 1].")
        return activations.HardTanh()

    def of_softmax(module: Any, place: str) -> str:
        if module.dim not in (-1, 1, None):  # None is 1 for a matrix
            raise InputError(f"{place} is over dimension {module.dim}, expected -1: over the outputs of one example.")
        return "softmax"

    return {
        **{getattr(nn, name): lambda module, place, name=name: getattr(activations, name)() for name in SAME_NAME},
        nn.LeakyReLU: lambda module, place: activations.LeakyReLU(module.negative_slope),
        nn.ELU: lambda module, place: activations.ELU(module.alpha),
        nn.CELU: lambda module, place: activations.CELU(module.alpha),
        **{
            getattr(nn, name): lambda module, place, ours=ours: getattr(activations, ours)()
            for name, ours in HARD.items()
        },
        nn.Hardtanh: of_hardtanh,
        nn.GELU: lambda module, place: activations.GELUTanh() if module.approximate == "tanh" else activations.GELU(),
        nn.Softplus: of_softplus,
        nn.Softmax: of_softmax,
        nn.LogSoftmax: of_softmax,
    }


def _module(nn: Any, activation: Activation, argument: str) -> Any:
    makers: dict[type[Activation], Callable[[Any], Any]] = {
        **{getattr(activations, name): lambda g, name=name: getattr(nn, name)() for name in (*SAME_NAME, "Identity")},
        activations.LeakyReLU: lambda g: nn.LeakyReLU(g.slope),
        activations.ELU: lambda g: nn.ELU(g.alpha),
        activations.CELU: lambda g: nn.CELU(g.alpha),
        **{getattr(activations, ours): lambda g, name=name: getattr(nn, name)() for name, ours in HARD.items()},
        activations.GELU: lambda g: nn.GELU(),
        activations.GELUTanh: lambda g: nn.GELU("tanh"),
        activations.Softplus: lambda g: nn.Softplus(threshold=EXACT_THRESHOLD),
    }
    if type(activation) not in makers:
        own = "" if type(activation) in activations.ACTIVATIONS.values() else "an activation of your own, "
        raise InputError(f"{argument} is {activation!r}, {own}for which PyTorch has no module.")
    return makers[type(activation)](activation)
