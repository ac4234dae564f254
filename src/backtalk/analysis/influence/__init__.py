"""Which training examples taught a network what: influence between examples, and scores of examples.

checkpoints.py         the networks that a call takes, each with its learning rate
products.py            inner products of the gradients of two sets of examples, block by block
extremes.py            the largest and smallest values of each row, while blocks of columns go by
methods.py             the methods of ``influence``, each a matrix in blocks; curved/: those by curvature
projected.py           the method trak: gradients of the output function, projected at random
midpoint.py            the method midpoint: the derivative where an example has half its weight
training_examples.py   ``influence``: proponents and opponents of each test example
own_gradients.py       each example's own gradients in float64
through_training.py    ``hypergradients``: derivatives through a whole recorded training; unrolled/: how
retraining.py          ``retrain``: the same run without some examples
truth.py               what retraining does to losses, and correlations with it; the method retrain
agreement.py           how far one answer agrees with a few retrained networks
scoring.py             ``score_influence``: how far each method does
scores.py              ``self_influence``, ``grand``, ``el2n``: one number for each training example
"""

from .agreement import Agreement
from .retraining import retrain
from .scores import el2n, grand, self_influence
from .scoring import InfluenceScore, InfluenceScores, score_influence
from .through_training import Hypergradients, hypergradients
from .training_examples import Influence, influence

__all__ = [
    "Agreement", "Hypergradients", "Influence", "InfluenceScore", "InfluenceScores", "el2n", "grand",
    "hypergradients", "influence", "retrain", "score_influence", "self_influence",
]  # fmt: skip
