"""When a run ends; a new rule is a row of RULES."""

import pytest

from asng_core.ask_tell.results import Best
from asng_core.loop.stopping import Budget, Standing, Target, Timeout, given

EARLY = Standing(9, Best({}, 5.0, 0), 1.5)
RULES = {  # a rule, a standing that it ends, in which words, and in how many seconds it must be asked again
    "budget": (Budget("minimize(budget=...)", 10), EARLY._replace(n_evaluations=10), "budget of 10 evaluations used",
               float("inf")),
    "budget of one": (Budget("b", 1), EARLY._replace(n_evaluations=1), "budget of 1 evaluation used", float("inf")),
    "target": (Target("t", 3, 1.0), EARLY._replace(best=Best({}, 3.0, 0)), "target of 3 reached", float("inf")),
    "target, maximized": (Target("t", 7, -1.0), EARLY._replace(best=Best({}, 8.0, 0)), "target of 7 reached",
                          float("inf")),
    "timeout": (Timeout("t", 4), EARLY._replace(seconds=4.0), "timeout of 4 seconds reached", 2.5),
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule_ends_the_run_when_it_says_and_not_before(name):
    rule, late, words, due = RULES[name]
    before = EARLY if name != "budget of one" else EARLY._replace(n_evaluations=0)
    assert rule.reason(before) is None
    assert rule.reason(late) == words
    assert rule.due(EARLY.seconds) == due


def test_no_rule_of_an_argument_left_out():
    assert given(Target, "t", None, 1.0) == []
    assert isinstance(given(Timeout, "t", 1.0)[0], Timeout)


@pytest.mark.parametrize(("rule", "arguments"), [(Budget, (0,)), (Target, (float("nan"), 1.0)), (Timeout, (0.0,))])
def test_a_setting_that_breaks_the_rule_is_refused(rule, arguments):
    with pytest.raises(ValueError, match=r"minimize\(x=...\) must be"):
        rule("minimize(x=...)", *arguments)
