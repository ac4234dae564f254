"""A derivation as a lecture: each formula is derived as on a blackboard, page after page.

board.py       what every page needs: the values, what is asked, and the picture of the network
chain.py       the roadmap, and the chain rule from the loss to the quantity with all its factors
hidden.py      the second talk: multiple paths, one sum, two vectors, and row by row the whole layer; then through g
parameters.py  the third talk: weights, biases, and their sum over a batch
pages.py       all of it, in order
"""

from .pages import lecture_steps

__all__ = ["lecture_steps"]
