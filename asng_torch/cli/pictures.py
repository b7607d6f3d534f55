"""Pictures of a search, for people who would rather look. Needs matplotlib."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from asng_core import Ordinal, Space

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Path = str | os.PathLike[str]
_TALLEST = 16  # inches: of more rows than fit, only the variables are named


def draw_distribution(steps: NDArray[np.float64], distribution: Mapping[str, NDArray[np.float64]], space: Space,
                      path: Path) -> None:
    """The distribution over time, to the right: for each variable a heat map of its values' probabilities.

    An ordered variable is drawn as a line, its mean, in a band of a standard deviation to either side.

    steps: `(t,)` of the columns; distribution: variable name -> `(t, K)`, or of an ordered one `(t, 2)`. Variables of
        one value are left out.
    """
    shown = {name: history for name, history in distribution.items() if space.variables[name].size > 1}
    # the last column is as wide as the others on average; a single one is one step wide
    end = steps[-1] + (steps[-1] - steps[0]) / max(1, len(steps) - 1) + (len(steps) == 1)
    rows: list[NDArray[np.float64]] = []  # from the top
    labels: list[str] = []
    heads: list[int] = []  # rows that say which variable follows
    # one axis for all variables: matplotlib takes long to lay out dozens
    n_rows = sum(1 + _height(space, name) for name in shown)
    height = min(0.15, _TALLEST / max(1, n_rows))  # inches a row
    figure, (axis,) = _figure(1, figsize=(8, 0.8 + height * n_rows))
    for name, history in shown.items():
        variable, top = space.variables[name], len(rows) + 0.5
        heads.append(len(rows))
        rows.append(np.full(len(steps), np.nan))
        if variable.ordered:
            ends = 0, variable.size - 1
            low, high = ends if isinstance(variable, Ordinal) else map(variable.decode, ends)
            mean, std = history.T / (high - low)
            # the band is two rows high, the largest value on top; mean and std are of positions or values: (t,) each
            line = top + 2 * (high / (high - low) - mean)
            axis.plot(steps, line, color="C3")
            axis.fill_between(steps, (line - 2 * std).clip(top), (line + 2 * std).clip(None, top + 2), color="C3",
                              alpha=0.2, linewidth=0)
            rows += [rows[-1]] * 2
            labels += [name, *(str(variable.decode(code)) for code in reversed(ends))]
        else:
            rows.extend(history.T)
            labels += [name, *(str(variable.decode(code)) for code in range(variable.size))]
    image = axis.imshow(np.array(rows), aspect="auto", interpolation="nearest", vmin=0, vmax=1, cmap="viridis",
                        extent=(steps[0], end, len(rows) - 0.5, -0.5))
    # where values fit, these too; else every so many variables that a name has 0.1 inch
    named = range(len(labels)) if height > 0.1 else heads[::math.ceil(0.1 * len(heads) / (height * n_rows))]
    for row, tick in zip(named, axis.set_yticks(named, [labels[i] for i in named], fontsize=6), strict=True):
        tick.label1.set_fontweight("bold" if row in heads else "normal")
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("search step")
    figure.colorbar(image, ax=axis, label="probability", shrink=min(1, 3 / (height * len(rows))), aspect=30)
    _save(figure, path)


def _height(space: Space, name: str) -> int:
    """Of a variable's band in `draw_distribution`, in rows."""
    variable = space.variables[name]
    return 2 if variable.ordered else variable.size


def draw_losses(train: Sequence[float], valid: Sequence[float], path: Path, warmup: int = 0) -> None:
    """Training and validation loss of every search step, with running means; a line where the warm-up ends.

    NaN of a step that has none. Where a loss is 0 or less, the scale is linear.
    """
    from matplotlib.ticker import LogLocator

    figure, (axis,) = _figure(1, figsize=(7, 4))
    window = max(1, len(train) // 30)  # wide enough to smooth noise, narrow enough to show a trend in 30 windows
    curves = (train, "weights, training batch", "C0"), (valid, "fresh samples, validation batch", "C1")
    for losses, name, color in curves:
        steps = np.arange(1, len(losses) + 1)
        axis.plot(steps, losses, color=color, alpha=0.2, linewidth=0.7)
        total, known = (np.convolve(each, np.ones(window), mode="valid")
                        for each in (np.nan_to_num(losses, posinf=0, neginf=0), np.isfinite(losses)))
        running, ends = (each[known > 0.5] for each in (total / np.maximum(known, 1), steps[window - 1:]))
        axis.plot(ends, running, color=color, marker="." if len(ends) == 1 else None,
                  label=f"{name} (mean of {window} steps)")
    axis.set(xlabel="search step", ylabel="mean loss of the sampled architectures")
    if not any(loss <= 0 for loss in (*train, *valid)):
        axis.set_yscale("log")
        for which in ("major", "minor"):  # 0.5, 1, 2, 5: numbers as people write them
            getattr(axis.yaxis, f"set_{which}_formatter")(lambda loss, _: f"{loss:g}")
            getattr(axis.yaxis, f"set_{which}_locator")(LogLocator(subs=(1,) if which == "major" else (2, 5)))
    if 0 < warmup < len(train):
        axis.axvline(warmup + 0.5, color="grey", linestyle=":", label="the warm-up ends")
    axis.legend()
    _save(figure, path)


def draw_accuracy(found: Sequence[float], controls: Sequence[float], path: Path) -> None:
    """Test accuracy of found networks against random networks of the same space, retrained alike."""
    figure, (axis,) = _figure(1, figsize=(7, 2.6))
    # side by side, so that equal accuracies do not hide each other; the height has no meaning
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
