"""Pictures of one look: small, few colours, to be read at the width of a page."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from .scores import place

# of methods by their place: the first ten matplotlib's, then ones that differ from those and from each other
HUES = [*(f"C{i}" for i in range(10)), "#1b1b1b", "#e76f51", "#66a61e", "#6a0dad", "#9c6644", "#8c1c13", "#ff4d9e",
        "#007f5f", "#b5838d", "#5f6c37", "#d4a017", "#2f2f2f", "#c77dff"]
DPI, COLOURS = 110, 160  # palette: as many as keep the overlapping bands apart


def figure(width: float = 7.0, height: float = 3.8, **subplots: Any) -> tuple[Any, Any]:
    """matplotlib's figure and axes; `subplots` as of `plt.subplots`."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained", **subplots)


def save(made: Any, path: Path) -> None:
    """As a PNG with a palette."""
    import matplotlib.pyplot as plt
    from PIL import Image

    buffer = io.BytesIO()
    made.savefig(buffer, format="png", dpi=DPI)
    plt.close(made)
    buffer.seek(0)
    image = Image.open(buffer).convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=1,
                                                       dither=Image.Dither.NONE)
    image.save(path, optimize=True)


def style(method: str, ours: str = "Minimizer") -> dict[str, Any]:
    """A method looks the same in every picture."""
    number, _ = place(method)
    return {"color": HUES[number % len(HUES)], "marker": "o^sDv<>Pp*X"[number % 11], "markersize": 4,
            "linestyle": "-" if number < 10 else "--", "linewidth": 2.5 if method == ours else 1.2}


def log_axis(axis: Any, ticks: Iterable[float], which: str = "x") -> None:
    """Logarithmic, with these ticks alone."""
    axis.set(**{f"{which}scale": "log"})
    values = list(ticks)
    getattr(axis, f"set_{which}ticks")(values, [f"{value:,g}" for value in values])
    axis.minorticks_off()


def bars(rows: Mapping[str, Sequence[float]], parts: Sequence[str], label: str, path: Path, *, log: bool = False,
         unit: str = "") -> None:
    """Horizontal bars, name -> lengths of the stacked parts; the sum at the end."""
    made, axis = figure(7, 0.34 * len(rows) + 1.1)
    ends = [0.0] * len(rows)
    for i, part in enumerate(parts):
        lengths = [row[i] for row in rows.values()]
        axis.barh(range(len(rows)), lengths, left=ends if i else None, color=f"C{i}", height=0.65, label=part or None)
        ends = [end + length for end, length in zip(ends, lengths, strict=True)]
    for y, end in enumerate(ends):
        axis.annotate(f"{end:,.{0 if end > 10 else 2}f}{unit}", (end, y), (4, 0), textcoords="offset points",
                      va="center", fontsize=8)
    axis.set_yticks(range(len(rows)), list(rows), fontsize=9)
    axis.set(xlabel=label, xscale="log" if log else "linear")
    axis.set_xlim(right=max(ends) * (3 if log else 1.15))
    axis.invert_yaxis()
    axis.spines[["top", "right"]].set_visible(False)
    if any(parts):
        made.legend(fontsize=8, loc="outside upper right", ncols=len(parts), frameon=False)
    save(made, path)


def curves(curves: dict[str, Any], x: Sequence[float], labels: tuple[str, str], ticks: Iterable[float], path: Path, *,
           bands: dict[str, Any] | None = None, markers: bool = True, ours: str = "Minimizer", **axes: Any) -> None:
    """A line a method against a logarithmic x, with its band if there is one; the legend beside them."""
    made, axis = figure(7, 3.9)
    for method, y in curves.items():
        look = {**style(method, ours), **({} if markers else {"marker": None})}
        axis.plot(x[:len(y)], y, label=method, **look)
        if bands and method in bands:
            axis.fill_between(x[:len(y)], *bands[method], alpha=0.12, linewidth=0, color=look["color"])
    log_axis(axis, ticks)
    axis.set(xlabel=labels[0], ylabel=labels[1], **axes)
    axis.grid(alpha=0.3)
    made.legend(loc="outside right upper", fontsize=8, frameon=False)
    save(made, path)
