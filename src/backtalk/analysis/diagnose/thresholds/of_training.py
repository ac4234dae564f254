"""The rules of single examples, layers and the course of training."""

from __future__ import annotations

from .groups import BREAKS, GRADIENTS, LEARNS_BADLY
from .rule import Rule

OF_TRAINING = (
    Rule(
        "symmetry", "share of a hidden layer's units that are copies of another one", None, 0.05, 0.5,
        "Units with equal incoming and outgoing weights have equal gradients, and so stay copies for ever (Goodfellow, "
        "Bengio and Courville 2016, section 8.4). Random weights have none: 5 % is no accident.",
        explains=("nothing_arrives", "learning_rate_too_low", "batch_too_small",
                  "learning_rate_too_high", *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "penalty_too_strong",
        "the pull of the penalty over that of the data, at the usual initial weights; or 0.3 times penalty over loss",
        None, 0.3, 10.0,
        "A network that fits has a tenth or less of the gradient of the start: at 0.3 such a gradient holds weights of "
        "a third of their initial size. Only if the loss is still half of the best constant's, or simple models "
        "explain more. Healthy runs: up to 0.02.",
        explains=("nothing_arrives", "learning_rate_too_low", "learning_rate_too_high", "batch_too_small",
                  *GRADIENTS, *LEARNS_BADLY),
    ),
    Rule(
        "dropout_too_strong", "share of a layer's units that dropout drops, or of the outputs", None, 0.85, None,
        "Srivastava et al. 2014 find 0.2 to 0.5 best, and little left from 0.8 on.",
        explains=("learning_rate_too_low", "batch_too_small", *LEARNS_BADLY),
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
        "In units of what is too high by each sign: an update that is 10 % of the weights, 5 % if the loss has not "
        "become small (the rule of thumb is 0.1 %, Karpathy 2015; healthy runs, with their first steps: up to 2.1 %); "
        "a loss of ten times that of a constant; one that rises or that jumps up and down; weights that grow tenfold.",
        explains=("non_finite", "nothing_arrives", "saturated_units", "dead_units", "vanishing_gradient",
                  "layer_not_learning", "overfitting", *LEARNS_BADLY),
    ),
    Rule(
        "non_finite", "examples with a value that is not finite, in the first quantity that has one", None, None, 1,
        "From the first value that is not finite on, everything computed from it is lost.",
        explains=("saturated_units", "dead_units", "vanishing_gradient", "layer_not_learning", "overfitting",
                  *LEARNS_BADLY),
    ),
    Rule(
        "nothing_arrives", "whether the gradient is exactly 0 from some layer down, for every example", None, None, 1.0,
        "No step changes anything: a unit that is flat for every example, a softmax of one output, or a loss that does "
        "not depend on the weights.",
        explains=("saturated_units", "dead_units", "vanishing_gradient", "layer_not_learning", "learning_rate_too_low",
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
        explains=LEARNS_BADLY, low=True,
    ),
    Rule(
        "training_too_short", "what as many epochs again would bring, of the loss of the best constant output",
        0.03, 0.05, None,
        "Judged by how the fall of the loss goes on from doubling to doubling of the steps. A twentieth of all that "
        "can be learned is worth the time; healthy runs: up to 0.02.",
        explains=("loss_stands_still", "underfitting"),
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
        "underfitting", "the loss over that of the best constant output, or 9 times what simple models explain more",
        0.9, 0.9, None,
        "Nine tenths or more of what one knows without looking at X at all: a note if simple models, which tell each "
        "row from the others, find no more either. Or they explain a tenth of the targets' variance more than the "
        "network, which was trained on these rows. Healthy runs: up to 0.6 (diabetes, whose columns explain half of "
        "the target), and 0.08 of the variance (digits without a hidden layer).",
    ),
)  # fmt: skip
