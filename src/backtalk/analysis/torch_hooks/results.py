"""Everything that the captured pairs (h, ∇_a) of a backward pass say about its examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from ...core.arrays import Array
from ...core.layers import mapped
from ...errors import InputError, InputTypeError, a_kind
from ..per_example.clipping import ClippedSum, as_clip_norm
from ..per_example.directions import Cosines, cosines_of
from ..per_example.explicit import ExampleGradients, gradients_of
from ..per_example.factors import KroneckerFactors, kronecker_factors_of, unit_importance_of
from ..per_example.gradient_norms import clip_factors, is_share, norms_by_layer
from ..per_example.gram_matrices import gram_of
from ..per_example.pairs import MEMORY_LIMIT, ParameterArrays, Sums, read_weighted
from ..per_example.statistics import Moments, NoiseScale, moments_of
from .hooks import Hooks
from .modules import Hidden, ModuleHooks
from .norms import HeardNorms, noise_of, norms_and_sum
from .pairs import CapturedPairs, widened
from .precision import in_full_precision, without_autocast

if TYPE_CHECKING:
    from .captured import HeardBatch
    from .diagnosis import HeardDiagnosis


class Results:
    """What one backward pass says. s is the scalar that it began at, and ℓ_n what ``reduction`` makes of it.

    Results are keyed by the names that the layers have in ``model.named_modules()``, and are tensors on the device of
    the model, in float32, or in float64 if its gradients are. ``memory_limit`` counts the bytes that blocks of
    examples may take beside the result. Every method raises :class:`~backtalk.errors.InputError` if nothing
    was captured, if what was captured does not fit together, and if it holds a value that is not finite.
    """

    _hooks: Hooks
    _modules: ModuleHooks

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

    @in_full_precision
    def norms(
        self, *, layers: Sequence[str] | None = None, scale: str = "own", memory_limit: int = MEMORY_LIMIT
    ) -> HeardNorms:
        """‖∇ℓ_n‖ of each example, shape (B,), layer by layer and whole; with scale='share' of its part in s.

        For one place ‖∇_aℓ_n‖·‖h‖; for T places √Σ_{t,s} (∇_{a_t}·∇_{a_s})(h_t·h_s), or the norm of the sum, whichever
        takes fewer operations. ``layers``: of these alone. Without it, ``whole`` raises
        :class:`~backtalk.errors.InputError` if it would leave out trained parameters, or if a module mixes examples.
        """
        share, pairs = is_share(scale), self._pairs()
        names = set(pairs.named(layers))
        families = norms_by_layer((group for key, group in pairs.groups.items() if key.name in names), memory_limit)
        W, b, a = (mapped(lambda norm: norm / pairs.factor if share else norm, family) for family in families)
        lacks = self._batch().why_not_private() if layers is None else ""
        return HeardNorms(W, b, a, scale, lacks)

    @in_full_precision
    def clipped_sum(
        self, clip_norm: float, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> ClippedSum:
        """Σ_n c_n ∇ℓ_n with c_n = min(1, clip_norm/‖∇ℓ_n‖), the norm being over all layers, or ``layers`` alone.

        See :func:`backtalk.per_example.clipped_sum`; :func:`backtalk.per_example.add_noise` takes the result. Raises
        :class:`~backtalk.errors.InputError` if a module mixes the examples of the batch, as BatchNorm does in training;
        and without ``layers`` if the sum would leave out trained parameters of modules that are not heard.
        """
        pairs, clip_norm = self._pairs(), as_clip_norm(clip_norm)
        groups = pairs.chosen(layers)
        if lacks := self._batch().why_not_private(chosen=layers is not None):
            raise InputError(lacks)
        norms, sums = self.norms(layers=pairs.named(layers), memory_limit=memory_limit).whole, Sums()
        for block, c in read_weighted(groups.values(), clip_factors(norms, clip_norm), memory_limit):
            sums.add_gradients(block, c)
        total = sums.arrays()
        return ClippedSum(*pairs.in_shape(total.W, total.b), norms, clip_norm)

    @in_full_precision
    def moments(self, *, memory_limit: int = MEMORY_LIMIT) -> Moments:
        """Mean, second moment and variance of ∇ℓ_n over the examples, for every single weight and bias."""
        pairs = self._pairs()
        found = moments_of(pairs.chosen().values(), pairs.shares, memory_limit)
        parts = (pairs.in_shape(part.W, part.b) for part in (found.mean, found.second_moment))
        return Moments(*(ParameterArrays(*map(MappingProxyType, part)) for part in parts))

    @in_full_precision
    def noise_scale(self, *, memory_limit: int = MEMORY_LIMIT) -> NoiseScale:
        """tr Σ/‖G‖², in examples; see :func:`backtalk.per_example.noise_scale`."""
        pairs = self._pairs()
        if pairs.count < 2:
            raise InputError("the backward pass had 1 example, but how gradients vary is seen on 2 or more.")
        return noise_of(*norms_and_sum(pairs.groups.values(), memory_limit))

    @in_full_precision
    def kronecker_factors(
        self, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> KroneckerFactors:
        """E[h hᵀ] over examples and places, and the mean over examples of Σ_t ∇_{a_t}ℓ_n ∇_{a_t}ℓ_nᵀ, by name.

        Of Linears and convolutions, by default of all of them. For one place they are those of K-FAC. For T places,
        those of a convolution as well, each place counts by itself (the convention 'expand'). There h_t is the patch
        that it hears, (C·K,), and a convolution in G groups has a factor for each, (G, C·K/G, C·K/G) and (G, m/G, m/G).
        Source for more: Eschenhagen et al. 2023, "Kronecker-factored approximate curvature for modern neural network
        architectures".
        """
        pairs = self._pairs()
        groups = pairs.with_factors("kronecker_factors", layers).items()
        chosen = [group for key, group in groups if key.weights or key.biases]
        return kronecker_factors_of(chosen, pairs.shares, memory_limit)

    @in_full_precision
    def unit_importance(
        self, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> Mapping[str, Array]:
        """E_n|Σ_t h_tj ∂ℓ_n/∂h_tj| of each unit that a layer hears, shape (n,), by the name of that layer.

        Of Linears and of convolutions, whose units are the channels that they hear, t being all pixels.
        ∂/∂h is what comes through this layer, Wᵀ∇_a: a unit that others hear as well matters more. Ask for it before
        the optimizer changes the weights: :class:`~backtalk.errors.InputError` after. Source: Molchanov et al. 2017.
        """
        pairs, weights = self._pairs(), self._batch().weights()
        groups = {key.name: each for key, each in pairs.with_factors("unit_importance", layers).items() if key.units}
        weights = {name: weights[name] for name in groups}
        for name, (_, same) in weights.items():
            if not same:
                raise InputError(
                    f"the weight of layer '{name}' was changed since it was heard, and with it what ∂ℓ/∂h would be: "
                    "ask for unit_importance before the optimizer's step."
                )
        W = {name: widened(weight).flatten(1) for name, (weight, _) in weights.items()}
        return unit_importance_of(groups.values(), pairs.shares, W, memory_limit)

    @in_full_precision
    def cosines(self, *, memory_limit: int = MEMORY_LIMIT) -> Cosines:
        """cos(∇ℓ_n, ∇s) of each example, whole and by name; see :func:`backtalk.per_example.cosines`."""
        pairs = self._pairs()
        return cosines_of(pairs.chosen().values(), *norms_and_sum(pairs.groups.values(), memory_limit), memory_limit)

    @in_full_precision
    def gram(
        self, other: Results | None = None, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> Array:
        """⟨∇ℓ_n, ∇ℓ_m⟩ of every two examples, (B, B), or with those that ``other`` heard of the same model, (B, M)."""
        if other is not None and not isinstance(other, Results):
            raise InputTypeError(f"other is {a_kind(other)}, expected what another listen heard.")
        pairs = self._pairs()
        others = pairs if other is None else other._pairs()
        return gram_of(pairs.matched(others, layers), memory_limit)

    def gradients(
        self, *, layers: Sequence[str] | None = None, scale: str = "own", memory_limit: int = MEMORY_LIMIT
    ) -> Iterator[ExampleGradients]:
        """∇ℓ_n itself of each example, (rows, …) in the shape of the parameter, a block of examples after the other.

        With scale='share' its part in ∇s. A block, gradients included, stays within ``memory_limit``.
        """
        share, pairs = is_share(scale), self._pairs()
        parts = pairs.shares * (pairs.count / pairs.factor) if share else None
        blocks = gradients_of([*pairs.chosen(layers).values()], parts, memory_limit)

        def shaped() -> Iterator[ExampleGradients]:
            while True:
                with without_autocast():
                    block = next(blocks, None)
                if block is None:
                    return
                W, b = pairs.in_shape(block.W, block.b, rows=True)
                yield replace(block, W=MappingProxyType(W), b=MappingProxyType(b))

        return shaped()

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
        statistics = self._modules.statistics(passes, batch_dimension=hooks.batch_dimension)
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
