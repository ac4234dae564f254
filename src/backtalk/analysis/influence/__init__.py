"""Which training examples taught a network what: influence between examples, and scores of examples.

checkpoints.py         the networks that a call takes, each with its learning rate
products.py            inner products of the gradients of two sets of examples, block by block
extremes.py            the largest and smallest values of each row, while blocks of columns go by
training_examples.py   ``influence``: proponents and opponents of each test example
through_training.py    ``hypergradients``: derivatives through a whole recorded training; unrolled/: how
retraining.py          ``retrain``: the same run without some examples
scores.py              ``self_influence``, ``grand``, ``el2n``: one number for each training example
"""

from .retraining import retrain
from .scores import el2n, grand, self_influence
from .through_training import Hypergradients, hypergradients
from .training_examples import Influence, influence

__all__ = [
    "Hypergradients", "Influence", "el2n", "grand", "hypergradients", "influence", "retrain", "self_influence"
]  # fmt: skip
