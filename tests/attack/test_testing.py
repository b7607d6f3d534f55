"""The conformance suite: our optimizers pass it whole, a correct one does, and every check fails its mutant."""

import functools

import mutants
import pytest
from conforming import Reference

from asng_core import ASNG, Minimizer
from asng_core.blackbox.noise_free import NoiseFree
from asng_core.testing import CHECKS, NonconformingError, check_optimizer

MINIMIZERS = {"Minimizer": Minimizer, "Minimizer, noisy": functools.partial(Minimizer, noisy=True)}
OURS = {"ASNG": ASNG, "SNG": functools.partial(ASNG, adapt=False), **MINIMIZERS}
# seconds each with a model
LONG = {"asks_without_being_told", "is_told_late", "takes_a_large_category", "takes_a_thousand_variables",
        "slows_down_at_most_linearly", "slows_down_at_most_linearly_in_variables", "stays_finite_in_a_thousand_calls",
        "survives_a_thousand_random_calls", "goes_on_after_save_and_load", "computes_without_warnings"}


# the losses themselves, not their ranks, are what the quadratic that settles Reals is fitted to and what, under noise,
# the model is of
MISSED = {name: {"sees_the_order_of_losses_alone"} for name in MINIMIZERS}


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.attack) if name in MINIMIZERS else name
                                  for name in OURS])
def test_ours_pass(name):
    left_out = (LONG if name in MINIMIZERS else set()) | MISSED.get(name, set())
    names = [check for check in CHECKS if check not in left_out]
    assert check_optimizer(OURS[name], checks=names, raise_on_failure=True).names("passed") == names


@pytest.mark.attack
@pytest.mark.parametrize("name", MINIMIZERS)
def test_ours_pass_the_long_checks_too(name):
    assert set(check_optimizer(OURS[name], checks=LONG, raise_on_failure=True).names("passed")) == LONG


@pytest.mark.parametrize("name", MISSED["Minimizer"])
def test_without_the_quadratic_nothing_is_missed(name):
    make = functools.partial(Minimizer, mechanisms=NoiseFree(quadratic=False))
    assert check_optimizer(make, checks=[name], raise_on_failure=True).names("passed") == [name]


def test_a_tiny_correct_optimizer_passes_whole():
    assert check_optimizer(Reference).names("passed") == list(CHECKS)


def test_every_check_has_a_mutant():
    assert set(mutants.MUTANTS) == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_fails_its_mutant(name):
    outcome = check_optimizer(mutants.MUTANTS[name], checks=[name]).outcomes[name]
    assert outcome.status == "failed"
    assert outcome.reason


class Least:
    """What must be there, and nothing else."""

    def __init__(self, space, *, seed):
        if space.constraints:
            raise NotImplementedError("it takes no constraints")
        self.reference = Reference(space, seed=seed)

    def ask(self, n):
        return self.reference.ask(n)

    def tell(self, points, losses):
        self.reference.tell(points, losses)


def test_what_an_optimizer_lacks_is_not_applicable():
    report = check_optimizer(Least)
    assert report.passed
    assert {report.outcomes[name].reason for name in report.names("not applicable")} == {
        "it has no best", "it has no save", "it takes no constraints"}
    assert report.outcomes["keeps_to_constraints"].status == "not applicable"


def test_all_failures_are_raised_at_once():
    names = ["refuses_a_point_told_before", "asks_legal_points", "refuses_a_point_not_asked_yet"]
    with pytest.raises(NonconformingError, match=r"fails 2 of 3 checks:\nrefuses_a_point_told_before: a point that "
                                                 r"was told before is accepted without a word\nrefuses") as caught:
        check_optimizer(mutants.Forgetful, checks=names, raise_on_failure=True)
    assert caught.value.report.names("passed") == ["asks_legal_points"]


def test_an_unknown_check_is_named():
    with pytest.raises(ValueError, match="must hold names of CHECKS, got no_such_check"):
        check_optimizer(Reference, checks=["no_such_check"])
