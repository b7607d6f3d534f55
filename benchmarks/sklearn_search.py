"""`ASNGSearchCV` beside scikit-learn's own searches: what the chosen model is worth on data that it has not seen.

Six tabular sets that come with scikit-learn, four that it generates. In each run a third of a set is held back; the
searches see the rest, by three folds: 50 points, or successive halving with as many candidates as take as much time.
What is tuned is a pipeline of scaling and a support vector machine, of seven parameters.

    python -m benchmarks.sklearn_search              6 seeds; some 6 minutes of one core
    python -m benchmarks.sklearn_search --quick      a check of the whole path, seconds
"""

from __future__ import annotations

import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import markdown, scores
from .analysis.scores import Grouped, Records
from .page import Claim, Page

OURS, RANDOM, HALVING = "ASNGSearchCV", "RandomizedSearchCV", "HalvingRandomSearchCV"
SETS = ("iris", "wine", "breast_cancer", "digits", "diabetes", "linnerud", "classification", "moons", "hastie",
        "friedman")
SEEDS, POINTS, MOST = 6, 50, 600  # most: samples of a set
WORST = 0.0  # a score that counts: an R² below is worse than to predict the mean, and has no bound
FIRST = 30  # candidates of the halving by which it is known how long one takes


def data(name: str, seed: int) -> tuple[Any, Any, bool]:
    """Samples, targets, and whether they are classes. Generated anew for each seed; of large sets a part."""
    from sklearn import datasets

    generated = {"classification": partial(datasets.make_classification, 400, 20, n_informative=6, n_redundant=4,
                                           n_clusters_per_class=3, flip_y=0.05),
                 "moons": partial(datasets.make_moons, 400, noise=0.3), "friedman": partial(
                     datasets.make_friedman1, 300, 10, noise=1.0), "hastie": partial(datasets.make_hastie_10_2, 500)}
    if name in generated:
        x, y = generated[name](random_state=seed)
    else:
        x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    if name == "linnerud":
        y = y[:, 0]  # the weight
    rows = np.random.default_rng(seed).permutation(len(x))[:MOST]
    return x[rows], y[rows], name not in ("diabetes", "linnerud", "friedman")


def model(classes: bool) -> tuple[Any, dict[str, Any]]:
    """A pipeline and the distributions of its parameters."""
    from scipy.stats import loguniform, randint, uniform
    from sklearn import preprocessing
    from sklearn.pipeline import Pipeline
    from sklearn.svm import SVC, SVR

    machine = SVC(max_iter=5000, cache_size=50) if classes else SVR(max_iter=5000, cache_size=50)
    # targets of the regressions are of the order of 10 to 100, and C is in their unit
    scale = 1.0 if classes else 30.0
    return Pipeline([("scale", preprocessing.StandardScaler()), ("svm", machine)]), {
        "scale": [preprocessing.StandardScaler(), preprocessing.MinMaxScaler(), preprocessing.QuantileTransformer(
            n_quantiles=10, output_distribution="normal")],
        "svm__kernel": ["rbf", "poly", "sigmoid", "linear"], "svm__C": loguniform(1e-3 * scale, 1e3 * scale),
        "svm__gamma": loguniform(1e-4, 1e1), "svm__degree": randint(2, 6), "svm__coef0": uniform(0, 1),
        "svm__shrinking": [True, False]}


def run(table: str, seed: int, points: int) -> dict[str, Any]:
    """Of each search the score on the held-back part, that of its own folds, and its seconds of the processor."""
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401
    from sklearn.model_selection import HalvingRandomSearchCV, RandomizedSearchCV, train_test_split

    from asng_core.integrations.sklearn import ASNGSearchCV

    x, y, classes = data(table, seed)
    kept, held, y_kept, y_held = train_test_split(x, y, test_size=1 / 3, random_state=seed,
                                                  stratify=y if classes else None)
    pipeline, space = model(classes)
    settings: dict[str, Any] = {"cv": 3, "random_state": seed, "error_score": -10.0}
    found: dict[str, Any] = {}

    def searched(name: str, search: Any) -> float:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of fits that end at max_iter
            begun = time.process_time()
            search.fit(kept, y_kept)
            seconds = time.process_time() - begun
            found[name] = {"test": round(float(search.score(held, y_held)), 6),
                           "folds": round(float(search.best_score_), 6), "seconds": round(seconds, 4)}
        return seconds

    seconds = searched(OURS, ASNGSearchCV(pipeline, space, n_iter=points, **settings))
    searched(RANDOM, RandomizedSearchCV(pipeline, space, n_iter=points, **settings))
    first = searched(HALVING, HalvingRandomSearchCV(pipeline, space, n_candidates=FIRST, **settings))
    searched(HALVING, HalvingRandomSearchCV(pipeline, space, n_candidates=max(3, round(FIRST * seconds / first)),
                                            **settings))
    return found


