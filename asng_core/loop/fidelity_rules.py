"""Rules about fidelities and what they cost, as in `rules`."""

from __future__ import annotations

from collections.abc import Mapping

from .. import checks


def alone(where: str, *, vectorized: object) -> None:
    """Fidelities, which evaluations at once have not."""
    if vectorized:
        raise ValueError(f"{where} must be left out with vectorized=True, where one call evaluates a population.")


def cost(where: str, value: object, least: float) -> float:
    """A sum that evaluations may cost, where the cheapest costs `least`."""
    number = checks.real(where, value)
    if number < least:
        raise ValueError(f"{where} must be at least {least:g}, what the cheapest evaluation costs, got {number:g}.")
    return number


def same_fidelities(where: str, ours: object, theirs: object) -> None:
    """A checkpoint of a run with the same fidelities."""
    if ours != theirs:
        names = theirs["names"] if isinstance(theirs, Mapping) else None
        raise ValueError(f"{where} is of a run with {'no fidelities' if names is None else f'fidelities {names}'}, and "
                         "goes on in one only. Give the same, or another path for a new run.")
