"""Models of scikit-learn on the data that comes with it, half of it to train on, the other half to judge."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.base import is_regressor
from sklearn.ensemble import GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import scale

from ..problems.curves import FIDELITIES

PER_FIDELITY = 2  # boosting iterations
TRAINED_ON = {"digits": 500}  # of 1,797; of the others one half
EPOCHS_OF_SHARE = 10
Halves = tuple[Any, Any, Any, Any]  # training x, validation x, training y, validation y


def trained(name: str, values: dict[str, Any], seed: int) -> Iterator[float]:
    """The validation losses at each fidelity in turn, NaN from where it diverges."""
    model, rest = name.split(" ", 1)
    dataset, by = rest.split(" by ")
    make = {"boosting": _booster, "MLP": _perceptron, "SGD": _linear}[model]
    losses = {"iterations": _boosting, "epochs": _epochs, "share": _shares}[by](make, _halves(dataset), values, seed)
    n_left = len(FIDELITIES)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        for kind in (ConvergenceWarning, RuntimeWarning, UserWarning):  # the loss tells; a batch is all there is
            warnings.simplefilter("ignore", kind)
        try:
            for loss in losses:
                yield loss
                n_left -= 1
        except ValueError as error:
            if "non-finite" not in str(error):
                raise
            yield from [float("nan")] * n_left


@cache
def _halves(dataset: str) -> Halves:
    load = {"digits": datasets.load_digits, "diabetes": datasets.load_diabetes,
            "breast cancer": datasets.load_breast_cancer}[dataset]
    x, y = load(return_X_y=True)
    y = scale(y) if dataset == "diabetes" else y.astype(np.int64)
    halves: Halves = tuple(train_test_split(scale(x), y, train_size=TRAINED_ON.get(dataset, 0.5), random_state=0,
                                            stratify=None if dataset == "diabetes" else y))
    return halves


def _booster(values: dict[str, Any], y: Any, seed: int) -> Any:
    kind = GradientBoostingRegressor if y.dtype == np.float64 else GradientBoostingClassifier
    return kind(**values, n_estimators=PER_FIDELITY * FIDELITIES[-1], random_state=seed)


def _perceptron(values: dict[str, Any], y: Any, seed: int) -> Any:
    kind = MLPRegressor if y.dtype == np.float64 else MLPClassifier
    given = dict(values)
    layers = (given.pop("width"),) * given.pop("depth")
    return kind(**given, hidden_layer_sizes=layers, random_state=seed, max_iter=EPOCHS_OF_SHARE,
                n_iter_no_change=EPOCHS_OF_SHARE)


def _linear(values: dict[str, Any], y: Any, seed: int) -> Any:
    kind = SGDRegressor if y.dtype == np.float64 else SGDClassifier
    return kind(**values, random_state=seed, max_iter=EPOCHS_OF_SHARE, tol=None)


def _boosting(make: Any, halves: Halves, values: dict[str, Any], seed: int) -> Iterator[float]:
    x, validation_x, y, validation_y = halves
    model = make(values, y, seed).fit(x, y)
    staged = model.staged_predict_proba if hasattr(model, "staged_predict_proba") else model.staged_predict
    for n, predicted in enumerate(staged(validation_x), 1):
        if n % PER_FIDELITY == 0 and n // PER_FIDELITY in FIDELITIES:
            yield _loss(predicted, validation_y)


def _epochs(make: Any, halves: Halves, values: dict[str, Any], seed: int) -> Iterator[float]:
    x, validation_x, y, validation_y = halves
    model = make(values, y, seed)
    classes = {} if is_regressor(model) else {"classes": np.unique(y)}
    for epoch in range(1, FIDELITIES[-1] + 1):
        model.partial_fit(x, y, **classes)
        if epoch in FIDELITIES:
            yield _judged(model, validation_x, validation_y)


def _shares(make: Any, halves: Halves, values: dict[str, Any], seed: int) -> Iterator[float]:
    """A model anew for each share of the data."""
    x, validation_x, y, validation_y = halves
    for fidelity in FIDELITIES:
        n = len(x) * fidelity // FIDELITIES[-1]
        yield _judged(make(values, y, seed).fit(x[:n], y[:n]), validation_x, validation_y)


def _judged(model: Any, x: Any, y: Any) -> float:
    if isinstance(model, SGDClassifier):  # most of its losses know no probabilities
        return float((model.predict(x) != y).mean())
    return _loss(model.predict(x) if is_regressor(model) else model.predict_proba(x), y)


def _loss(predicted: Any, y: Any) -> float:
    """Squared error of a regression, cross-entropy of probabilities; NaN if any is not finite."""
    if not np.isfinite(predicted).all():
        return float("nan")
    return float(((predicted - y) ** 2).mean() if y.dtype == np.float64 else log_loss(y, predicted))
