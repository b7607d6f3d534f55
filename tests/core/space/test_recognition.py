"""A file knows its space: values by content, constraints by how they answer; what differs is named."""

import dataclasses

import numpy as np
import pytest

from asng_core import ASNG, Boolean, Categorical, CheckpointError, Integer, Minimizer, Ordinal, Real, Space, minimize


@dataclasses.dataclass(frozen=True)
class Layer:
    width: int


def wide(values):
    return values["n"] >= 2


def spaces(*variables, **more):
    return [Space({"x": variable, "n": Integer(0, 9)}, **more) for variable in variables]


NAN = float("nan")
PAIRS = {  # two spaces that differ in content alone, and how the difference is named
    "a range of floats": (spaces(Ordinal(np.linspace(0, 1, 50)), Ordinal(np.linspace(0, 100, 50))),
                          r"'x' has a value of other content at position 1"),
    "NumPy scalars": (spaces(Categorical(np.arange(3)), Categorical(np.arange(1, 4))), "other content at position 0"),
    "kinds of number": (spaces(Categorical([1, 2]), Categorical([1, 2.0])), r"the value 2 at position 1, not 2\.0"),
    "truth and number": (spaces(Categorical([1, 2]), Categorical([True, 2])), "the value 1 at position 0, not True"),
    "signed zeros": (spaces(Categorical([0.0, 1]), Categorical([-0.0, 1])), r"the value 0\.0 at position 0, not -0\.0"),
    "tuples": (spaces(Categorical([(1, 2), (3,)]), Categorical([(1, 2), (4,)])), "other content at position 1"),
    "classes": (spaces(Categorical([int, str]), Categorical([int, bytes])), "other content at position 1"),
    "functions": (spaces(Categorical([np.sin, np.cos]), Categorical([np.cos, np.sin])), "other content at position 0"),
    "dataclasses": (spaces(Categorical([Layer(1), Layer(2)]), Categorical([Layer(1), Layer(3)])), "position 1"),
    "types of values": (spaces(Categorical([1, 2]), Categorical([(1,), (2,)])), "has values of other types"),
    "order of values": (spaces(Ordinal([1, 2, 3]), Ordinal([1, 3, 2])), "the value 2 at position 1, not 3"),
    "kind": (spaces(Ordinal([1, 2]), Categorical([1, 2])), "has kind='Ordinal', not 'Categorical'"),
    "bounds": (spaces(Real(0, 1), Real(0, 100)), r"has high=1\.0, not 100\.0"),
    "steps": (spaces(Integer(0, 8, step=2), Integer(0, 4)), "has high=8, not 4"),
    "log": (spaces(Integer(1, 8), Integer(1, 8, log=True)), "has log=False, not True"),
    "names": ([Space({"x": Boolean()}), Space({"y": Boolean()})], r"has \['x'\] beyond, and lacks \['y'\]"),
    "order of variables": ([Space({"x": Boolean(), "y": Boolean()}), Space({"y": Boolean(), "x": Boolean()})],
                           "come in the order"),
    "conditions": ([Space({"x": Boolean(), "y": Boolean()}, active_if={"y": {"x": [flag]}}) for flag in (True, False)],
                   "'y' is active under another condition"),
    "names of constraints": ([*spaces(Boolean(), constraints=[wide]), *spaces(Boolean())], r"\['wide'\], not \[\]"),
    "a lambda": ([*spaces(Boolean(), constraints=[lambda v: v["n"] >= 2]),
                  *spaces(Boolean(), constraints=[lambda v: v["n"] >= 3])],
                 r"constraints have changed: \{.*'n': 2\} satisfied its constraints then, and broke constraint 0"),
    "a lambda that raises": ([*spaces(Boolean(), constraints=[lambda v: v["n"] >= 2]),
                              *spaces(Boolean(), constraints=[lambda v: v["m"] >= 2])], "made a constraint raise now"),
}


@pytest.mark.parametrize("optimizer", [ASNG, Minimizer])
@pytest.mark.parametrize("name", PAIRS)
def test_a_file_of_another_space_is_refused_by_name(name, optimizer, tmp_path):
    (one, other), words = PAIRS[name]
    path = tmp_path / "a"
    optimizer(one, seed=0).save(path)
    assert optimizer.load(path, space=one).space is one
    with pytest.raises(CheckpointError, match=f"'{path}' cannot be loaded: .*must be of this optimizer.*{words}"):
        optimizer.load(path, space=other)


def test_a_value_that_is_no_number_is_itself(tmp_path):
    space = Space({"x": Categorical([NAN, 1.0]), "y": Categorical([(NAN,), 2])})
    ASNG(space).save(tmp_path / "a")
    ASNG.load(tmp_path / "a", space=Space({"x": Categorical([NAN, 1.0]), "y": Categorical([(NAN,), 2])}))


def rare(limit):
    """Feasible or not by what no probe may see: one point in a thousand."""
    return lambda values: sum(value << i for i, value in enumerate(values.values())) != limit


def test_points_that_were_asked_must_satisfy_the_constraints_still(tmp_path):
    variables = Space.binary(12).variables
    optimizer = Minimizer(Space(variables, constraints=[rare(-1)]), seed=0)
    for _ in range(30):
        point = optimizer.ask()
        optimizer.tell(point, float(sum(point.values())))
    optimizer.save(tmp_path / "a")
    asked = sum(value << i for i, value in enumerate(optimizer.best.values.values()))
    with pytest.raises(CheckpointError, match=r"which was asked, broke constraint 0 \(<lambda>\) now"):
        Minimizer.load(tmp_path / "a", space=Space(variables, constraints=[rare(asked)]))


class Opaque:
    pass


def test_values_that_no_file_can_know_are_refused_before_anything_is_paid(tmp_path):
    space, calls = Space({"op": Categorical([Opaque(), Opaque()])}), []
    words = r"variable 'op' must have values whose content a file can know, .*Name them by text"
    with pytest.raises(TypeError, match=words):
        ASNG(space).save(tmp_path / "a")
    with pytest.raises(TypeError, match=words):
        minimize(calls.append, space, budget=3, checkpoint=tmp_path / "a")
    assert not calls
    assert not list(tmp_path.iterdir())


def test_a_wrong_answer_is_not_given_for_another_range(tmp_path):
    """The report of a user: resumed with levels a hundred times as large, the old losses stood for new points."""
    def levels(high):
        return Space({"x": Ordinal(np.linspace(0, high, 50))})

    def objective(point):
        return abs(point["x"] - 0.5)

    minimize(objective, levels(1), budget=30, seed=0, checkpoint=tmp_path / "a")
    with pytest.raises(ValueError, match=r"minimize\(checkpoint=.*other content at position 1"):
        minimize(objective, levels(100), budget=40, seed=0, checkpoint=tmp_path / "a")
