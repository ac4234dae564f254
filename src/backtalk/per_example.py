"""A public name to import from: ``backtalk.per_example`` is the folder analysis/per_example/."""

import sys

from .analysis import per_example

sys.modules[__name__] = per_example
