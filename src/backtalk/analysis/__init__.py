"""What can be learned from the gradients of a network: is it the derivative, which examples matter, what is wrong.

check/         compares gradients with measured derivatives; mistakes/ names the likely mistake
per_example/   norms, clipped sums, moments and products of the gradients of single examples
influence/     which training examples taught the network what
landscape/     the loss over a plane through the space of parameters, and along a line
diagnose/      findings in words, with their numbers
torch_hooks/   ``listen``: the same for a PyTorch model, while its own code runs
"""
