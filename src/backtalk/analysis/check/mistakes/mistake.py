"""A mistake by its name, as a report tells it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mistake:
    """What was likely done: ``said`` in a sentence, the ``formula`` as it is, and what to change.

    ``layers`` are the i of the sentence and the formula where it shows. ``others`` are mistakes that cannot be told
    from this one by the gradients that were given on this batch.
    """

    name: str
    said: str
    formula: str
    advice: str
    layers: tuple[int, ...]
    others: tuple[Mistake, ...] = ()

    @property
    def where(self) -> str:
        """The layers in a few words, such as 'i = 1, 2'; empty if the sentence says it."""
        if not self.layers or ("_i" not in self.said and "_{i" not in self.said and "layer" not in self.said):
            return ""
        first, last = self.layers[0], self.layers[-1]
        if len(self.layers) > 3 and self.layers == tuple(range(first, last + 1)):
            return f"i = {first} … {last}"
        return "i = " + ", ".join(map(str, self.layers))

    @property
    def sentence(self) -> str:
        """What was likely done and where, with what it cannot be told from."""
        told = [mistake._placed for mistake in (self, *self.others)]
        return told[0] if len(told) == 1 else f"either {', or '.join(told)}"

    @property
    def lines(self) -> list[str]:
        """All of it, a line each: what was done, the formula, what to change."""
        told = []
        for k, mistake in enumerate((self, *self.others)):
            told += [
                f"{'or' if k else 'likely mistake'}: {mistake._placed}",
                f"  the formula: {mistake.formula}",
                f"  to do: {mistake.advice}",
            ]
        return told

    def to_dict(self) -> dict[str, Any]:
        """The mistake for JSON."""
        return asdict(self) | {"layers": list(self.layers), "others": [other.to_dict() for other in self.others]}

    @property
    def _placed(self) -> str:
        return f"{self.said} ({self.where})" if self.where else self.said
