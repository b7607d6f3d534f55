"""The report of a run: what was searched, what was found, how, and what the results say of each variable."""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..arrays import Bools, Floats, Ints
from ..ask_tell.results import Best
from ..blackbox.history import History
from ..blackbox.importance import Effect, importance
from ..html import described, table, text_of
from ..space.space import Space
from . import about, charts, page
from .page import Page
from .values import Axis

_POINTS, _LINES, _SLICES, _PAIRS = 1000, 300, 12, 6  # drawn of a kind at most, so that a page stays small
_LISTED, _LETTERS = 200, 120  # rows of a table, of a point on one line


@dataclass(frozen=True)
class Searched:
    """What a report is about, losses in the user's sign.

    space: of the history. best: the recommended point; None with several objectives, or before there is one.
    command: what repeats it, as far as it is known. facts: more to stand at the top, name and text.
    """

    space: Space
    history: History
    best: Best | None
    front: Sequence[Best]
    maximized: bool = False
    facts: Sequence[tuple[str, str]] = ()
    command: str = ""
    errors: Mapping[int, str] = field(default_factory=dict)


def write(path: str | os.PathLike[str], searched: Searched, rivals: Mapping[str, Floats], title: str) -> None:
    """The file. rivals: name -> `(n,)` losses in the order of their evaluation."""
    made = Page(title)
    Report(_highest(searched), rivals, made).compose()
    made.write(path)


def _highest(searched: Searched) -> Searched:
    """With the evaluations at the highest fidelity alone: the losses at the others are not those that count."""
    history = searched.history
    below = history.fidelities < len(history.fidelity_names) - 1
    if not below.any():
        return searched
    kept = History(searched.space)
    for row in np.flatnonzero(~below).tolist():
        loss = history.losses[row]
        kept.append(int(history.ids[row]), history.codes[row], tuple(loss) if np.ndim(loss) else float(loss),
                    float(history.violations[row]))
    return replace(searched, history=kept,
                   facts=[*searched.facts, ("at lower fidelities, not drawn", f"{below.sum():,}")])


