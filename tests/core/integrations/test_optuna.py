"""The sampler in Optuna: its own kit for samplers, and what a search through it does."""

import math
import multiprocessing
import pickle
import re
import threading
from pathlib import Path

import pytest

optuna = pytest.importorskip("optuna", minversion="5", reason="pip install 'asng[optuna]'")

from optuna.testing.pytest_samplers import (  # noqa: E402
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)
from optuna.trial import TrialState  # noqa: E402
from sharing import bits, journal, sqlite, work  # noqa: E402

from asng_core import Minimizer, Space  # noqa: E402
from asng_core.integrations.optuna import ASNGSampler  # noqa: E402
from asng_core.integrations.optuna.space import Seen  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.ERROR)


class TestOptunasKit(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self):
        return ASNGSampler


def studied(objective, n_trials=40, sampler=None, **keywords):
    study = optuna.create_study(sampler=sampler or ASNGSampler(seed=0), **keywords)
    study.optimize(objective, n_trials=n_trials)
    return study


def points(study):
    return [tuple(sorted(trial.params.items())) for trial in study.trials]


def test_a_search_finds_what_it_looks_for_and_repeats_no_point():
    study = studied(bits, 80)
    assert study.best_value == 0
    asked = points(study)[1:]  # the first is drawn before there is a space
    assert len(set(asked)) == len(asked)


def test_a_seed_says_all_and_more_is_better_if_the_study_says_so():
    study = studied(lambda trial: -bits(trial), 80, direction="maximize")
    assert study.best_value == 0
    assert points(study) == points(studied(bits, 80))
    assert points(study) != points(studied(bits, 80, ASNGSampler(seed=1)))


def test_it_asks_what_the_minimizer_itself_asks():
    """Given the first trial, which comes before there is a space."""
    study = studied(bits, 60)
    seeds = ASNGSampler(seed=0)._seeds
    seeds.generate_state(1)
    optimizer = Minimizer(Space.categorical([2] * 12), seed=seeds.spawn(1)[0])

    def told(trial):
        return {name: ["no", "yes"].index(value) for name, value in trial.params.items()}
    optimizer.inject(told(study.trials[0]), study.trials[0].value)
    for trial in study.trials[1:]:
        candidate = optimizer.ask()
        assert dict(candidate) == told(trial)
        optimizer.tell(candidate, trial.value)


def conditional(trial):
    if trial.suggest_categorical("kind", ["svm", "forest"]) == "forest":
        n = trial.suggest_int("layers", 1, 3)
        return 1 + sum(abs(trial.suggest_int(f"width{i}", 1, 64) - 30) for i in range(n))
    if trial.suggest_categorical("kernel", ["linear", "poly"]) == "poly":
        return abs(trial.suggest_int("degree", 2, 9) - 6) + abs(trial.suggest_float("c", 1e-3, 1e3, log=True) - 1)
    return 5.0


def test_conditions_are_seen_in_what_trials_had():
    seen = Seen()
    for trial in studied(conditional, 60, optuna.samplers.RandomSampler(seed=0)).trials:
        seen.add(trial)
    found = seen.conditions(seen.distributions)
    assert found == {"kernel": {"kind": [0.0]}, "layers": {"kind": [1.0]}, "degree": {"kernel": [1.0]},
                     "c": {"kernel": [1.0]}, "width0": {"kind": [1.0]}, "width1": {"layers": [2.0, 3.0]},
                     "width2": {"layers": [3.0]}}
    assert set(seen.relative()) == {"kind", *found}


def test_a_parameter_of_which_nothing_decides_whether_it_is_there_is_drawn_at_random():
    seen, turns = Seen(), iter(range(100))

    def objective(trial):
        x = trial.suggest_int("x", 0, 9)
        return x + (trial.suggest_float("now and then", 0, 1) if next(turns) % 3 == 0 else 0)
    for trial in studied(objective, 30).trials:
        seen.add(trial)
    assert seen.conditions(seen.distributions) == {"now and then": {}}
    assert set(seen.relative()) == {"x"}


def test_siblings_are_no_parents_and_what_hangs_on_a_lost_child_is_lost():
    turns = iter(range(100))

    def objective(trial):
        if next(turns) % 2:  # nothing in the trial says when
            return 1.0 + (trial.suggest_categorical("a", [1, 2]) == 1) * trial.suggest_categorical("b", [1, 2])
        return float(trial.suggest_categorical("always", ["x", "y"]) == "x")
    seen = Seen()
    for trial in studied(objective, 40, optuna.samplers.RandomSampler(seed=0)).trials:
        seen.add(trial)
    assert set(seen.conditions(["a", "b"]).values().__iter__().__next__()) == set()
    assert set(seen.relative()) == set()


def test_conditional_spaces_are_searched():
    study = studied(conditional, 120)
    assert study.best_value < 0.5
    assert study.best_params["degree"] == 6


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution should be")
@pytest.mark.parametrize("choices", [[None, 1, 1.5, False, "a"], ["one"], [(1, 2), (3, 4)]])
def test_choices_of_any_kind_come_back_as_they_are(choices):
    study = studied(lambda trial: float(trial.suggest_categorical("x", choices) is choices[0]), 8)
    assert {repr(trial.params["x"]) for trial in study.trials} <= set(map(repr, choices))
    assert len({repr(trial.params["x"]) for trial in study.trials}) == len(choices)


