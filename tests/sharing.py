"""An Optuna study that several processes share: what each of them does."""

import optuna

from asng_core.integrations.optuna import ASNGSampler


def bits(trial):
    return sum(trial.suggest_categorical(f"x{i}", ["no", "yes"]) == "no" for i in range(12))


def sqlite(path):
    return f"sqlite:///{path}/study.db"


def journal(path):
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(f"{path}/journal.log"))


def work(make_storage, path, seed):
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.load_study(study_name="shared", storage=make_storage(path), sampler=ASNGSampler(seed=seed))
    study.optimize(bits, n_trials=25)
