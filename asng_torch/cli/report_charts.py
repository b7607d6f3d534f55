"""Vega-Lite specifications of what there is to see of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asng_core.html import printable
from asng_core.report.charts import scale

Spec = dict[str, Any]
Floats = NDArray[np.float64]
DRAWN = 24  # variables, so that a page stays small
_COLUMNS, _POINTS = 60, 400  # of a picture of probabilities, of a curve


def _some(n: int, most: int) -> list[int]:
    found: list[int] = np.unique(np.linspace(0, n - 1, min(n, most)).astype(int)).tolist()
    return found


def most_moved(distribution: Mapping[str, Mapping[str, Floats]]) -> dict[str, Mapping[str, Floats]]:
    """Of many variables those that are least uniform in the end, in their order."""
    last = {name: max(float(column[-1]) for column in values.values()) for name, values in distribution.items()
            if len(values) > 1}
    kept = sorted(last, key=lambda name: -last[name])[:DRAWN]
    return {name: values for name, values in distribution.items() if name in kept}


def shares(steps: Floats, values: Mapping[str, Floats], title: str) -> Spec:
    """Probabilities on top of each other, over the steps."""
    at = _some(len(steps), _COLUMNS)
    rows = [{"x": float(steps[i]), "v": value, "p": float(column[i])} for value, column in values.items() for i in at]
    return {"width": "container", "height": 130, "title": printable(title), "data": {"values": rows},
            "mark": {"type": "area"}, "encoding": {
                "x": {"field": "x", "type": "quantitative", "title": "step", "scale": {"zero": False, "nice": False},
                      "axis": {"tickCount": 4}},
                "y": {"field": "p", "type": "quantitative", "title": None, "stack": "zero", "scale": {"domain": [0, 1]},
                      "axis": {"format": ".0%", "tickCount": 3}},
                "color": {"field": "v", "type": "nominal", "title": None, "sort": [*map(printable, values)],
                          "legend": {"orient": "bottom", "columns": 2, "labelLimit": 120},
                          "scale": {"scheme": "tableau10" if len(values) <= 10 else "tableau20"}},
                "tooltip": [{"field": "v", "title": "value"}, {"field": "p", "title": "probability", "format": ".0%"},
                            {"field": "x", "title": "step"}]}}


def band(steps: Floats, mean: Floats, std: Floats, title: str) -> Spec:
    """A mean, in a band of a standard deviation to either side."""
    rows = [{"x": float(steps[i]), "y": float(mean[i]), "low": float(mean[i] - std[i]),
             "high": float(mean[i] + std[i])} for i in _some(len(steps), _COLUMNS)]
    x = {"field": "x", "type": "quantitative", "title": "step", "scale": {"zero": False, "nice": False}}
    y = {"field": "y", "type": "quantitative", "title": None, "scale": {"zero": False}}
    return {"width": "container", "height": 130, "title": printable(title), "data": {"values": rows}, "layer": [
        {"mark": {"type": "area", "opacity": 0.25}, "encoding": {"x": x, "y": {**y, "field": "low"},
                                                                 "y2": {"field": "high"}}},
        {"mark": {"type": "line"}, "encoding": {"x": x, "y": y}}]}


def curves(steps: Floats, series: Mapping[str, Floats], y_title: str, begin: float | None = None) -> Spec:
    """Each series thin, and its mean over a thirtieth of the steps thick; a line at `begin`."""
    window = max(1, len(steps) // 30)
    thin, thick = [], []
    for name, values in series.items():
        known = np.flatnonzero(np.isfinite(values))
        for i in known[_some(len(known), _POINTS)] if len(known) else []:
            around = values[max(0, i - window + 1): i + 1]
            row = {"x": float(steps[i]), "s": name}
            thin.append({**row, "y": float(values[i])})
            thick.append({**row, "y": float(np.nanmean(around))})
    everything = np.array([each["y"] for each in thin])
    x = {"field": "x", "type": "quantitative", "title": "step"}
    y = {"field": "y", "type": "quantitative", "title": y_title, "scale": scale(everything)}
    color = {"field": "s", "type": "nominal", "title": None, "sort": list(series),
             "legend": {"orient": "top", "symbolOpacity": 1, "symbolStrokeWidth": 2}}
    return {"width": "container", "height": 220, "layer": [
        {"data": {"values": thin}, "mark": {"type": "line", "strokeWidth": 0.7, "opacity": 0.3},
         "encoding": {"x": x, "y": y, "color": color}},
        {"data": {"values": thick}, "mark": {"type": "line", "strokeWidth": 2},
         "encoding": {"x": x, "y": y, "color": color}},
        *([] if begin is None else [
            {"data": {"values": [{"x": float(begin)}]}, "mark": {"type": "rule", "strokeDash": [2, 4]},
             "encoding": {"x": x}}])]}


def scatter(x: Floats, y: Floats, over: Floats, *titles: str) -> Spec:
    """Points in the colour of a third number."""
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    rows = [{"x": float(x[i]), "y": float(y[i]), "c": float(over[i])}
            for i in known[_some(len(known), 2 * _POINTS)]] if len(known) else []
    return {"width": "container", "height": 220, "data": {"values": rows},
            "mark": {"type": "point", "filled": True, "size": 20}, "encoding": {
                "x": {"field": "x", "type": "quantitative", "title": titles[0], "scale": {"zero": False}},
                "y": {"field": "y", "type": "quantitative", "title": titles[1], "scale": {"zero": False}},
                "color": {"field": "c", "type": "quantitative", "title": titles[2], "legend": {"orient": "top"}},
                "tooltip": [{"field": field, "title": title} for field, title in zip("xyc", titles, strict=True)]}}


def control(accuracy: float, cost: float, accuracies: Sequence[float], costs: Sequence[float]) -> Spec:
    """The found network among random ones."""
    axis: Spec = {} if any(costs) else {"axis": None}  # unknown in runs of earlier releases
    rows = [{"x": float(x), "y": float(y), "s": "random networks"} for x, y in zip(costs, accuracies, strict=True)]
    rows.append({"x": float(cost), "y": float(accuracy), "s": "found network"})
    return {"width": "container", "height": 220, "data": {"values": rows}, "layer": [
        {"mark": {"type": "point", "filled": True, "size": 90}, "encoding": {
            "x": {"field": "x", "type": "quantitative", "title": "parameters", "scale": {"zero": False}, **axis},
            "y": {"field": "y", "type": "quantitative", "title": "test accuracy", "scale": {"zero": False},
                  "axis": {"format": ".0%"}},
            "color": {"field": "s", "type": "nominal", "title": None, "legend": {"orient": "top"},
                      "sort": ["random networks", "found network"]},
            "shape": {"field": "s", "type": "nominal", "title": None, "sort": ["random networks", "found network"]},
            "tooltip": [{"field": "s", "title": "network"}, {"field": "y", "title": "test accuracy"},
                        {"field": "x", "title": "parameters"}]}},
        {"transform": [{"filter": "datum.s == 'random networks'"}, {"aggregate": [
            {"op": "median", "field": "y", "as": "y"}]}], "mark": {"type": "rule", "strokeDash": [4, 4]},
         "encoding": {"y": {"field": "y", "type": "quantitative"}}}]}
