"""Every public call in any order: 30 x 20 steps here, 200 x 50 with `make attack`, more by `python -m attack.long`."""

import machines
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

# the same steps each time: others are for `attack.long`
COMMON = {"derandomize": True, "database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}
SMALL = settings(max_examples=30, stateful_step_count=20, **COMMON)
ATTACK = settings(max_examples=200, stateful_step_count=50, **COMMON)
LARGE = settings(max_examples=8, stateful_step_count=10, **COMMON)


def test_the_machine_in_small():
    run_state_machine_as_test(machines.Machine, settings=SMALL)


@pytest.mark.attack
def test_the_machine():
    run_state_machine_as_test(machines.Machine, settings=ATTACK)


@pytest.mark.attack
def test_the_machine_on_large_spaces():
    run_state_machine_as_test(machines.LargeMachine, settings=LARGE)
