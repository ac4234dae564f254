"""A lesson: recorded steps and a page that plays, walks and derives them, in one file that needs no server.

recording.py  the steps, with the numbers of some examples; limits on how much that may be
walks.py      the slides of every step
training.py   what a page needs to train on
kernels.wasm  the kernels for it, which native/wasm/ makes
packing.py    facts and arrays as one text: what changes little from step to step takes little room
page.py       the page, with style, script, fonts and a recording inside
make.py       all of it, from settings
"""

from .make import make_lesson

__all__ = ["make_lesson"]
