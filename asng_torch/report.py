"""Pictures of a search, for people who would rather look. Needs matplotlib."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asng_core import Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]


def draw_distribution(steps: NDArray[np.float64], distribution: Mapping[str, NDArray[np.float64]], space: Space,
                      path: Path) -> None:
    """The distribution over time, to the right: for each variable a heat map of its values' probabilities.

    An ordered variable is drawn as a line, its mean, within a band of two standard deviations.

    steps: `(t,)` of the columns; distribution: variable name -> `(t, K)`, or of an ordered one `(t, 2)`. Variables of
        one value are left out.
    """
    distribution = {name: history for name, history in distribution.items() if space.variables[name].size > 1}
    rows = [2 if space.variables[name].ordered else len(history[0]) for name, history in distribution.items()]
    figure, axes = _figure(len(rows), figsize=(8, 0.6 + 0.17 * sum(rows)), sharex=True,
                           gridspec_kw={"height_ratios": rows})
    image = None
    for axis, (name, history) in zip(axes, distribution.items(), strict=True):
        variable = space.variables[name]
        if variable.ordered:
            mean, std = history.T
            axis.plot(steps, mean, color="C3")
            axis.fill_between(steps, mean - std, mean + std, color="C3", alpha=0.2)
            axis.set_ylim(*(variable.decode(code) for code in (0, variable.size - 1)))
            axis.tick_params(labelsize=6)
        else:
            values = [str(variable.decode(code)) for code in range(variable.size)]
            image = axis.imshow(history.T, aspect="auto", interpolation="nearest", vmin=0, vmax=1, cmap="viridis",
                                extent=(steps[0], steps[-1] + 1, len(values) - 0.5, -0.5))
            axis.set_yticks(range(len(values)), values, fontsize=6)
            axis.tick_params(length=0)
        axis.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=7)
    axes[-1].set_xlabel("search step")
    if image is not None:
        figure.colorbar(image, ax=axes, label="probability", shrink=min(1, 12 / sum(rows)), aspect=30)
    _save(figure, path)


def draw_losses(train: Sequence[float], valid: Sequence[float], path: Path) -> None:
    """Training and validation loss of every search step, with running means."""
    figure, (axis,) = _figure(1, figsize=(7, 4))
    window = max(1, len(train) // 30)
    curves = (train, "weights, training batch", "C0"), (valid, "fresh samples, validation batch", "C1")
    for losses, name, color in curves:
        steps = np.arange(1, len(losses) + 1)
        axis.plot(steps, losses, color=color, alpha=0.2, linewidth=0.7)
        running = np.convolve(losses, np.ones(window) / window, mode="valid")
        axis.plot(steps[window - 1 :], running, color=color, label=f"{name} (mean of {window} steps)")
    axis.set(xlabel="search step", ylabel="mean loss of the sampled architectures", yscale="log")
    axis.legend()
    _save(figure, path)


def draw_accuracy(found: Sequence[float], controls: Sequence[float], path: Path) -> None:
    """Test accuracy of found networks against random networks of the same space, retrained alike."""
    figure, (axis,) = _figure(1, figsize=(7, 2.6))
    spread = np.linspace(-0.25, 0.25, len(controls)) if len(controls) > 1 else np.zeros(len(controls))
    axis.scatter(controls, spread, color="grey", alpha=0.7, label=f"{len(controls)} random networks")
    axis.axvline(float(np.median(controls)), color="grey", linestyle="--", label="their median")
    axis.scatter(found, np.zeros(len(found)), marker="*", s=220, color="C3", alpha=0.8, zorder=3,
                 label="found network" if len(found) == 1 else f"{len(found)} found networks")
    axis.set(xlabel="test accuracy", yticks=[], ylim=(-0.6, 0.6))
    axis.legend(loc="upper left", fontsize=8)
    _save(figure, path)


def _figure(rows: int, **arguments: Any) -> tuple[Figure, list[Any]]:
    # a canvas of its own: pyplot would need a display, and keep every figure
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figsize = arguments.pop("figsize")
    figure = Figure(figsize=figsize, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, list(figure.subplots(rows, squeeze=False, **arguments)[:, 0])


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=130)
