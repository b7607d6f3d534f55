"""Under noise: which function of the losses the model learns.

Losses of failures aside, noise that is the same everywhere wants the losses as they are; losses over several orders of
magnitude, as of networks some of which diverge, want their logarithm: log(z + c), z the loss over the lowest one, in
units of the median. Which c the likelihood tells, if each pays for its stretching by its derivative, as in warped
Gaussian processes (Snelson, Rasmussen and Ghahramani, NIPS 2003).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..arrays import Bools, Floats
from ..ranking import midranks, ranks

_FAR = 1e100  # units; the square of more may overflow
OFFSETS = (None, 1.0, 0.1, 0.01)  # c; None: the losses as they are


@dataclass(frozen=True)
class Warp:
    """Losses -> targets of mean 0 and deviation 1."""

    offset: float | None
    low: float
    unit: float
    mean: float = 0.0
    deviation: float = 1.0

    def raw(self, losses: Floats) -> Floats:
        with np.errstate(over="ignore", invalid="ignore"):
            z = np.clip(np.nan_to_num(losses / self.unit - self.low / self.unit), -_FAR, _FAR)
        return np.asarray(z if self.offset is None else np.log(np.maximum(z, 0.0) + self.offset))

    def losses(self, targets: Floats) -> Floats:
        """The way back."""
        raw = targets * self.deviation + self.mean
        with np.errstate(over="ignore"):  # of the largest floats
            found = raw if self.offset is None else np.exp(np.minimum(raw, 700.0)) - self.offset
            found = found * self.unit + self.low
        return np.nan_to_num(found)


def warped(losses: Floats, succeeded: Bools, offsets: tuple[float | None, ...] = OFFSETS,
           ) -> list[tuple[Warp, Floats, float]]:
    """A warp of each offset, `(n,)` targets, and the log density that the losses gain by it.

    What has failed is as bad as the worst.
    """
    usable = succeeded & np.isfinite(losses)
    known = losses[usable]
    if not len(known) or known.min() == known.max():  # no more to tell apart than success
        targets = np.where(usable, 0.0, np.where(losses == -np.inf, -1.0, 1.0))
        return [(Warp(None, float(known[0]) if len(known) else 0.0, 0.0), targets - targets.mean(), 0.0)
                for _ in offsets]
    low, scale = float(known.min()), float(np.abs(known).max())
    above = known / scale - low / scale  # within 2, however large the losses are
    spread = max(float(np.median(above) or above.mean()) * scale, 5e-324)
    filled = np.where(usable, losses, known.max())
    filled[losses == -np.inf] = low
    found = []
    for offset in offsets:
        warp = Warp(offset, low, spread)
        raw = warp.raw(filled)
        warp = Warp(offset, low, spread, float(raw.mean()), max(float(raw.std()), 1e-300))
        gain = -len(known) * math.log(warp.deviation) - (0.0 if offset is None else float(warp.raw(known).sum()))
        found.append((warp, (raw - warp.mean) / warp.deviation, gain))
    return found


def scores(losses: Floats) -> Floats:
    """`(n,)` logistic scores of the places of `(n,)` losses, the failed (NaN) last: mean 0, deviation 1, 0 if all tie.

    Only the order counts, so that losses over many orders of magnitude leave the good ones apart; and the best stand
    out, as in a sample of a bell curve.
    """
    if not len(losses):
        return losses
    place = (midranks(ranks(losses)) + 1.0) / (len(losses) + 1.0)  # of places from 0 on
    found = np.log(place / (1.0 - place))
    found -= found.mean()
    return np.asarray(found / (found.std() or 1.0))
