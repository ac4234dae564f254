"""Everything about single examples, from the pairs (h_{i-1}, ∇_{a_i}) of one backward pass."""
