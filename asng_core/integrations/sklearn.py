"""A cross-validated search by `Minimizer` for scikit-learn, in the manner of its `RandomizedSearchCV`.

    from asng_core.integrations.sklearn import ASNGSearchCV
    search = ASNGSearchCV(SVC(), {"C": loguniform(1e-3, 1e3), "kernel": ["rbf", "poly"]}, n_iter=50).fit(X, y)
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..ask_tell.candidate import Candidate
from ..blackbox.memo import SpaceExhausted
from ..blackbox.minimizer import Minimizer
from ..blackbox.noise_free import NoiseFree
from ..space.ranges import Integer, Real
from ..space.space import Space
from ..space.variables import Variable
from .domains import of_values

try:
    from joblib import effective_n_jobs
    from sklearn.exceptions import FitFailedWarning
    from sklearn.model_selection._search import BaseSearchCV
    from sklearn.utils import check_random_state
except ImportError as error:
    raise ImportError("asng_core.integrations.sklearn needs scikit-learn. Run: pip install 'asng[sklearn]'") from error

# points before the model has a say, twice as many as usual: most parameters of an estimator count only beside some
# values of others, and of 5 points one of these is taken for all there is. Of 5, 10 and 15, tried on data that
# scikit-learn generates, by the folds' scores, 10 and 15 are ahead
_FIRST = 10
_TAIL = 1e-4  # of a distribution that has no bounds, left out at either end


class ASNGSearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn has no types
    """Search of an estimator's parameters by `Minimizer`, each point judged by cross-validation.

    The attributes after `fit` are those of `RandomizedSearchCV`: `best_estimator_`, `best_params_`, `best_score_`,
    `cv_results_`, ...

    estimator: to be tuned; with its random_state fixed, or a lucky seed may win.
    param_distributions: a dict from names of parameters to lists of values, SciPy distributions or variables of
        `asng_core`; or a `Space`, which may have conditions and constraints. Numbers in a list are taken as ordered.
        A distribution is a range, searched at equal pace in its quantiles; a uniform one over its logarithm or over
        integers as Real or Integer.
    n_iter: points to evaluate; fewer where the space has no more.
    n_points: points to evaluate at once; by default as many as their folds keep `n_jobs` busy.
    refit: with several metrics the one to be searched by; if it is False or a function, all of them are objectives.
    error_score: as for `RandomizedSearchCV`, but that a point all of whose fits fail does not end the search: it ranks
        last, and is not in `cv_results_`.
    random_state: of the search. scoring, n_jobs, cv, verbose, pre_dispatch, return_train_score: as for
        `RandomizedSearchCV`.

    Raises TypeError or ValueError from `fit` for what is no space.
    """

    def __init__(self, estimator: Any, param_distributions: Any, *, n_iter: int = 50, n_points: int | None = None,
                 scoring: Any = None, n_jobs: int | None = None, refit: Any = True, cv: Any = None, verbose: int = 0,
                 pre_dispatch: Any = "2*n_jobs", random_state: Any = None, error_score: Any = np.nan,
                 return_train_score: bool = False) -> None:
        super().__init__(estimator=estimator, scoring=scoring, n_jobs=n_jobs, refit=refit, cv=cv, verbose=verbose,
                         pre_dispatch=pre_dispatch, error_score=error_score, return_train_score=return_train_score)
        self.param_distributions, self.n_iter, self.n_points = param_distributions, n_iter, n_points
        self.random_state = random_state

    def _run_search(self, evaluate_candidates: Callable[[list[dict[str, Any]]], Mapping[str, Any]]) -> None:
        n_iter = checks.integer("ASNGSearchCV(n_iter=...)", self.n_iter, minimum=1)
        if self.n_points is None:
            at_once = max(1, effective_n_jobs(self.n_jobs) // self.n_splits_)
        else:
            at_once = checks.integer("ASNGSearchCV(n_points=...)", self.n_points, minimum=1)
        space, quantiles = space_of(self.param_distributions)
        seed = int(check_random_state(self.random_state).randint(2**31))
        optimizer, width = Minimizer(space, seed=seed, mechanisms=NoiseFree(n_initial=_FIRST)), 0
        failed, failure = list[Candidate](), None
        while optimizer.n_asked < n_iter:
            try:
                batch = optimizer.ask(min(at_once, n_iter - optimizer.n_asked))
            except SpaceExhausted:
                break
            try:
                results = evaluate_candidates([_params(point, quantiles) for point in batch])
            except ValueError as error:  # where every fit of these points fails, scikit-learn ends the search
                if self.error_score == "raise" or "fits failed" not in str(error):
                    raise
                failure = error
                warnings.warn(str(error), FitFailedWarning, stacklevel=2)
                failed += batch
            else:
                losses = -np.stack([results[name][-len(batch):] for name in self._objectives(results)], axis=1)
                width = losses.shape[1]
                optimizer.tell(batch, losses if width > 1 else losses[:, 0])
            if failed and width:  # before it is known how many objectives there are, nothing can be told
                optimizer.tell(failed, [[math.nan] * width] * len(failed))
                failed = []
        if not width and failure is not None:
            raise failure

    def _objectives(self, results: Mapping[str, Any]) -> list[str]:
        """The columns to search by."""
        if isinstance(self.refit, str) and f"mean_test_{self.refit}" in results:
            return [f"mean_test_{self.refit}"]
        return sorted(name for name in results if name.startswith("mean_test_"))


def space_of(given: Any) -> tuple[Space, dict[str, Callable[[float], Any]]]:
    """A space, and of those variables that are a distribution's quantiles the way to its values."""
    where = "ASNGSearchCV(param_distributions)"
    if isinstance(given, Space):
        return given, {}
    variables, quantiles = dict[str, Variable](), dict[str, Callable[[float], Any]]()
    for name, each in checks.mapping(where, given).items():
        if isinstance(each, Variable):
            variables[name] = each
        elif callable(getattr(each, "ppf", None)):
            variables[name], value = _of_distribution(each)
            if value is not None:
                quantiles[name] = value
        elif callable(getattr(each, "rvs", None)) or (values := checks.listed(each)) is None:
            raise TypeError(f"{where} must have a list of values, a SciPy distribution with a `ppf`, or a variable for "
                            f"each parameter, got {checks.shown(each)} for {name!r}.")
        elif not values:
            raise ValueError(f"{where} must have at least one value for each parameter, got none for {name!r}.")
        else:
            variables[name] = of_values(values)
    return Space(variables), quantiles


def _of_distribution(frozen: Any) -> tuple[Variable, Callable[[float], Any] | None]:
    """A variable over its values, or over its quantiles with the way to the values."""
    kind, (low, high) = getattr(getattr(frozen, "dist", None), "name", None), map(float, frozen.support())
    if kind == "randint":
        return Integer(int(low), int(high)), None
    if kind in ("uniform", "loguniform", "reciprocal") and low < high:
        return Real(low, high, log=kind != "uniform"), None
    whole = getattr(frozen, "dist", None) is not None and hasattr(frozen.dist, "pmf")

    def value(quantile: float) -> Any:
        found = float(frozen.ppf(quantile))
        return int(found) if whole else found
    return Real(_TAIL, 1 - _TAIL), value


def _params(point: Mapping[str, Any], quantiles: Mapping[str, Callable[[float], Any]]) -> dict[str, Any]:
    return {name: quantiles[name](value) if name in quantiles else value for name, value in point.items()}
