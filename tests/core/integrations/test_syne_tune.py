"""The searcher in Syne Tune, by its schedulers and its local backend."""

import math

import pytest

pytest.importorskip("syne_tune", reason="pip install 'asng[syne-tune]'")
pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # Syne Tune's own


@pytest.fixture
def config_space():
    from syne_tune.config_space import choice, finrange, loguniform, ordinal, randint, uniform

    return {"op": choice(["a", "b"]), "width": ordinal([16, 32, 64]), "lr": loguniform(1e-3, 1), "n": randint(0, 7),
            "x": uniform(0, 1), "f": finrange(0.0, 1.0, 5), "epochs": 3}


def loss(config):
    return (config["n"] - 3) ** 2 + (config["op"] == "a") + config["x"]


def test_domains_are_variables_with_the_same_values(config_space):
    from asng_core import Categorical, Integer, Ordinal, Real, Space
    from asng_core.integrations.syne_tune import ASNGSearcher

    assert ASNGSearcher(config_space)._optimizer.space == Space({
        "op": Categorical(["a", "b"]), "width": Ordinal([16, 32, 64]), "lr": Real(1e-3, 1.0, log=True),
        "n": Integer(0, 7), "x": Real(0.0, 1.0), "f": Ordinal([0.0, 0.25, 0.5, 0.75, 1.0])})


@pytest.mark.parametrize("minimized", [True, False])
def test_a_scheduler_runs_it(config_space, minimized):
    from syne_tune.backend.trial_status import Trial
    from syne_tune.optimizer.schedulers.single_objective_scheduler import SingleObjectiveScheduler

    from asng_core.integrations.syne_tune import ASNGSearcher

    searcher = ASNGSearcher(config_space, points_to_evaluate=[{"op": "b", "n": 6}], random_seed=0)
    scheduler = SingleObjectiveScheduler(config_space, metric="loss", do_minimize=minimized, searcher=searcher)
    best, seen, under_way = math.inf, [], []
    for i in range(40):
        config = scheduler.suggest().config
        assert config["epochs"] == 3
        assert i or (config["op"], config["n"]) == ("b", 6)
        seen.append(str(config))
        under_way.append(Trial(trial_id=i, config=config, creation_time=None))
        if len(under_way) == 3:
            trial = under_way.pop(i % 3)
            if trial.config["n"] == 7:
                scheduler.on_trial_error(trial)
                continue
            result = {"loss": loss(trial.config) * (1 if minimized else -1)}
            scheduler.on_trial_result(trial, result)
            scheduler.on_trial_complete(trial, result)
            best = min(best, loss(trial.config))
    assert len(set(seen)) == 40
    assert best < 1
    history = searcher._optimizer.history
    assert (history.ids >= 0).all()
    assert [values["n"] == 7 for values in history.values] == [math.isnan(each) for each in history.losses]


def test_several_metrics_and_an_end():
    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import randint
    from syne_tune.optimizer.schedulers.single_fidelity_scheduler import SingleFidelityScheduler

    from asng_core.integrations.syne_tune import MultiObjectiveASNGSearcher

    space = {"n": randint(0, 3)}
    searcher = MultiObjectiveASNGSearcher(space, random_seed=0)
    scheduler = SingleFidelityScheduler(space, metrics=["a", "b"], searcher=searcher)
    for i in range(4):
        trial = Trial(trial_id=i, config=scheduler.suggest().config, creation_time=None)
        scheduler.on_trial_complete(trial, {"a": trial.config["n"], "b": -trial.config["n"]})
    assert scheduler.suggest() is None
    assert len(searcher._optimizer.front) == 4


def test_what_is_no_range_is_refused():
    from syne_tune.config_space import reverseloguniform

    from asng_core.integrations.syne_tune import ASNGSearcher

    with pytest.raises(ValueError, match=r"config_space\['x'\] must be a choice"):
        ASNGSearcher({"x": reverseloguniform(0.1, 0.9)})
