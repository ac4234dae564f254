"""Rules of the course: what the losses of steps, the rates and the sizes of the updates say."""

from __future__ import annotations

import math
from statistics import median

import numpy as np

from ...diagnose.finding import Finding, finding
from ...diagnose.rules.curves import gain_of_as_much_again
from ...diagnose.thresholds import LIMITS
from ...diagnose.words import counted, percent, sentence
from .recorder import Recorder
from .run import Run, run_of

EARLY = 10  # steps that belong to the start, where Adam's are large beside small weights
ENOUGH = 20  # steps before the course is judged
LONG = 50  # steps before a loss is said to stand still
STUCK_AFTER = 0.3  # of the weights' size, in one of the first steps: where a loss stands still, this is why
UNLEARNED = 0.75  # of a constant's loss: at the end of a good training every penalty pulls as much as the data
GONE = 0.01  # of the highest rate: less is no rate any more
SCHEDULED = 0.5  # of the steps at such a rate: a schedule that was made for as many epochs


def find_in_course(recorder: Recorder) -> list[Finding]:
    """All of them."""
    run = run_of(recorder)
    found = non_finite(recorder)
    if run is None:
        return found + non_finite_validation(recorder)
    are_copies = any(each.kind == "symmetry" and each.severity == "severe" for each in recorder.looks.findings)
    found += learning_rate_too_high(run, are_copies=are_copies)
    if not run.shared and recorder.losses.curve.broken is None:
        found += penalty_too_strong(run) + class_imbalance(recorder, run)
        found += rate_gone(run) or ([] if found else learning_rate_too_low(run))
        found += loss_stands_still(run)
        found += training_too_short(run) if recorder.closed else []
        found += underfitting(run)
    return found + overfitting(run) + non_finite_validation(recorder)


def non_finite(recorder: Recorder) -> list[Finding]:
    """A loss that is no number."""
    broken = recorder.losses.curve.broken
    if broken is None:
        return []
    return finding(
        "non_finite", 1, "the loss is not finite",
        f"The loss of step {broken} was not finite, and everything computed from it is lost.",
        "Scale the inputs and the targets, use a smaller learning rate, or clip the gradient's norm "
        "(torch.nn.utils.clip_grad_norm_); in float16 scale the loss (torch.amp.GradScaler), or use bfloat16.",
        numbers={"step": broken},
    )  # fmt: skip


def non_finite_validation(recorder: Recorder) -> list[Finding]:
    """A held-out loss that is no number, though those of the steps are."""
    step = next((step for step, loss in recorder.validation if not math.isfinite(loss)), None)
    if step is None or recorder.losses.curve.broken is not None:
        return []
    return finding(
        "non_finite", 1, "the held-out loss is not finite",
        f"The held-out loss after {counted(step, 'step')} was not finite, though the losses of all steps were.",
        "Look for held-out rows with NaN or infinite values, and for a mean over no rows at all; in half precision "
        "compute this loss in float32.",
        numbers={"step": step},
    )  # fmt: skip


