"""NePS: the optimizer that it chooses by itself, by its ask and tell, in an environment of its own.

Its pins of PyTorch's relatives suit no other library here. `NEPS_PYTHON` names the interpreter of an environment that
has it: `pip install neural-pipeline-search==0.17.0`.
"""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.arrays import Codes

from .fidelities import HighestSeen, Ladder

WORKER = Path(__file__).with_name("neps_worker.py")


class NePS(HighestSeen):
    """Its search is in another process, which answers each line of JSON by the next point."""

    def __init__(self, ladder: Ladder, seed: int) -> None:
        self.ladder, variables = ladder, ladder.space.variables.values()
        self.message: dict[str, Any] = {
            "sizes": [variable.size for variable in variables], "ordered": [variable.ordered for variable in variables],
            "lowest": ladder.fidelities[0], "highest": ladder.fidelities[-1], "seed": seed}

    def ask(self) -> tuple[Codes, int]:
        answer = _answer(self.message)
        return np.array(answer["codes"], dtype=np.int64), self.ladder.nearest(answer["fidelity"])

    def tell(self, codes: Codes, fidelity: int, loss: float) -> None:
        self.see(codes, fidelity, loss)
        self.message = {"loss": loss}


def _answer(message: dict[str, Any]) -> Any:
    process = _process()
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("the worker has no pipes")
    print(json.dumps(message), file=process.stdin, flush=True)
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{WORKER.name} ended. Run it by hand to see why.")
    return json.loads(line)


@cache
def _process() -> subprocess.Popen[str]:
    """One for all searches, since it takes seconds to import; it ends with this process, whose pipe closes."""
    python = os.environ.get("NEPS_PYTHON")
    if python is None:
        raise RuntimeError("NePS runs in an environment of its own. Make one, `pip install "
                           "neural-pipeline-search==0.17.0` there, and set NEPS_PYTHON to its interpreter.")
    # isolated: this folder has files of the libraries' names
    return subprocess.Popen([python, "-I", "-W", "ignore", str(WORKER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL, text=True)
