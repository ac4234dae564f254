"""The public ``watch``: a doctor over the steps of any training loop of PyTorch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from numbers import Integral
from typing import Any

from ....errors import InputError, InputTypeError, a_kind
from ...diagnose.diagnosis import Judged
from ...diagnose.finding import Finding
from ...diagnose.measure import finite_or_none
from ..names import require_torch
from .events import Events
from .judge import judge
from .recorder import Recorder
from .voice import Voice


class StepDoctor(Judged):
    """What :func:`backtalk.watch` gives: it is told of steps, and says what is wrong with the training.

    ``findings``: those of this moment, the most important first; ``healthy``: whether none is above a note; ``steps``:
    how many steps there were. ``print(doctor)`` shows every finding with its numbers and what to do.

    >>> import torch
    >>> from backtalk import watch
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
    >>> with watch(model, optimizer) as doctor:
    ...     for _ in range(5):
    ...         optimizer.zero_grad()
    ...         loss = (model(torch.ones(4, 2)) - 1).square().mean()
    ...         loss.backward()
    ...         optimizer.step()
    ...         doctor.step(loss)
    >>> doctor.steps, doctor.findings[0].kind
    (5, 'weights_do_not_change')
    """

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    @property
    def steps(self) -> int:
        """How many steps there were."""
        return self._recorder.count

    @property
    def findings(self) -> tuple[Finding, ...]:  # pyright: ignore[reportIncompatibleVariableOverride]
        """Of this moment, ranked."""
        return judge(self._recorder)

    def step(self, loss: Any = None) -> None:
        """A step was taken, or is about to be; ``loss``: its loss, a number or a tensor of one."""
        self._recorder.on_told(None if loss is None else as_scalar(loss))

    def validate(self, loss: Any) -> None:
        """The loss on held-out examples, at this moment."""
        self._recorder.on_validation(float(as_scalar(loss)))

    def __str__(self) -> str:
        """Every finding with its numbers and what to do; before it, what was seen of the loop."""
        steps = self._recorder.count
        seen = f"{steps} step{'s' * (steps != 1)}" if steps else "no step was seen"
        return f"{seen}: {super().__str__()}"

    def to_dict(self) -> dict[str, Any]:
        """For JSON: a number that is not finite is None."""
        return finite_or_none(
            {
                "healthy": self.healthy,
                "steps": self.steps,
                "findings": [asdict(each) for each in self.findings],
                "losses": self._recorder.losses.curve.means(20).tolist(),
                "validation": [{"step": step, "loss": loss} for step, loss in self._recorder.validation],
            }
        )


@contextmanager
def watch(
    model: Any,
    optimizer: Any = None,
    *,
    every: int = 10,
    tell: Callable[[str], Any] | None = None,
    log: Callable[[dict[str, float], int], Any] | None = None,
) -> Iterator[StepDoctor]:
    """Watch a training loop of PyTorch, and say what is wrong with it.

    Within ``with watch(model, optimizer) as doctor:`` the loop runs as it is. Hooks see backward passes and the
    optimizer's steps; ``doctor.step(loss)`` after each step is needed only if there is no optimizer, and counts none
    twice. ``doctor.validate(loss)`` tells a held-out loss. ``doctor.findings``, ``doctor.healthy`` and
    ``print(doctor)`` say what is wrong, while the loop runs and after it. The training is the same to the bit, and
    no hook is left.

    model: a torch.nn.Module, also a compiled one or one of DistributedDataParallel. ``optimizer``: one or several;
    None: whichever steps parameters of the model. ``every``: steps 1, 2, 3, 5 and 10 are measured, and each so many.
    ``tell``: is called with the text of each finding above a note, once for each kind and place. ``log``: is called
    with the numbers of each measured step by name, and its number, as ``wandb.log`` and ``mlflow.log_metrics`` take.

    What is found: the program (no step, gradients that are gone or never cleared, ascent, modes, sorted batches,
    clipping, graphs that are kept), its graph, targets and optimizer in the first steps, modules (dead, vanishing,
    not finite) in measured steps, and the course of the loss. With several processes everything is said of this one:
    its loss and its batches; gradients are those that DistributedDataParallel averaged. Of several threads a
    block hears the one that opened it.

    Raises :class:`~backtalk.errors.InputTypeError` or :class:`~backtalk.errors.InputError` for arguments that are
    something else, :class:`~backtalk.errors.MissingLibraryError` without PyTorch.

    >>> import torch
    >>> from backtalk import watch
    >>> model = torch.nn.Linear(2, 1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> with watch(model, optimizer) as doctor:
    ...     for _ in range(5):
    ...         optimizer.zero_grad()
    ...         loss = (model(torch.ones(4, 2)) - 1).square().mean()
    ...         loss.backward()
    ...         optimizer.step()
    >>> doctor.healthy
    True
    """
    torch = require_torch()
    if not isinstance(model, torch.nn.Module):
        kind = f"the class {model.__name__}" if isinstance(model, type) else a_kind(model)
        raise InputTypeError(f"model is {kind}, expected a torch.nn.Module.")
    if isinstance(every, bool) or not isinstance(every, Integral):
        raise InputTypeError(f"every is {every!r}, expected a whole number of 1 or more.")
    if every < 1:
        raise InputError(f"every is {every}, expected a whole number of 1 or more.")
    for name, function in (("tell", tell), ("log", log)):
        if function is not None and not callable(function):
            raise InputTypeError(f"{name} is {function!r}, expected a function.")
    recorder = Recorder(torch, model, _optimizers(torch, optimizer), int(every))
    doctor, events, voice = StepDoctor(recorder), Events(model, recorder), Voice(tell, log)
    recorder.on_measured = lambda step: voice.after_step(recorder, step)
    try:
        events.open()
        recorder.open()
        yield doctor
    finally:
        recorder.close()
        events.close()
    voice.tell(doctor.findings if tell is not None else (), doctor.steps)


def _optimizers(torch: Any, given: Any) -> list[Any]:
    """The optimizers: none, one, or several."""
    if given is None:
        return []
    found = list(given) if isinstance(given, Iterable) and not isinstance(given, Mapping | str) else [given]
    for each in found:
        if not isinstance(each, torch.optim.Optimizer):
            raise InputTypeError(f"optimizer is {a_kind(each)}, expected a torch.optim.Optimizer, or a list of them.")
    return found


def as_scalar(loss: Any) -> Any:
    """A loss as a number, or as a tensor without graph, which may be on a device."""
    if hasattr(loss, "detach"):
        if loss.numel() != 1:
            raise InputError(f"loss has shape {tuple(loss.shape)}, expected one number.")
        if loss.is_complex():
            raise InputError(
                "loss is complex, expected a real number: its real part, its absolute value or its square."
            )
        return loss.detach().clone().reshape(())
    try:
        return float(loss)
    except (TypeError, ValueError):
        raise InputTypeError(f"loss is {a_kind(loss)}, expected a number or a tensor of one.") from None
