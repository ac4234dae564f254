"""Which mistake was made? The first that explains what was given, in the order of the talks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from ..substitute import Scene
from .factors import tell_factors_apart
from .known import Known, Variant, exchange
from .mistake import Mistake
from .table import LAYERS_REVERSED, MISTAKES, ROUNDED
from .talks import FirstTalk, Links, Pass, Quantity, first_talk, kind_of, layers_of, order_of, right_links

CLOSE = 1e-6  # relative to the largest number of the array; what a mistake gives is computed, not measured
CLOSE_IN_FLOAT32 = 1e-4
EXPLAINED = 1e-3  # so much of the difference from what was expected may be left unexplained
MOST = 4  # mistakes named together
LEADS = 3  # of guesses that explain equally much, so many are followed further
ENOUGH = 2  # computed numbers that do not follow from one another tell a factor that has no name
PAIRS_UP_TO = 20_000  # gradients with more numbers are not searched for two mistakes at one link


@dataclass(frozen=True, slots=True)
class Guess:
    """A mistake in some layers, and how far it explains: up to the gradient of that index in the order."""

    known: tuple[Known, ...]
    links: Links
    reach: int
    fitted: float | None = None


@np.errstate(all="ignore")
def name_mistakes(
    scene: Scene,
    given: dict[Quantity, np.ndarray],
    size: dict[Quantity, np.ndarray],
    sample_weight: np.ndarray | None = None,
    *,
    close: float = CLOSE,
    enough: int = ENOUGH,
) -> tuple[Mistake, ...]:
    """The mistakes that explain ``given``, the first of them first; empty if none does.

    ``size``: how large the terms are that each gradient sums (:func:`~backtalk.analysis.check.network.magnitudes`).
    ``close``: how closely, relative to the largest number of each array; more for numbers rounded by hand.
    ``enough``: so many numbers that do not follow from one another must agree on a factor that has no name.
    """
    if not all(np.isfinite(array).all() for array in given.values()):
        return ()
    return Search(scene, given, size, sample_weight, close, enough).name()


@np.errstate(all="ignore")
def explains(
    scene: Scene,
    given: dict[Quantity, np.ndarray],
    size: dict[Quantity, np.ndarray],
    sample_weight: np.ndarray | None,
    change: Callable[[Links], Links] = lambda links: links,
) -> bool:
    """Whether the formulas give what was given, from the scene's forward pass; ``change`` writes them otherwise."""
    if not all(np.isfinite(array).all() for array in given.values()):
        return False
    search = Search(scene, given, size, sample_weight, CLOSE)
    return search._reach(change(right_links(search.depth))) == len(search.order)


