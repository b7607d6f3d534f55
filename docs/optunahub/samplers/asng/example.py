"""Run it where `optunahub` and `asng[optuna]` are installed."""

import optuna
import optunahub


def objective(trial: optuna.Trial) -> float:
    if trial.suggest_categorical("model", ["forest", "svm"]) == "forest":
        return 1.0 + abs(trial.suggest_int("depth", 2, 32) - 12) / 10
    kernel = trial.suggest_categorical("kernel", ["linear", "rbf"])
    return abs(trial.suggest_float("c", 1e-3, 1e3, log=True) - 10) / 10 + (kernel != "rbf")


if __name__ == "__main__":
    sampler = optunahub.load_module("samplers/asng").ASNGSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=60)
    print(study.best_params)  # noqa: T201
