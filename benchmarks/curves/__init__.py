"""Makes the learning curves of `problems/curves.py`: trains every configuration of a space.

    python -m benchmarks.curves "SGD digits by share"      minutes of one core; goes on where it was stopped
    python -m benchmarks.curves all                         half an hour

Stored in `data/curves`: of each row of the space the validation loss at each fidelity (null where
training diverged), of networks after every epoch, and the seconds of the processor until then.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

from .. import store
from ..problems import curves as problems


def run(name: str, row: int, seed: int) -> dict[str, Any]:
    """Train one configuration."""
    if name.startswith("networks"):
        from .networks import trained
    else:
        from .scikit import trained
    losses, seconds, start = [], [], time.process_time()
    for loss in trained(name, problems.values(name, row), seed):
        losses.append(float(f"{loss:.5g}") if math.isfinite(loss) else None)
        seconds.append(round(time.process_time() - start, 3))
    return {"losses": losses, "seconds": seconds}


def tasks(name: str) -> list[dict[str, Any]]:
    """Every configuration, one training seed."""
    return [{"name": name, "row": row, "seed": 0} for row in range(int(problems.SPACES[name].size))]


def main() -> None:
    parser = store.parser("curves", __doc__)
    parser.set_defaults(out=problems.FOLDER)
    parser.add_argument("name", choices=[*problems.SPACES, "all"])
    options = parser.parse_args()
    for name in problems.SPACES if options.name == "all" else (options.name,):
        packages = ("numpy", "torch" if name.startswith("networks") else "scikit-learn")
        store.measure(Path(options.out) / problems.file_of(name), run, tasks(name), parts=lambda _: (),
                      packages=packages, **store.how(options))