class Search:
    """Goes through the gradients in the order of the talks, and looks for what explains the first that is off."""

    enough: int
    scene: Scene
    given: dict[Quantity, np.ndarray]
    sample_weight: np.ndarray | None
    depth: int
    first: FirstTalk
    order: list[Quantity]
    floor: dict[Quantity, float]
    close: dict[Quantity, float]

    def __init__(
        self,
        scene: Scene,
        given: dict[Quantity, np.ndarray],
        size: dict[Quantity, np.ndarray],
        sample_weight: np.ndarray | None,
        close: float,
        enough: int = ENOUGH,
    ) -> None:
        self.enough = enough
        self.scene, self.given, self.sample_weight = scene, given, sample_weight
        self.depth = scene.network.depth
        self.first = first_talk(scene)
        self.order = [quantity for quantity in order_of(self.depth) if quantity in given]
        self.floor = {quantity: 1e-12 * float(np.max(size[quantity], initial=0.0)) for quantity in size}
        self.close = {
            quantity: max(close, CLOSE_IN_FLOAT32) if np.array_equal(array.astype(np.float32), array) else close
            for quantity, array in given.items()
        }

    def name(self) -> tuple[Mistake, ...]:
        links = right_links(self.depth)
        reach = self._reach(links)
        if reach == len(self.order):
            # the check looks closer than this search, and found something
            return (ROUNDED.mistake(),) if self._is_rounded(links) else ()
        if self._is_reversed():
            return (LAYERS_REVERSED.mistake(),)
        found, right = [], links
        for guesses in self._chain(links, reach, MOST)[0]:
            found += self._tell(guesses, links)
            links = guesses[0].links
        return _merged(tell_factors_apart(found, self._pass(right), self._fits))

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
        guesses = list(self._singles(links, reach, last_resort=False))
        if not guesses:
            guesses = list(self._singles(links, reach, last_resort=True))
            few = sum(array.size for array in self.given.values()) <= PAIRS_UP_TO
            if pairs and few and all(self._may_be_two(guess.fitted) for guess in guesses):
                two = [guess for guess in self._pairs(links, reach, bool(guesses)) if guess.reach == len(self.order)]
                guesses = two or guesses
        most = max((guess.reach for guess in guesses), default=0)
        return [guess for guess in guesses if guess.reach == most]

    def _may_be_two(self, factor: float | None) -> bool:
        """Whether a factor is the product of two that have names, as −1, 2 and B."""
        return factor is not None and any(np.isclose(factor, product, rtol=1e-6) for product in self._products())

    def _products(self) -> list[float]:
        total = len(self.scene.weight) if self.sample_weight is None else float(self.sample_weight.sum())
        named = [-1.0, 2.0, 0.5]
        named += [power for n in (len(self.scene.weight), total, self.scene.network.sizes[-1]) for power in (n, 1 / n)]
        return [one * other for one in named for other in named]

    def _singles(self, links: Links, reach: int, *, last_resort: bool) -> Iterator[Guess]:
        for known, variant, layers in self._forms(reach):
            if known.is_last_resort != last_resort:
                continue
            factor = self._factor(links, variant, layers, reach) if variant.fit else None
            if factor is None or factor != 0:
                changed = exchange(links, variant, layers, factor)
                yield from self._tried(Guess((known,), changed, reach, factor), links)

    def _pairs(self, links: Links, reach: int, only_factors: bool) -> Iterator[Guess]:
        """Two mistakes at once, of which the second only multiplies; none if one number would have to tell it.

        ``only_factors``: so does the first.
        """
        quantity = self.order[reach]
        if self.given[quantity].size < 2:
            return
        heard = {kind for kind, _ in self._heard_by(quantity)}
        scales = [(known, variant) for known in MISTAKES if known.scales
                  for variant in known.variants if variant.changes.keys() & heard]  # fmt: skip
        for known, variant, layers in self._forms(reach):
            if variant.fit or known.is_last_resort or (only_factors and not known.scales):
                continue
            first = exchange(links, variant, layers)
            if self._is_proportional(first, quantity):
                for second, scale in scales:
                    if second is not known:
                        both = exchange(first, scale, self._everywhere(scale))
                        yield from self._tried(Guess((known, second), both, reach), links)

    def _is_proportional(self, links: Links, quantity: Quantity) -> bool:
        """Whether these links give a multiple of what was given."""
        given, said = self.given[quantity], self._pass(links).says(*quantity)
        return self._fits(quantity, given, said * ((given * said).sum() / (said * said).sum()))

    def _tried(self, guess: Guess, links: Links) -> Iterator[Guess]:
        """The guess, with how far it reaches, if it explains more than ``links`` do."""
        quantity = self.order[guess.reach]
        given = self.given[quantity]
        guessed = self._pass(guess.links).says(*quantity)
        if not self._fits(quantity, given, guessed):
            return
        expected = self._pass(links).says(*quantity)
        if np.abs(given - guessed).max() > EXPLAINED * np.abs(given - expected).max():
            return
        if guess.fitted is not None and guess.known[0].is_last_resort and not self._fits_where_changed(guess, links):
            return
        further = self._reach(guess.links)
        if further > guess.reach:
            yield replace(guess, reach=further)

    def _fits_where_changed(self, guess: Guess, links: Links) -> bool:
        """Whether a factor explains every gradient that it is said of."""
        changed = [quantity for quantity in self.order if guess.links[quantity] is not links[quantity]]
        talk = self._pass(guess.links)
        return all(self._fits(quantity, self.given[quantity], talk.says(*quantity)) for quantity in changed)

    def _factor(self, links: Links, variant: Variant, layers: Mapping[str, list[int]], reach: int) -> float:
        """The factor that fits best; 0 if too few numbers would have to tell it, which fit any."""
        quantity = self.order[reach]
        none, one = (self._pass(exchange(links, variant, layers, factor)).says(*quantity) for factor in (0.0, 1.0))
        direction = one - none
        if np.count_nonzero(direction) < 2:
            return 0.0
        factor = float((direction * (self.given[quantity] - none)).sum() / (direction**2).sum())
        if (
            not none.any()
            and _free_numbers(quantity[0], direction) < self.enough
            and not self._is_simple(factor, quantity)
        ):
            return 0.0
        return factor

    def _is_simple(self, factor: float, quantity: Quantity) -> bool:
        """Whether a factor is one that has a name, or a number of units or its inverse."""
        simple = [*self._products(), *(power for n in self.scene.network.sizes for power in (n, 1 / n))]
        return bool(np.isclose(abs(factor), np.abs(simple), rtol=self.close[quantity], atol=0).any())

    def _forms(self, reach: int) -> Iterator[tuple[Known, Variant, dict[str, list[int]]]]:
        """Each variant in one layer whose link the gradient at ``reach`` hears, and in all its layers."""
        heard = self._heard_by(self.order[reach])
        for known in MISTAKES:
            for variant in known.variants:
                layers = sorted({i for kind, i in heard if kind in variant.changes}, reverse=True)
                everywhere = self._everywhere(variant)
                for i in layers:
                    yield known, variant, {kind: [i] for kind, its_layers in everywhere.items() if i in its_layers}
                if layers:
                    yield known, variant, everywhere

    def _heard_by(self, quantity: Quantity) -> list[tuple[str, int]]:
        """The links between a gradient and those that the student gave above it, by kind and layer."""
        places = []
        while quantity[1] <= self.depth and not (places and quantity in self.given):
            family, i = quantity
            places.append((kind_of(quantity, self.depth), i))
            quantity = ("h", i) if family == "a" else ("a", i + 1) if family == "h" else ("a", i)
        return places

    def _everywhere(self, variant: Variant) -> dict[str, list[int]]:
        return {kind: list(layers_of(kind, self.depth)) for kind in variant.changes}

    def _pass(self, links: Links) -> Pass:
        return Pass(self.scene, links, self.given, self.sample_weight, self.first)

    def _reach(self, links: Links) -> int:
        """The index of the first gradient, in the order of the talks, that these links do not explain."""
        talk = self._pass(links)
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
        talk = self._pass(links)
        off = [
            quantity
            for quantity in self.order
            if not np.allclose(self.given[quantity], talk.says(*quantity), rtol=1e-9, atol=self.floor[quantity])
        ]
        return bool(off) and all(self.close[quantity] >= CLOSE_IN_FLOAT32 for quantity in off)

    def _is_reversed(self) -> bool:
        """Whether all is right once the layers of some families stand in the other order."""
        L = self.depth
        for families in ("Wb", "ahWb", "W", "b", "a", "h", "ah"):
            turned = {
                (f, ((L if f == "h" else L + 1) - i) if f in families else i): array
                for (f, i), array in self.given.items()
            }
            if all(q in self.given and self.given[q].shape == array.shape for q, array in turned.items()):
                talk = Pass(self.scene, right_links(L), turned, self.sample_weight)
                if all(self._fits(quantity, turned[quantity], talk.says(*quantity)) for quantity in self.order):
                    return True
        return False

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

    def _told(self, guess: Guess, known: Known, before: Links) -> Mistake:
        """The mistake in the layers in which a changed link says something else, as far as anything given hears it."""
        kinds = {kind for variant in known.variants for kind in variant.changes}
        talk, lowest = self._pass(guess.links), min(i for _, i in self.given)
        changed = []
        for (family, i), link in guess.links.items():
            heard = i >= lowest if family in "ah" else (family, i) in self.given
            old = before[family, i]
            if link is old or kind_of((family, i), self.depth) not in kinds or not heard:
                continue
            if not self._fits((family, i), old(talk, i), link(talk, i)):
                changed.append((family, i))
        mistake = known.mistake(tuple(sorted({i for _, i in changed})), guess.fitted)
        return mistake if known.tell is None else replace(mistake, said=known.tell(talk, guess.fitted, changed))


