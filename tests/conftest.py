"""One thread a process: test processes run side by side, and small products gain nothing from more."""

import os
import signal
from pathlib import Path

import pytest

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when NumPy or PyTorch is loaded
    os.environ.setdefault(_name, "1")

# of the helpers beside this file: `python -O` strips an assert that pytest has not rewritten
pytest.register_assert_rewrite("attack", *(path.stem for path in Path(__file__).parent.glob("*.py")
                                           if path.stem != "conftest"))

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in what a shell runs in the background; tests press Ctrl-C
    signal.signal(signal.SIGINT, signal.default_int_handler)
