"""The kinds of layers that listen hears, and what their weights' gradient is made of.

layer.py           Layer: one module with its parameters and calls; Kind: what all kinds have; Linear
convolution.py     Conv1d, Conv2d, Conv3d: pairs of patches, also in groups
embedding.py       Embedding: pairs whose inputs are indices
tied_pairs.py      TiedPairs: of a weight that is an embedding's and a Linear's
normalization.py   LayerNorm, GroupNorm, RMSNorm, InstanceNorm: weights that multiply element by element
table.py           which module is of which kind
mixing.py          modules that mix the examples of a batch
"""

from .layer import Kind, Layer
from .mixing import how_mixed, may_mix
from .table import kind_of
from .tied_pairs import tied

__all__ = ["Kind", "Layer", "how_mixed", "kind_of", "may_mix", "tied"]
