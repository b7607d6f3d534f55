"""The other end of `neps.py`, run by the interpreter that has NePS: a point for each loss, a line of JSON each."""

from __future__ import annotations

import json
import random
import sys
from typing import Any

import neps
import numpy as np
import torch
from neps.optimizers import load_optimizer


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what the library prints is no answer
    library: Any = None
    trial: Any = None
    n_variables = 0
    for line in sys.stdin:
        message = json.loads(line)
        if library is None or "sizes" in message:
            library, n_variables = search(message), len(message["sizes"])
        else:
            library.tell(trial.id, message["loss"])
        trial = library.ask()
        codes = [trial.config[f"x{i}"] for i in range(n_variables)]
        print(json.dumps({"codes": codes, "fidelity": trial.config["fidelity"]}), file=answers, flush=True)


def search(task: dict[str, Any]) -> Any:
    """A new one, of variables by their sizes."""
    random.seed(task["seed"])
    np.random.seed(task["seed"])  # noqa: NPY002  it draws from there
    torch.manual_seed(task["seed"])
    parameters: dict[str, Any] = {f"x{i}": neps.HPOInteger(0, size - 1) if ordered else
                                  neps.HPOCategorical(list(range(size)))
                                  for i, (size, ordered) in enumerate(zip(task["sizes"], task["ordered"], strict=True))}
    fidelity = neps.HPOInteger(task["lowest"], task["highest"], is_fidelity=True)
    optimizer, _ = load_optimizer("auto", neps.SearchSpace({**parameters, "fidelity": fidelity}))
    return neps.AskAndTell(optimizer)


if __name__ == "__main__":
    main()
