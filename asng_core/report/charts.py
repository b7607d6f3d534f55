"""Vega-Lite specifications of what there is to see of a run.

Fields have names of our own, since Vega reads dots and brackets in names as paths; the user's names are titles, and
their values text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..blackbox.importance import Effect
from .values import Axis

Spec = dict[str, Any]
_DECADES = 100.0  # ratio of losses from which a linear scale would press the smallest ones onto the axis
_HEIGHT = 260


def scale(shown: Floats) -> Spec:
    """Of an axis of these numbers: logarithmic over decades."""
    finite = shown[np.isfinite(shown)]
    if len(finite) and finite.min() > 0 and finite.max() / finite.min() >= _DECADES:
        return {"type": "log"}
    return {"zero": False}


def progress(losses: Floats, rows: Ints, best: Mapping[str, Floats], y_title: str, texts: Sequence[str]) -> Spec:
    """Evaluations as points, and for each series the best so far as a line.

    losses: `(n,)`; rows: which of them to draw; best: series -> `(n,)` best so far. texts: of the rows, shown on them.
    """
    points = [{"n": int(row) + 1, "y": float(losses[row]), "t": text} for row, text in zip(rows, texts, strict=True)
              if np.isfinite(losses[row])]
    lines = [{"n": at + 1, "y": float(series[at]), "s": name} for name, series in best.items()
             for at in _steps(series)]
    everything = np.concatenate([losses[np.isfinite(losses)], *[each[np.isfinite(each)] for each in best.values()]])
    x = {"field": "n", "type": "quantitative", "title": "evaluations", "axis": {"tickMinStep": 1, "format": "d"}}
    y = {"field": "y", "type": "quantitative", "title": y_title, "scale": scale(everything)}
    return {"width": "container", "height": _HEIGHT, "layer": [
        {"data": {"values": points}, "mark": {"type": "circle", "size": 22, "opacity": 0.5, "style": "faint"},
         "encoding": {"x": x, "y": y, "tooltip": [
             {"field": "n", "title": "evaluation"}, {"field": "y", "title": y_title},
             {"field": "t", "title": "values"}]}},
        {"data": {"values": lines}, "params": [{"name": "series", "bind": "legend",
                                                "select": {"type": "point", "fields": ["s"]}}],
         "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
         "encoding": {"x": x, "y": y, "color": {"field": "s", "type": "nominal", "title": None, "sort": list(best),
                                                "legend": {"orient": "top"}},
                      "opacity": {"condition": {"param": "series", "value": 1}, "value": 0.15}}}]}


def _steps(series: Floats) -> list[int]:
    """Where a line of steps has its corners: the first number, every change, the end."""
    known = np.flatnonzero(np.isfinite(series))
    if not len(known):
        return []
    changes = known[np.flatnonzero(np.diff(series[known])) + 1]
    return sorted({int(known[0]), *changes.tolist(), len(series) - 1})


def importances(effects: Mapping[str, Effect]) -> Spec:
    """Bars of shares, with the interval of the whole; what a variable does alone is the darker part."""
    rows = [{"v": name, "t": each.total.middle, "low": each.total.low, "high": each.total.high,
             "a": each.alone.middle} for name, each in effects.items()]
    y = {"field": "v", "type": "nominal", "sort": list(effects), "title": None}
    x = {"type": "quantitative", "title": "share of the variance", "scale": {"domain": [0, 1]},
         "axis": {"format": ".0%"}}
    percent = [{"field": field, "title": title, "format": ".0%"} for field, title in (
        ("a", "alone"), ("t", "with interactions"), ("low", "5%"), ("high", "95%"))]
    tooltip = [{"field": "v", "title": "variable"}, *percent]
    return {"width": "container", "height": 24 * len(rows), "data": {"values": rows}, "layer": [
        {"mark": {"type": "bar", "opacity": 0.35}, "encoding": {"y": y, "x": {**x, "field": "t"}, "tooltip": tooltip}},
        {"mark": {"type": "bar", "height": 10}, "encoding": {"y": y, "x": {**x, "field": "a"}, "tooltip": tooltip}},
        {"mark": {"type": "rule"}, "encoding": {"y": y, "x": {**x, "field": "low"}, "x2": {"field": "high"}}}]}


def slice_of(axis: Axis, codes: Floats, losses: Floats, y_title: str, effect: Effect | None,
             span: tuple[float, float]) -> Spec:
    """The losses of evaluations over one variable's values, and what the model expects there.

    codes, losses: `(n,)`, where the variable is active. span: of the losses that are shown.
    """
    points = [{"x": axis.place(code), "y": min(max(float(loss), span[0]), span[1])}
              for code, loss in zip(codes.tolist(), losses, strict=True) if np.isfinite(loss)]
    y = {"field": "y", "type": "quantitative", "title": y_title, "scale": {**scale(np.array(span)), "nice": False}}
    x = axis.encoding("x")
    layers: list[Spec] = [{"data": {"values": points}, "mark": {"type": "circle", "size": 18, "opacity": 0.35,
                                                                "style": "faint"}, "encoding": {"x": x, "y": y}}]
    if effect is not None and not np.isnan(effect.losses).any():
        rows = [{"x": axis.place(code), "y": middle, "low": low, "high": high}
                for code, (middle, low, high) in zip(effect.codes.tolist(), np.clip(effect.losses, *span).tolist(),
                                                     strict=True)]
        among = {"data": {"values": rows}}
        ends = {"x": x, "y": {**y, "field": "low"}, "y2": {"field": "high"}}
        tooltip = [{"field": "x", "title": "value"}, {"field": "y", "title": "expected"},
                   {"field": "low", "title": "5%"}, {"field": "high", "title": "95%"}]
        band, line = ("area", "line") if axis.numeric else ("rule", "point")
        layers += [
            {**among, "mark": {"type": band, **({"opacity": 0.25} if band == "area" else {"strokeWidth": 2}),
                               "style": "second"}, "encoding": ends},
            {**among, "mark": {"type": line, "style": "second", **({"filled": True, "size": 50, "opacity": 1}
                                                                   if line == "point" else {"point": {"size": 14}})},
             "encoding": {"x": x, "y": y, "tooltip": tooltip}}]
    return {"width": "container", "height": 150, "layer": layers}


def parallel(axes: Sequence[Axis], codes: Floats, losses: Floats, quantiles: Floats, y_title: str) -> Spec:
    """A line an evaluation through the places of its values, the best on top, and a slider for how many of the best.

    codes: `(n, n_axes)`; losses, quantiles: `(n,)`, of which 0 is the best.
    """
    order = np.argsort(-quantiles, kind="stable")
    rows = [{"i": int(i), "v": axis.title, "k": a, "p": axis.height(codes[i, a]), "q": round(float(quantiles[i]), 4),
             "y": float(losses[i]), "t": axis.text(codes[i, a])}
            for i in order for a, axis in enumerate(axes) if not np.isnan(codes[i, a])]
    ends = [{"v": axis.title, "p": at, "t": text} for axis in axes for at, text in axis.marks()]
    x = {"field": "v", "type": "ordinal", "title": None, "sort": [axis.title for axis in axes],
         "axis": {"labelAngle": -30, "domain": False, "ticks": False, "grid": True, "labelPadding": 8}}
    y = {"field": "p", "type": "quantitative", "axis": None, "scale": {"domain": [-0.03, 1.03]}}
    shown = {"test": "datum.q <= best", "value": 0.75}
    return {"width": "container", "height": 320, "data": {"values": rows}, "params": [
        {"name": "best", "value": 0.25, "bind": {"input": "range", "min": 0, "max": 1, "step": 0.05,
                                                 "name": "the best share shown "}}], "layer": [
        {"mark": {"type": "line", "strokeWidth": 1.3},
         "encoding": {"x": x, "y": y, "detail": {"field": "i"}, "order": {"field": "k"},
                      "color": {"field": "q", "type": "quantitative", "title": "rank: 0 is the best",
                                "scale": {"domain": [0, 1]}, "legend": {"orient": "top", "format": ".0%"}},
                      "opacity": {"condition": shown, "value": 0.02}}},
        {"mark": {"type": "circle", "size": 30, "opacity": 0},
         "encoding": {"x": x, "y": y, "tooltip": [{"field": "t", "title": "value"}, {"field": "y", "title": y_title}]}},
        {"data": {"values": ends}, "mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 10, "limit": 90},
         "encoding": {"x": x, "y": y, "text": {"field": "t"}}}]}


def front(losses: Floats, first: int, second: int, titles: Sequence[str], on_front: Bools, texts: Sequence[str],
          ) -> Spec:
    """Two objectives, one against the other. losses: `(n, n_objectives)`; on_front: `(n,)` truth values."""
    rows = [{"x": float(each[first]), "y": float(each[second]), "f": "on the front" if there else "dominated",
             "t": text} for each, there, text in zip(losses, on_front, texts, strict=True)
            if np.isfinite(each).all()]
    encoding = {name: {"field": name, "type": "quantitative", "title": titles[k], "scale": scale(losses[:, k])}
                for name, k in (("x", first), ("y", second))}
    return {"width": "container", "height": _HEIGHT, "data": {"values": rows},
            "mark": {"type": "point", "filled": True, "size": 45},
            "encoding": {**encoding, "color": {"field": "f", "type": "nominal", "title": None,
                                               "sort": ["on the front", "dominated"], "legend": {"orient": "top"},
                                               "scale": {"domain": ["on the front", "dominated"]}},
                         "opacity": {"condition": {"test": "datum.f == 'dominated'", "value": 0.3}, "value": 1},
                         "tooltip": [{"field": "x", "title": titles[first]}, {"field": "y", "title": titles[second]},
                                     {"field": "t", "title": "values"}]}}
