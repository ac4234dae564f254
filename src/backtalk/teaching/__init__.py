"""Teaching back-propagation: derivations with the numbers of a network, and exercises to compute by hand.

derivations/   one gradient by the chain rule, step by step, and its strongest paths
exercises/     sheets, their keys, and marking
"""
