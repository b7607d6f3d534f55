"""The Minimizer with one mechanism taken out, to see what each is worth. They reach into its internals."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

import asng_core
from asng_core.ask_tell.ask_tell import AskTell

from . import Setting
from .asng import Minimizer


class _Ablated(Minimizer):
    core: ClassVar[type[asng_core.Minimizer]]

    def __init__(self, setting: Setting, seed: int) -> None:
        super().__init__(setting, seed)
        self.optimizer = self.core(self.space, seed=seed, noisy=setting.noisy)


class NoMemo(_Ablated):
    """Known points are proposed again; the runner's memo answers."""

    class core(asng_core.Minimizer):
        def _enter(self, *args: Any) -> None:
            super()._enter(*args)
            self._memo.known.clear()


class NoModel(_Ablated):
    """The first new candidate is asked, or under noise a draw or a finalist."""

    class core(asng_core.Minimizer):
        def _chosen(self, pinned: Any) -> Any:
            if not len(self.history):
                return self._memo.any_unseen(self._rng, None)
            draws, found = self._unseen(self._rng.permutation(self._candidates(np.empty(0))))
            return (draws[0], found[0]) if found else self._memo.any_unseen(self._rng, None)

        @property
        def _screening(self) -> bool:
            return not self.noisy or len(self.history) < 1


class NoRelevance(_Ablated):
    """The model takes all variables as equally relevant."""

    class core(asng_core.Minimizer):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self._surrogate._relevant = self._surrogate._relevant[:0]


class NoNeighbours(_Ablated):
    """All candidates are of the distribution."""

    class core(asng_core.Minimizer):
        def _candidates(self, coefficients: Any) -> Any:
            return self._distribution.sample(30, self._rng)


class NoDistribution(_Ablated):
    """No candidate is of the distribution, which stays as at the start."""

    class core(asng_core.Minimizer):
        def _candidates(self, coefficients: Any) -> Any:
            return super()._candidates(coefficients)[10:]

        def _step(self, *args: Any) -> None:
            pass


class NoRestarts(_Ablated):
    """One run, however long it stalls."""

    class core(asng_core.Minimizer):
        def _restart(self) -> None:
            pass


class NoFinalists(_Ablated):
    """Under noise, no point is evaluated again on purpose."""

    class core(asng_core.Minimizer):
        def _confirming(self, n: int) -> Any:
            return self._plain(n, None, False)


class Mode(_Ablated):
    """Under noise, the mode is recommended."""

    class core(asng_core.Minimizer):
        def recommend(self) -> Any:
            return AskTell.recommend(self)
