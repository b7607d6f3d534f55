"""The Minimizer with one mechanism left out, to see what each is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import asng_core
from asng_core.arrays import Floats, Ints
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.blackbox.posterior import GaussianProcess
from asng_core.blackbox.sources import Mutants, Neighbours, Recombined, Sampled
from asng_core.blackbox.surrogate import Beliefs, Model, Surrogate
from asng_core.blackbox.under_noise import UnderNoise
from asng_core.distribution.geometry import Geometry

from . import Setting
from .asng import Minimizer


class _Ablated(Minimizer):
    without_noise: ClassVar[NoiseFree] = NoiseFree()
    under_noise: ClassVar[UnderNoise] = UnderNoise()

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        mechanisms = self.under_noise if setting.noisy else self.without_noise
        self.optimizer = asng_core.Minimizer(self.space, seed=seed, noisy=setting.noisy, mechanisms=mechanisms)


@dataclass(frozen=True)
class Chance(Model):
    """Believes nothing: of the candidates any one is asked."""

    def surrogate(self, geometry: Geometry, *, noisy: bool) -> Surrogate:
        return _NoSurrogate()


class _NoSurrogate(Surrogate):
    told = np.empty(0, dtype=np.int64)

    def add(self, number: int, features: Floats) -> None: ...

    def observe(self, number: int) -> bool:
        return True

    def fit(self, targets: Floats) -> None: ...

    def best(self) -> Ints:
        return self.told

    def scaled(self, features: Floats) -> Floats:
        return features

    def beliefs(self) -> Beliefs:
        return _NoBeliefs()

    def state(self) -> dict[str, Any]:
        return {}

    def load(self, state: Mapping[str, Any]) -> None: ...


class _NoBeliefs(Beliefs):
    def __init__(self) -> None:
        self._n, self._rng = 0, np.random.default_rng(0)

    def extend(self, features: Floats) -> None:
        self._n += len(features)

    def keep(self, rows: Ints) -> None:
        self._n = len(rows)

    def bounds(self, confidence: float) -> Floats:
        return self._rng.random(self._n)

    def state(self) -> dict[str, Any]:
        return {}

    def load(self, state: Mapping[str, Any], features: Floats) -> None:
        self._n = len(features)


class NoMemo(_Ablated):
    """Known points are proposed again; the runner's memo answers."""

    without_noise = NoiseFree(once=False)


class NoModel(_Ablated):
    """Any candidate is asked; under noise draws of the distribution."""

    without_noise = NoiseFree(model=Chance())
    under_noise = UnderNoise(models=False)


class NoRelevance(_Ablated):
    """The model takes all variables as equally relevant."""

    without_noise = NoiseFree(model=GaussianProcess(relevance=False))


class OneScale(_Ablated):
    """The model has one length scale, the likeliest, instead of all at once."""

    without_noise = NoiseFree(model=GaussianProcess(all_scales=False))


class FewCandidates(_Ablated):
    """No more candidates while results are few."""

    without_noise = NoiseFree(work=0)


class NoNeighbours(_Ablated):
    """No candidate is a neighbour of a good point."""

    without_noise = NoiseFree(sources=(Sampled(10), Recombined(10)))
    under_noise = UnderNoise(sources=(Sampled(10),))


class NoRecombination(_Ablated):
    """No candidate is recombined from good points."""

    without_noise = NoiseFree(sources=(Sampled(10), Neighbours(20)))


class NoDistribution(_Ablated):
    """No candidate is of the distribution, which stays as at the start."""

    without_noise = NoiseFree(sources=(Recombined(10), Neighbours(20)), unscreened=(Mutants(5),), learns=False)
    under_noise = UnderNoise(sources=(Neighbours(20),), learns=False)


class NoRestarts(_Ablated):
    """One run, however long it stalls."""

    without_noise = NoiseFree(restarts=False)


class NoWalk(_Ablated):
    """The model and the mutants go on, whatever the model can hold."""

    without_noise = NoiseFree(walks=False)


class NoDescent(_Ablated):
    """Under noise, no candidate is where descent on the model ends."""

    under_noise = UnderNoise(descends=False)


class OneRamp(_Ablated):
    """Under noise, an ordered variable has one feature, as without."""

    under_noise = UnderNoise(ramps=1)


class Unwarped(_Ablated):
    """Under noise, the model learns the losses as they are."""

    under_noise = UnderNoise(offsets=(None,))


class Mode(_Ablated):
    """Under noise, the mode is recommended."""

    under_noise = UnderNoise(trusts=False)
