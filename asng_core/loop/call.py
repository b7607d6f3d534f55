"""The call that repeats a run, as code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .. import checks


def seeded(seed: int | np.random.SeedSequence | None) -> int | np.random.SeedSequence:
    """The seed; where none is given one that is drawn, so that the run can be repeated all the same."""
    if seed is not None:
        return seed
    entropy = np.random.SeedSequence().entropy
    return entropy if isinstance(entropy, int) else 0


def call(name: str, objective: Callable[..., Any], *, budget: float, seed: int | np.random.SeedSequence,
         **settings: Any) -> str:
    """Such as `minimize(error, space, budget=30, seed=0)`. settings: left out where None, False or empty."""
    arguments = [getattr(objective, "__qualname__", "objective"), "space", f"budget={budget}", f"seed={_seed(seed)}"]
    for key, value in settings.items():
        if value is None or value is False or (isinstance(value, (tuple, list)) and not value):
            continue
        named = getattr(value, "__qualname__", None)
        plain = isinstance(value, (int, float, str))
        arguments.append(f"{key}={named if named and '<' not in named else checks.shown(value) if plain else '...'}")
    return f"{name}({', '.join(arguments)})"


def _seed(seed: int | np.random.SeedSequence) -> str:
    if isinstance(seed, int):
        return str(seed)
    spawned = f", spawn_key={seed.spawn_key}" if seed.spawn_key else ""
    return f"np.random.SeedSequence({seed.entropy}{spawned})"
