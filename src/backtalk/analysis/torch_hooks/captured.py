"""What was captured: the batches that a block heard, each with its results."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from ...core.arrays import Array
from ...errors import InputError
from ...train.privacy import PrivacySpent
from ..per_example.pairs import MEMORY_LIMIT
from .assemble import assemble, batches, captured_layers, require_finite
from .hooks import Hooks
from .modules import ModuleHooks
from .pairs import CapturedPairs
from .precision import in_full_precision
from .private import PrivateSteps, take_step
from .results import Results
from .whole import why_mixed, why_not_whole


class HeardBatch(Results):
    """One backward pass of several. ``count``: B, its examples; ``names``: the layers that it reached.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Linear(2, 1)
    >>> with listen(model) as heard:
    ...     for rows in (3, 5):
    ...         model(torch.ones(rows, 2)).mean().backward()
    >>> heard.batches
    (Batch of 3 examples, 1 layers, Batch of 5 examples, 1 layers)
    """

    def __init__(self, hooks: Hooks, modules: ModuleHooks, task: int, count: int | None, reduction: str) -> None:
        self._hooks, self._modules, self._task = hooks, modules, task
        self._count, self._reduction = count, reduction
        self._assembled: tuple[int, CapturedPairs] | None = None
        self._finite: CapturedPairs | None = None

    @property
    def count(self) -> int:
        """B."""
        return self.pairs().count

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that the pass reached, in the order in which they were first called."""
        return tuple(self.pairs().calls)

    def pairs(self) -> CapturedPairs:
        """All that was captured of the pass so far; assembled once, unless more is captured."""
        version = self._hooks.version
        if self._assembled is None or self._assembled[0] != version:
            pairs = assemble(self._hooks, self._task, self._count, self._reduction)
            self._assembled = version, pairs
        return self._assembled[1]

    def finite_pairs(self) -> CapturedPairs:
        """The same; refused if a value is not finite, which is looked for once."""
        pairs = self.pairs()
        if self._finite is not pairs:
            require_finite(pairs)
            self._finite = pairs
        return pairs

    def weights(self) -> dict[str, tuple[Array, bool]]:
        """Of each layer its weight, and whether it still holds the values that it was captured with."""
        found = {}
        for layer in captured_layers(self._hooks)[0]:
            calls = [call for call in layer.calls if any(task == self._task for task, *_ in call.captured)]
            same = all(call.weight_version == layer.weight._version for call in calls)
            found[layer.name] = layer.weight.detach(), same and not layer.change()
        return found

    def __repr__(self) -> str:
        return f"Batch of {self.count} examples, {len(self.names)} layers"

    def _batch(self) -> HeardBatch:
        return self

    def _one_pass(self) -> int:
        return self._task

    def _judged(self) -> tuple[set[int], HeardBatch | None]:
        return {self._task}, self

    def why_not_private(self, *, chosen: bool = False) -> str:
        """Why the gradients that were heard bound nobody's part in those of the model, in words; empty if they do.

        ``chosen``: if only those of some layers are wanted.
        """
        parameters = self._modules.parameters.parameters
        reached = {id(parameters[name]) for name in self._modules.tasks.get(self._task, ())}
        return why_mixed(self._hooks) or ("" if chosen else why_not_whole(self._hooks, self.names, reached))


