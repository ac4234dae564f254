"""Which of a model's trained parameters a gradient reached, and the finding about those that none reached."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...diagnose.finding import Finding, finding
from ...diagnose.thresholds import RULES
from ...diagnose.words import are, counted, listed, percent

# If the way is cut in the middle, it is a warning, however few parameters lie below: as those of convolutions
CUT = RULES["unreached_parameters"].warning or 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Reach:
    """``trained``: how many numbers each trained parameter holds; ``reached``: the parameters that a gradient reached.

    ``uncalled``: modules that the forward pass did not call, as far as that is known. ``cut``: the first module behind
    some that were not reached whose input is neither data nor has a graph; '' if there is none.
    """

    trained: Mapping[str, int]
    reached: frozenset[str]
    uncalled: frozenset[str] = frozenset()
    cut: str = ""

    @property
    def share(self) -> float:
        """Of the trained numbers, those that were reached; 1 if none is trained."""
        total = sum(self.trained.values())
        return sum(self.trained[name] for name in self.reached) / total if total else 1.0

    @property
    def unreached(self) -> tuple[str, ...]:
        """The parameters that no gradient reached."""
        return tuple(name for name in self.trained if name not in self.reached)


class ParameterGradients:
    """References to ``.grad`` of a model's trained parameters: which of them a backward pass changes.

    ``parameters``: the trained ones by name, each once; ``names``: by the identity of each.
    """

    def __init__(self, modules: Iterable[tuple[str, Any]], is_lazy: Any) -> None:
        self.parameters: dict[str, Any] = {}
        self.names: dict[int, str] = {}
        for name, module in modules:
            for key, parameter in module._parameters.items():
                if parameter is not None and parameter.requires_grad and id(parameter) not in self.names:
                    self.names[id(parameter)] = own = f"{name}.{key}" if name else key
                    self.parameters[own] = parameter
        self._is_lazy = is_lazy
        self._versions: dict[int, int] = {}
        self._before = self._now()

    def look(self) -> dict[str, tuple[Any, int]]:
        """The gradients that changed since the last look, each with its version."""
        now, before = self._now(), self._before
        self._before = now
        self._versions = {id(each): each._version for each in self.parameters.values()}
        return {
            name: state
            for (name, state), (old, version) in zip(now.items(), before.values(), strict=True)
            if state[0] is not None and not (state[0] is old and state[1] == version)
        }

    def drop(self) -> None:
        """Keep no gradient in memory."""
        self._before = {}

    def changed(self, parameter: Any) -> bool:
        """Whether its value was changed since the last look."""
        return self._versions.get(id(parameter), parameter._version) != parameter._version

    def sizes(self) -> dict[str, int]:
        """How many numbers each parameter holds."""
        return {name: 0 if self._is_lazy(each) else each.numel() for name, each in self.parameters.items()}

    def _now(self) -> dict[str, tuple[Any, int]]:
        found: dict[str, tuple[Any, int]] = {}
        for name, parameter in self.parameters.items():
            gradient = parameter.grad
            found[name] = (None, 0) if gradient is None else (gradient, gradient._version)
        return found


def find_unreached(reach: Reach) -> list[Finding]:
    """Trained parameters that no gradient reached."""
    unreached = reach.unreached
    if not unreached:
        return []
    modules = list(dict.fromkeys(name.rpartition(".")[0] or name for name in unreached))
    uncalled = [name for name in modules if name in reach.uncalled]
    others = [name for name in modules if name not in reach.uncalled]
    why, advice = [], []
    if uncalled:
        why.append(f"forward does not call {listed(map(repr, uncalled), 5)}")
        advice.append("Use these modules in forward, or delete them")
    if others:
        end = f"'{reach.cut}'" if reach.cut else "the loss"
        has = ", whose input has no graph" if reach.cut else ""
        why.append(f"the way from {listed(map(repr, others), 5)} to {end} is cut{has}")
        advice.append(
            "look for detach(), .data, .item(), NumPy, torch.no_grad(), argmax, round or a comparison between these "
            f"modules and {end}, and compute on with tensors; if they are not to be trained, say so with "
            "requires_grad_(False)"
        )
    share = 1 - reach.share
    words = "; ".join(advice)
    return finding(
        "unreached_parameters", max(share, CUT) if reach.cut else share,
        f"no gradient reached {counted(len(unreached), 'trained parameter')}",
        f"{counted(len(unreached), 'parameter')} with {percent(share)} of the trained numbers {are(len(unreached))} "
        f"trained, but no gradient reached {'it' if len(unreached) == 1 else 'them'}: "
        f"{listed(map(repr, unreached), 5)}. {' and '.join(why)[:1].upper()}{' and '.join(why)[1:]}.",
        f"{words[:1].upper()}{words[1:]}.",
        numbers={"parameters": len(unreached), "share": share, "parameter": unreached[0]},
    )  # fmt: skip
