"""Sources of candidates: where points come from that the posterior is asked about.

A policy holds a tuple of sources; to leave one out, or to add one, pass another tuple.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..arrays import Codes, Floats
from ..distribution.geometry import Geometry


@dataclass(frozen=True)
class Source(ABC):
    """`n` candidates at a time."""

    n: int
    of_all: ClassVar[bool] = False  # unscreened: whether any of the archive may be a parent, not the best point alone

    @property
    def n_parents(self) -> int:
        """How many of the best points it starts from."""
        return self.n

    @abstractmethod
    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        """`(n, n_variables)` draws, of `(n_parents, n_variables)` draws."""


class Sampled(Source):
    """Draws of the search distribution: what the natural gradient has learned."""

    @property
    def n_parents(self) -> int:
        return 0

    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        return geometry.distribution.sample(self.n, rng)


class Recombined(Source):
    """Each variable of one or the other of two good points (uniform crossover; Syswerda, ICGA 1989)."""

    @property
    def n_parents(self) -> int:
        return 2 * self.n

    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        one, other = parents[: self.n], parents[self.n :]
        return np.where(rng.random(one.shape) < 0.5, one, other)


class Neighbours(Source):
    """Good points with one variable changed, seldom more."""

    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        return geometry.neighbours(parents, rng)


class Mutants(Source):
    """Good points with a heavy-tailed number of variables changed (Doerr et al., GECCO 2017)."""

    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        return geometry.neighbours(parents, rng, heavy_tailed=True)


class Differences(Source):
    """Good points, moved along ordered axes by the difference of two others (Storn and Price, Journal of Global
    Optimization 11, 1997): steps as long as the archive is wide, in its directions, whatever the axes."""

    of_all = True

    @property
    def n_parents(self) -> int:
        return 3 * self.n

    def propose(self, parents: Floats, geometry: Geometry, rng: np.random.Generator) -> Floats:
        base, one, other = np.split(parents, 3)
        factors = 0.5 * np.exp(rng.standard_normal((len(base), 1)))  # of every length: within the archive and beyond
        return geometry.moved(base, factors * (one - other))


INITIAL = Sampled(10)
SOURCES = (Sampled(10), Recombined(10), Neighbours(20))
UNSCREENED = (Sampled(5), Mutants(5))
# where there are Reals: draws of independent variables converge slowly, and the model cannot tell near points apart
UNSCREENED_OF_REALS = (Mutants(5), Differences(5))


def proposed(sources: Sequence[Source], best: Codes, geometry: Geometry, rng: np.random.Generator, *,
             times: int = 1) -> Floats:
    """`(n, n_variables)` draws of all sources, those without parents first.

    best: `(k, n_variables)` codes, each as likely a parent; with k = 0 what needs parents proposes nothing.
    times: how often each source proposes its `n`.
    """
    sources = sources if times == 1 else [replace(source, n=times * source.n) for source in sources]
    none = np.empty((0, len(geometry.sizes)))
    found = [source.propose(none, geometry, rng) for source in sources if not source.n_parents]
    descending = [source for source in sources if source.n_parents]
    if len(best) and descending:  # all parents at once: a call of the generator costs more than its numbers
        n = sum(source.n_parents for source in descending)
        parents = geometry.distribution.draws(best[rng.choice(len(best), n)])
        for source in descending:
            found.append(source.propose(parents[: source.n_parents], geometry, rng))
            parents = parents[source.n_parents :]
    return np.concatenate([none, *found])