def _by_method(records: Records, what: str, least: float = -np.inf) -> Grouped:
    """Method -> set -> values by seed, those below the least as that."""
    found: Grouped = {}
    for record in sorted(records, key=lambda record: int(record["task"]["seed"])):
        for method, each in record["result"].items():
            found.setdefault(method, {}).setdefault(record["task"]["table"], []).append(100 * max(each[what], least))
    return found


def shown(records: Records) -> dict[str, str]:
    test, seconds = _by_method(records, "test", WORST), _by_method(records, "seconds")
    tables = [name for name in SETS if name in test[OURS]]
    rows = [[name, *(f"{np.mean(test[method][name]):.1f}" for method in test), *(
        scores.interval(*scores.paired_bootstrap({name: test[OURS][name]}, {name: test[rival][name]}), 1)
        for rival in (RANDOM, HALVING))] for name in tables]
    whole = ["mean", *(f"{scores.mean_of(test[method]):.1f}" for method in test), *(
        scores.interval(*scores.differences(test, OURS)[rival], 1) for rival in (RANDOM, HALVING))]
    return {f"Score on held-back data (accuracy or R², in hundredths), and `{OURS}` minus the others, 95% intervals":
            markdown.table(["data", *test, f"minus {RANDOM}", f"minus {HALVING}"], [*rows, whole]),
            "Score on the search's own folds": markdown.table(["", "mean"], [  # halving's are of parts of the data
                [method, f"{scores.mean_of(each):.1f}"] for method, each in _by_method(records, "folds").items()
                if method != HALVING]),
            "Score on held-back data with nothing cut off at 0": markdown.table(["data", *test], [
                [name, *(f"{np.mean(each[name]):.1f}" for each in _by_method(records, "test").values())]
                for name in tables if min(min(each[name]) for each in _by_method(records, "test").values()) < 0]),
            "Seconds of the processor, mean": markdown.table(["", "seconds"], [
                [method, f"{scores.mean_of(each) / 100:.2f}"] for method, each in seconds.items()])}


def claims(records: Records) -> list[Claim]:
    test, seconds = _by_method(records, "test", WORST), _by_method(records, "seconds")
    found = scores.differences(test, OURS)
    ratio = scores.mean_of(seconds[HALVING]) / scores.mean_of(seconds[OURS])
    return [Claim(f"{POINTS} points: a better score on held-back data than {RANDOM}'s, beyond chance",
                  found[RANDOM][1] > 0, f"{scores.interval(*found[RANDOM])} hundredths", ("Minimizer",)),
            Claim(f"at equal time: a better one than {HALVING}'s, beyond chance", found[HALVING][1] > 0,
                  f"{scores.interval(*found[HALVING])} hundredths, in {ratio:.2f} of the time", ("Minimizer",))]


def draw(records: Records, path: Path) -> None:
    from matplotlib.figure import Figure

    axes = (figure := Figure(figsize=(7, 4), layout="constrained")).subplots()
    test = _by_method(records, "test", WORST)
    for i, rival in enumerate((RANDOM, HALVING)):
        found = {name: scores.paired_bootstrap({name: test[OURS][name]}, {name: test[rival][name]})
                 for name in test[OURS]}
        for j, (mean, low, high) in enumerate(found.values()):
            axes.plot([low, high], [j + 0.2 * i] * 2, color=f"C{i}")
            axes.plot(mean, j + 0.2 * i, "o", color=f"C{i}", label=f"minus {rival}" if not j else None)
    axes.set_yticks(range(len(test[OURS])), list(test[OURS]))
    axes.axvline(0, color="gray", linewidth=0.8)
    axes.set(xlabel=f"{OURS} minus another: score on held-back data, hundredths, 95%", xscale="symlog")
    axes.legend()
    figure.savefig(path, dpi=110)


def pages(results: Path) -> list[Page]:
    records = store.records(results / "sklearn_search")
    return [Page("sklearn_search", {"sklearn_search": "python -m benchmarks.sklearn_search"}, claims(records),
                 shown(records), partial(draw, records))]


def main() -> None:
    parser = store.parser("sklearn_search", __doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs per data set (default {SEEDS})")
    parser.add_argument("--quick", action="store_true", help="two sets, 2 seeds, 8 points")
    options = parser.parse_args()
    name = f"sklearn_search{'_quick' if options.quick else ''}"
    seeds, tables, points = (2, SETS[:2], 8) if options.quick else (options.seeds, SETS, POINTS)
    records = store.measure(options.out / name, run, [{"table": table, "seed": seed, "points": points}
                                                      for seed in range(seeds) for table in tables],
                            parts=lambda task: ("Minimizer",), packages=("numpy", "scikit-learn"), **store.how(options))
    draw(records, options.out / f"{name}.png")
    print("\n\n".join(shown(records).values()))


if __name__ == "__main__":
    main()
