"""What an optimizer believes about each variable, as a readable table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from .. import checks
from ..space.variables import Ordinal
from .marginals import MeanStd, marginals
from .search_distribution import SearchDistribution

_SHOWN = 40  # about a screenful; where there are more variables, the least decided


def table(distribution: SearchDistribution) -> str:
    """One line per variable: its kind, mode (of levels with those a std off) or mean +- std, probability of the mode,
    normalized entropy, converged.

    Of more than 40 variables the 40 of the highest entropy, and a line that says so.
    """
    space, family, theta = distribution.space, distribution.family, distribution.theta
    entropy, settled = family.normalized_entropy(theta), family.settled(theta, distribution.margin)
    stays, mode, found = 1 - family.leaving_probability(theta), family.mode(theta), marginals(distribution)
    rows = [("variable", "kind", "belief", "P(mode)", "entropy", "converged")]
    chosen = np.arange(len(space))
    if len(space) > _SHOWN:
        chosen = np.sort(np.argsort(-entropy, kind="stable")[:_SHOWN])  # in the order of the space again
    for i in chosen.tolist():
        name = space.names[i]
        variable, marginal = space.variables[name], found[name]
        belief = checks.shown(variable.decode(mode[i].item()))
        if isinstance(variable, Ordinal) and isinstance(marginal, MeanStd):
            low, high = (round(min(max(marginal.mean + side * marginal.std, 0), variable.size - 1)) for side in (-1, 1))
            if low < high:  # levels one standard deviation off
                belief += f" ({checks.shown(variable.decode(low))} to {checks.shown(variable.decode(high))})"
        elif isinstance(marginal, MeanStd) and variable.size != 1:  # of a constant its value is shown
            mean = marginal.mean if isinstance(marginal.mean, float) else Decimal(marginal.mean)  # an int beyond floats
            belief = f"{mean:.4g} +- {marginal.std:.2g}{' (log)' * variable.log}"
        rows.append((name, type(variable).__name__, belief, "" if variable.continuous else f"{stays[i]:.2f}",
                     f"{entropy[i]:.2f}", "yes" if settled[i] else "no"))
    lines = _aligned(rows)
    if len(space) > _SHOWN:
        lines.append(f"... and {len(space) - _SHOWN} more, of lower entropy; {int(settled.sum())} of {len(space)} "
                     "have converged")
    return "\n".join(lines)


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
