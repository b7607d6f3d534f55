"""The search algorithm in Ray Tune: by itself, and by a real Tuner."""

import math

import pytest

pytest.importorskip("ray.tune", reason="pip install 'asng[ray]'")
pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # Ray's own

def param_space():
    from ray import tune

    return {"net": {"op": tune.choice(["a", "b"]), "width": tune.choice([64, 16, 32])}, "lr": tune.loguniform(1e-3, 1),
            "n": tune.randint(0, 8), "even": tune.qrandint(2, 8, 2), "drop": tune.quniform(0, 0.5, 0.1), "constant": 7}


def searching(**settings):
    from asng_core.integrations.ray_tune import ASNGSearch

    search = ASNGSearch(**settings)
    assert search.set_search_properties("loss", "min", param_space())
    return search


def test_domains_are_variables_with_the_same_values():
    from asng_core import Categorical, Integer, Ordinal, Real, Space

    assert searching()._optimizer.space == Space({
        "net/op": Categorical(["a", "b"]), "net/width": Ordinal([16, 32, 64]), "lr": Real(1e-3, 1.0, log=True),
        "n": Integer(0, 7), "even": Integer(2, 8, 2), "drop": Real(0.0, 0.5, 0.1)})


def test_a_tuner_runs_it_and_nothing_is_tried_twice(tmp_path):
    import ray
    from ray import tune

    from asng_core.integrations.ray_tune import ASNGSearch

    def train(config):  # in here, to travel by value
        if config["n"] == 7:
            raise ArithmeticError("seven")
        return {"loss": (config["n"] - 3) ** 2 + (config["net"]["op"] == "a") + config["drop"] + config["constant"] - 7}

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR",
             object_store_memory=80 * 2**20)
    try:
        search = ASNGSearch(seed=0)
        results = tune.Tuner(train, param_space=param_space(), tune_config=tune.TuneConfig(
            search_alg=search, metric="loss", mode="min", num_samples=8), run_config=tune.RunConfig(
                storage_path=str(tmp_path), verbose=0)).fit()
    finally:
        ray.shutdown()
    assert len(results) == 8
    assert len({str(each.config) for each in results}) == 8
    history = search._optimizer.history
    assert len(history) == 8
    assert history.losses[history.succeeded].min() == results.get_best_result().metrics["loss"]
    assert [values["n"] == 7 for values in history.values] == [math.isnan(loss) for loss in history.losses]


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_search_that_is_restored_goes_on_as_the_other(when, tmp_path):
    from asng_core.integrations.ray_tune import ASNGSearch

    one = searching(seed=0)
    for i in range(12):
        config = one.suggest(f"t{i}")
        if i < 10:
            one.on_trial_complete(f"t{i}", {"loss": float(config["n"])}, error=i == 4)
    one.save(str(tmp_path / "state"))
    other = searching() if when == "after" else ASNGSearch()
    other.restore(str(tmp_path / "state"))
    if when == "before":
        other.set_search_properties("loss", "min", param_space())
    for each in (one, other):
        each.on_trial_complete("t11", {"loss": 2.0})
        each.on_trial_complete("t10", None, error=True)
    assert [one.suggest(f"u{i}") for i in range(5)] == [other.suggest(f"u{i}") for i in range(5)]


def test_evaluated_points_first_points_modes_and_an_end():
    from ray import tune

    from asng_core.integrations.ray_tune import ASNGSearch

    first = {"net": {"op": "b"}, "n": 5}
    search = searching(points_to_evaluate=[first], seed=0)
    config = search.suggest("t0")
    assert (config["net"]["op"], config["n"]) == ("b", 5)
    search.add_evaluated_point({**config, "n": 3, "constant": 7}, 0.5)
    assert search._optimizer.best.values["n"] == 3
    small = ASNGSearch(metric=["gain", "cost"], mode=["max", "min"])
    small.set_search_properties(None, None, {"n": tune.randint(0, 3)})
    for i in range(3):
        config = small.suggest(str(i))
        small.on_trial_complete(str(i), {"gain": config["n"], "cost": 1})
    assert small.suggest("3") == ASNGSearch.FINISHED
    assert [each.values for each in small._optimizer.front] == [{"n": 2}]
    with pytest.raises(ValueError, match="grid_search"):
        ASNGSearch().set_search_properties("loss", "min", {"n": tune.grid_search([1, 2])})
    with pytest.raises(ValueError, match="must be a choice"):
        ASNGSearch().set_search_properties("loss", "min", {"n": tune.randn(0, 1)})
    with pytest.raises(RuntimeError, match="needs a space"):
        ASNGSearch().suggest("t0")
