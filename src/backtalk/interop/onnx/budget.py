"""What a file may ask for: a small one can ask for more nodes, or for more numbers, than any machine has."""

from __future__ import annotations

from typing import Any

from ...errors import InputError

MOST_NODES = 20_000  # each takes a fraction of a millisecond
MOST_DEPTH = 100  # of functions that call one another, and of graphs within nodes
TIMES, ROOM = 8, 2**26  # bytes of constants and weights: so many times the file's size, and 64 MB


class Budget:
    """The bytes that reading a model may still take. Makes nothing, but counts what would be made."""

    left: int
    most: int

    def __init__(self, model: Any) -> None:
        self.left = self.most = TIMES * model.ByteSize() + ROOM
        _Expansion(model, self.most).require_few()

    def allow(self, count: int) -> None:
        """Count so many bytes of other files as bytes of the model."""
        self.most += TIMES * count
        self.left += TIMES * count

    def spend(self, count: int, place: str) -> None:
        """Take so many bytes, or refuse the file."""
        self.left -= count
        if self.left < 0:
            raise InputError(
                f"its weights take more than {self.most / 2**20:.0f} MB up to {place}, since nodes share them: export "
                "it with the weights of each layer apart."
            )


class _Expansion:
    """Nodes and bytes of a model once each call of a function is replaced by the nodes of the function."""

    def __init__(self, model: Any, most_bytes: int) -> None:
        self.model, self.most_bytes = model, most_bytes
        self.functions = {(each.domain, each.name, each.overload): each for each in model.functions}
        self.known: dict[tuple[str, str, str], tuple[int, int]] = {}

    def require_few(self) -> None:
        """Refuse a model of too many nodes."""
        self._count(self.model.graph, 0)

    def _count(self, graph: Any, depth: int) -> tuple[int, int]:
        if depth > MOST_DEPTH:
            raise InputError(
                f"its functions call themselves, or one another more than {MOST_DEPTH} deep: export it without them."
            )
        nodes = size = 0
        for node in graph.node:
            nodes, size = nodes + 1, size + node.ByteSize()
            for attribute in node.attribute:
                for part in (attribute.g, *attribute.graphs):
                    inner = self._count(part, depth + 1)
                    nodes, size = nodes + inner[0], size + inner[1]
            name = (node.domain, node.op_type, node.overload)
            if name in self.functions:
                if name not in self.known:
                    self.known[name] = self._count(self.functions[name], depth + 1)
                nodes, size = nodes + self.known[name][0], size + self.known[name][1]
            if nodes > MOST_NODES or size > self.most_bytes:
                raise InputError(
                    f"it has more than {MOST_NODES} nodes once its functions are written out, or too large ones: "
                    "expected the graph of a feedforward network."
                )
        return nodes, size
