"""The rules of what only a program of PyTorch can get wrong: its graph, its modules, its optimizer."""

from __future__ import annotations

from .rule import Rule

OF_PROGRAMS = (
    Rule(
        "weights_do_not_change", "steps after which every weight was as before, in a row", None, None, 1,
        "An optimizer that is never stepped, gradients that are cleared before the step, or a rate of 0: nothing can "
        "be learned.",
        explains=("*",),
    ),
    Rule(
        "ascent", "steps in a row along the gradient instead of against it", None, None, 1,
        "A step of descent has a negative inner product with the gradient. One in a row may be momentum; all of them "
        "are the sign.",
        explains=("*",),
    ),
    Rule(
        "parameters_of_another_model", "share of the optimizer's numbers that are not the model's", None, 0.001, 0.5,
        "The optimizer changes parameters that the model does not use, as after a copy of the model.",
        explains=("*",),
    ),
    Rule(
        "unregistered_parameters", "leaves of the loss's graph that are no parameters of the model", None, 1, None,
        "A layer in a Python list, or a tensor that is no Parameter, takes part and is trained by nobody.",
        explains=("*",),
    ),
    Rule(
        "parameters_not_in_optimizer",
        "share of the model's trained numbers that the optimizer does not hold", None, 0.001, 0.5,
        "They have gradients and never move.",
        explains=("*",),
    ),
    Rule(
        "frozen_parameters", "share of the model's numbers with requires_grad=False", 0.001, 0.9, None,
        "Freezing is often meant; a note unless the optimizer holds them, or hardly anything else is trained.",
        explains=("unreached_parameters", "layer_not_learning"),
    ),
    Rule(
        "parameters_twice", "parameters that the optimizer holds more than once", None, 1, None,
        "Each of its entries moves such a parameter: the step is taken twice.",
        explains=("learning_rate_too_high",),
    ),
    Rule(
        "eval_mode_while_training", "share of the steps with dropout or batch norm in evaluation mode", None, 0.5, None,
        "Dropout is off and batch norm keeps its running statistics: the model that is trained is another one than "
        "asked for.",
        explains=("overfitting", "underfitting", "loss_stands_still"),
    ),
    Rule(
        "train_mode_while_evaluating",
        "forward passes without gradients, with dropout or batch norm in training mode", None, 1, None,
        "Scores then hang on dropout's masks and on the other rows of the batch, and the running statistics learn "
        "from held-out rows.",
        explains=("overfitting",),
    ),
    Rule(
        "gradients_not_cleared", "steps in a row whose gradient holds those of the steps before", None, 3, None,
        "A sum of old gradients is a momentum of 1: it goes on in directions that no longer help.",
        explains=("learning_rate_too_high", "exploding_gradient", "non_finite", "loss_stands_still", "underfitting"),
    ),
    Rule(
        "gradients_clipped_away",
        "the gradient's norm over the one that it is clipped to, in the middle of the steps", None, 100, None,
        "Where every step is clipped, the norm decides the step and not the gradient: a rate a hundred times smaller.",
        explains=("learning_rate_too_low", "loss_stands_still", "underfitting"),
    ),
    Rule(
        "graph_grows", "nodes of the loss's graph, of those in the first steps; or a third of the graphs in memory",
        None, 3, None,
        "A loss or a state that is kept with its graph makes each backward pass walk through all steps before.",
    ),
    Rule(
        "loss_broadcasts", "terms of the loss over the targets", None, 1.5, 2,
        "(N, 1) against (N,) are N × N differences: the least loss is then the same output, the mean, for all "
        "examples.",
        explains=("*",),
    ),
    Rule(
        "labels_outside_classes", "targets that the loss cannot mean", None, 1, 1,
        "Binary cross-entropy takes 0 to 1: at −1 its loss has no lower end.",
        explains=("*",),
    ),
    Rule(
        "softmax_over_wrong_dimension", "whether each row of probabilities adds up to 1", None, None, 1,
        "Over the batch, examples take probability from one another; over one unit, the output is 1 whatever the "
        "weights are.",
        explains=("*",),
    ),
    Rule(
        "loss_without_output_function",
        "whether the loss gets the logarithms of probabilities that it takes", None, None, 1,
        "NLLLoss is −a_y: without log_softmax it falls for ever as the outputs grow, and tells nothing apart.",
        explains=("*",),
    ),
    Rule(
        "output_function_twice", "output functions between the last layer and the loss, beyond one", None, 1, None,
        "The loss applies softmax or sigmoid itself. A softmax of probabilities lies between 1/(1 + (k − 1)e) and "
        "e/(e + k − 1) for k classes, so the loss cannot come near 0, and gradients are small.",
        explains=("vanishing_gradient", "learning_rate_too_low", "loss_stands_still", "underfitting",
                  "batch_too_small"),
    ),
    Rule(
        "activation_on_logits",
        "whether an activation stands between the last layer and a loss of raw outputs", None, 1, None,
        "A ReLU there makes every negative logit 0, and passes nothing back; a sigmoid or tanh bounds them.",
        explains=("dead_units", "saturated_units", "vanishing_gradient", "nothing_arrives",
                  "loss_stands_still", "underfitting"),
    ),
    Rule(
        "loss_is_summed", "examples that the loss adds up", 2, None, None,
        "A sum has a gradient that grows with the batch: the rate has to be as many times smaller.",
        explains=("learning_rate_too_high", "exploding_gradient", "non_finite"),
    ),
    Rule(
        "sorted_batches", "what the mini-batches lack of the mix of classes", None, 0.6, None,
        "1 − P(two of a batch differ in class)/P(two of all differ): 0 for shuffled rows, 1 for one class a batch. A "
        "step then learns one answer for all inputs, and the next one forgets it (Bottou 2012, section 3.1: shuffle).",
        explains=("one_target", "missing_classes", "class_imbalance", "learning_rate_too_high", "batch_too_small",
                  "overfitting", "loss_stands_still", "underfitting"),
    ),
    Rule(
        "unreached_parameters", "share of the trained numbers that no gradient reached", 0.001, 0.05, 0.5,
        "They are asked to learn and hear nothing: a detach, a no_grad, a step that has no derivative, or a layer "
        "that is not used.",
        explains=("nothing_arrives", "layer_not_learning", "vanishing_gradient", "loss_stands_still", "underfitting"),
    ),
)  # fmt: skip
