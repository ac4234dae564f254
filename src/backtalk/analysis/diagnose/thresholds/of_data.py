"""The rules of the data, the loss and the output: causes of whatever follows."""

from __future__ import annotations

from .groups import BREAKS, GRADIENTS, LEARNS_BADLY
from .rule import Rule

OF_DATA = (
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
        explains=("one_target", "nothing_arrives", "targets_not_scaled", "class_imbalance", "batch_too_small",
                  "learning_rate_too_high", "learning_rate_too_low", "mislabelled_examples",
                  "dominating_examples", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "wrong_output", "whether the output function gives what the loss and the targets need", 1.0, 1.0, 1.0,
        "A matter of ranges, not of chance: severe if the output leaves the domain of the loss, cannot reach the "
        "targets, or need not be a distribution where the loss takes it for one; a note for squared error of "
        "probabilities, which learns, but slowly where it is wrong by far (Nielsen 2015, chapter 3).",
        explains=("targets_not_scaled", "nothing_arrives", "class_imbalance", "batch_too_small",
                  "learning_rate_too_high", "learning_rate_too_low", "mislabelled_examples",
                  "dominating_examples", "non_finite", *GRADIENTS, *LEARNS_BADLY),
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
        explains=(*BREAKS, "batch_too_small", "dominating_examples", "learning_rate_too_low", *GRADIENTS,
                  *LEARNS_BADLY), low=True,
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
        "uninformative_features",
        "standard deviations by which simple models do better on these targets than on shuffled ones", 3.0, 3.0, None,
        "Leave-one-out predictions of a linear model and of the nearest neighbours: two that would find something by "
        "chance in 5 of 1000 tables. What a network learns beyond that, it learns by heart (Zhang et al. 2017). "
        "Healthy runs: 13 to 290; shuffled targets: 0.3 to 1.4.",
        explains=("mislabelled_examples", "dominating_examples", "overfitting", "batch_too_small",
                  "learning_rate_too_high", "learning_rate_too_low", *LEARNS_BADLY), low=True,
    ),
    Rule(
        "linear_layers", "layers in a row without an activation between them", None, 2, None,
        "W_2(W_1 x + b_1) + b_2 is one linear layer: the depth is paid for, and gives nothing (Goodfellow, Bengio and "
        "Courville 2016, section 6.1).",
        explains=LEARNS_BADLY,
    ),
)  # fmt: skip