def _free_numbers(family: str, gradient: np.ndarray) -> int:
    """So many numbers of a gradient do not follow from the others, if what multiplies it in the formula is known.

    ŷ − t of a softmax sums to 0, so that the last follows from the others; and ∇_W of one example follows from ∇_a.
    """
    talks = np.atleast_2d(gradient.T if family == "W" else gradient)
    free = []
    for talk in talks:
        some, sums_to_0 = np.count_nonzero(talk), abs(talk.sum()) <= 1e-5 * np.abs(talk).sum()
        free.append(some - 1 if some and sums_to_0 else some)
    return int(max(free) * np.linalg.matrix_rank(gradient) if family == "W" else sum(free))


def _merged(mistakes: list[Mistake]) -> tuple[Mistake, ...]:
    """Each mistake once, in all its layers."""
    found: dict[tuple[str, str], Mistake] = {}
    for mistake in mistakes:
        key = (mistake.name, mistake.said)  # with another number in it, it is another mistake
        before = found.get(key)
        layers = mistake.layers if before is None else tuple(sorted({*before.layers, *mistake.layers}))
        found[key] = replace(before or mistake, layers=layers)
    order = {known.name: k for k, known in enumerate(MISTAKES)}
    return tuple(sorted(found.values(), key=lambda mistake: order[mistake.name]))
