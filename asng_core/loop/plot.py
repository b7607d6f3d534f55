"""A picture of a run: the losses one after another, or those of two objectives one against the other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..arrays import Floats
from ..ask_tell.results import Best

_DECADES = 100.0  # ratio of losses from which a linear scale would press the smallest ones onto the axis


def draw(losses: Floats, recommended: Best | None, front: Sequence[Best], maximized: bool, ax: Any) -> Any:
    """The matplotlib Axes with the picture: `ax`, or new ones.

    losses: `(n,)`, or `(n, n_objectives)`; with several objectives the front is drawn.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError("Result.plot() needs matplotlib. Run: pip install 'asng[plot]'") from error
    if losses.ndim > 1 and losses.shape[1] > 2:
        raise ValueError(f"Result.plot() must have one or two objectives, got {losses.shape[1]}. "
                         "Draw columns of Result.history.losses.")
    if ax is None:
        _, ax = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    if losses.ndim > 1:
        _front(losses, front, maximized, ax)
    else:
        _losses(losses, recommended, maximized, ax)
    ax.spines[["top", "right"]].set_visible(False)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(frameon=False)
    return ax


def _losses(losses: Floats, recommended: Best | None, maximized: bool, ax: Any) -> None:
    """One objective: `(n,)` losses in the order of the history, and the best so far."""
    numbers = np.arange(1, len(losses) + 1)
    finite = np.isfinite(losses)
    best = so_far(losses, maximized)
    ax.plot(numbers[finite], losses[finite], ".", color="0.6", markersize=4, label="evaluation")
    ax.plot(numbers, np.where(np.isfinite(best), best, np.nan), drawstyle="steps-post", color="C0", label="best so far")
    if not finite.all():  # as crosses near the bottom: x in data, y in axes coordinates
        ax.plot(numbers[~finite], np.full((~finite).sum(), 0.02), "x", color="C3", markersize=4, clip_on=False,
                transform=ax.get_xaxis_transform(), label="failed or infinite")
    if recommended is not None and recommended.loss != best[-1]:  # under noise
        ax.axhline(recommended.loss, color="C1", linestyle="--", linewidth=1, label="mean at the recommended point")
    if _spans_decades(losses[finite]):
        ax.set_yscale("log")
    ax.set_xlabel("evaluations")
    ax.set_ylabel("value (higher is better)" if maximized else "loss")


def _front(losses: Floats, front: Sequence[Best], maximized: bool, ax: Any) -> None:
    """Two objectives: `(n, 2)` losses as points, and the front as a staircase."""
    finite = np.isfinite(losses).all(axis=1)
    ax.plot(*losses[finite].T, ".", color="0.6", markersize=4, label="evaluation")
    points = np.array(sorted(each.loss for each in front)).reshape(-1, 2)  # by objective 0; (0, 2) of no front
    points = points[np.isfinite(points).all(axis=1)]
    # what the front dominates is above a staircase, or when maximizing below it
    ax.plot(*points.T, "o-", drawstyle="steps-pre" if maximized else "steps-post", color="C0", markersize=5,
            linewidth=1, label="front")
    for scale, column in ((ax.set_xscale, 0), (ax.set_yscale, 1)):
        if _spans_decades(losses[finite, column]):
            scale("log")
    ax.set_xlabel("objective 0")
    ax.set_ylabel("objective 1")


def _spans_decades(shown: Floats) -> bool:
    return len(shown) > 0 and bool(shown.min() > 0 and shown.max() / shown.min() >= _DECADES)


def so_far(losses: Floats, maximized: bool) -> Floats:
    """`(n,)` best of the losses up to each one; NaN before the first."""
    # fmin and fmax pass over NaN, which minimum and maximum would keep from then on
    best: Floats = (np.fmax if maximized else np.fmin).accumulate(losses) if len(losses) else losses
    return best
