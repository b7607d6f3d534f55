"""Every rule about settings and beginnings of a search distribution; see `asng_core.checks` for how errors read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Floats
from ..checks import real, shown, truth

MAX_STEP_SIZE = 1e100  # longer steps end at the limits all the same, and their squares must stay finite
MIN_MARGIN = 1e-100
MIN_SIGMA, MAX_SIGMA = 1e-30, 1e16  # up to the longest range, which has 2**53 positions


def update_settings(where: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """margin, initial_step_size, alpha and adapt of a search distribution."""
    margin, adapt = settings["margin"], settings["adapt"]
    if margin is not None:
        margin = real(f"{where}(margin=...)", margin, above=0, below=0.5)
        if margin < MIN_MARGIN:
            raise ValueError(f"{where}(margin=...) must be at least {MIN_MARGIN:g}, got {margin}: float64 cannot keep "
                             "so small a probability.")
    return {"margin": margin,
            "initial_step_size": real(f"{where}(initial_step_size=...)", settings["initial_step_size"], above=0,
                                      below=MAX_STEP_SIZE),
            "alpha": real(f"{where}(alpha=...)", settings["alpha"], above=1),
            "adapt": truth(f"{where}(adapt=...)", adapt)}


def sigma_min(where: str, value: object) -> float | None:
    """The smallest standard deviation of positions, if one is given."""
    if value is None:
        return None
    number = real(f"{where}(sigma_min=...)", value, above=0)
    if not MIN_SIGMA <= number <= MAX_SIGMA:
        raise ValueError(f"{where}(sigma_min=...) must be within {MIN_SIGMA:g} and {MAX_SIGMA:g} positions, "
                         f"got {number}: 1 is from one value to the next.")
    return number


def probabilities(where: str, value: Sequence[Any] | Floats) -> Floats:
    """`(K,)` probabilities that sum to 1, up to rounding."""
    array = np.array([real(where, each) for each in value])
    # 1e-6: probabilities that went through float32 or a file of seven digits shall pass
    if (array < 0).any() or abs(array.sum() - 1) > 1e-6:
        raise ValueError(f"{where} must be probabilities, at least 0 and summing to 1, got {shown(array.tolist())}.")
    return np.asarray(array / array.sum(), dtype=np.float64)
