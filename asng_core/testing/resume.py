"""A fresh process that goes on from a file: python -m asng_core.testing.resume MODULE CLASS PROBLEM PATH STEPS."""

from __future__ import annotations

import functools
import importlib
import sys

from .driving import Run
from .problems import SPACES


def main(module: str, name: str, problem: str, path: str, steps: str) -> None:
    """Load, go on, and write what was asked as hexadecimal lines."""
    kind = functools.reduce(getattr, name.split("."), importlib.import_module(module))
    space = SPACES[problem]()
    run = Run(kind.load(path, space=space), space, problem)
    sys.stdout.write("\n".join(each.hex() for each in run.steps(int(steps)).trace))


if __name__ == "__main__":
    main(*sys.argv[1:])