def test_enqueued_values_are_used_and_the_rest_is_chosen_around_them():
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
    study.optimize(bits, n_trials=30)
    study.enqueue_trial({"x0": "no", "x3": "no"})
    study.enqueue_trial(dict.fromkeys((f"x{i}" for i in range(12)), "no"))
    study.optimize(bits, n_trials=2)
    assert study.trials[-2].params["x0"] == study.trials[-2].params["x3"] == "no"
    assert study.trials[-1].value == 12
    assert study.trials[-2].value <= 6  # random ones have seven of twelve
    study.optimize(bits, n_trials=40)
    assert study.best_value == 0


@pytest.mark.filterwarnings("ignore:Fixed parameter degree with value 99 is out of range")
def test_what_is_enqueued_may_be_incomplete_conditional_or_out_of_range():
    study = studied(conditional, 30)
    for values in ({"degree": 6}, {"degree": 6, "kernel": "poly", "kind": "svm"},
                   {"degree": 99, "kernel": "poly", "kind": "svm"}, {"nonsense": 1, "kind": "forest"}):
        study.enqueue_trial(values)
    study.optimize(conditional, n_trials=4)
    complete, forest = study.trials[31].params, study.trials[33].params
    assert (complete["kind"], complete["kernel"], complete["degree"]) == ("svm", "poly", 6)
    assert forest["kind"] == "forest"
    study.enqueue_trial({"kernel": "none of these", "kind": "svm"})
    with pytest.raises(ValueError, match="none of these"):  # as from any sampler
        study.optimize(conditional, n_trials=2)


def test_failed_trials_are_known_and_not_repeated():
    def objective(trial):
        loss = bits(trial)
        if trial.params["x0"] == "yes":
            raise ArithmeticError
        return loss
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
    study.optimize(objective, n_trials=80, catch=ArithmeticError)
    assert study.best_value == 1
    assert [trial.state for trial in study.trials].count(TrialState.FAIL) < 20  # it learns: else half would
    asked = points(study)[1:]
    assert len(set(asked)) == len(asked)


def test_a_trial_that_fails_before_it_has_suggested_all_is_the_point_that_was_asked():
    def objective(trial):
        if trial.suggest_categorical("x0", ["no", "yes"]) == "yes" and trial.number > 5:
            raise ArithmeticError
        return bits(trial)
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
    study.optimize(objective, n_trials=60, catch=ArithmeticError)
    optimizer = study.sampler._search._optimizer
    assert optimizer.n_failed >= sum(trial.state == TrialState.FAIL for trial in study.trials) - 1 > 0
    assert len(study.sampler._search._open) == 1  # the last one: no sampler hears of its end


def test_pruned_trials_rank_behind_complete_ones_the_earlier_the_farther():
    def objective(trial):
        level = trial.suggest_int("level", 0, 9)
        for step in range(level):
            trial.report(-100.0, step)
        if level < 9:
            raise optuna.TrialPruned
        return 5.0
    study = studied(objective, 11)
    optimizer = study.sampler._search
    history = optimizer._optimizer.history
    order = sorted(range(len(history)), key=lambda row: (history.violations[row], math.isnan(history.losses[row])))
    levels = [history.values[row]["level"] for row in order if not math.isnan(history.losses[row])]
    assert levels == sorted(levels, reverse=True)
    assert optimizer._optimizer.best is None or optimizer._optimizer.best.loss == 5.0


@pytest.mark.parametrize("how", ["function", "trial"])
def test_constraints_rank_and_the_best_satisfies_them(how):
    def objective(trial):
        loss = bits(trial)
        trial.set_user_attr("yes", 12 - loss)
        if how == "trial":
            trial.set_constraint("c0", 12 - loss - 8)
        return loss
    function = (lambda trial: (trial.user_attrs["yes"] - 8,)) if how == "function" else None
    study = studied(objective, 60, ASNGSampler(seed=0, constraints_func=function))
    assert study.best_value == 4
    assert study.sampler._search._optimizer.history.violations.max() > 0


def test_several_objectives():
    def objective(trial):
        ones = 12 - bits(trial)
        return ones, ones - 2 * (trial.params["x0"] == "yes")
    study = studied(objective, 60, directions=["maximize", "minimize"])
    assert {tuple(trial.values) for trial in study.best_trials} >= {(12.0, 10.0), (1.0, -1.0)}  # the two ends


def test_a_study_is_gone_on_from_by_a_new_sampler_and_knows_all_there_is():
    study = studied(bits, 30)
    study.sampler = ASNGSampler(seed=5)
    study.optimize(bits, n_trials=50)
    assert study.best_value == 0
    asked = points(study)[1:]
    assert len(set(asked)) == len(asked)


def test_a_sampler_that_was_pickled_goes_on_alike():
    one = studied(bits, 20)
    other = pickle.loads(pickle.dumps(one))
    for study in (one, other):
        study.optimize(bits, n_trials=20)
    assert points(one) == points(other)


