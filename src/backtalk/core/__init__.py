"""The heart: networks, their forward and backward pass by the formulas, and what these need.

arrays.py           arrays of any library; ``ArraySpec``: of which library, dtype and device a network is
layers.py           ``Layers``: quantities numbered from 1, or from 0
decimals.py         numbers as text
specification.py    activations, losses and optimizers as text
initialization.py   weights before training
activations/        g, g′ and g″
targets.py          from y to the target t
outputs.py          output functions
losses/             ℓ as a function of ŷ and t
tails.py            what a tells of ŷ near 0 and near 1
closed_forms.py     pairs of both that keep digits which ŷ has rounded away
head.py             ``Head``: the output function with the loss
dropout.py          masks of hidden units
network.py          ``Network``
mean.py             the mean of several networks, which is one network again
inputs.py           X, y and the weights of examples, checked against a network
forward.py          ``Trace``: every a_i and h_i
predictor.py        ``Predictor``: ŷ alone, in memory made once
sums.py             sums over the rows of a batch; sizes.py: the norms of rows, however large or small
backward.py         ``Gradients``: the three talks
curvature.py        ``HessianProduct``: the three talks, differentiated once more along a direction
optimizers/         from gradients to the next parameters
batch.py            examples, checked
objective.py        the penalty and the clipping of gradients
clipping.py         the clipping of single examples' gradients; noise.py: what a private step adds to their sum
norms.py            the norm of every gradient
views.py            what a notebook shows
checked.py          JSON that is read, checked
files.py            files that are whole or not there
pytrees.py          our types as JAX's trees
"""
