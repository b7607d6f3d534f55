"""A node of Ax, in real experiments."""

import math

import pytest

pytest.importorskip("ax", reason="pip install 'asng[ax]'")
pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # Ax's own


@pytest.fixture
def client():
    from ax.api.client import Client
    from ax.api.configs import ChoiceParameterConfig, RangeParameterConfig
    from ax.generation_strategy.generation_strategy import GenerationStrategy

    from asng_core.integrations.ax import ASNGNode

    client = Client()
    client.configure_experiment(parameters=[
        RangeParameterConfig(name="x", bounds=(0, 1), parameter_type="float"),
        RangeParameterConfig(name="y", bounds=(0, 1), parameter_type="float"),
        RangeParameterConfig(name="lr", bounds=(1e-3, 1), parameter_type="float", scaling="log"),
        RangeParameterConfig(name="n", bounds=(0, 8), parameter_type="int"),
        ChoiceParameterConfig(name="op", values=["a", "b", "c"], parameter_type="str", is_ordered=False),
        ChoiceParameterConfig(name="flag", values=[True, False], parameter_type="bool"),
    ], parameter_constraints=["x + y <= 1.2"])
    client.configure_optimization(objective="-loss")
    client.node = ASNGNode(seed=0)
    client.set_generation_strategy(GenerationStrategy(name="asng", nodes=[client.node]))
    return client


def loss(point):
    return (point["n"] - 3) ** 2 + abs(point["x"] - 0.5) + (point["op"] != "b") + point["flag"] - point["lr"] / 9


def test_it_searches_and_keeps_constraints_and_duplicates_out(client):
    seen = []
    for _ in range(12):
        for index, point in client.get_next_trials(3).items():
            assert point["x"] + point["y"] <= 1.2 + 1e-9
            seen.append(str(point))
            if len(seen) == 5:
                client.mark_trial_failed(index)
            else:
                client.complete_trial(index, raw_data={"loss": loss(point)})
    assert len(set(seen)) == 36
    best, *_ = client.get_best_parameterization()
    assert best["op"] == "b"
    assert abs(best["n"] - 3) <= 1
    history = client.node._optimizer.history
    assert len(history) >= 33  # the last are told when more is asked
    assert math.isnan(history.losses[history.ids.tolist().index(4)])


def test_trials_by_hand_are_results_and_what_is_under_way_is_not_asked(client):
    point = {"x": 0.5, "y": 0.1, "lr": 1.0, "n": 3, "op": "b", "flag": False}
    index = client.attach_trial(parameters=point)
    client.complete_trial(index, raw_data={"loss": loss(point)})
    client.attach_trial(parameters={**point, "n": 4})
    ((_, asked),) = client.get_next_trials(1).items()
    optimizer = client.node._optimizer
    assert optimizer.best.values == point
    assert [dict(each) for each in optimizer.pending] == [{**point, "n": 4}, asked]


def test_outcome_constraints_and_several_objectives(client):
    client.configure_optimization(objective="-loss, gain", outcome_constraints=["size <= 4"])
    for _ in range(30):
        for index, point in client.get_next_trials(1).items():
            client.complete_trial(index, raw_data={"loss": loss(point), "gain": point["x"], "size": point["n"]})
    optimizer = client.node._optimizer
    assert optimizer.history.losses.shape[1] == 2
    assert all(each.values["n"] <= 4 for each in optimizer.front)
    assert optimizer.history.violations.max() > 0


def test_conditional_parameters_are_there_with_their_parents():
    from ax.core.parameter import ChoiceParameter, FixedParameter, ParameterType, RangeParameter
    from ax.core.search_space import SearchSpace

    from asng_core import Categorical, Integer, Ordinal, Real, Space
    from asng_core.integrations.ax import space_of

    space = space_of(SearchSpace([  # Ax takes the two values of a parent as ordered
        FixedParameter("root", ParameterType.STRING, "r", dependents={"r": ["op", "n"]}),
        ChoiceParameter("op", ParameterType.STRING, ["a", "b"], is_ordered=False, dependents={"a": ["x"]}),
        RangeParameter("x", ParameterType.FLOAT, 0.0, 1.0),
        RangeParameter("n", ParameterType.INT, 1, 64, log_scale=True)]))
    assert space == Space({"root": Categorical(["r"]), "op": Ordinal(["a", "b"]), "x": Real(0.0, 1.0),
                           "n": Integer(1, 64, log=True)},
                          active_if={"op": {"root": ["r"]}, "n": {"root": ["r"]}, "x": {"op": ["a"]}})
