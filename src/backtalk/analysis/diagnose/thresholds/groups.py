"""Kinds that several others explain."""

LEARNS_BADLY = ("training_too_short", "loss_stands_still", "underfitting")
BREAKS = ("learning_rate_too_high", "non_finite")
GRADIENTS = ("saturated_units", "dead_units", "vanishing_gradient", "exploding_gradient", "layer_not_learning")