class Report:
    """Fills a page."""

    def __init__(self, searched: Searched, rivals: Mapping[str, Floats], page_: Page) -> None:
        self._searched, self._rivals, self._page = searched, rivals, page_
        self._sign = -1.0 if searched.maximized else 1.0
        self._losses = losses = searched.history.losses
        self._n = len(losses)
        self._names = (["value" if searched.maximized else "loss"] if losses.ndim == 1 else
                       [f"objective {k}" for k in range(losses.shape[1])])
        self._axes = [Axis(name, variable) for name, variable in searched.space.variables.items()]

    def compose(self) -> None:
        """All sections for which there is something to show."""
        self._top()
        self._progress()
        if self._losses.ndim > 1 and len(self._searched.front):
            self._front()
        effects = self._importance()
        if self._n:
            self._together(effects)
        about.space(self._page, self._searched.space)
        if self._searched.errors:
            about.failures(self._page, self._searched.errors)
        about.repeat(self._page, self._searched.command)

    def _top(self) -> None:
        searched, best = self._searched, self._searched.best
        found = [(f"best {self._names[0]}", text_of(float(best.loss)))] if best is not None and not isinstance(
            best.loss, tuple) else [("points on the front", str(len(searched.front)))] if self._losses.ndim > 1 else []
        size = searched.space.size
        self._page.intro(page.facts([
            *found, ("evaluations", f"{self._n:,}"), ("variables", str(len(searched.space))),
            ("points in the space", "a continuum" if size == np.inf else f"{size:,}" if size < 1e9 else f"{size:.2g}"),
            *searched.facts]))
        if best is not None:
            self._page.section("Found", table(("variable", "value"), [
                (name, text_of(value)) for name, value in best.values.items()]))

    @property
    def _succeeded(self) -> Bools:
        return self._searched.history.succeeded

    def _progress(self) -> None:
        if self._losses.ndim > 1 or not np.isfinite(self._losses[self._succeeded]).any():
            return
        own = np.where(self._succeeded, self._losses, np.nan)
        series = {"this run": own, **self._rivals}
        best = {name: self._so_far(losses) for name, losses in series.items()}
        rows = self._thinned(_POINTS)
        spec = charts.progress(own, rows, best, self._names[0], self._texts(rows))
        marks = [n for n in (1, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
                 if n <= max(map(len, best.values()))]
        numbers = table(("evaluations", *best), [
            (float(n), *(float(each[min(n, len(each)) - 1]) for each in best.values())) for n in marks])
        self._page.section("Best over evaluations", self._page.chart(
            spec, "Every evaluation, and the best so far" + " of each method" * bool(self._rivals), numbers))

    def _so_far(self, losses: Floats) -> Floats:
        """`(n,)` the best up to each; NaN before the first. fmin passes over NaN."""
        return np.asarray(self._sign * np.fmin.accumulate(self._sign * losses)) if len(losses) else losses

    def _texts(self, rows: Ints) -> list[str]:
        """The points of some rows, on one line each."""
        points = self._searched.space.values(self._searched.history.codes[rows])
        return [text if len(text) <= _LETTERS else f"{text[:_LETTERS - 1]}…" for text in map(described, points)]

    def _quantiles(self) -> Floats:
        """`(n,)` the share of the evaluations that are better; with several objectives by the front a point is on."""
        if self._losses.ndim == 1:
            keys = np.where(self._succeeded & ~np.isnan(self._losses), self._sign * self._losses, np.inf)
            order = np.searchsorted(np.sort(keys), keys)
        else:
            numbers = {each.id for each in self._searched.front if each.id is not None}
            order = np.where(np.isin(self._searched.history.ids, list(numbers)), 0, self._n)
        return np.asarray(order / max(self._n, 1))

    def _thinned(self, n: int) -> Ints:
        """Rows, half of them the best, the others evenly spaced; in order."""
        if self._n <= n:
            return np.arange(self._n)
        best = np.argsort(self._quantiles(), kind="stable")[: n // 2]
        return np.union1d(best, np.linspace(0, self._n - 1, n - n // 2).astype(np.int64))

    def _front(self) -> None:
        searched, m = self._searched, self._losses.shape[1]
        rows = self._thinned(_POINTS)
        on_front = np.isin(searched.history.ids[rows], [each.id for each in searched.front if each.id is not None])
        texts = self._texts(rows)
        pairs = list(itertools.combinations(range(m), 2))[:_PAIRS]
        drawn = [self._page.chart(charts.front(self._losses[rows], i, j, self._names, on_front, texts),
                                  f"{self._names[i]} against {self._names[j]}") for i, j in pairs]
        points = sorted(searched.front, key=lambda each: each.loss)[:_LISTED]
        numbers = table((*self._names, "values"), [
            (*map(float, each.loss), described(each.values)) for each in points if isinstance(each.loss, tuple)])
        self._page.section("Front", page.paragraph("Evaluations that no other one dominates."), *drawn, numbers)

    def _importance(self) -> dict[str, Effect]:
        """Draws it, for each objective; effects on the first one."""
        first: dict[str, Effect] = {}
        for k, name in enumerate(self._names):
            history = self._searched.history if self._losses.ndim == 1 else self._of_objective(k)
            if self._n < 4 or len(np.unique(history.losses[history.succeeded])) < 2:
                continue
            found = importance(self._searched.space, history)
            ranked = dict(sorted(found.effects.items(), key=lambda each: -each[1].total.middle))
            effects = dict(list(ranked.items())[:2 * _SLICES])
            first = first or ranked
            title = "Which variables mattered" + f", for {name}" * (len(self._names) > 1)
            words = (f"Shares of the variance of what a Gaussian process makes of {self._n:,} results, over points "
                     "uniform in the space: dark what a variable does alone, light with all its interactions, with "
                     f"the interval that the results leave (5% to 95%). The model tells {max(found.explained, 0):.0%} "
                     "of the variance of results that it was not given.")
            if found.explained < 0.3:
                words += " That is little: read what follows as a guess."
            few = f"Of {len(self._axes)} variables the {len(effects)} that matter most are drawn."
            more = [page.paragraph(few)] * (len(self._axes) > len(effects))
            self._page.section(title, page.paragraph(words), *more, self._page.chart(
                charts.importances(effects), "Importance of the variables", table(
                    ("variable", "alone", "with interactions", "5%", "95%"),
                    [(each, effect.alone.middle, *effect.total) for each, effect in list(ranked.items())[:_LISTED]])),
                page.heading("One variable at a time"), page.paragraph(
                    "Points are evaluations; the line is what the model expects at a value, whatever the others are, "
                    "with its interval. A search evaluates good points more often, so that points lie lower."),
                page.grid(self._slices(history.losses, history.succeeded, name, effects)))
        return first

    def _of_objective(self, k: int) -> History:
        history = History(self._searched.space)
        state = self._searched.history.state()
        history.load({**state, "losses": state["losses"][:, k]})
        return history

    def _slices(self, losses: Floats, succeeded: Bools, name: str, effects: Mapping[str, Effect]) -> list[str]:
        rows = self._thinned(2 * _LINES)
        rows = rows[succeeded[rows] & np.isfinite(losses[rows])]
        codes = self._searched.history.codes.astype(np.float64)
        drawn = []
        # what lies far off would press all else together: it is drawn at the edge
        low, high = np.quantile(losses[rows], (0.0, 0.95) if self._sign > 0 else (0.05, 1.0)).tolist()
        expected = np.concatenate([each.losses[:, 0] for each in list(effects.values())[:_SLICES]] or [losses[:0]])
        low, high = float(np.nanmin([low, *expected])), float(np.nanmax([high, *expected]))
        room = 0.15 * (high - low) if low <= 0 else 0.0
        for each, effect in list(effects.items())[:_SLICES]:
            i = self._searched.space.positions[each]
            there = self._held(codes[rows, i], i)
            axis = self._axes[i]
            drawn.append(self._page.chart(charts.slice_of(
                axis, codes[rows[there], i], losses[rows[there]], name, effect, (low - room, high + room)),
                f"{name} over {each}", table((each, "expected", "5%", "95%"), [
                    (axis.place(code), *map(float, expected)) for code, expected in zip(
                        effect.codes.tolist(), effect.losses.tolist(), strict=True)])))
        return drawn

    def _held(self, codes: Floats, i: int) -> Bools:
        """Where codes of variable i hold a value."""
        return ~np.isnan(codes) if self._searched.space.continuous[i] else codes >= 0

    def _together(self, effects: Mapping[str, Effect]) -> None:
        space = self._searched.space
        named = list(effects)[:_SLICES] or [name for name, variable in space.variables.items()
                                            if variable.size != 1][:_SLICES]
        if len(named) < 2:
            return
        columns = sorted(space.positions[name] for name in named)
        rows = self._thinned(_LINES)
        codes = self._searched.history.codes[rows][:, columns].astype(np.float64)
        for at, i in enumerate(columns):
            codes[~self._held(codes[:, at], i), at] = np.nan
        losses = self._losses[rows] if self._losses.ndim == 1 else self._losses[rows, 0]
        more = f" Of {self._n:,} evaluations {len(rows)} are drawn." * (len(rows) < self._n)
        several = " Here the best are those on the front." * (self._losses.ndim > 1)
        self._page.section("All together", page.paragraph(
            "A line for each evaluation, through its values; the slider says how many of the best stand out." + several
            + more), self._page.chart(charts.parallel(
                [self._axes[i] for i in columns], codes, losses, self._quantiles()[rows], self._names[0]),
                "Parallel coordinates"))