class Heard(Results):
    """What :func:`backtalk.listen` heard. All methods are of the one backward pass; of several, see ``batches``.

    >>> import torch
    >>> from backtalk import listen
    >>> model = torch.nn.Sequential(torch.nn.Linear(2, 1), torch.nn.LayerNorm(1))
    >>> with listen(model[0], reduction="sum") as heard:
    ...     model[0](torch.tensor([[1.0, 0.0], [0.0, 2.0]])).sum().backward()
    >>> heard.count, heard.names, dict(heard.unheard)
    (2, ('model',), {})
    >>> heard.gram()
    tensor([[2., 1.],
            [1., 5.]])
    >>> heard.moments().mean.W["model"], heard.kronecker_factors().mean_h["model"]
    (tensor([[0.5000, 1.0000]]), tensor([0.5000, 1.0000]))
    """

    def __init__(self, hooks: Hooks, modules: ModuleHooks, reduction: str) -> None:
        self._hooks, self._modules, self._reduction = hooks, modules, reduction
        self._batches: dict[tuple[int, int | None], HeardBatch] = {}

    @property
    def batches(self) -> tuple[HeardBatch, ...]:
        """One for each backward pass that reached a layer, in their order, with the methods that this has.

        If the layers were called with batches of several sizes in one pass, as those of a GAN are with real and with
        generated examples, one for each of them; ℓ_n is of the mean over its own batch.
        """
        known, found = self._batches, batches(self._hooks)
        create = partial(HeardBatch, self._hooks, self._modules)
        self._batches = {key: known.get(key) or create(*key, self._reduction) for key in found}
        return tuple(self._batches.values())

    @property
    def count(self) -> int:
        """B, the examples of the backward pass."""
        return self._batch().count

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that were heard, in the order in which they were first called."""
        return tuple(layer.name for layer in captured_layers(self._hooks)[0])

    @property
    def unheard(self) -> Mapping[str, str]:
        """Every other module with parameters of its own that are trained, and every other layer, with the reason."""
        return MappingProxyType(captured_layers(self._hooks)[1] | self._hooks.model.others)

    @in_full_precision
    def private_step(self, optimizer: Any, private: PrivateSteps, *, memory_limit: int = MEMORY_LIMIT) -> PrivacySpent:
        """A step of DP-SGD: ``optimizer`` steps along (Σ_n c_n ∇ℓ_n + z)/B instead of the gradient of the batch.

        c_n clips ∇ℓ_n to the norm C of ``private``, z is its noise, and B its ``batch_size``, however many examples
        the batch had. Call it after ``loss.backward()``, instead of ``optimizer.step()``. If the batch that was drawn
        has no examples, call it without a backward pass: the step is one of noise alone. It gives what all steps so
        far have cost, and leaves ``.grad`` None, so ``zero_grad()`` is needed before the first backward pass alone.

        ``optimizer``: any of torch.optim that takes no closure, with all trained parameters of the model and no others.
        Raises :class:`~backtalk.errors.InputError`, before anything is changed, if the batch was not the one that
        ``private`` drew; if a module mixes examples, as BatchNorm does in training; if the loss is a mean over weights
        or targets of the batch; if a trained parameter is not heard, or is used otherwise too (looked for in steps 1,
        2, 4, 8, …); and if a value is not finite. Losses by hand that compare examples, as contrastive ones do, cannot
        be seen. Source: Abadi et al. 2016, "Deep learning with differential privacy".

        >>> import torch
        >>> from backtalk import Privacy, PrivateSteps, listen
        >>> X, y = torch.ones(6, 2), torch.tensor([0, 1, 0, 1, 0, 1])
        >>> model = torch.nn.Linear(2, 2)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> private = PrivateSteps(Privacy(delta=0.01, noise_multiplier=1.0), examples=len(X), batch_size=2)
        >>> for rows in private.batches(5):
        ...     with listen(model) as heard:
        ...         if rows:
        ...             torch.nn.functional.cross_entropy(model(X[rows]), y[rows]).backward()
        ...     spent = heard.private_step(optimizer, private)
        >>> spent
        ε = 2.37 at δ = 0.01 (5 steps, σ = 1, C = 1, flat, pld)
        """
        return take_step(self, optimizer, private, memory_limit)

    def __repr__(self) -> str:
        batches = self.batches
        if not batches:
            return "Heard nothing yet"
        count = len({task for task, _ in self._batches})
        passes = "1 backward pass" if count == 1 else f"{count} backward passes"
        lines = [f"Heard {len(self.names)} layers in {passes}: {', '.join(self.names)}"]
        lines += [f"not heard: {name}, {why}" for name, why in self.unheard.items()]
        return "\n".join(lines)

    def _one_pass(self) -> int:
        passes = list(self._modules.tasks)
        return passes[0] if len(passes) == 1 else self._batch()._task

    def _judged(self) -> tuple[set[int], HeardBatch | None]:
        batches = self.batches
        return set(self._modules.tasks), batches[0] if len(batches) == 1 else None

    def _batch(self) -> HeardBatch:
        batches = self.batches
        if len(batches) == 1:
            return batches[0]
        if batches:
            passes, sizes = len({task for task, _ in self._batches}), [str(size) for _, size in self._batches]
            several = f"{passes} backward passes were heard, expected one"
            within = f"batches of {' and '.join(sizes)} examples were heard in one backward pass"
            what = several if passes > 1 else within
            raise InputError(f"{what}: read each of them, as in heard.batches[0].norms().")
        layers = list(self._hooks.model.layers.values())
        if changed := self._hooks.change():
            raise InputError(f"model was changed after listen began, and nothing was heard: {changed}.")
        if any((layer.calls or layer.called) and not layer.excluded for layer in layers):
            raise InputError(
                "no backward pass reached a layer of the model: call loss.backward() within the block, of a loss that "
                "depends on one, before reading what was heard."
            )
        if not layers:
            raise InputError(
                "model has no layer of which single examples are heard, such as nn.Linear or nn.Conv2d: heard.h, "
                "heard.grad_h and heard.diagnose() tell of all modules."
            )
        name, why = next(iter(captured_layers(self._hooks)[1].items()))
        raise InputError(
            f"no layer was heard: of layer '{name}', {why}; expected a forward pass of the "
            "model and loss.backward() within the block."
        )
