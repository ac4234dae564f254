"""What was heard: everything that the pairs (h, ∇_a) of a backward pass tell about its examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...core.arrays import Array
from ...errors import InputError, InputTypeError
from ..per_example.clipping import ClippedSum
from ..per_example.directions import Cosines
from ..per_example.explicit import ExampleGradients
from ..per_example.factors import KroneckerFactors
from ..per_example.pairs import MEMORY_LIMIT
from ..per_example.statistics import Moments, NoiseScale
from .assemble import assemble, heard_linears, reason, require_finite, tasks
from .factors import kronecker_factors_of, unit_importance_of
from .hooks import Ear
from .moments import moments_of, noise_scale_of
from .norms import HeardNorms, clipped_sum_of, norms_of
from .pairs import BatchPairs
from .products import cosines_of, gradients_of, gram_of

if TYPE_CHECKING:
    from .diagnosis import HeardDiagnosis


class Tells:
    """What one backward pass tells. s is the scalar that it began at, and ℓ_n what ``reduction`` makes of it.

    Results are keyed by the names that the Linears have in ``model.named_modules()``, and are tensors on the device of
    the model, in float32, or in float64 where its gradients are. ``memory_limit`` counts the bytes that blocks of
    examples may take beside the result. Every method raises :class:`~backtalk.errors.InputError` where nothing was
    heard, where what was heard does not fit together, and where it holds a value that is not finite.
    """

    @abstractmethod
    def _batch(self) -> Batch: ...

    def norms(self, *, scale: str = "own", memory_limit: int = MEMORY_LIMIT) -> HeardNorms:
        """‖∇ℓ_n‖ of each example, layer by layer and whole; with scale='share' of its part in s.

        For one place ‖∇_aℓ_n‖·‖h‖; for T places √Σ_{t,s} (∇_{a_t}·∇_{a_s})(h_t·h_s), or the norm of the sum, whichever
        takes fewer operations.
        """
        return norms_of(self._pairs(), memory_limit, scale)

    def clipped_sum(self, clip_norm: float, *, memory_limit: int = MEMORY_LIMIT) -> ClippedSum:
        """Σ_n c_n ∇ℓ_n with c_n = min(1, clip_norm/‖∇ℓ_n‖), the norm being over all that was heard.

        See :func:`backtalk.per_example.clipped_sum`; :func:`backtalk.per_example.add_noise` takes the result.
        """
        return clipped_sum_of(self._pairs(), clip_norm, memory_limit)

    def moments(self, *, memory_limit: int = MEMORY_LIMIT) -> Moments:
        """Mean, second moment and variance of ∇ℓ_n over the examples, for every single weight and bias."""
        return moments_of(self._pairs(), memory_limit)

    def noise_scale(self, *, memory_limit: int = MEMORY_LIMIT) -> NoiseScale:
        """tr Σ/‖G‖², in examples; see :func:`backtalk.per_example.noise_scale`."""
        return noise_scale_of(self._pairs(), memory_limit)

    def kronecker_factors(self, *, memory_limit: int = MEMORY_LIMIT) -> KroneckerFactors:
        """E[h hᵀ] over examples and places, and the mean over examples of Σ_t ∇_{a_t}ℓ_n ∇_{a_t}ℓ_nᵀ, by name.

        For one place they are those of K-FAC. Source for more: Eschenhagen et al. 2023, "Kronecker-factored approximate
        curvature for modern neural network architectures" (there: expand).
        """
        return kronecker_factors_of(self._pairs(), memory_limit)

    def unit_importance(self, *, memory_limit: int = MEMORY_LIMIT) -> Mapping[str, Array]:
        """E_n|Σ_t h_tj ∂ℓ_n/∂h_tj| of each unit that a layer hears, shape (n,), by the name of that layer.

        ∂/∂h is what comes through this layer, Wᵀ∇_a: a unit that others hear as well matters more. To be asked for
        before the optimizer changes the weights. Source: Molchanov et al. 2017.
        """
        batch, pairs = self._batch(), self._pairs()
        return unit_importance_of(pairs, batch.weights(), memory_limit)

    def cosines(self, *, memory_limit: int = MEMORY_LIMIT) -> Cosines:
        """cos(∇ℓ_n, ∇s) of each example, whole and by name; see :func:`backtalk.analysis.per_example.directions`."""
        return cosines_of(self._pairs(), memory_limit)

    def gram(
        self, other: Tells | None = None, *, layers: Sequence[str] | None = None, memory_limit: int = MEMORY_LIMIT
    ) -> Array:
        """⟨∇ℓ_n, ∇ℓ_m⟩ of every two examples, (B, B), or with those that ``other`` heard of the same model, (B, M)."""
        if other is not None and not isinstance(other, Tells):
            raise InputTypeError(f"other is a {type(other).__name__}, expected what another listen heard.")
        pairs = self._pairs()
        return gram_of(pairs, pairs if other is None else other._pairs(), layers, memory_limit)

    def gradients(
        self, *, layers: Sequence[str] | None = None, scale: str = "own", memory_limit: int = MEMORY_LIMIT
    ) -> Iterator[ExampleGradients]:
        """∇ℓ_n itself of each example, (rows, m, n) by name, a block of examples after the other.

        With scale='share' its part in ∇s. A block, gradients included, stays within ``memory_limit``.
        """
        return gradients_of(self._pairs(), layers, scale, memory_limit)

    def diagnose(self, *, memory_limit: int = MEMORY_LIMIT) -> HeardDiagnosis:
        """What is wrong, as far as pairs and weights show it, in words with the numbers behind them."""
        from .diagnosis import diagnose_batch

        batch = self._batch()
        return diagnose_batch(batch.pairs(), batch.weights(), memory_limit)

    def _pairs(self) -> BatchPairs:
        """Those of the pass; refused where a value is not finite."""
        batch = self._batch()
        batch.require_finite()
        return batch.pairs()


class Batch(Tells):
    """One backward pass of several. ``count``: B, its examples; ``names``: the layers that it reached."""

    def __init__(self, ear: Ear, task: int, reduction: str, batch_dimension: int) -> None:
        self._ear, self._task, self._reduction, self._dimension = ear, task, reduction, batch_dimension
        self._finite: object = None

    @property
    def count(self) -> int:
        """B."""
        return self.pairs().count

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that the pass reached, in the order in which they were first called."""
        return tuple(self.pairs().own)

    def pairs(self) -> BatchPairs:
        """All that was heard of the pass so far."""
        return assemble(self._ear, self._task, self._reduction, self._dimension)

    def weights(self) -> dict[str, tuple[Array, bool]]:
        """Of each layer its weight, and whether it still holds the values that it was heard with."""
        found = {}
        for linear in heard_linears(self._ear):
            calls = [call for call in linear.calls if any(task == self._task for task, *_ in call.heard)]
            same = all(call.weight_version == linear.weight._version for call in calls)
            found[linear.name] = linear.weight.detach(), same and not linear.change()
        return found

    def require_finite(self) -> None:
        """Refuse values that are not finite; looked at once."""
        heard = sum(len(own.hearings) for own in self.pairs().own.values())
        if self._finite != heard:
            require_finite(self.pairs())
            self._finite = heard

    def __repr__(self) -> str:
        return f"Batch of {self.count} examples, {len(self.names)} layers"

    def _batch(self) -> Batch:
        return self


