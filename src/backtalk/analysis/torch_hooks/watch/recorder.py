"""Listens to a training loop, and keeps the numbers of its steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ..audit import read_criteria
from .audits import Audits
from .curve import Curve
from .decay import pull_of
from .gradients import Gradients
from .graph import Graphs, scale_of
from .looks import Looks
from .losses import Losses, StepLosses, grad_scale
from .modes import Modes
from .moves import Weights, norm_of
from .step import Step
from .targets import Targets

ALWAYS = (1, 2, 3, 5, 10)  # steps that are measured however rarely the others are
KEPT = 400  # measured steps; beyond, every other one but the first ten is dropped


class Recorder:
    """The numbers of a loop so far.

    ``steps``: those that were measured; ``count``: how many steps there were. ``asked``: how often doctor.step was
    called; ``taken``: how often an optimizer of the model stepped, and ``others``: other optimizers; ``turns``: how
    often which optimizers stepped together. ``passes``: of backward, and ``backwards``: those that reached the model.
    ``rates``: of learning. ``validation``: step and held-out loss. ``closed``: whether the loop is over.
    """

    model: Any
    every: int
    optimizers: list[Any]
    given: bool
    steps: list[Step]
    count: int
    passes: int
    backwards: int
    forwards: int
    asked: int
    taken: int
    others: int
    closed: bool
    on_measured: Callable[[Step], None]
    losses: Losses
    rates: Curve
    validation: list[tuple[int, float]]
    still: int
    turns: Counter[frozenset[int]]
    graphs: Graphs
    modes: Modes
    gradients: Gradients
    audits: Audits
    looks: Looks
    targets: Targets

    def __init__(self, torch: Any, model: Any, optimizers: Sequence[Any], every: int) -> None:
        self._torch, self.model, self.every = torch, model, every
        self.optimizers, self.given = list(optimizers), bool(optimizers)
        self.steps = []
        self.count = self.passes = self.backwards = self.forwards = self.asked = self.taken = self.others = 0
        self.closed = False
        self.on_measured = lambda _: None  # who is told of each
        self.losses, self.rates = Losses(torch), Curve()
        self.validation = []
        self.still = 0  # measured steps in a row that moved nothing
        self.turns = Counter()  # how often which optimizers stepped together
        self.graphs = Graphs()
        self.modes, self.gradients = Modes(torch, model), Gradients()
        self.audits, self.looks, self.targets = Audits(model), Looks(model), Targets()
        self._criteria: tuple[Any, ...] = ()
        self._graph: Any = None
        self._current: Step | None = None
        self._step_losses = StepLosses()
        self._roots: tuple[Any, ...] = ()
        self._scale: Any = 1.0
        self._weights: Weights | None = None
        self._heard: set[str] = set()  # parameters that a gradient reached in some step
        self._inside: Any = None  # the optimizer that is stepping
        self._look_up()

    # what a loop does

    def open(self) -> None:
        """The loop is about to begin."""
        self._look(1)

    def on_forward(self, inputs: tuple[Any, ...]) -> None:
        """The model is called."""
        self.forwards += 1
        self.looks.on_forward()
        self.modes.on_forward(inputs, with_gradient=self._torch.is_grad_enabled())

    def before_backward(self, roots: tuple[Any, ...]) -> None:
        """A backward pass begins."""
        step = self._current
        if step is not None and self._inside is None and self._is_over(step):
            self._end(step)
            step = None
        step = step or self._begin()
        self.gradients.before_backward()
        self.modes.before_backward()
        self._graph = self.audits.before_backward(step.number, roots)
        measured = self.is_measured(step.number)
        self._criteria = ()
        if self._graph is not None:
            self._criteria = self._graph.criteria
        elif len(roots) == 1 and self.targets.is_wanted(step.number, measured=measured):
            self._criteria = read_criteria(roots[0])
        if not step.backwards:
            step.nodes = self.graphs.look(roots, measured=measured)
        self._roots, self._scale = roots, scale_of(roots[0]) if len(roots) == 1 else 1.0

    def after_backward(self) -> None:
        """It is over."""
        step, roots, criteria, graph = self._current or self._begin(), self._roots, self._criteria, self._graph
        self._roots, self._criteria, self._graph = (), (), None
        self.passes += 1
        reached = self._reached()
        self.audits.after_backward(reached=reached)
        if not reached:
            return
        step.backwards += 1
        self.backwards += 1
        self.looks.after_backward(scaled=self._scale != 1.0)
        if criteria:
            self.targets.add(criteria, graph, grad_scale(float(self._scale)))
            if self.is_measured(step.number):
                self.targets.add_outputs(criteria)
        if len(roots) == 1 and roots[0].numel() == 1:
            self._step_losses.seen.append((roots[0].detach().clone().reshape(()), self._scale))
        if self.is_measured(step.number):
            self._heard.update(name for name, p in self._parameters.items() if p.grad is not None)
            step.scale = grad_scale(float(self._scale))
            step.heard = norm_of(self._torch, self._all_gradients()) / step.scale

    def _reached(self) -> bool:
        """Whether the backward pass that ended reached the model."""
        if self.gradients.reached():
            return True
        if self.backwards or not self._all_gradients():
            return False
        self.gradients.choose(list(self._parameters.values()))  # those that were looked at are not used
        return True

    def before_step(self, optimizer: Any) -> None:
        """An optimizer is about to step."""
        held = self._held(optimizer)
        if held is None:
            self.others += 1
            return
        step = self._current
        if step is not None and id(optimizer) in step.optimizers:  # without a backward pass since
            self._end(step)
            step = None
        step = step or self._begin()
        rates = [float(group["lr"]) for group in optimizer.param_groups if "lr" in group]
        step.rate = max([*rates, step.rate or 0.0]) if rates else step.rate
        self._inside, self._passes = optimizer, step.backwards
        measured = self.is_measured(step.number)
        if not step.optimizers:
            self.audits.before_step(self.optimizers)
        if step.backwards and not step.optimizers:
            self.gradients.before_step(measured=measured)
        if measured:
            step.used = norm_of(self._torch, self._all_gradients())
            self._weights = Weights(self._torch, held)

    def after_step(self, optimizer: Any) -> None:
        """It has stepped."""
        step = self._current
        if step is None or self._inside is not optimizer:
            return
        self._inside = None
        self.taken += 1
        step.closure = step.closure or step.backwards > self._passes
        if not step.optimizers:
            self.count = step.number
            self.modes.on_step()
            self._look(step.number + 1)
        step.optimizers.add(id(optimizer))
        self.gradients.after_step()
        if self._weights is not None:
            moves = self._weights.moves()
            step.moves |= moves
            step.decay, step.pull = pull_of(optimizer, moves, self._names, step.used)
            self._weights = None
            self.still = self.still + 1 if step.moves and all(m.way == 0 for m in step.moves.values()) else 0

    def on_told(self, loss: Any) -> None:
        """doctor.step was called."""
        self.asked += 1
        step = self._current or self._begin()
        if loss is not None:
            self._step_losses.told = loss
        if self._by_hand():
            self.count = step.number

    def on_validation(self, loss: float) -> None:
        """doctor.validate was called."""
        self.modes.on_validation()
        self.validation.append((self.count, loss))

    def close(self) -> None:
        """The loop is over."""
        if self._current is not None and self._is_over(self._current):
            self._end(self._current)
        self._current = self._weights = None
        self.modes.close()
        self.looks.close()
        self.closed = True

    # what it is asked

    def is_measured(self, number: int) -> bool:
        """Whether a step is measured."""
        return number in ALWAYS or number % self.every == 0

    def measured(self) -> list[Step]:
        """The steps that were measured, with the last one."""
        step = self._current
        return [*self.steps, step] if step is not None and step.optimizers and step.moves else self.steps

    def unreached(self) -> list[str]:
        """Trained parameters that no gradient reached in any measured step."""
        return [name for name, p in self._parameters.items() if p.requires_grad and name not in self._heard]

    @property
    def is_shared(self) -> bool:
        """Whether other models are trained in the same loop, or parts of this one in turns."""
        usual = max(self.turns.values(), default=0)
        return self.others > 0.2 * self.count or sum(self.turns.values()) - usual > 0.2 * self.count

    # inside

    def _look(self, number: int) -> None:
        """Open the hooks on modules, if they are looked at in this step."""
        if self.looks.is_wanted(number, measured=self.is_measured(number)):
            self.looks.open(number)

    def _begin(self) -> Step:
        self._current = step = Step(self.count + 1)
        self._step_losses = StepLosses()
        if self.is_measured(step.number):
            self._look_up()
        return step

    def _look_up(self) -> None:
        """The parameters of the model, which may have been replaced."""
        self._parameters = dict(self.model.named_parameters())
        self._names = {id(p): name for name, p in self._parameters.items()}
        self._of_optimizers: dict[int, dict[str, Any] | None] = {}
        if not self.backwards or not self.taken:
            self.gradients.choose(list(self._parameters.values()))

    def _by_hand(self) -> bool:
        """Whether steps are taken without an optimizer, as far as anybody can see."""
        return not self.given and not self.taken and self.asked > 0

    def _is_over(self, step: Step) -> bool:
        return bool(step.optimizers) or (self._by_hand() and self.count == step.number)

    def _end(self, step: Step) -> None:
        self._current = None
        self.losses.add(self._step_losses)
        self.targets.end_step()
        self.turns[frozenset(step.optimizers)] += 1
        if step.rate is not None:
            self.rates.add(step.rate)
        if self.is_measured(step.number):
            self.losses.fetch()
            self.steps.append(step)
            if len(self.steps) > KEPT:
                del self.steps[10::2]
            self.on_measured(step)

    def _held(self, optimizer: Any) -> dict[str, Any] | None:
        """The parameters of the model that an optimizer holds; None if it has nothing to do with the model."""
        if id(optimizer) not in self._of_optimizers:
            every = (p for group in optimizer.param_groups for p in group["params"])
            held = {self._names[id(p)]: p for p in every if id(p) in self._names}
            known = any(optimizer is each for each in self.optimizers)
            if held and not known:
                self.optimizers.append(optimizer)
            self._of_optimizers[id(optimizer)] = held if held or known else None
        return self._of_optimizers[id(optimizer)]

    def _all_gradients(self) -> list[Any]:
        return [p.grad for p in self._parameters.values() if p.grad is not None]
