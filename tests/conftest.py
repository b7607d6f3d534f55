"""One thread a process: test processes run side by side, and small products gain nothing from more."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when NumPy or PyTorch is loaded
    os.environ.setdefault(_name, "1")
