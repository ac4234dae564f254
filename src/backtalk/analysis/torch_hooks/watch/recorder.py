"""Listens to a training loop, and keeps the numbers of its steps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from .curve import Curve
from .graph import count_nodes, kept_alive, mark, unscaled
from .modes import Modes
from .step import Move, Step

ALWAYS = (1, 2, 3, 5, 10)  # steps that are measured however rarely the others are
MOST = 2**20  # numbers of a parameter that are looked at in a measured step
KEPT = 400  # measured steps that are kept; every other one is dropped beyond
TRACKED = 8  # parameters by which it is seen whether gradients were cleared


class Recorder:
    """The numbers of a loop so far.

    ``steps``: those that were measured; ``count``: how many steps there were; ``seen`` and ``told``: the curves of the
    loss, as backward passes show it and as the user gives it; ``rates``: of the learning rate; ``validation``: pairs
    of step and held-out loss.
    """

    def __init__(self, torch: Any, model: Any, optimizers: Sequence[Any], every: int) -> None:
        self._torch, self.model, self.every = torch, model, every
        self.optimizers = list(optimizers)
        self.given = bool(optimizers)
        self.modes = Modes(torch, model)
        self.steps: list[Step] = []
        self.count = self.backwards = self.forwards = self.asked = self.taken = 0
        self.seen, self.told, self.rates = Curve(), Curve(), Curve()
        self.validation: list[tuple[int, float]] = []
        self.uncleared = self.emptied = self.unmoved = 0  # steps in a row
        self.roots: list[Any] = []
        self._names = {id(p): name for name, p in model.named_parameters(remove_duplicate=False)}
        self._current: Step | None = None
        self._before: dict[str, tuple[Any, Any]] = {}
        self._within = False
        self._tracked: list[Any] = []
        self._versions: list[Any] = []
        self._after_step: list[Any] = []

    # what a loop does

    def on_forward(self, inputs: tuple[Any, ...]) -> None:
        self.forwards += 1
        self.modes.on_forward(inputs, self._torch.is_grad_enabled())

    def before_backward(self, roots: tuple[Any, ...]) -> None:
        current = self._current
        if current is not None and not self._within and (current.optimizers or self._manual(current)):
            self._end(current)
            current = None
        self._begun = self._current = current or Step(self.count + 1)
        self._tracked = self._tracked or self._some_parameters()
        self._versions = [_version(p) for p in self._tracked]
        if self._after_step and self._cleared():
            self._after_step = []
        self._roots = roots
        if self.measured(self._begun.number) and not self._begun.backwards:
            self._begun.nodes = count_nodes(roots)
            self.roots += mark(roots)
        self.modes.before_backward()
        self._begun.evaluating = self.modes.evaluating()

    def after_backward(self) -> None:
        step, roots = self._begun, self._roots
        self._roots = ()
        reached = [_version(p) != before for p, before in zip(self._tracked, self._versions, strict=True)]
        if not any(reached) and not self._any_changed():
            return
        step.backwards += 1
        self.backwards += 1
        if self._after_step:  # still not cleared, and now there is more in it
            self._after_step = [_version(p) for p in self._tracked]
        if len(roots) == 1 and roots[0].numel() == 1:
            value, scale = unscaled(roots[0])
            step.losses.append(value)
            step.scale = scale
        if self.measured(step.number):
            step.heard = self._norm(self._gradients())

    def before_step(self, optimizer: Any) -> None:
        names = self._held(optimizer)
        if names is None:
            return
        step = self._current
        if step is None or id(optimizer) in step.optimizers:
            if step is not None:
                self._end(step)
            step = self._current = Step(self.count + 1)
        self._within, self._at_start = True, step.backwards
        self.taken += 1
        rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
        step.rate = max([*rates, step.rate or 0.0]) if rates else step.rate
        gradients = self._gradients()
        step.emptied = bool(step.backwards) and all(g is None for g in gradients.values())
        if not self.measured(step.number):
            return
        step.used = self._norm(gradients)
        if step.backwards and step.heard and step.used == 0:
            step.emptied = True
        self._before = {}
        for name, p in self._parameters(optimizer):
            self._before[name] = (self._sample(p).clone(), None if p.grad is None else self._sample(p.grad))

    def after_step(self, optimizer: Any) -> None:
        step = self._current
        if step is None or not self._within:
            return
        self._within = False
        first = not step.optimizers
        step.closure = step.backwards > self._at_start
        step.optimizers.append(id(optimizer))
        if first:
            self.count = step.number
            if self._after_step and step.backwards:
                self.uncleared += 1
                step.cleared = False
            elif step.backwards:
                self.uncleared = 0
            self.emptied = self.emptied + 1 if step.emptied else 0
        if self._before:
            self._see_moves(step, dict(self._parameters(optimizer)))
            still = bool(step.moves) and all(move.way == 0 for move in step.moves.values())
            self.unmoved = self.unmoved + 1 if still else 0
        self._after_step = [_version(p) for p in self._tracked]

    def told_step(self, loss: float | None) -> None:
        """doctor.step was called."""
        self.asked += 1
        step = self._current
        if step is None:
            step = self._current = Step(self.count + 1)
        if loss is not None:
            step.told = loss
        if self._manual(step):
            self.count = step.number

    def close(self) -> None:
        """The loop is over."""
        if self._current is not None:
            self._end(self._current)
            self._current = None
        self.modes.close()

    # what it is asked

    def measured(self, number: int) -> bool:
        """Whether a step is measured."""
        return number in ALWAYS or number % self.every == 0

    @property
    def loss(self) -> Curve:
        """The loss by the user's word, if there is one, or as backward passes show it."""
        return self.told if self.told.count * 2 > self.seen.count else self.seen

    @property
    def alive(self) -> int:
        """How many graphs of measured steps are still in memory."""
        return kept_alive(self.roots)

    # inside

    def _manual(self, step: Step) -> bool:
        """Whether the steps are taken without an optimizer, as far as anybody can see."""
        return not self.given and not self.taken and self.asked > 0

    def _end(self, step: Step) -> None:
        if not step.optimizers and not self._manual(step):
            return
        self.count = max(self.count, step.number)
        if step.losses:
            self.seen.add(sum(step.losses) / len(step.losses))
        if step.told is not None:
            self.told.add(step.told)
        if step.rate is not None:
            self.rates.add(step.rate)
        self.modes.on_step(step.evaluating)
        if self.measured(step.number):
            self.steps.append(step)
            if len(self.steps) > KEPT:
                self.steps[10::2] = []

    def _held(self, optimizer: Any) -> list[str] | None:
        """The parameters of the model that an optimizer holds; None if it has nothing to do with the model."""
        names = [
            self._names[id(p)] for group in optimizer.param_groups for p in group["params"] if id(p) in self._names
        ]
        known = any(optimizer is each for each in self.optimizers)
        if names and not known:
            self.optimizers.append(optimizer)
        return names if names or known else None

    def _parameters(self, optimizer: Any) -> Iterator[tuple[str, Any]]:
        for group in optimizer.param_groups:
            for p in group["params"]:
                if id(p) in self._names:
                    yield self._names[id(p)], p

    def _some_parameters(self) -> list[Any]:
        trained = [p for p in self.model.parameters() if p.requires_grad]
        stride = max(1, -(-len(trained) // TRACKED))
        return list(dict.fromkeys([*trained[::stride], *trained[-1:]]))

    def _any_changed(self) -> bool:
        return any(p.grad is not None for p in self.model.parameters())

    def _cleared(self) -> bool:
        """Whether what the last step used is gone from the gradients, in whichever way it was cleared."""
        left = [(p, then) for p, then in zip(self._tracked, self._after_step, strict=True) if then is not None]
        if not left or any(_version(p) != then for p, then in left):
            return True
        return not any(bool(p.grad.any()) for p, _ in left)  # a .data.zero_() changes no version

    def _gradients(self) -> dict[str, Any]:
        return {name: p.grad for name, p in self.model.named_parameters()}

    def _norm(self, gradients: dict[str, Any]) -> float:
        norms = [g.detach().float().norm() for g in gradients.values() if g is not None and g.numel()]
        return math.hypot(*map(float, norms)) if norms else 0.0

    def _sample(self, p: Any) -> Any:
        flat = p.detach().reshape(-1)
        return flat[:: -(-flat.numel() // MOST)] if flat.numel() > MOST else flat

    def _see_moves(self, step: Step, parameters: dict[str, Any]) -> None:
        for name, (before, gradient) in self._before.items():
            if not before.numel() or name not in parameters:
                continue
            way = self._sample(parameters[name]).float() - before.float()
            product = norm = 0.0
            if gradient is not None:
                norm, product = float(gradient.float().norm()), float((way * gradient.float()).sum())
            step.moves[name] = Move(float(before.float().norm()), float(way.norm()), norm, product)
        self._before = {}


def _version(p: Any) -> Any:
    """Changes when something is added to the gradient."""
    gradient = p.grad
    return None if gradient is None else (id(gradient), gradient._version)
