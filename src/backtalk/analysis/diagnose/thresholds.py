"""Every number by which the doctor judges, in one table, each with its reason or its source.

A rule compares one number with its thresholds: 'severe' (training cannot work like this), 'warning' (it works worse
than it could) and 'note' (worth knowing). "Healthy runs" are those of tests/test_diagnose_healthy.py: digits, wine,
breast cancer and diabetes with ReLU and tanh, several seeds each.

The table is in the order of causes: a kind ``explains`` only kinds that stand below it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding: the number that is ``compared``, from where it is one, and what it ``explains``.

    ``low``: it is one if the number is below the threshold. A threshold of None is never reached.

    >>> RULES["dead_units"].judge(0.5)
    ('warning', 1.6666666666666667)
    """

    kind: str
    compared: str
    note: float | None
    warning: float | None
    severe: float | None
    reason: str
    explains: tuple[str, ...] = ()
    low: bool = False

    def judge(self, value: float, most: str = "severe") -> tuple[str, float] | None:
        """The severity, at most so high, and the excess; None if the number is no finding, or is no number."""
        if math.isnan(value):
            return None
        order = ("severe", "warning", "note")
        for severity in order[order.index(most) :]:
            threshold = getattr(self, severity)
            if threshold is not None and (value <= threshold if self.low else value >= threshold):
                return severity, self._excess(value, threshold)
        return None

    def _excess(self, value: float, threshold: float) -> float:
        above, below = (threshold, value) if self.low else (value, threshold)
        if below <= 0 or math.isinf(above):
            return MOST_EXCESS if above > below else 1.0
        return min(above / below, MOST_EXCESS)


MOST_EXCESS = 1e12  # of a number that is infinitely far beyond its threshold: JSON has no inf
LEARNS_BADLY = ("loss_stands_still", "underfitting")
BREAKS = ("learning_rate_too_high", "non_finite")
GRADIENTS = ("saturated_units", "dead_units", "vanishing_gradient", "exploding_gradient", "layer_not_learning")

