"""One private step: (Σ_n c_n ∇ℓ_n + noise)/B in ``.grad``, and the optimizer's step along it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ....core.arrays import Array, namespace
from ....core.clipping import factors_of_layers
from ....errors import InputError, InputTypeError, a_kind
from ....train.privacy import Privacy, PrivacySpent
from ...per_example.gradient_norms import norms_by_layer
from ...per_example.pairs import Sums, read_weighted
from ..assemble import batches
from ..layers import Layer
from ..norms import HeardNorms
from ..pairs import CapturedPairs, widened
from .private_steps import PrivateSteps
from .refusals import require_all_heard, require_apart, trained_parameters

if TYPE_CHECKING:
    from ..captured import Heard


def take_step(heard: Heard, optimizer: Any, private: Any, memory_limit: int) -> PrivacySpent:
    """Take the step; refuses what it must before anything is changed."""
    if not isinstance(private, PrivateSteps):
        raise InputTypeError(f"private is {a_kind(private)}, expected the PrivateSteps of all steps.")
    drawn, hooks = private.require_drawn(), heard._hooks
    parameters = trained_parameters(hooks.model.module, optimizer)
    sums: dict[int, Array] = {}
    if drawn or any(count != 0 for _, count in batches(hooks)):
        if (count := heard.count) != drawn:
            raise InputError(
                f"the backward pass had {count} examples, but the next batch that was drawn has {drawn}: hear each "
                "batch of private.batches(…) whole, once, in its order; ε does not hold for batches of a fixed size."
            )
        batch = heard._batch()
        if lacks := batch.why_not_private():
            raise InputError(lacks)
        require_apart(hooks)
        pairs = batch.finite_pairs()
        W, b, a = norms_by_layer(pairs.groups.values(), memory_limit)
        norms = HeardNorms(W, b, a, "own")
        if private.steps & (private.steps + 1) == 0:  # before steps 1, 2, 4, 8, …
            shares = namespace(norms.whole).full_like(norms.whole, 1 / pairs.factor)
            whole = _sums(pairs, dict.fromkeys(norms.layers, shares), memory_limit)
            require_all_heard(hooks, parameters, whole, float(norms.whole.sum()) / pairs.factor)
        sums = _sums(pairs, _factors(norms.layers, hooks.model.layers.values(), private.privacy), memory_limit)
    _put_noisy(parameters, sums, private)
    optimizer.step()
    for parameter in parameters.values():
        parameter.grad = None  # so that the next backward pass does not add to it
    return private.spent


def _factors(norms: Mapping[str, Array], layers: Iterable[Layer], privacy: Privacy) -> dict[str, Array]:
    """What each example's gradient at each layer is multiplied by.

    A layer that this batch did not reach has norms of 0: how many layers there are must not depend on the examples.
    """
    zero = norms[next(iter(norms))] * 0
    every = {layer.name: zero for layer in layers if layer.weights or layer.biases} | dict(norms)
    return dict(zip(every, factors_of_layers([*every.values()], privacy.max_norm, privacy.clipping), strict=True))


def _sums(pairs: CapturedPairs, factors: Mapping[str, Array], memory_limit: int) -> dict[int, Array]:
    """Σ_n c_n ∇ℓ_n in the shape of each parameter, by its identity."""
    sums = Sums()
    for key, group in pairs.chosen().items():
        for block, c in read_weighted([group], factors[key.name], memory_limit):
            sums.add_gradients(block, c)
    W, b = pairs.in_shape(sums.W, sums.b)
    layers = pairs.layers
    return {id(layers[name].weight): W[name] for name in W} | {id(layers[name].bias): b[name] for name in b}


def _put_noisy(parameters: Mapping[int, Any], sums: Mapping[int, Array], private: PrivateSteps) -> None:
    """(sum + noise)/B in the gradient of every parameter, also of those that no example of this batch reached."""
    import torch  # pyright: ignore[reportMissingImports]

    private.count_step()
    for key, p in parameters.items():
        total = sums[key] if key in sums else widened(torch.zeros_like(p))
        noisy = total.detach().cpu().contiguous().view(-1)  # the sum is needed no more
        private.add_noise(noisy.numpy())
        p.grad = noisy.div_(private.batch_size).view(p.shape).to(p.dtype).to(p.device)
