"""Where a rule applies and how it measures: numbers that are not compared with a threshold of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers that say where a rule applies and how it measures, each with its reason above it."""

    # fewer examples, and a ReLU unit that is active for one in ten is silent for all by chance (4 %)
    examples: int = 30
    # how many examples, units or columns one finding lists
    listed: int = 50
    # of the best constant's loss: below, scale did not keep the network from learning
    learned: float = 0.5
    # of the best constant's loss: a loss that may well stand still; and below, silent units are no more than a warning
    small: float = 0.25
    # of the best constant's loss: more than an untrained network has
    wild: float = 10.0
    # of the largest g′: tanh beyond ±0.995, sigmoid beyond 0.0025 and 0.9975
    flat_slope: float = 0.01
    # of the examples at an end, for a saturated unit; healthy runs: up to 0.25, digits learned by heart 0.7
    flat_examples: float = 0.8
    # of a layer's units, dead in one batch of a PyTorch model, before it is more than a note: the initial weights of
    # nn.Linear shrink the signal beside the biases, and in 8 layers up to 0.48 are silent for 40 examples at the start
    dead_in_batch: float = 0.5
    # of a PyTorch model's trained parameters that a gradient reached, before the verdict is 'healthy'
    heard: float = 0.95
    # of the norm, for copies: what float32 makes of sums in another order
    copies: float = 1e-6
    # units and inputs of a layer from which on it is no accident that all units hear one combination of the inputs
    combination: int = 3
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
    # update-to-weight ratio that counts as 1 in learning_rate_too_high; and if the loss has not become small
    update_high: float = 0.1
    update_high_in_vain: float = 0.05
    # of the first epoch's loss, above it, counts as 1: more than chance from epoch to epoch
    loss_rise: float = 0.1
    # mean loss of an epoch, without its penalty, over that of the best constant output, counts as 1: scaled inputs and
    # targets, and the usual initial weights, begin below 5, so the steps have thrown the weights far out
    loss_high: float = 10.0
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

    # examples that simple models are compared on: their distances are then some 4 million numbers
    peer_examples: int = 2000
    # shuffles of the targets: enough for a standard deviation
    shuffles: int = 20
    # nearest rows whose mean is taken: an odd one out among them is outvoted
    neighbours: int = 10
    # of the mean square of scaled columns, added to the diagonal of the linear model
    ridge: float = 0.01

    # of the targets' variance, by which a simple model explains more than the network does: counts as 1 in underfitting
    ahead: float = 0.1
    # the same for a network without a history, which may be shown other rows than it was trained on
    far_ahead: float = 0.3
    # of the best constant's loss: worse than it, whatever there is to find
    above: float = 1.1
    # examples before it is said that X says nothing of y: with fewer, a weak relation is not seen
    enough_for_nothing: int = 100
    # of the best constant's loss, on a validation set: below, X says something
    tells: float = 0.95
    # examples whose gradient is taken for that of the data at the start
    gradient_examples: int = 1000
    # by which a penalty that is too strong is divided in the advice
    weaker: float = 100.0
    # a dropout rate that leaves too few units, and the probability of none at all that counts as much
    dropped: float = 0.85
    all_dropped: float = 0.1
    # epochs' worth of examples that all trials together may take, and multiplications that are always allowed: some
    # tenths of a second
    trial_epochs: float = 1.5
    trial_work: float = 3e8
    # draws of mini-batches, without which their spread is not known
    fewest_draws: int = 3

    # times the usual size of a layer's initial weights (He et al. 2015): more is no accident of drawing them
    begins_large: float = 3.0
    # growth of a layer's weights, from the usual size or what they began with, that counts as 1 in
    # learning_rate_too_high; healthy runs: up to 4.6
    thrown: float = 10.0
    # examples of a mini-batch from which on large steps are the rate's doing rather than the noise's
    small_batch: int = 16
    # of the largest learning rate: a schedule that has come down so far has ended the fall of the loss
    annealed: float = 0.2

    # of the best constant's loss, or of the examples right: nothing is left to learn
    solved: float = 0.05
    right: float = 0.99

    # of the share of labels that other rows contradict, in the half of the rows whose neighbours are most of one mind:
    # wrong labels anywhere have 0.68 to 1 there, classes that overlap up to 0.62
    anywhere: float = 0.65

    # of the targets' variance, by which simple models are ahead: with less, longer training finds no more than they do
    abreast: float = 0.03

    # update-to-weight ratio, ten times the rule of thumb, and growth of the weights, below which a loss that is far
    # above the constant's began there, and was not thrown there
    throws: float = 0.01
    grows: float = 1.5

    # rows for each column, without which simple models do not see what few of many columns say
    rows_of_column: int = 3

    # of their usual initial size: weights that a penalty has shrunk
    shrunk: float = 0.5


LIMITS = Limits()
