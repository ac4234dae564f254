"""The optimizer beside the model: parameters that it does not hold, holds twice or for nothing, rate, sign, penalty."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ....core.norms import euclidean_norm
from ...diagnose.finding import Finding, finding
from ...diagnose.words import counted, listed, percent
from .graph import LossGraph


def held_by(optimizers: Iterable[Any]) -> list[Any]:
    """All parameters that the optimizers hold, with repetitions."""
    return [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]


def find_missing(model: Any, optimizers: Sequence[Any], graphs: Sequence[LossGraph] = ()) -> list[Finding]:
    """Trained parameters of the model that no optimizer holds, and parameters in an optimizer that are of another."""
    held = {id(p): p for p in held_by(optimizers)}
    own = {id(p): (name, p) for name, p in model.named_parameters()}
    trained = {key: pair for key, pair in own.items() if pair[1].requires_grad}
    left = [pair for key, pair in trained.items() if key not in held]
    share = _numbers(p for _, p in left) / max(1, _numbers(p for _, p in trained.values()))
    used = {id(leaf) for graph in graphs for leaf in graph.leaves.values()}
    foreign = [p for key, p in held.items() if key not in own and p.requires_grad]
    idle = [p for p in foreign if id(p) not in used and p.grad is None]
    # another model's may be trained beside this one: only what nothing uses is there for nothing
    of_another = _numbers(idle) / max(1, _numbers(held.values()))
    if not left and not graphs:
        of_another = 0.0  # all of this model's are there: the others may be used by a loss that was not seen
    found = []
    if left and share:
        layers = list(dict.fromkeys(name.rpartition(".")[0] or "model" for name, _ in left))
        names = listed((f"'{name}'" for name in layers), 4)
        found += finding(
            "parameters_not_in_optimizer", share, "parameters that the optimizer does not hold",
            f"{percent(share)} of the model's trained parameters are in no group of the optimizer, so no step moves "
            f"them: those of {names}.",
            "Make the optimizer after the model is complete, of all model.parameters(): a layer that is added or "
            "replaced later has to be given to it (add_param_group). If they are not to be trained, say so with "
            "requires_grad_(False).",
            numbers={"share": share, "parameters": len(left), "first": left[0][0]},
        )  # fmt: skip
    if idle and of_another:
        all_of_them = len(idle) == len(held)
        found += finding(
            "parameters_of_another_model", of_another, "the optimizer holds parameters of another model",
            f"{'All' if all_of_them else counted(len(idle), 'parameter')} {'parameters ' if all_of_them else ''}in the "
            f"optimizer ({percent(of_another)} of its numbers) are not this model's, and no gradient reaches them, as "
            "after a copy of the model, a new one, or a layer that was replaced.",
            "Make the optimizer after the model has its last form: torch.optim.…(model.parameters(), …).",
            numbers={"share": of_another, "parameters": len(idle)},
        )  # fmt: skip
    return found


def find_twice(model: Any, optimizers: Sequence[Any]) -> list[Finding]:
    """Parameters that an optimizer holds twice, or that two hold."""
    names = {id(p): name for name, p in model.named_parameters()}
    within: list[Any] = []
    across: list[Any] = []
    earlier: set[int] = set()
    for optimizer in optimizers:
        seen: set[int] = set()
        for p in held_by([optimizer]):
            if id(p) in seen:
                within.append(p)
            elif id(p) in earlier:
                across.append(p)
            seen.add(id(p))
        earlier |= seen
    both = within or across
    if not both:
        return []
    called = listed((f"'{names[id(p)]}'" for p in both if id(p) in names), 4) or "some that are not this model's"
    how = "The optimizer holds" if within else "Two optimizers hold"
    return finding(
        "parameters_twice", len(both), "parameters in the optimizer twice",
        f"{how} {counted(len(both), 'parameter')} more than once: {called}. Each entry takes its own step.",
        "Give each parameter to one group of one optimizer." if within else
        "Give each parameter to one optimizer, unless they are used in turn.",
        most="severe" if within else "note", numbers={"parameters": len(both)},
    ) or []  # fmt: skip


def find_frozen(model: Any, optimizers: Sequence[Any] = ()) -> list[Finding]:
    """Parameters with requires_grad=False: a note, unless the optimizer holds them as they were drawn at random."""
    every = dict(model.named_parameters())
    frozen = {name: p for name, p in every.items() if not p.requires_grad}
    share = _numbers(frozen.values()) / max(1, _numbers(every.values()))
    if not frozen or not share:
        return []
    held = {id(p) for p in held_by(optimizers)}
    asked = {name: p for name, p in frozen.items() if id(p) in held}
    trained = [p for p in every.values() if p.requires_grad]
    fresh = {name: p for name, p in asked.items() if _as_drawn(p) and not _is_copy(p, trained)}
    layers = list(dict.fromkeys(name.rpartition(".")[0] or "model" for name in fresh or frozen))
    names = listed((f"'{name}'" for name in layers), 4)
    said = (
        f"{percent(share)} of the model's parameters have requires_grad=False, and stay as they are: those of {names}."
    )
    if fresh:
        said += (
            " The optimizer was given them, and their weights look as a layer's initialization draws them: what was "
            "never trained is frozen."
        )
    return finding(
        "frozen_parameters", max(share, 0.9) if fresh else share, "frozen parameters", said,
        "If they are to be trained, take out requires_grad=False, or call model.requires_grad_(True), before the "
        "optimizer is made; if not, give the optimizer the others alone.",
        most="severe" if fresh else "note",
        numbers={"share": share, "parameters": len(frozen), "first": next(iter(frozen))},
    )  # fmt: skip


def _as_drawn(p: Any) -> bool:
    """Whether a weight looks as PyTorch's layers draw it, or torch.nn.init.

    Even up to a sharp end: the largest of many such numbers is √3 times their root mean square, and training blurs the
    end. Or with just the spread of a usual initialization with normal numbers.
    """
    if p.ndim < 2 or p.numel() < 32:
        return False
    values = p.detach().double()
    size = float(values.square().mean().sqrt())
    if not size:
        return False
    ratio, slack = float(values.abs().max()) / size, 1.5 / math.sqrt(p.numel())
    if abs(float(values.mean())) > 4 * size / math.sqrt(p.numel()):
        return False
    if 1 - 3 * slack <= ratio / math.sqrt(3) <= 1 + slack:
        return True
    outputs, inputs = p.shape[0], p[0].numel()
    usual = (1.0, 0.02, math.sqrt(2 / inputs), math.sqrt(1 / inputs), math.sqrt(2 / (inputs + outputs)))
    return any(abs(size / each - 1) <= 2 / math.sqrt(2 * p.numel()) for each in usual)


def _is_copy(p: Any, others: Sequence[Any]) -> bool:
    """Whether a trained parameter has the same values, as a target network's begin."""
    return any(p.shape == other.shape and p.dtype == other.dtype and bool((p == other).all()) for other in others)