class Heard(Tells):
    """What :func:`backtalk.listen` heard. All methods are of the one backward pass; of several, see ``batches``."""

    def __init__(self, ear: Ear, reduction: str, batch_dimension: int) -> None:
        self._ear, self._reduction, self._dimension = ear, reduction, batch_dimension
        self._batches: dict[int, Batch] = {}

    @property
    def batches(self) -> tuple[Batch, ...]:
        """One for each backward pass that reached a Linear, in their order, with the methods that this has."""
        for task in tasks(self._ear):
            if task not in self._batches:
                self._batches[task] = Batch(self._ear, task, self._reduction, self._dimension)
        return tuple(self._batches.values())

    @property
    def count(self) -> int:
        """B, the examples of the backward pass."""
        return self._batch().count

    @property
    def names(self) -> tuple[str, ...]:
        """The layers that were heard, in the order in which they were first called."""
        return tuple(linear.name for linear in heard_linears(self._ear))

    @property
    def unheard(self) -> Mapping[str, str]:
        """Every other module with parameters of its own that are trained, and every other Linear, with the reason."""
        linears = self._ear.model.linears.values()
        reasons = {linear.name: why for linear in linears if (why := reason(self._ear, linear))}
        return MappingProxyType(reasons | self._ear.model.others)

    def __repr__(self) -> str:
        batches = self.batches
        if not batches:
            return "Heard nothing yet"
        passes = "1 backward pass" if len(batches) == 1 else f"{len(batches)} backward passes"
        lines = [f"Heard {len(self.names)} layers in {passes}: {', '.join(self.names)}"]
        lines += [f"not heard: {name}, {why}" for name, why in self.unheard.items()]
        return "\n".join(lines)

    def _batch(self) -> Batch:
        batches = self.batches
        if len(batches) == 1:
            return batches[0]
        if batches:
            raise InputError(
                f"{len(batches)} backward passes were heard, expected one: read each of them, as in "
                "heard.batches[0].norms()."
            )
        linears = list(self._ear.model.linears.values())
        if changed := self._ear.change():
            raise InputError(f"model was changed after listen began, and nothing was heard: {changed}.")
        if any((linear.calls or linear.called) and not linear.unheard for linear in linears):
            raise InputError(
                "no backward pass reached a Linear of the model: call loss.backward() within the block, of a loss that "
                "depends on one, before reading what was heard."
            )
        first = linears[0]
        raise InputError(
            f"no Linear was heard: of layer '{first.name}', {reason(self._ear, first)}; expected a forward pass of the "
            "model and loss.backward() within the block."
        )
