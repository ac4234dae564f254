"""Which networks a run trains unless a user asks for one: of several kinds, since their mean is better than each."""

from __future__ import annotations

from dataclasses import dataclass, replace

from .options import Options

DEFAULT_HIDDEN, DEFAULT_ACTIVATION, DEFAULT_OPTIMIZER = (64, 32), "tanh", "adam"


@dataclass(frozen=True, slots=True)
class Recipe:
    """A kind of network, and how it is trained."""

    hidden: tuple[int, ...] = DEFAULT_HIDDEN
    activation: str = DEFAULT_ACTIVATION
    optimizer: str = DEFAULT_OPTIMIZER


DEFAULT = (Recipe(),)


def with_recipe(options: Options, recipe: Recipe) -> Options:
    """The options with the parts of a recipe."""
    return replace(options, hidden=recipe.hidden, activation=recipe.activation, optimizer=recipe.optimizer)


def recipes_of(options: Options) -> tuple[Recipe, ...]:
    """Those of a run: one if a user asks for any of its parts, and by default several."""
    asked = {name: getattr(options, name) for name in ("hidden", "activation", "optimizer")}
    asked = {name: value for name, value in asked.items() if value is not None}
    return (Recipe(**asked),) if asked else DEFAULT
