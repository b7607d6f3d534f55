"""Every public call in any order: 30 x 20 steps here, 200 x 50 with `make attack`, more by `python -m attack.long`."""

import machines
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

COMMON = {"deadline": None, "suppress_health_check": list(HealthCheck)}
SMALL = settings(max_examples=30, stateful_step_count=20, derandomize=True, database=None, **COMMON)
ATTACK = settings(max_examples=200, stateful_step_count=50, print_blob=True, **COMMON)
LARGE = settings(max_examples=8, stateful_step_count=10, print_blob=True, **COMMON)


def test_the_machine_in_small():
    run_state_machine_as_test(machines.Machine, settings=SMALL)


@pytest.mark.attack
def test_the_machine():
    run_state_machine_as_test(machines.Machine, settings=ATTACK)


@pytest.mark.attack
def test_the_machine_on_large_spaces():
    run_state_machine_as_test(machines.LargeMachine, settings=LARGE)
