"""Rules of what the program does over steps: whether it steps at all, in which direction, and with which gradient."""

from __future__ import annotations

import statistics
from itertools import pairwise

from ...diagnose.finding import Finding, finding
from ...diagnose.words import counted, listed, percent
from .recorder import Recorder

MOST_ALIVE = 3  # graphs in a row; a third of those that are a finding
FEW = 3  # steps before anything is said of a pattern


def find_in_program(recorder: Recorder) -> list[Finding]:
    """All of them."""
    return [
        *weights_do_not_change(recorder),
        *ascent(recorder),
        *gradients_not_cleared(recorder),
        *eval_mode_while_training(recorder),
        *train_mode_while_evaluating(recorder),
        *gradients_clipped_away(recorder),
        *graph_grows(recorder),
        *sorted_batches(recorder),
    ]


def weights_do_not_change(recorder: Recorder) -> list[Finding]:
    """No step, gradients that are gone before the step, or steps that change nothing."""
    title = "the weights do not change"
    asked = max(recorder.asked, recorder.backwards)
    if not recorder.taken and not recorder.count and asked >= FEW and recorder.given:
        passes = counted(recorder.backwards, "backward pass") if recorder.backwards else "no backward pass"
        return finding(
            "weights_do_not_change", 1, title,
            f"There was {passes}, and the optimizer never took a step."
            if recorder.backwards < 2 else f"There were {passes}, and the optimizer never took a step.",
            "Call optimizer.step() after loss.backward(), in every step.",
            numbers={"backward_passes": recorder.backwards, "steps": 0},
        )  # fmt: skip
    emptied = recorder.gradients.emptied
    if emptied >= FEW:
        return finding(
            "weights_do_not_change", 1, title,
            f"In the last {counted(emptied, 'step')} the backward pass made gradients, and when the optimizer "
            "stepped they were gone.",
            "Call zero_grad() before loss.backward() or after optimizer.step(), not between the two.",
            numbers={"steps": emptied},
        )  # fmt: skip
    last = next((step for step in reversed(recorder.measured()) if step.moves), None)
    if recorder.still < FEW or last is None:
        return []
    if recorder.rates.count and (last.rate or 0) < 1e-3 * recorder.rates.most:
        return []  # a schedule took the rate away
    if last.rate == 0:
        said, advice = (
            "The learning rate is 0.",
            "Give the optimizer a rate above 0, and see what a scheduler makes of it.",
        )
    elif not recorder.passes:
        said, advice = "There was no backward pass.", "Call loss.backward() before optimizer.step()."
    elif not last.used:
        return []  # no gradient arrives, which has its own reasons
    else:
        said = f"The gradient is not 0, and with a rate of {last.rate:.3g} the weights were the same after the step."
        advice = "A rate so small is lost in rounding: raise it, or keep the weights in float32."
    return finding(
        "weights_do_not_change", 1, title,
        f"After each of the last {counted(recorder.still, 'measured step')} every weight was as before. {said}",
        advice, numbers={"steps": recorder.still, "learning_rate": last.rate},
    )  # fmt: skip


def ascent(recorder: Recorder) -> list[Finding]:
    """Steps along the gradient."""
    steps = [step for step in recorder.measured() if step.backwards and not step.closure]
    known = [step.product for step in steps if step.product != 0]
    up = sum(product > 0 for product in known)
    if len(known) < FEW or up < 0.9 * len(known):
        return []
    return finding(
        "ascent", 1, "the steps go up the gradient",
        f"In {up} of {counted(len(known), 'measured step')} the weights moved along the gradient of the loss, and not "
        "against it: the loss is made larger.",
        "Use maximize=False and a rate above 0; an update by hand subtracts the gradient.",
        numbers={"steps": len(known), "up": up},
    )  # fmt: skip


def gradients_not_cleared(recorder: Recorder) -> list[Finding]:
    """Gradients that hold those of all steps before."""
    steps = recorder.gradients.uncleared
    return finding(
        "gradients_not_cleared", steps, "gradients are not cleared",
        f"In the last {counted(steps, 'step')} the backward pass added to the gradients that the step "
        "before had used already.",
        "Call optimizer.zero_grad() in every step, before loss.backward().",
        numbers={"steps": steps},
    )  # fmt: skip