def test_one_sampler_for_two_studies_knows_them_apart():
    sampler = ASNGSampler(seed=0)
    first = studied(bits, 20, sampler)
    second = studied(lambda trial: trial.suggest_float("y", 0, 1), 20, sampler)
    first.optimize(bits, n_trials=60)
    assert first.best_value == 0
    assert second.best_value < 0.1
    assert set(first.trials[-1].params) == {f"x{i}" for i in range(12)}


def test_threads_take_turns_and_ask_different_points():
    barrier = threading.Barrier(4, timeout=20)

    def objective(trial):
        loss = bits(trial)
        if 4 <= trial.number < 8:
            barrier.wait()  # four are under way at once
        return loss
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
    study.optimize(bits, n_trials=4)
    study.optimize(objective, n_trials=60, n_jobs=4)
    asked = points(study)[1:]
    assert len(set(asked)) == len(asked)
    assert len(study.trials) == 64


def test_what_others_are_evaluating_is_not_asked():
    study = optuna.create_study(sampler=ASNGSampler(seed=0))
    xs = {"x": optuna.distributions.IntDistribution(0, 3)}
    study.tell(study.ask(xs), 1.0)
    other = optuna.load_study(study_name=study.study_name, storage=study._storage, sampler=ASNGSampler(seed=1))
    asked = [each.ask(xs).params["x"] for each in (study, other, study)]
    assert sorted([study.trials[0].params["x"], *asked]) == [0, 1, 2, 3]


@pytest.mark.parametrize("make_storage", [sqlite, journal])
def test_processes_that_choose_at_one_moment_choose_different_points(make_storage, tmp_path):
    optuna.create_study(study_name="shared", storage=make_storage(tmp_path))
    studies = [optuna.load_study(study_name="shared", storage=make_storage(tmp_path), sampler=ASNGSampler(seed=7))
               for _ in range(3)]
    space = {f"x{i}": optuna.distributions.IntDistribution(0, 9) for i in range(3)}
    for i in range(6):
        studies[0].tell(studies[0].ask({**space}), float(i))
    asked = []
    for study in studies:  # of none are the parameters stored before the next one chooses
        trial = study._storage.get_trial(study._storage.create_new_trial(study._study_id))
        study.sampler.infer_relative_search_space(study, trial)
        asked.append(study.sampler.sample_relative(study, trial, space))
    assert len({str(each) for each in asked}) == 3


def test_an_exhausted_space_is_drawn_from_at_random():
    study = studied(lambda trial: trial.suggest_int("x", 0, 2), 12)
    assert len(study.trials) == 12
    assert {trial.params["x"] for trial in study.trials} == {0, 1, 2}


def test_a_range_that_changes_and_a_parameter_that_comes_later_are_followed():
    def objective(trial):
        high = 10 if trial.number < 15 else 100
        later = trial.suggest_float("z", 0, 1) if trial.number >= 30 else 0.5
        return abs(trial.suggest_int("x", 0, high) - 60) + later
    study = studied(objective, 80)
    assert study.best_value < 1.5


def test_integers_that_no_float_tells_apart_are_drawn_at_random():
    study = studied(lambda trial: trial.suggest_int("x", 0, 2**60) / 2**60 + trial.suggest_int("y", 0, 9), 30)
    assert study.best_params["y"] == 0


@pytest.mark.parametrize(("keywords", "words"), [
    ({"noisy": "no"}, r"ASNGSampler\(noisy=\.\.\.\) must be"), ({"seed": -1}, r"ASNGSampler\(seed=\.\.\.\)"),
    ({"constraints_func": 3}, r"ASNGSampler\(constraints_func=\.\.\.\) must be a function of a trial, got 3"),
])
def test_wrong_arguments(keywords, words):
    with pytest.raises((TypeError, ValueError), match=words):
        ASNGSampler(**keywords)


@pytest.mark.hosts
@pytest.mark.parametrize("make_storage", [sqlite, journal])
def test_processes_share_a_study(make_storage, tmp_path):
    optuna.create_study(study_name="shared", storage=make_storage(tmp_path))
    processes = [multiprocessing.get_context("spawn").Process(target=work, args=(make_storage, tmp_path, seed))
                 for seed in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0] * 4
    study = optuna.load_study(study_name="shared", storage=make_storage(tmp_path))
    assert len(study.trials) == 100
    assert study.best_value == 0
    chosen = [str(trial.params) for trial in study.trials if trial.system_attrs]  # the first ones are random
    assert len(chosen) >= 90
    assert len(chosen) - len(set(chosen)) <= 2  # two that look at each other at one moment leave it both
    assert all(len(str(trial.system_attrs)) < 2046 for trial in study.trials)


def test_the_page_does_what_it_says():
    page = (Path(__file__).parents[3] / "docs" / "OPTUNA.md").read_text()
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    namespace = {}
    exec(compile(block, "OPTUNA.md", "exec"), namespace)
    assert namespace["study"].best_params["kernel"] == "rbf"
