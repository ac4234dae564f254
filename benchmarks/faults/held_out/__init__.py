"""The half of the suite that nobody looks at while the doctor is built: :data:`PROGRAMS` and :data:`HEALTHY`.

A file for each kind of fault:
  dense_data.py, dense_training.py   networks of backtalk: faults of the data and outputs; of network and training
  dense_healthy.py                   networks of backtalk without a fault
  data.py, report.py                 the data, and where programs of PyTorch put their result
"""

from __future__ import annotations

from . import dense_data, dense_healthy, dense_training

PROGRAMS = (*dense_data.PROGRAMS, *dense_training.PROGRAMS)
HEALTHY = (*dense_healthy.HEALTHY,)
