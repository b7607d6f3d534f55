"""The search in scikit-learn: its own checks, and what is found."""

import warnings

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="pip install 'asng[sklearn]'")

from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.exceptions import FitFailedWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from asng_core import Boolean, Categorical, Integer, Ordinal, Real, Space
from asng_core.integrations.sklearn import ASNGSearchCV, space_of

X, Y = np.arange(20.0)[:, None], np.arange(20) % 2


class Toy(ClassifierMixin, BaseEstimator):
    """Its score is known: 1 - |c - 0.7| - |n - 3| / 10, less where `flag` is False; it fails where `bad`."""

    def __init__(self, c=0.0, n=0, flag=True, bad=False):
        self.c, self.n, self.flag, self.bad = c, n, flag, bad

    def fit(self, X, y):
        if self.bad:
            raise ValueError("bad")
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return 1 - abs(self.c - 0.7) - abs(self.n - 3) / 10 - (not self.flag)


SPACE = {"c": Real(0, 1, step=0.1), "n": range(10), "flag": [True, False]}


def found(n_iter=60, space=SPACE, **keywords):
    return ASNGSearchCV(Toy(), space, n_iter=n_iter, cv=2, random_state=0, **keywords).fit(X, Y)


def test_the_best_is_found_and_nothing_is_tried_twice():
    search = found()
    assert search.best_params_ == {"c": 0.7, "n": 3, "flag": True}
    assert search.best_score_ == pytest.approx(1)
    assert (search.best_estimator_.n, search.n_splits_) == (3, 2)
    tried = search.cv_results_["params"]
    assert len({tuple(each.items()) for each in tried}) == len(tried) == 60
    assert search.predict(X).shape == (20,)
    assert [type(value) for value in tried[0].values()] == [float, int, bool]


def test_a_seed_says_all_and_points_may_come_several_at_once():
    one, two = found(20), found(20)
    assert one.cv_results_["params"] == two.cv_results_["params"]
    assert len(found(21, n_points=4).cv_results_["params"]) == 21
    assert found(n_points=4).best_score_ > 0.85


def test_it_ends_where_the_space_does():
    assert len(found(100, {"n": [1, 2, 3, 3, 2]}).cv_results_["params"]) == 3


def test_failures_rank_last():
    space = SPACE | {"bad": [True, False]}
    for n_points in (1, 2):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            search = found(40, space, n_points=n_points)
        caught = [each for each in caught if issubclass(each.category, FitFailedWarning)]
        assert not search.best_params_["bad"]
        assert 0 < len(caught) < 16  # random points would fail in twenty
        assert search.best_score_ > 0.8
    for n_iter in (4, 20):  # fewer than there are, and more
        with pytest.warns(FitFailedWarning), pytest.raises(ValueError, match="fits failed"):
            found(n_iter, {"bad": [True], "n": range(9)})
    with pytest.raises(ValueError, match=r"^bad$"):
        found(40, space, error_score="raise")


def test_conditions_and_constraints_of_a_space():
    space = Space({"c": Real(0, 1, step=0.1), "flag": Boolean(), "n": Integer(0, 9)},
                  active_if={"n": {"flag": [True]}}, constraints=[lambda point: point.get("n") != 3])
    search = found(60, space)
    assert search.best_params_["n"] in (2, 4)
    assert np.ma.is_masked(search.cv_results_["param_n"])  # where it is not there


@pytest.mark.parametrize("refit", ["close", False, lambda results: int(np.argmax(results["mean_test_close"]))])
def test_several_metrics(refit):
    scoring = {"close": lambda toy, X, y: -abs(toy.n - 3), "far": lambda toy, X, y: abs(toy.n - 3) * 1.0}
    search = found(8, {"n": list(range(200))}, scoring=scoring, refit=refit)
    tried = [each["n"] for each in search.cv_results_["params"]]
    assert len(set(tried)) == 8
    assert ("best_params_" in vars(search)) == bool(refit)
    search = found(60, {"n": list(range(200))}, scoring=scoring, refit=refit)
    ends = {each["n"] for each in search.cv_results_["params"]}
    assert 3 in ends
    if refit == "close":
        assert search.best_params_ == {"n": 3}
    else:
        assert max(ends) > 190  # the other end of the front


def test_distributions_become_variables():
    space, quantiles = space_of({
        "u": stats.uniform(2, 3), "l": stats.loguniform(1e-3, 10), "i": stats.randint(2, 6), "g": stats.norm(5, 2),
        "p": stats.poisson(4), "numbers": np.logspace(-2, 2, 5), "mixed": [None, 1, 2], "flags": [True, False],
        "names": ("b", "a"), "own": Ordinal(list("abc")), "objects": [StandardScaler(), "passthrough"]})
    assert space.variables["u"] == Real(2, 5)
    assert space.variables["l"] == Real(1e-3, 10, log=True)
    assert space.variables["i"] == Integer(2, 5)
    assert space.variables["numbers"] == Ordinal(np.logspace(-2, 2, 5))
    assert isinstance(space.variables["mixed"], Categorical)
    assert isinstance(space.variables["flags"], Categorical)
    assert space.variables["names"] == Categorical(["b", "a"])
    assert set(quantiles) == {"g", "p"}
    assert quantiles["g"](0.5) == pytest.approx(5)
    assert [quantiles["p"](q) for q in (0.01, 0.5, 0.99)] == [0, 4, 9]


@pytest.mark.parametrize(("space", "error", "words"), [
    ({"c": 5}, TypeError, r"must have a list of values, a SciPy distribution .* got 5 for 'c'"),
    ({"c": "abc"}, TypeError, "got 'abc' for 'c'"), ({"c": []}, ValueError, "at least one value .* none for 'c'"),
    ([{"c": [1]}], TypeError, r"ASNGSearchCV\(param_distributions\) must be a mapping"),
])
def test_what_is_no_space(space, error, words):
    with pytest.raises(error, match=words):
        found(5, space)


def test_steps_of_a_pipeline_are_searched():
    pipeline = Pipeline([("scale", StandardScaler()), ("model", Ridge())])
    search = ASNGSearchCV(pipeline, {"scale": [StandardScaler(), "passthrough"], "model__alpha": stats.loguniform(
        1e-3, 1e3)}, n_iter=12, cv=2, random_state=0).fit(X, X[:, 0])
    assert search.best_score_ > 0.9
    assert clone(search).get_params()["n_iter"] == 12


@pytest.mark.hosts
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "space"), [(LogisticRegression(), {"C": [0.1, 1.0]}),
                                                  (Ridge(), {"alpha": [0.1, 1.0]})])
def test_no_check_fails_that_randomized_search_passes(estimator, space):
    def failed(kind):
        checks = check_estimator(kind(estimator, space, n_iter=2, cv=2, random_state=0), on_fail=None)
        assert len(checks) > 60
        return {each["check_name"] for each in checks if each["status"] == "failed"}
    assert failed(ASNGSearchCV) <= failed(RandomizedSearchCV)