def find_rate(optimizers: Sequence[Any]) -> list[Finding]:
    """A learning rate of 0 in every group, with no schedule that began higher or will."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    if not groups or any(_number(group.get("lr")) != 0 or _number(group.get("initial_lr", 0)) != 0 for group in groups):
        return []
    return finding(
        "weights_do_not_change", 1, "the learning rate is 0",
        "The learning rate of every group of the optimizer is 0: no step moves the weights.",
        "Give the optimizer a learning rate, such as lr=0.001 for Adam or lr=0.1 for SGD.", numbers={"rate": 0.0},
    )  # fmt: skip


def maximizes(optimizers: Sequence[Any]) -> bool:
    """Whether every group of every optimizer has maximize=True."""
    groups = [group for optimizer in optimizers for group in optimizer.param_groups]
    return bool(groups) and all(group.get("maximize", False) for group in groups)


def find_penalty(optimizers: Sequence[Any], learned: bool | None) -> list[Finding]:
    """weight_decay that pulls more than the data, as long as these still have much to say.

    ``learned``: whether the loss is far below that of a constant output; None if that is not known, and then nothing is
    said: where a loss is small, its gradient is smaller than any penalty's.
    """
    if learned is not False:
        return []
    worst: tuple[float, float, str, float, float] | None = None
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            decay = _number(group.get("weight_decay", 0.0))
            parameters = [p for p in group["params"] if p.grad is not None and not p.grad.is_sparse]
            if not decay or not parameters:
                continue
            pull = decay * _norm(p.detach() for p in parameters)
            push = (
                _norm(_steps(optimizer, parameters))
                if is_decoupled(optimizer, group)
                else _norm(p.grad for p in parameters)
            )
            ratio = pull / push if push else math.inf
            if math.isfinite(pull) and (worst is None or ratio > worst[0]):
                worst = ratio, decay, type(optimizer).__name__, pull, push
    if worst is None:
        return []
    ratio, decay, name, pull, push = worst
    return finding(
        "penalty_too_strong", ratio, "weight_decay outweighs the data",
        f"weight_decay={decay:g} of {name} pulls the weights to 0 with {pull:.3g}, and the data pull with {push:.3g}, "
        f"{'infinitely' if math.isinf(ratio) else f'{ratio:.3g} times'} less: what is learned is to be small.",
        f"Use a smaller weight_decay, such as {min(1e-4, decay / 100):.0e}, or 0 until the loss falls.",
        numbers={"ratio": ratio, "weight_decay": decay, "penalty": pull, "data": push},
    )  # fmt: skip


def is_decoupled(optimizer: Any, group: dict[str, Any]) -> bool:
    """Whether the decay is a step of its own, as in AdamW, and not a part of the gradient."""
    return bool(group.get("decoupled_weight_decay", type(optimizer).__name__ in ("AdamW", "Adafactor", "Muon", "Lion")))


def _steps(optimizer: Any, parameters: Sequence[Any]) -> Iterable[Any]:
    """The steps that the data ask for, in units of the learning rate: of Adam's kind about 1 for each number."""
    for p in parameters:
        state = optimizer.state.get(p, {})
        mean, square = state.get("exp_avg"), state.get("exp_avg_sq")
        if mean is not None and square is not None:
            yield mean / (square.sqrt() + 1e-8)
        else:
            yield p.grad.sign()


def _norm(tensors: Iterable[Any]) -> float:
    return math.hypot(*(euclidean_norm(tensor.detach().float().reshape(1, -1)) for tensor in tensors))


def _numbers(parameters: Iterable[Any]) -> int:
    return sum(p.numel() for p in parameters)


def _number(value: Any) -> float:
    return float(value) if value is not None else math.nan
