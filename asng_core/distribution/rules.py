"""Every rule about settings and beginnings of a search distribution; see `asng_core.checks` for how errors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Floats
from ..checks import real, shown

MAX_STEP_SIZE = 1e100  # longer steps end at the limits all the same, and their squares must stay finite


def update_settings(where: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """margin, initial_step_size, alpha and adapt of a search distribution."""
    margin, adapt = settings["margin"], settings["adapt"]
    return {"margin": None if margin is None else real(f"{where}(margin=...)", margin, above=0, below=0.5),
            "initial_step_size": real(f"{where}(initial_step_size=...)", settings["initial_step_size"], above=0,
                                      below=MAX_STEP_SIZE),
            "alpha": real(f"{where}(alpha=...)", settings["alpha"], above=1), "adapt": bool(adapt)}


def probabilities(where: str, value: Sequence[Any] | Floats) -> Floats:
    """`(K,)` probabilities that sum to 1, up to rounding."""
    array = np.array([real(where, each) for each in value])
    # 1e-6: probabilities that went through float32 or a file of seven digits shall pass
    if (array < 0).any() or abs(array.sum() - 1) > 1e-6:
        raise ValueError(f"{where} must be probabilities, at least 0 and summing to 1, got {shown(array.tolist())}.")
    return np.asarray(array / array.sum(), dtype=np.float64)