def eval_mode_while_training(recorder: Recorder) -> list[Finding]:
    """Dropout is off, and batch norm does not learn."""
    modes = recorder.modes
    if modes.steps < FEW:
        return []
    names = [f"'{name}'" for name, _ in modes.modules]
    return finding(
        "eval_mode_while_training", modes.evaluated / modes.steps, "the model is trained in evaluation mode",
        f"In {modes.evaluated} of {counted(modes.steps, 'step')} the model was in evaluation mode: {listed(names, 4)} "
        "worked as in evaluation.",
        "Call model.train() before the training steps, and again after each evaluation.",
        numbers={"steps": modes.steps, "in_evaluation_mode": modes.evaluated},
    )  # fmt: skip


def train_mode_while_evaluating(recorder: Recorder) -> list[Finding]:
    """Scores that hang on dropout and on the batch."""
    modes = recorder.modes
    names = [f"'{name}'" for name, _ in modes.modules]
    return finding(
        "train_mode_while_evaluating", modes.scored, "the model is evaluated in training mode",
        f"{counted(modes.scored, 'time')} the model was called without gradients while it was in training mode: "
        f"{listed(names, 4)} worked as in training.",
        "Call model.eval() before evaluation, and model.train() after it. If it is meant, as in Monte Carlo dropout, "
        "leave it.",
        numbers={"calls": modes.scored},
    ) if modes.scored else []  # fmt: skip


def gradients_clipped_away(recorder: Recorder) -> list[Finding]:
    """The norm decides the step, and not the gradient."""
    ratios = [step.heard / step.used for step in recorder.measured() if step.heard and step.used and not step.closure]
    if len(ratios) < FEW:
        return []
    ratio, used = statistics.median(ratios), [step.used for step in recorder.measured() if step.used]
    return finding(
        "gradients_clipped_away", ratio, "clipping leaves next to nothing of the gradient",
        f"Backward passes made gradients with {ratio:.3g} times the norm that the optimizer then got, "
        f"{statistics.median(used):.3g} (medians of {counted(len(ratios), 'measured step')}): every step is clipped.",
        "Raise max_norm of clip_grad_norm_ to the usual norm of the gradient, so that it only holds back the few steps "
        "far above it.",
        numbers={"ratio": ratio, "norm": statistics.median(used)},
    )  # fmt: skip


def graph_grows(recorder: Recorder) -> list[Finding]:
    """A graph that reaches into earlier steps, or that is kept in memory."""
    sizes = [step.nodes for step in recorder.measured() if step.nodes]
    rises = len(sizes) >= 5 and all(a <= b for a, b in pairwise(sizes))
    if rises:
        found = finding(
            "graph_grows", sizes[-1] / sizes[0], "the graph of the loss grows with every step",
            f"The loss hung on {sizes[0]} operations in the first step, and on {sizes[-1]} after {recorder.count} "
            "steps: each backward pass goes through the steps before as well.",
            "Detach what is carried from step to step (hidden = hidden.detach()), add losses up as numbers "
            "(total += loss.item()), and do without retain_graph=True.",
            numbers={"first": sizes[0], "last": sizes[-1]},
        )  # fmt: skip
        if found:
            return found
    return finding(
        "graph_grows", float(recorder.graphs.alive) / MOST_ALIVE, "the graphs of many steps stay in memory",
        f"The graphs of {recorder.graphs.alive} steps in a row were in memory at once: something holds the loss of "
        "every step, such as a sum or a list.",
        "Keep numbers instead: total += loss.item(), or loss.detach() of what has to stay a tensor.",
        numbers={"alive": recorder.graphs.alive},
    )  # fmt: skip


def sorted_batches(recorder: Recorder) -> list[Finding]:
    """Mini-batches of one class each."""
    known = recorder.targets.sortedness()
    if known is None:
        return []
    lack, batches, single = known
    return finding(
        "sorted_batches", lack, "the mini-batches are sorted by class",
        f"Of {batches} mini-batches {single} hold one class alone, and two examples of one batch are "
        f"{percent(max(0.0, 1 - lack))} as often of different classes as two examples of different batches.",
        "Shuffle the training rows: DataLoader(…, shuffle=True), or a new torch.randperm for each epoch.",
        numbers={"lack": lack, "batches": batches, "single": single},
    )  # fmt: skip
