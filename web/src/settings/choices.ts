// What each choice of a setting does, in a sentence; those without parameters under their names.

const AUTO_HEAD = "The one that is named.";

/** By the setting, and the name of the choice. */
export const CHOICES: Record<string, Record<string, string>> = {
  optimizer: {
    "sgd(momentum=0.0)": "Plain gradient descent, a mini-batch at a time: every weight goes against its gradient, times the learning rate.",
    gd: "Gradient descent on all training rows at once: one step an epoch. The batch size is not used.",
    sgd: "Gradient descent with momentum: a step keeps a share of the one before, nine tenths if no other is named.",
    momentum: "A step keeps nine tenths of the one before (μ = 0.9): like a ball that rolls on along a valley.",
    nesterov: "Momentum with the gradient of the place to which it is about to roll.",
    adagrad: "Divides each weight's step by the root of all its squared gradients so far: the steps only get shorter.",
    rmsprop: "Divides each weight's step by the recent size of its gradient.",
    adadelta: "As RMSprop, and times the recent size of the weight's own changes. Needs a learning rate near 1.",
    adam: "Momentum, divided by the recent size of each weight's gradient. Works in most cases without much care.",
    adam_epsilon_hat: "Adam as scikit-learn and TensorFlow have it: ε beside the root that is not corrected. Differs where gradients are tiny.",
    adam_uncorrected: "Adam without bias correction: the running means begin at 0, so the first steps are about three times as long as the learning rate.",
    amsgrad: "Adam that divides by the largest size so far, so that a step cannot grow again.",
    adamax: "Adam that divides by the largest recent gradient instead of its mean square.",
    nadam: "Adam that looks ahead as Nesterov does.",
    adamw: "Adam that also shrinks every weight a little in each step (weight decay 0.01).",
    lion: "Every weight moves by the whole learning rate, in the direction in which its momentum points. Needs a small one.",
  },
  schedule: {
    constant: "The rate stays as it is.",
    inverse_scaling: "The rate is divided by the root of the number of the step.",
    exponential: "The rate is multiplied by 0.95 after each epoch.",
    polynomial: "The rate falls in a straight line, down to 0 after the epochs that you give.",
    step: "The rate is divided by 10 after every 10 epochs.",
    adaptive: "The rate is divided by 5 when the loss has not fallen for 2 epochs.",
    reduce_on_plateau: "The rate is divided by 10 when the loss has not fallen for more than 10 epochs.",
    cosine: "The rate falls along half a cosine, down to 0 after the epochs that you give.",
    cosine_restarts: "The rate falls along half a cosine in 10 epochs, and then begins anew.",
    one_cycle: "The rate rises in the first 30 % of the epochs that you give, then falls nearly to 0.",
  },
  initialization: {
    auto: "What suits the activation of each layer: He for ReLU and its kin, LeCun for SELU, Glorot for the others.",
    glorot_uniform: "Uniform, with variance 2/(inputs + outputs of the layer): signals keep their size forward and back.",
    glorot_normal: "Normal, with variance 2/(inputs + outputs of the layer).",
    he_uniform: "Uniform, with variance 2/(inputs of the layer): makes up for the half that ReLU cuts off.",
    he_normal: "Normal, with variance 2/(inputs of the layer): makes up for the half that ReLU cuts off.",
    lecun_uniform: "Uniform, with variance 1/(inputs of the layer).",
    lecun_normal: "Normal, with variance 1/(inputs of the layer).",
    zeros: "All weights 0. The units of a layer then stay alike for ever: that is why weights are drawn.",
    constant: "All weights the same number. The units of a layer then stay alike for ever: that is why weights are drawn.",
    normal: "Normal with standard deviation 0.01, whatever the size of the layer: often too small for deep networks.",
    uniform: "Uniform between −0.05 and 0.05, whatever the size of the layer.",
  },
  activation: {
    identity: "g(a) = a. Layers of it are together no more than one linear layer.",
    sigmoid: "g(a) = 1/(1 + e⁻ᵃ), between 0 and 1. Its slope is at most ¼, so gradients shrink from layer to layer.",
    tanh: "Between −1 and 1, with slope 1 at 0. Flat far from 0.",
    relu: "g(a) = max(0, a). Its slope is 1 or 0; a unit that is 0 for all examples is dead.",
    leaky_relu: "ReLU with a small slope below 0, so that no unit can die.",
    elu: "ReLU that goes smoothly to −1 below 0.",
    selu: "ELU, scaled so that signals keep mean 0 and variance 1 through many layers.",
    gelu: "a times the probability that a standard normal number is below a: a smooth ReLU.",
    gelu_tanh: "GELU by a formula with tanh, as GPT-2 has it.",
    silu: "a · σ(a), also called swish: a smooth ReLU.",
    softplus: "log(1 + eᵃ): a smooth ReLU that is always above 0.",
    mish: "a · tanh(softplus a): a smooth ReLU with a dip below 0.",
    exp: "eᵃ. Grows fast; meant for outputs that count something.",
    hard_sigmoid: "Three straight lines instead of the sigmoid.",
    hard_tanh: "Three straight lines instead of tanh.",
    hard_swish: "Swish of straight lines and a parabola.",
    softsign: "a/(1 + |a|): like tanh, but flattens more slowly.",
    relu6: "ReLU that is cut off at 6.",
    celu: "ELU whose slope has no jump, whatever its α.",
    "per layer": "Each hidden layer has its own.",
  },
  output: {
    auto: AUTO_HEAD,
    softmax: "Probabilities that add up to 1, one for each class.",
  },
  loss: {
    auto: AUTO_HEAD,
    cross_entropy: "−log of the probability that the right class was given.",
    binary_cross_entropy: "The cross-entropy of each output by itself, as yes or no.",
    squared_error: "Half the squared distance between ŷ and the target.",
    absolute_error: "The distance between ŷ and the target: rows far off count less than with squares.",
    huber: "Squared for small errors, absolute for large ones.",
    poisson_deviance: "For counts: 0, 1, 2, …",
    kl_divergence: "How far the probabilities ŷ are from those of the target.",
    focal: "Cross-entropy in which rows that are already right count less.",
    categorical_hinge: "The right class should lead by 1; beyond that there is no loss.",
    quantile: "The best ŷ is the median, or another quantile, of the target.",
    quantiles: "Several quantiles of the target at once.",
    gaussian_nll: "Predicts a mean and a variance.",
  },
};

/** The sentence of a choice; an activation may also stand at the output. */
export function aboutChoice(setting: string, value: string): string {
  const name = value.replace(/\(.*/, "");
  return CHOICES[setting]?.[value] ?? CHOICES[setting]?.[name] ?? (setting === "output" ? CHOICES.activation?.[name] : undefined) ?? "";
}
