"""``python -m benchmarks.tables``: see :mod:`benchmarks.tables.command`."""

import os

if __name__ == "__main__":
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # before NumPy is imported: nobody spins
    from .command import main

    main()
