"""JAX sees our types as trees of arrays, so they pass through ``jit``, ``vmap`` and ``grad``.

Types are noted here when they are defined and told to JAX when the first JAX array turns up, so that JAX is
never imported for those who do not use it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .layers import Layers


@dataclass(frozen=True, slots=True)
class _Tree:
    kind: type
    leaves: tuple[str, ...]
    fixed: tuple[str, ...]
    defaults: Mapping[str, Any]

    def flatten(self, value: Any) -> tuple[list[Any], tuple[Any, ...]]:
        return [getattr(value, name) for name in self.leaves], tuple(getattr(value, name) for name in self.fixed)

    def unflatten(self, fixed: tuple[Any, ...], leaves: Any) -> Any:
        value = object.__new__(self.kind)  # JAX passes placeholders, which a constructor would refuse
        for name, part in zip(self.leaves + self.fixed, (*leaves, *fixed), strict=True):
            object.__setattr__(value, name, part)
        for name, part in self.defaults.items():
            object.__setattr__(value, name, part)
        return value


_NOTED: list[_Tree] = [_Tree(Layers, ("_arrays",), ("_first",), {})]
_told = 0


def note_tree(
    kind: type, leaves: tuple[str, ...], fixed: tuple[str, ...] = (), defaults: Mapping[str, Any] | None = None
) -> None:
    """Note a type: its attributes that hold arrays, those that are fixed in a trace, and those that begin anew."""
    _NOTED.append(_Tree(kind, leaves, fixed, defaults or {}))


def tell_jax() -> None:
    """Register the types noted so far with JAX; called when a network of JAX arrays is made."""
    global _told
    jax = sys.modules["jax"]
    for tree in _NOTED[_told:]:
        jax.tree_util.register_pytree_node(tree.kind, tree.flatten, tree.unflatten)
    _told = len(_NOTED)