def learning_rate_too_high(run: Run, *, are_copies: bool = False) -> list[Finding]:
    """Updates that are large beside the weights, or a loss that is thrown up, rises or jumps.

    ``are_copies``: the weights are no random ones. Then their size, which may be 0, measures no update.
    """
    signs: list[tuple[float, str]] = []
    numbers: dict[str, float | int | str | None] = {"learning_rate": run.rate}
    later, early = run.ratios(max(EARLY, run.steps // 4)), run.ratios()
    if len(later) >= 3 and not are_copies:
        numbers["update_ratio"] = usual = median(later)
        said = f"a step changes the weights by {percent(usual)} of their size (median of {len(later)} measured ones)"
        signs.append((usual / LIMITS.update_high, said))
    if not run.shared:
        signs += _thrown_up(run) + _rising(run) + _jumping(run)
        if early and not are_copies and run.steps >= LONG and run.constant and run.late >= 0.95 * run.constant:
            said = (
                f"one of the first steps changed the weights by {percent(max(early))} of their size, and since then "
                f"the loss stands at {run.late:.3g}, where a constant output has {run.constant:.3g}"
            )
            signs.append((max(early) / STUCK_AFTER, said))
    signs = sorted((sign for sign in signs if sign[0] >= 1), reverse=True)
    if not signs:
        return []
    return finding(
        "learning_rate_too_high", signs[0][0], "the learning rate is too high",
        sentence("; and ".join(text for _, text in signs)) + _rate_text(run),
        "Try a tenth of it (lr of the optimizer), and a schedule that warms up and then lowers it "
        "(torch.optim.lr_scheduler); torch.nn.utils.clip_grad_norm_ holds single steps back.",
        numbers=numbers,
    )  # fmt: skip


def _thrown_up(run: Run) -> list[tuple[float, str]]:
    threes: list[float] = [float(median(run.first[k : k + 3])) for k in range(1, len(run.first) - 2)]
    windows: list[float] = run.losses[1:].tolist() if run.steps >= ENOUGH else []
    highest = max([*threes, *windows], default=0.0)
    level = max(run.start, run.scale)
    if not level > 0:
        return []
    return [
        (highest / level / LIMITS.loss_high, f"the loss went from {run.start:.3g} at the start up to {highest:.3g}")
    ]


def _rising(run: Run) -> list[tuple[float, str]]:
    if run.steps < ENOUGH or len(run.losses) < 4:
        return []
    rise, noise = run.late - run.start, float(run.errors[-1]) * (1 + math.sqrt(run.steps / len(run.losses) / 3))
    level = max(run.start, LIMITS.level * run.scale)
    if rise < 3 * noise or not level > 0:
        return []
    said = f"the loss rose from {run.start:.3g} in the first steps to {run.late:.3g}"
    return [(rise / level / LIMITS.loss_rise, said)]


def _jumping(run: Run) -> list[tuple[float, str]]:
    """Windows that differ by more than the noise of their steps."""
    half = run.losses[len(run.losses) // 2 :]
    if run.steps < LONG or len(half) < 5:
        return []
    level = max(float(np.median(half)), LIMITS.level * run.scale)
    noise = 1.2 * float(np.mean(run.errors))  # twice the mean rise of means that differ by chance: σ/√π
    jumps = float(np.maximum(np.diff(half), 0).mean()) - noise
    said = f"the loss jumps up and down between {half.min():.3g} and {half.max():.3g} in the second half of the steps"
    return [(jumps / level / LIMITS.jumps, said)] if level > 0 else []


def penalty_too_strong(run: Run) -> list[Finding]:
    """weight_decay that pulls as much as the data, though these have much left to say."""
    known = [step.pull for step in run.measured if step.number > EARLY and step.pull is not None]
    if run.steps < ENOUGH or len(known) < 3 or run.late < UNLEARNED * run.scale:
        return []
    ratio, decay = median(known[len(known) // 2 :]), max(step.decay for step in run.measured)
    return finding(
        "penalty_too_strong", ratio, "weight_decay outweighs the data",
        f"weight_decay={decay:g} pulls the weights to 0 with {ratio:.3g} times what the data pull (median of the later "
        f"measured steps), and the loss stays at {run.late:.3g}: what is learned is to be small.",
        f"Use a smaller weight_decay, such as {min(1e-4, decay / 100):.0e}, or 0 until the loss falls.",
        numbers={"ratio": ratio, "weight_decay": decay},
    )  # fmt: skip


def rate_gone(run: Run) -> list[Finding]:
    """A schedule that took the rate to nothing while there was much to learn."""
    if run.steps < ENOUGH or len(run.rates) < 4 or not run.rates.max() > 0:
        return []
    gone = run.rates < GONE * run.rates.max()
    begun = int(np.argmax(run.rates))
    share = float(gone[begun:].mean())
    if share < SCHEDULED or run.late < LIMITS.small * run.scale:
        return []
    at = run.steps * (begun + int(np.argmax(gone[begun:]))) // len(gone) + 1
    later = [step.ratio for step in run.measured if step.number >= at and step.ratio is not None]
    return finding(
        "learning_rate_too_low", min(median(later), 1e-4) if later else 1e-4, "the schedule ends the training early",
        f"The learning rate was {run.rates.max():.3g} at first, less than a hundredth of it from about step {at} on, "
        f"and {run.rates[-1]:.3g} at the end of {run.steps} steps; the loss stays at {run.late:.3g}.",
        "If the schedule counts epochs, call scheduler.step() once after each epoch, and not after every batch; or "
        "give it as many steps as there are (step_size, T_max, total_steps).",
        numbers={"highest": float(run.rates.max()), "last": float(run.rates[-1]), "step": at},
    )  # fmt: skip


def learning_rate_too_low(run: Run) -> list[Finding]:
    """Updates that are tiny beside the weights, and a loss that hardly falls, or that is still above a constant's."""
    behind = run.constant is not None and run.late > 1.05 * run.constant
    if run.steps < ENOUGH or run.is_small or not (run.fall <= LIMITS.hardly or behind):
        return []
    if len(run.rates) and run.rates[-1] < 0.5 * run.rates.max():  # the schedule ends, or has not come yet
        return []
    ratios = run.ratios()
    if not ratios or (len(run.rates) and run.rates.max() > 3 * run.rates[len(run.rates) // 2]):  # it warms up
        return []
    return finding(
        "learning_rate_too_low", max(ratios), "the learning rate is too low",
        f"No measured step changed the weights by more than {percent(max(ratios))} of their size, and in "
        f"{run.steps} steps the loss went from {run.start:.4g} to {run.late:.4g}." + _rate_text(run),
        "Try ten times as much (lr of the optimizer), and again, until the loss falls within the first epochs.",
        numbers={"update_ratio": max(ratios), "learning_rate": run.rate, "fall": run.fall},
    )  # fmt: skip


def loss_stands_still(run: Run) -> list[Finding]:
    """A loss that stays where it was."""
    if run.steps < LONG or len(run.losses) < LIMITS.standstill or run.is_small or not run.start > 0:
        return []
    start = float(run.losses[:2].mean())
    fall = 1 - min(run.late, float(np.median(run.losses[-len(run.losses) // 3 :]))) / start
    if float(run.losses.min()) < start - 0.01 * start - 3 * float(run.errors.mean()):
        return []
    return finding(
        "loss_stands_still", max(fall, 0.0), "the loss stands still",
        f"In {run.steps} steps the loss went from {start:.4g} to {run.late:.4g}.",
        "Look at the other findings first. If there are none, try to fit ten examples alone: a model that cannot do "
        "that has a fault in its data or in its layers.",
        numbers={"fall": fall, "first_loss": start, "last_loss": run.late},
    )  # fmt: skip


def training_too_short(run: Run) -> list[Finding]:
    """A loss that still falls: what as many steps again would bring, if it falls as it did in the second half."""
    if run.steps < ENOUGH or len(run.losses) < 8 or not run.start > 0:
        return []
    times = (np.arange(len(run.losses)) + 0.5) / len(run.losses)
    quarter, half, end = (float(np.interp(at, times, run.losses)) for at in (0.25, 0.5, 1.0))
    second, first = half - end, quarter - half
    if second < 3 * float(run.errors.mean()):
        return []
    # at an even pace the second half brings twice what the quarter before it did; below half of that, the fall ends
    gain = gain_of_as_much_again(quarter, half, end)
    ends = bool(len(run.rates)) and run.rates[-1] < LIMITS.annealed * run.rates.max()
    return finding(
        "training_too_short", gain / run.scale, "the loss still falls",
        f"In the second half of {run.steps} steps the loss fell from {half:.4g} to {end:.4g}, after {quarter:.4g} at a "
        f"quarter of them. At this pace as many steps again bring about {gain:.2g} more.",
        "Train for more epochs, or with a higher learning rate; smaller mini-batches make more steps of an epoch.",
        most="note" if ends or second < first or end <= LIMITS.small * run.scale else "warning",
        numbers={"gain": gain, "share": gain / run.scale, "steps": run.steps},
    )  # fmt: skip


def underfitting(run: Run) -> list[Finding]:
    """A loss that ends near that of a constant output."""
    if run.constant is None or run.steps < 2 * LONG:
        return []
    share = run.late / run.constant
    return finding(
        "underfitting", share, "the model knows little more than a constant output",
        f"After {run.steps} steps the loss is {run.late:.4g}, {percent(share)} of the {run.constant:.4g} that the best "
        "constant output has.",
        "Look at the other findings first. If there are none: a larger model, more steps, or inputs that say more of "
        "the targets.",
        numbers={"loss": run.late, "constant": run.constant},
    )  # fmt: skip


def overfitting(run: Run) -> list[Finding]:
    """Validation that lies far behind training, or that has risen since its best."""
    if len(run.validation) < LIMITS.epochs or not run.scale > 0:
        return []
    others = [loss for _, loss in run.validation]
    last, best = others[-1], min(others)
    if not all(map(math.isfinite, others)) or not run.late < run.scale:
        return []
    step = run.validation[others.index(best)][0]
    gap = (last - run.late) / run.scale / LIMITS.validation_gap
    rise = (last - best) / run.scale / LIMITS.validation_rise if last - best >= LIMITS.relative_rise * best else 0.0
    said = f"The loss is {run.late:.3g} on the examples that it is trained on, and {last:.3g} on held-out ones."
    if rise >= 1:
        said += f" That was {best:.3g} after {counted(step, 'step')}, and has risen since."
    return finding(
        "overfitting", max(gap, rise), "the model overfits", said,
        "Stop at the best epoch and keep its weights, use nn.Dropout, weight_decay (AdamW) or augmentation, a smaller "
        "model, or more examples.",
        numbers={"loss": run.late, "validation_loss": last, "best": best, "best_step": step},
    )  # fmt: skip


def class_imbalance(recorder: Recorder, run: Run) -> list[Finding]:
    """A rare class that the model does not get right, as it was trained in the last measured steps."""
    counts, recalls = recorder.targets.counts, recorder.targets.recalls()
    if len(counts) < 2 or run.steps < ENOUGH or sum(counts.values()) < LIMITS.examples:
        return []
    rare, common = min(counts, key=lambda k: counts[k]), max(counts, key=lambda k: counts[k])
    recall, ratio = recalls.get(rare), counts[common] / counts[rare]
    if recall is None:
        return []
    return finding(
        "class_imbalance", ratio, "classes of very different weight",
        f"Class {common} has {ratio:.3g} times as many examples as class {rare}, and the model gets {percent(recall)} "
        f"of class {rare} right in its training batches.",
        "Give the loss weights (weight= of CrossEntropyLoss, pos_weight= of BCEWithLogitsLoss), or draw the rare "
        "class more often (WeightedRandomSampler); judge by each class's recall rather than by accuracy.",
        most="note" if recall >= LIMITS.recall else "severe",
        numbers={"ratio": ratio, "rare": rare, "common": common, "recall": recall},
    )  # fmt: skip


def _rate_text(run: Run) -> str:
    return "" if run.rate is None else f" The learning rate is {run.rate:.3g}."