_TABLE = (
    Rule(
        "non_finite_data", "rows of X, or of y, with a value that is not finite", None, None, 1,
        "One NaN in a batch makes NaN of the mean, of every gradient, and with one step of every weight.",
        explains=("*",),
    ),
    Rule(
        "wrong_loss", "share of the targets that are of another kind than the loss's", None, 1.0, 1.0,
        "Only where every single target fits the other kind, so that chance is no explanation. Severe for a softmax "
        "with one output, which is 1 whatever the weights are; a warning where training works, but the loss asks "
        "for something else than a probability (Bishop 2006, section 4.3.4: cross-entropy with softmax or sigmoid is "
        "the likelihood of class labels, squared error that of normal noise).",
        explains=("one_target", "targets_not_scaled", "class_imbalance", "batch_too_small", "learning_rate_too_high",
                  "learning_rate_too_low", "mislabelled_examples", "dominating_examples", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "wrong_output", "whether the output function gives what the loss and the targets need", 1.0, 1.0, 1.0,
        "A matter of ranges, not of chance: severe if the output leaves the domain of the loss, cannot reach the "
        "targets, or need not be a distribution where the loss takes it for one; a note for squared error of "
        "probabilities, which learns, but slowly where it is wrong by far (Nielsen 2015, chapter 3).",
        explains=("targets_not_scaled", "class_imbalance", "batch_too_small", "learning_rate_too_high",
                  "learning_rate_too_low", "mislabelled_examples", "dominating_examples", "non_finite", *GRADIENTS,
                  *LEARNS_BADLY),
    ),
    Rule(
        "one_target", "share of the examples that have the commonest target", 1.0, None, 1.0,
        "Where every target is the same, a constant output has loss 0: there is nothing in X to be learned.",
        explains=("missing_classes", "class_imbalance", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "inputs_not_scaled", "root mean square of a column of X", None, 10.0, 1000.0,
        "Initial weights are drawn for inputs with a mean square near 1 (Glorot and Bengio 2010; He et al. 2015; LeCun "
        "et al. 1998, section 4.3: mean 0, about equal variances). At 10, one column alone drives tanh to "
        "saturation in a layer that hears up to 100 columns, and its weights' gradients are 10 times the others', "
        "their curvature 100 times: the largest stable step is then 100 times too small for the other columns. "
        "Columns divided by their standard deviation have 1, pixels from 0 to 1 less than 1.",
        explains=("targets_not_scaled", "exploding_gradient", *BREAKS, "batch_too_small",
                  "dominating_examples", "learning_rate_too_low", "overfitting", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "inputs_too_small", "root mean square of X, over all columns", None, 0.01, 1e-4,
        "The gradient of the first weights is a hundredth of what it is for inputs near 1, and hidden units hardly "
        "differ between examples: what is learned first is the bias.",
        explains=("learning_rate_too_low", *GRADIENTS, *LEARNS_BADLY), low=True,
    ),
    Rule(
        "targets_not_scaled", "root mean square of an output's targets", None, 10.0, 1000.0,
        "∂ℓ/∂a of an output that begins near 0 is the target itself, where weights and steps are made for numbers "
        "near 1; at 10 the curvature of what the weights have to reach is 100 times. Scaled targets have 1.",
        explains=("exploding_gradient", *BREAKS, "batch_too_small", "dominating_examples",
                  "learning_rate_too_low", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "targets_too_small", "root mean square of an output's targets", None, 0.01, 1e-4,
        "The initial output, near 1, is then 100 times the target: all of training goes into unlearning it, and "
        "gradients end below what steps and stopping rules are made for.",
        explains=("dominating_examples", *LEARNS_BADLY), low=True,
    ),
    Rule(
        "constant_columns", "columns of X that never change", 1, None, None,
        "Such a column acts as a second bias, and does no harm: 3 of digits' 64 pixels are always 0.",
    ),
    Rule(
        "duplicate_columns", "columns of X that are equal to another one", 1, None, None,
        "They say the same twice: the steps for their common part are twice as long, no more.",
    ),
    Rule(
        "missing_classes", "outputs whose class never occurs", 1, 1, None,
        "An output without examples learns only 'never'. With 10 examples for each class on average, one that is as "
        "frequent as the others is missing by chance with k·e^−10: a warning from there, a note with fewer.",
        explains=("class_imbalance",),
    ),
    Rule(
        "symmetry", "share of a hidden layer's units that are copies of another one", None, 0.05, 0.5,
        "Units with equal incoming and outgoing weights have equal gradients, and so stay copies for ever (Goodfellow, "
        "Bengio and Courville 2016, section 8.4). Random weights have none: 5 % is no accident.",
        explains=("learning_rate_too_low", "batch_too_small", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "class_imbalance", "weight of the most frequent class over that of the rarest", 10.0, 20.0, None,
        "Buda, Maki and Mazurowski 2018 find that training suffers from ratios of 10 on, and clearly at 20 to 100. "
        "A note only, if the network gets most examples of the rarest class right.",
        explains=("mislabelled_examples", "dominating_examples", "overfitting", "batch_too_small", *LEARNS_BADLY),
    ),
    Rule(
        "mislabelled_examples", "share of the examples that the network contradicts with confidence", 0.002, 0.02, None,
        "The network gives the given class less than 10 %, and another one as much as it gives that class on average "
        "where it is the given one (the threshold of confident learning: Northcutt, Jiang and Chuang 2021). Where it "
        "gets most others right, also of the same class, and has half or less of the loss of the best constant, wrong "
        "labels are the likely reason: Northcutt, Athalye and Mueller 2021 find 3.3 % of them on average in ten "
        "well-known test sets. Healthy runs: up to 0.9 %; honest normal classes that overlap: up to 1.8 %.",
        explains=("dominating_examples", "overfitting", "batch_too_small", *LEARNS_BADLY),
    ),
    Rule(
        "dominating_examples", "share of Σ_n (w_n ‖∇ℓ_n‖)² that the loudest hundredth of the examples has", 0.5, 0.75,
        0.95, "Squares, because the others' gradients point in many directions, and the square of the length of their "
        "sum is about the sum of their squares: at 0.75 one example in a hundred moves the weights "
        "√3 times as far as all others together. Once a network fits most examples, the few that it does not fit have "
        "most of what is left of the gradient: so it is a warning only if they also have half of the loss, and of "
        "the loss of the best constant output.",
        explains=("batch_too_small", *BREAKS, *LEARNS_BADLY),
    ),
    Rule(
        "exploding_gradient", "‖∇_{a_1}‖ over that of the last layer measured", 100.0, 1e3, 1e6,
        "A thousandfold gradient in the first layer means that steps which suit the last layer throw the first one "
        "away (Bengio, Simard and Frasconi 1994; Pascanu et al. 2013). Healthy runs of 2 to 5 layers: 0.6 to 6.4.",
        explains=(*BREAKS, "saturated_units", "dead_units", "layer_not_learning", "batch_too_small",
                  *LEARNS_BADLY),
    ),
    Rule(
        "batch_too_small", "gradient noise scale over the batch size", None, 10.0, None,
        "At a batch of a tenth of the noise scale, 10 of 11 parts of a step's square are noise (McCandlish et al. "
        "2018, section 2.2). Every run ends there once its gradient vanishes; so it is one only if the loss is not "
        "small, and a trial shows that it is the noise that keeps it up (see LIMITS).",
        explains=(*BREAKS, *LEARNS_BADLY),
    ),
    Rule(
        "learning_rate_too_high", "the update-to-weight ratio at its largest, or how the loss moves (see LIMITS)",
        None, 1.0, 3.0,
        "In units of what is too high by each sign: an update that is 10 % of the weights (the rule of thumb is 0.1 %, "
        "Karpathy 2015; healthy runs: at most 1.2 %), a loss that rises or that jumps up and down.",
        explains=("non_finite", "saturated_units", "dead_units", "vanishing_gradient", "layer_not_learning",
                  "overfitting", *LEARNS_BADLY),
    ),
    Rule(
        "non_finite", "examples with a value that is not finite, in the first quantity that has one", None, None, 1,
        "From the first value that is not finite on, everything computed from it is lost.",
        explains=("saturated_units", "dead_units", "vanishing_gradient", "layer_not_learning", "overfitting",
                  *LEARNS_BADLY),
    ),
    Rule(
        "saturated_units", "share of a layer's units that are saturated", None, 0.3, 0.8,
        "g′ is then below a hundredth of its largest value for 80 of 100 examples: |tanh a| > 0.995. The unit "
        "is a constant or a step, and passes next to nothing back (Glorot and Bengio 2010, section 3).",
        explains=("vanishing_gradient", "layer_not_learning", "learning_rate_too_low", *LEARNS_BADLY),
    ),
    Rule(
        "dead_units", "share of a layer's units that are dead", 0.03, 0.3, 0.8,
        "Such a unit is silent for every example and hears nothing, so it never comes back (Maas et al. 2013; Lu et "
        "al. 2020). Some are usual in wide ReLU layers (healthy runs: up to 16 %) and cost only their "
        "width; from 30 % on the layer is another one than was asked for.",
        explains=("vanishing_gradient", "layer_not_learning", "learning_rate_too_low", *LEARNS_BADLY),
    ),
    Rule(
        "vanishing_gradient", "‖∇_{a_1}‖ over that of the last layer measured", 0.01, 1e-3, 1e-5,
        "The first layer then learns a thousand times more slowly than the last (Hochreiter 1991; Glorot and Bengio "
        "2010). Sigmoids, with g′ ≤ ¼, come there in 5 layers. Healthy runs of 2 to 5 layers: 0.6 to 6.4.",
        explains=("layer_not_learning", "learning_rate_too_low", *LEARNS_BADLY), low=True,
    ),
    Rule(
        "layer_not_learning", "a layer's ‖∇_{W_i}‖/‖W_i‖ or its way per epoch, over the median of the layers",
        None, 1e-3, 1e-6,
        "A layer that moves a thousandth as far as the others stays as it was initialized. Healthy runs: above 0.3.",
        explains=("learning_rate_too_low", *LEARNS_BADLY), low=True,
    ),
    Rule(
        "learning_rate_too_low", "the largest update-to-weight ratio of any layer, in any epoch", None, 1e-4, 1e-6,
        "A tenth of the rule of thumb of 0.1 % (Karpathy 2015); found only if the loss has hardly fallen and is "
        "not small, since updates also grow small where there is nothing left to learn.",
        explains=("training_too_short", *LEARNS_BADLY), low=True,
    ),
    Rule(
        "training_too_short", "how much the loss fell in the last tenth of the epochs, of all that it fell", 0.05, None,
        None, "At an even pace it falls by a tenth in the last tenth; at half of that it is still far from its end.",
        explains=LEARNS_BADLY,
    ),
    Rule(
        "overfitting", "how far validation lies behind, or how the validation loss rose (see LIMITS)", None, 1.0, 3.0,
        "In units of what is too much by either sign. At 3, new examples are as if nothing had been learned.",
    ),
    Rule(
        "loss_stands_still", "how much the loss fell over all epochs, of what it was", None, 0.01, None,
        "The usual reasons have their own findings above this one; it says that none of them was seen.",
        explains=("underfitting",), low=True,
    ),
    Rule(
        "underfitting", "the loss over that of the best constant output", 0.9, 0.9, None,
        "Nine tenths or more of what one knows without looking at X at all. Healthy runs: up to 0.6 (diabetes, whose "
        "columns explain half of the target).",
    ),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.kind: rule for rule in _TABLE}


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that say where a rule applies and how it measures, each with its reason above it."""

    # fewer examples, and a ReLU unit that is active for one in ten is silent for all by chance (4 %)
    examples: int = 30
    # how many examples, units or columns one finding lists
    listed: int = 50
    # of the best constant's loss: below, scale did not keep the network from learning
    learned: float = 0.5
    # of the best constant's loss: a loss that may well stand still; and below, silent units did little harm
    small: float = 0.25
    # of the best constant's loss: more than an untrained network has
    wild: float = 10.0
    # of the largest g′: tanh beyond ±0.995, sigmoid beyond 0.0025 and 0.9975
    flat_slope: float = 0.01
    # of the examples at an end, for a saturated unit; healthy runs: up to 0.25, digits learned by heart 0.7
    flat_examples: float = 0.8
    # of the norm, for copies: what float32 makes of sums in another order
    copies: float = 1e-6
    # of a layer's weights in training: beyond, their size is the steps' doing, and not the initialization's
    growth: float = 10.0
    # whole numbers 0, 1, … with more levels are counts or scores rather than labels
    classes: int = 20
    # for each class, before 'never' is no accident: k·e^−10
    examples_of_class: int = 10
    # of the rarest class: more than half right, and the imbalance does little harm
    recall: float = 0.5
    # ŷ of the given class, at most, for a contradiction
    contradicted: float = 0.1
    # ŷ of another class that is enough for one, even if that class has more on average
    confident: float = 0.9
    # of the examples right, of all and of their class, before the network's word weighs more than a label
    accurate: float = 0.8
    # of the examples of the most frequent class: a class with no more is rare (the ratio of class_imbalance)
    rare: float = 0.1
    # the share of the examples whose say is compared with all others'
    loud: float = 0.01
    # of the loss, and of the best constant's, that dominating examples must have for a warning
    loud_loss: float = 0.5
    # epochs before the shape of a loss curve is judged
    epochs: int = 5
    # epochs before a loss is said to stand still: sigmoids begin with a plateau
    standstill: int = 10
    # update-to-weight ratio that counts as 1 in learning_rate_too_high
    update_high: float = 0.1
    # of the first epoch's loss, above it, counts as 1: more than chance from epoch to epoch
    loss_rise: float = 0.1
    # mean loss of an epoch over that of guessing (log k), for class labels, counts as 1: scaled inputs and the usual
    # initial weights begin below 2, so the steps have thrown the weights far out
    loss_high: float = 10.0
    # from this l2_penalty on, the loss of an epoch is not compared with guessing: half of it times ‖W‖², which is about
    # the number of units at the start, would be as large as the loss
    penalty: float = 0.01
    # median of the other layers' ways, below which none of them moves: rounding in float64 is 1e-16
    moves: float = 1e-12
    # mean rise from epoch to epoch, of the loss, counts as 1: epochs that differ by 18 % (0.1·√π)
    jumps: float = 0.1
    # of the best constant's loss: rises and jumps of a smaller loss are measured by this
    level: float = 0.25
    # of the loss: less of a fall is hardly one, for learning_rate_too_low
    hardly: float = 0.1
    # the trial of batch_too_small, at the run's learning rate: few steps and examples, so that it is cheap
    trial_steps: int = 20
    trial_examples: int = 4096
    # draws of mini-batches for so many steps, whose losses are compared
    trial_draws: int = 8
    # of the loss, by which all examples a step do better than mini-batches
    trial_fall: float = 0.1
    # standard deviation of the draws' losses, of the loss: it hangs on which examples come last. Of 148 runs on other
    # tables, with other activations and optimizers, 9 in 10 stay below 0.022; batches of 1 at a high rate: 0.06 to 1.8
    trial_spread: float = 0.05
    # of the best constant's loss, by which validation lies behind, counts as 1 in overfitting; healthy runs: to 0.23
    validation_gap: float = 0.4
    # the same for the rise of the validation loss above its least value; and of that value, which it has to be as well
    validation_rise: float = 0.1
    relative_rise: float = 0.25


LIMITS = Limits()
