"""Which mistake was made? The first that explains what was given, in the order of the talks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from ..substitute import Scene
from .known import Known, Variant, exchange
from .mistake import Mistake
from .table import LAYERS_REVERSED, MISTAKES, ROUNDED
from .talks import FAMILY, Links, Pass, Quantity, layers_of, order_of, right_links

CLOSE = 1e-6  # relative to the largest number of the array; what a mistake gives is computed, not measured
CLOSE_IN_FLOAT32 = 1e-4
EXPLAINED = 1e-3  # so much of the difference from what was expected may be left unexplained
MOST = 4  # mistakes named together
LEADS = 3  # of guesses that explain equally much, so many are followed further
PAIRS_UP_TO = 20_000  # gradients with more numbers are not searched for two mistakes at one link


@dataclass(frozen=True, slots=True)
class Guess:
    """A mistake in some layers, and how far it explains: up to the gradient of that index in the order."""

    known: tuple[Known, ...]
    links: Links
    reach: int
    fitted: float | None = None


def name_mistakes(
    scene: Scene,
    given: dict[Quantity, np.ndarray],
    size: dict[Quantity, np.ndarray],
    sample_weight: np.ndarray | None = None,
    *,
    close: float = CLOSE,
) -> tuple[Mistake, ...]:
    """The mistakes that explain ``given``, the first of them first; empty where none does.

    ``size``: how large the terms are that each gradient sums (:func:`~backtalk.analysis.check.network.magnitudes`).
    ``close``: how closely, relative to the largest number of each array; more for numbers rounded by hand.
    """
    if not all(np.isfinite(array).all() for array in given.values()):
        return ()
    with np.errstate(all="ignore"):
        return Search(scene, given, size, sample_weight, close).name()


class Search:
    """Goes through the gradients in the order of the talks, and looks for what explains the first that is off."""

    def __init__(
        self,
        scene: Scene,
        given: dict[Quantity, np.ndarray],
        size: dict[Quantity, np.ndarray],
        sample_weight: np.ndarray | None,
        close: float,
    ) -> None:
        self.scene, self.given, self.sample_weight = scene, given, sample_weight
        self.order = [quantity for quantity in order_of(scene.network.depth) if quantity in given]
        self.floor = {quantity: 1e-12 * float(np.max(size[quantity], initial=0.0)) for quantity in size}
        self.close = {
            quantity: max(close, CLOSE_IN_FLOAT32) if np.array_equal(array.astype(np.float32), array) else close
            for quantity, array in given.items()
        }

    def name(self) -> tuple[Mistake, ...]:
        links, found = right_links(self.scene.network.depth), []
        if self._reach(links) == len(self.order):
            # the check looks closer than this search, and found something
            return (_plainly(ROUNDED),) if self._is_rounded(links) else ()
        if self._is_reversed():
            return (_plainly(LAYERS_REVERSED),)
        chain, _ = self._chain(links, self._reach(links), MOST)
        for guesses in chain:
            found.append(self._tell(guesses, links))
            links = guesses[0].links
        return _merged([mistake for mistakes in found for mistake in mistakes])

    def _chain(self, links: Links, reach: int, most: int) -> tuple[list[list[Guess]], int]:
        """Guess after guess, each for the first gradient that those before leave unexplained; and how far they reach.

        Each is a list of guesses that explain as much as one another, the likeliest first.
        """
        best: tuple[list[list[Guess]], int] = ([], reach)
        if reach == len(self.order) or most == 0:
            return best
        guesses = self._best(links, reach, pairs=most == MOST)
        for lead in guesses[:LEADS]:
            rest, further = self._chain(lead.links, lead.reach, most - 1)
            if further > best[1]:
                best = [[lead, *(guess for guess in guesses if guess is not lead)], *rest], further
            if further == len(self.order):
                break
        return best

    def _best(self, links: Links, reach: int, *, pairs: bool) -> list[Guess]:
        """The guesses that explain the gradient at ``reach`` and most of those after it; likelier ones first."""
        guesses = list(self._singles(links, reach))
        if not guesses and pairs and sum(array.size for array in self.given.values()) <= PAIRS_UP_TO:
            guesses = [guess for guess in self._pairs(links, reach) if guess.reach == len(self.order)]
        most = max((guess.reach for guess in guesses), default=0)
        return [guess for guess in guesses if guess.reach == most]

    def _singles(self, links: Links, reach: int) -> Iterator[Guess]:
        for known in MISTAKES:
            for variant, layers in self._forms(known, reach):
                yield from self._tried((known,), links, self._exchanged(links, variant, layers, reach), reach)

    def _pairs(self, links: Links, reach: int) -> Iterator[Guess]:
        """Two mistakes at once, of which the second only multiplies; not where one number would have to tell it."""
        if self.given[self.order[reach]].size < 2:
            return
        heard = {kind for kind, _ in self._heard_by(self.order[reach])}
        for known in MISTAKES:
            for variant, layers in self._forms(known, reach):
                if variant.fit:
                    continue
                first = exchange(links, variant, layers)
                if not self._is_proportional(first, self.order[reach]):
                    continue
                for second in MISTAKES:
                    if second.scales and second is not known:
                        for scale in second.variants:
                            if not scale.changes.keys() & heard:
                                continue
                            both = exchange(first, scale, self._everywhere(scale))
                            yield from self._tried((known, second), links, (both, None), reach)

    def _is_proportional(self, links: Links, quantity: Quantity) -> bool:
        """Whether these links give a multiple of what was given."""
        given = self.given[quantity]
        said = Pass(self.scene, links, self.given, self.sample_weight).says(*quantity)
        return self._fits(quantity, given, said * ((given * said).sum() / (said * said).sum()))

    def _tried(
        self, known: tuple[Known, ...], links: Links, changed: tuple[Links, float | None] | None, reach: int
    ) -> Iterator[Guess]:
        if changed is None:
            return
        quantity = self.order[reach]
        expected, guessed = (Pass(self.scene, each, self.given, self.sample_weight).says(*quantity)
                             for each in (links, changed[0]))  # fmt: skip
        given = self.given[quantity]
        if not self._fits(quantity, given, guessed):
            return
        if np.abs(given - guessed).max() > EXPLAINED * np.abs(given - expected).max():
            return
        further = self._reach(changed[0])
        if further > reach:
            yield Guess(known, changed[0], further, changed[1])

    def _exchanged(
        self, links: Links, variant: Variant, layers: dict[str, list[int]], reach: int
    ) -> tuple[Links, float | None] | None:
        if not variant.fit:
            return exchange(links, variant, layers), None
        quantity = self.order[reach]
        none, one = (Pass(self.scene, exchange(links, variant, layers, factor), self.given).says(*quantity)
                     for factor in (0.0, 1.0))  # fmt: skip
        direction = one - none
        if np.count_nonzero(direction) < 2:  # one number fits any factor
            return None
        factor = float((direction * (self.given[quantity] - none)).sum() / (direction**2).sum())
        return (exchange(links, variant, layers, factor), factor) if factor > 0 else None

    def _forms(self, known: Known, reach: int) -> Iterator[tuple[Variant, dict[str, list[int]]]]:
        """Each variant in one layer whose link the gradient at ``reach`` hears, and in all its layers."""
        heard = self._heard_by(self.order[reach])
        for variant in known.variants:
            layers = sorted({i for kind, i in heard if kind in variant.changes}, reverse=True)
            for i in layers:
                yield variant, {kind: [i] for kind in variant.changes if i in self._layers(kind)}
            if layers:
                yield variant, self._everywhere(variant)

    def _heard_by(self, quantity: Quantity) -> list[tuple[str, int]]:
        """The links between a gradient and those that the student gave above it."""
        (family, i), L = quantity, self.scene.network.depth
        places = []
        if family in "Wb":
            places.append(("weights" if family == "W" else "biases", i))
            family = "a"
            if (family, i) in self.given:
                return places
        while True:
            if family == "a":
                places.append(("output" if i == L else "through", i))
                family = "h"
            else:
                places.append(("yhat" if i == L else "hidden", i))
                family, i = "a", i + 1
            if i > L or (family, i) in self.given:
                return places

    def _everywhere(self, variant: Variant) -> dict[str, list[int]]:
        return {kind: list(self._layers(kind)) for kind in variant.changes}

    def _layers(self, kind: str) -> range:
        return layers_of(kind, self.scene.network.depth)

    def _reach(self, links: Links) -> int:
        """The index of the first gradient, in the order of the talks, that these links do not explain."""
        talk = Pass(self.scene, links, self.given, self.sample_weight)
        for k, quantity in enumerate(self.order):
            if not self._fits(quantity, self.given[quantity], talk.says(*quantity)):
                return k
        return len(self.order)

    def _fits(self, quantity: Quantity, given: np.ndarray, said: np.ndarray) -> bool:
        error = np.abs(given - said).max()
        scale = max(np.abs(said).max(), np.abs(given).max())
        return bool(error <= max(self.close.get(quantity, CLOSE) * scale, self.floor[quantity]))

    def _is_rounded(self, links: Links) -> bool:
        """Whether float32 holds every array that is off by more than float64's own rounding."""
        talk = Pass(self.scene, links, self.given, self.sample_weight)
        off = [
            quantity
            for quantity in self.order
            if not np.allclose(self.given[quantity], talk.says(*quantity), rtol=1e-9, atol=self.floor[quantity])
        ]
        return bool(off) and all(self.close[quantity] >= CLOSE_IN_FLOAT32 for quantity in off)

    def _is_reversed(self) -> bool:
        return any(self._is_right(self._turned(families)) for families in ("Wb", "ahWb", "W", "b", "a", "h", "ah"))

    def _turned(self, families: str) -> dict[Quantity, np.ndarray]:
        """What was given, with the layers of some families in the other order."""
        L = self.scene.network.depth
        return {
            (f, ((L if f == "h" else L + 1) - i) if f in families else i): array for (f, i), array in self.given.items()
        }

    def _is_right(self, given: dict[Quantity, np.ndarray]) -> bool:
        if any(quantity not in self.given or self.given[quantity].shape != array.shape
               for quantity, array in given.items()):  # fmt: skip
            return False
        talk = Pass(self.scene, right_links(self.scene.network.depth), given, self.sample_weight)
        return all(self._fits(quantity, given[quantity], talk.says(*quantity)) for quantity in self.order)

    def _tell(self, guesses: list[Guess], links: Links) -> list[Mistake]:
        """The first guess as mistakes, most often one, with the others that explain as much."""
        best, seen = guesses[0], {guesses[0].known}
        names = {known.name for guess in guesses for known in guess.known}
        others = []
        for guess in guesses[1:]:
            if guess.known in seen or any(name in names for known in guess.known for name in known.hidden_by):
                continue
            seen.add(guess.known)
            if len(guess.known) == 1:
                others.append(self._told(guess, guess.known[0], links))
        told = [self._told(best, known, links) for known in best.known]
        return [replace(told[0], others=tuple(others)), *told[1:]]

    def _told(self, guess: Guess, known: Known, links: Links) -> Mistake:
        said = known.said if guess.fitted is None else known.said.replace("FACTOR", f"{guess.fitted:.4g}")
        return Mistake(known.name, said, known.formula, known.advice, self._shown(guess.links, links, known))

    def _shown(self, links: Links, before: Links, known: Known) -> tuple[int, ...]:
        """The layers in which a changed link says something else, as far as anything given hears it."""
        kinds = {kind for variant in known.variants for kind in variant.changes}
        talk = Pass(self.scene, links, self.given, self.sample_weight)
        lowest = min(i for _, i in self.given)
        layers = set()
        for (kind, i), link in links.items():
            family = FAMILY[kind]
            heard = i >= lowest if family in "ah" else (family, i) in self.given
            if link is before[kind, i] or kind not in kinds or not heard:
                continue
            if not self._fits((family, i), before[kind, i](talk, i), link(talk, i)):
                layers.add(i)
        return tuple(sorted(layers))


def _plainly(known: Known) -> Mistake:
    return Mistake(known.name, known.said, known.formula, known.advice, ())


def _merged(mistakes: list[Mistake]) -> tuple[Mistake, ...]:
    """Each mistake once, in all its layers."""
    found: dict[str, Mistake] = {}
    for mistake in mistakes:
        before = found.get(mistake.name)
        layers = mistake.layers if before is None else tuple(sorted({*before.layers, *mistake.layers}))
        found[mistake.name] = replace(before or mistake, layers=layers)
    order = {known.name: k for k, known in enumerate(MISTAKES)}
    return tuple(sorted(found.values(), key=lambda mistake: order[mistake.name]))
