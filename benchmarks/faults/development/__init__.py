"""The half that the doctor's rules were developed on.

Networks of backtalk: networks_of_classes.py, networks_of_numbers.py and healthy_networks.py. Dense networks of PyTorch:
dense_of_classes.py and dense_of_numbers.py. Mistakes that only code of PyTorch can make: mistakes_in_losses.py,
mistakes_in_optimizers.py, mistakes_in_graphs.py and mistakes_in_steps.py. Healthy programs of PyTorch:
healthy_models.py and healthy_loops.py.

Each program is written anew from the description of a public one: benchmark and number stand in its ``source``. The
numbers of DeepFD, DeepLocalize and deepmufl are those of posts on StackOverflow, and #16045 is an issue or a pull
request on GitHub. Sizes and data are scaled down.
"""
