"""What was captured: everything that the pairs (h, ∇_a) of a backward pass say about its examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...core.arrays import Array
from ...core.layers import mapped
from ...errors import InputError, InputTypeError
from ..per_example.clipping import ClippedSum, as_clip_norm
from ..per_example.directions import Cosines, cosines_of
from ..per_example.explicit import ExampleGradients, gradients_of
from ..per_example.factors import KroneckerFactors, kronecker_factors_of, unit_importance_of
from ..per_example.gradient_norms import clip_factors, is_share, norms_by_layer
from ..per_example.gram_matrices import gram_of
from ..per_example.pairs import MEMORY_LIMIT, Sums, read_weighted
from ..per_example.statistics import Moments, NoiseScale, moments_of
from .assemble import assemble, captured_linears, require_finite, tasks
from .hooks import Hooks
from .modules import Hidden, ModuleHooks
from .norms import HeardNorms, noise_of, norms_and_sum
from .pairs import CapturedPairs, widened

if TYPE_CHECKING:
    from .diagnosis import HeardDiagnosis


class Results:
    """What one backward pass says. s is the scalar that it began at, and ℓ_n what ``reduction`` makes of it.

    Results are keyed by the names that the Linears have in ``model.named_modules()``, and are tensors on the device of
    the model, in float32, or in float64 if its gradients are. ``memory_limit`` counts the bytes that blocks of
    examples may take beside the result. Every method raises :class:`~backtalk.errors.InputError` if nothing
    was captured, if what was captured does not fit together, and if it holds a value that is not finite.
    """

    _hooks: Hooks
    _modules: ModuleHooks
    _dimension: int

    @abstractmethod
    def _batch(self) -> HeardBatch: ...

    @property
    def h(self) -> Hidden:
        """The output h of every module, by its name: hidden units, activations; see :class:`~.modules.Hidden`."""
        return self._modules.h({self._one_pass()})

    @property
    def grad_h(self) -> Hidden:
        """∂s/∂h of every module's output h, by the module's name; not ∂ℓ_n/∂h, and so as ``.grad`` would have it."""
        return self._modules.grad_h({self._one_pass()})

    def norms(self, *, scale: str = "own", memory_limit: int = MEMORY_LIMIT) -> HeardNorms:
        """‖∇ℓ_n‖ of each example, shape (B,), layer by layer and whole; with scale='share' of its part in s.

        For one place ‖∇_aℓ_n‖·‖h‖; for T places √Σ_{t,s} (∇_{a_t}·∇_{a_s})(h_t·h_s), or the norm of the sum, whichever
        takes fewer operations.
        """
        share, pairs = is_share(scale), self._pairs()
        families = norms_by_layer(pairs.groups.values(), memory_limit)
        W, b, a = (mapped(lambda norm: norm / pairs.factor if share else norm, family) for family in families)
        return HeardNorms(W, b, a, scale)

    def clipped_sum(self, clip_norm: float, *, memory_limit: int = MEMORY_LIMIT) -> ClippedSum:
        """Σ_n c_n ∇ℓ_n with c_n = min(1, clip_norm/‖∇ℓ_n‖), the norm being over all layers that were captured.

        See :func:`backtalk.per_example.clipped_sum`; :func:`backtalk.per_example.add_noise` takes the result.
        """
        pairs, clip_norm = self._pairs(), as_clip_norm(clip_norm)
        norms, sums = self.norms(memory_limit=memory_limit).whole, Sums()
        for block, c in read_weighted(pairs.chosen().values(), clip_factors(norms, clip_norm), memory_limit):
            sums.add_gradients(block, c)
        total = sums.arrays()
        return ClippedSum(total.W, total.b, norms, clip_norm)

    def moments(self, *, memory_limit: int = MEMORY_LIMIT) -> Moments:
        """Mean, second moment and variance of ∇ℓ_n over the examples, for every single weight and bias."""
        pairs = self._pairs()
        return moments_of(pairs.chosen().values(), pairs.shares, memory_limit)

    def noise_scale(self, *, memory_limit: int = MEMORY_LIMIT) -> NoiseScale:
        """tr Σ/‖G‖², in examples; see :func:`backtalk.per_example.noise_scale`."""
        pairs = self._pairs()
        if pairs.count < 2:
            raise InputError("the backward pass had 1 example, but how gradients vary is seen on 2 or more.")
        return noise_of(*norms_and_sum(pairs, memory_limit))

    def kronecker_factors(self, *, memory_limit: int = MEMORY_LIMIT) -> KroneckerFactors:
        """E[h hᵀ] over examples and places, and the mean over examples of Σ_t ∇_{a_t}ℓ_n ∇_{a_t}ℓ_nᵀ, by name.

        For one place they are those of K-FAC. Source for more: Eschenhagen et al. 2023, "Kronecker-factored approximate
        curvature for modern neural network architectures" (there: expand).
        """
        pairs = self._pairs()
        return kronecker_factors_of(pairs.chosen().values(), pairs.shares, memory_limit)

    def unit_importance(self, *, memory_limit: int = MEMORY_LIMIT) -> Mapping[str, Array]:
        """E_n|Σ_t h_tj ∂ℓ_n/∂h_tj| of each unit that a layer hears, shape (n,), by the name of that layer.

        ∂/∂h is what comes through this layer, Wᵀ∇_a: a unit that others hear as well matters more. Ask for it before
        the optimizer changes the weights: :class:`~backtalk.errors.InputError` after. Source: Molchanov et al. 2017.
        """
        pairs, weights = self._pairs(), self._batch().weights()
        for name, (_, same) in weights.items():
            if not same:
                raise InputError(
                    f"the weight of layer '{name}' was changed since it was heard, and with it what ∂ℓ/∂h would be: "
                    "ask for unit_importance before the optimizer's step."
                )
        W = {name: widened(weight) for name, (weight, _) in weights.items()}
        return unit_importance_of(pairs.linears.values(), pairs.shares, W, memory_limit)

    def cosines(self, *, memory_limit: int = MEMORY_LIMIT) -> Cosines:
        """cos(∇ℓ_n, ∇s) of each example, whole and by name; see :func:`backtalk.per_example.cosines`."""
        pairs = self._pairs()
        return cosines_of(pairs.chosen().values(), *norms_and_sum(pairs, memory_limit), memory_limit)

    def gram(
        self, other: Results | None = None, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> Array:
        """⟨∇ℓ_n, ∇ℓ_m⟩ of every two examples, (B, B), or with those that ``other`` heard of the same model, (B, M)."""
        if other is not None and not isinstance(other, Results):
            raise InputTypeError(f"other is a {type(other).__name__}, expected what another listen heard.")
        pairs = self._pairs()
        others = pairs if other is None else other._pairs()
        return gram_of(pairs.matched(others, layers), memory_limit)

    def gradients(
        self, *, layers: Sequence[str] | None = None, scale: str = "own", memory_limit: int = MEMORY_LIMIT
    ) -> Iterator[ExampleGradients]:
        """∇ℓ_n itself of each example, (rows, m, n) by name, a block of examples after the other.

        With scale='share' its part in ∇s. A block, gradients included, stays within ``memory_limit``.
        """
        share, pairs = is_share(scale), self._pairs()
        parts = pairs.shares * (pairs.count / pairs.factor) if share else None
        return gradients_of([*pairs.chosen(layers).values()], parts, memory_limit)

    def diagnose(self, *, loss: Any = None, optimizer: Any = None, memory_limit: int = MEMORY_LIMIT) -> HeardDiagnosis:
        """What is wrong, in words with the numbers behind them: as far as pairs and weights show it, and more with
        ``loss`` and ``optimizer``.

        ``loss``: the tensor, before or after ``backward()``: its graph shows output functions that are applied twice or
        left out, shapes that do not fit, labels that the loss cannot mean, parameters that it does not reach.
        ``optimizer``: one of torch.optim: parameters that it does not hold, holds twice or for nothing. Either may be a
        list. With ``loss``, there need not have been a backward pass.

        Raises :class:`~backtalk.errors.InputTypeError` and :class:`~backtalk.errors.InputError` also if these are
        something else.
        """
        from .audit import audit_program
        from .diagnosis import diagnose_heard, only_audit

        hooks = self._hooks
        audit = audit_program(hooks.model.module, loss, optimizer, hooks.criteria)
        passes, batch = self._judged()
        if not passes and not hooks.criteria:  # no backward pass was run, be it in vain
            if loss is not None:
                return only_audit(audit)
            self._batch()  # which says what was not heard
        statistics = self._modules.statistics(passes, batch_dimension=self._dimension)
        return diagnose_heard(statistics, batch, memory_limit, audit)

    @abstractmethod
    def _one_pass(self) -> int:
        """The number of the backward pass."""

    @abstractmethod
    def _judged(self) -> tuple[set[int], HeardBatch | None]:
        """The passes that are judged together, and, if it is one, its batch."""

    def _pairs(self) -> CapturedPairs:
        """Those of the pass; refused if a value is not finite."""
        return self._batch().finite_pairs()


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

    def __init__(self, hooks: Hooks, modules: ModuleHooks, task: int, reduction: str, batch_dimension: int) -> None:
        self._hooks, self._modules, self._task = hooks, modules, task
        self._reduction, self._dimension = reduction, batch_dimension
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
            pairs = assemble(self._hooks, self._task, self._reduction, self._dimension)
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
        for linear in captured_linears(self._hooks)[0]:
            calls = [call for call in linear.calls if any(task == self._task for task, *_ in call.captured)]
            same = all(call.weight_version == linear.weight._version for call in calls)
            found[linear.name] = linear.weight.detach(), same and not linear.change()
        return found

    def __repr__(self) -> str:
        return f"Batch of {self.count} examples, {len(self.names)} layers"

    def _batch(self) -> HeardBatch:
        return self

    def _one_pass(self) -> int:
        return self._task

    def _judged(self) -> tuple[set[int], HeardBatch | None]:
        return {self._task}, self


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

    def __init__(self, hooks: Hooks, modules: ModuleHooks, reduction: str, batch_dimension: int) -> None:
        self._hooks, self._modules, self._reduction, self._dimension = hooks, modules, reduction, batch_dimension
        self._batches: dict[int, HeardBatch] = {}

    @property
    def batches(self) -> tuple[HeardBatch, ...]:
        """One for each backward pass that reached a Linear, in their order, with the methods that this has."""
        for task in tasks(self._hooks):
            if task not in self._batches:
                self._batches[task] = HeardBatch(self._hooks, self._modules, task, self._reduction, self._dimension)
        return tuple(self._batches.values())

    @property
    def count(self) -> int:
        """B, the examples of the backward pass."""
        return self._batch().count

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that were heard, in the order in which they were first called."""
        return tuple(linear.name for linear in captured_linears(self._hooks)[0])

    @property
    def unheard(self) -> Mapping[str, str]:
        """Every other module with parameters of its own that are trained, and every other Linear, with the reason."""
        return MappingProxyType(captured_linears(self._hooks)[1] | self._hooks.model.others)

    def __repr__(self) -> str:
        batches = self.batches
        if not batches:
            return "Heard nothing yet"
        passes = "1 backward pass" if len(batches) == 1 else f"{len(batches)} backward passes"
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
            raise InputError(
                f"{len(batches)} backward passes were heard, expected one: read each of them, as in "
                "heard.batches[0].norms()."
            )
        linears = list(self._hooks.model.linears.values())
        if changed := self._hooks.change():
            raise InputError(f"model was changed after listen began, and nothing was heard: {changed}.")
        if any((linear.calls or linear.called) and not linear.excluded for linear in linears):
            raise InputError(
                "no backward pass reached a Linear of the model: call loss.backward() within the block, of a loss that "
                "depends on one, before reading what was heard."
            )
        if not linears:
            raise InputError(
                "model has no nn.Linear, of which alone single examples are heard: heard.h, heard.grad_h and "
                "heard.diagnose() tell of all modules."
            )
        name, why = next(iter(captured_linears(self._hooks)[1].items()))
        raise InputError(
            f"no Linear was heard: of layer '{name}', {why}; expected a forward pass of the "
            "model and loss.backward() within the block."
        )
