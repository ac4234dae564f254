"""The half of the suite that nobody looks at while the doctor is built: :data:`PROGRAMS` and :data:`HEALTHY`.

A file for each kind of program:
  dense_data.py, dense_training.py    networks of backtalk: faults of the data and outputs; of network and training
  torch_images.py, torch_series.py, torch_tables.py    PyTorch: faults that any training can have
  mistakes_losses.py, mistakes_parameters.py, mistakes_loop.py    PyTorch: the mistakes that only its code can make
  dense_healthy.py, torch_healthy.py, torch_unusual.py    without a fault
  data.py, report.py, twins.py        the data; where programs of PyTorch put their result; twins as one function
"""

from __future__ import annotations

from . import (
    dense_data,
    dense_healthy,
    dense_training,
    mistakes_loop,
    mistakes_losses,
    mistakes_parameters,
    torch_healthy,
    torch_images,
    torch_series,
    torch_tables,
    torch_unusual,
)

_MISTAKES = (*mistakes_losses.PROGRAMS, *mistakes_parameters.PROGRAMS, *mistakes_loop.PROGRAMS)
PROGRAMS = (
    *dense_data.PROGRAMS,
    *dense_training.PROGRAMS,
    *torch_images.PROGRAMS,
    *torch_series.PROGRAMS,
    *torch_tables.PROGRAMS,
    *sorted(_MISTAKES, key=lambda program: program.mistake or 0),
)
HEALTHY = (*dense_healthy.HEALTHY, *torch_healthy.HEALTHY, *torch_unusual.HEALTHY)
