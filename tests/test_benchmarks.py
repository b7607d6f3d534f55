"""The benchmarks' own code, at a small scale."""

import json
import re
import resource
import shutil
import sys
from functools import partial

import numpy as np
import pytest
from benchmarks.claims import Claim
from objectives import doubled

from asng_core import Boolean, Categorical, Ordinal, Space
from benchmarks import (
    functions,
    overhead,
    population,
    problems,
    pseudo_boolean,
    report,
    runs,
    scaling,
    scores,
    store,
    tables,
    toy,
)
from benchmarks.rivals import ABLATED, METHODS, Setting


def call(module, monkeypatch, capsys, *arguments):
    monkeypatch.setattr("sys.argv", ["benchmark", *map(str, arguments)])
    module.main()
    return capsys.readouterr().out


@pytest.mark.parametrize("algorithm", toy.ALGORITHMS)
def test_a_toy_run_succeeds_and_repeats(algorithm):
    runs = [toy.run(algorithm, "n^-1", 0.005, seed, 30_000) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]
    limits = {"ASNG": (1_400, 2_300), "SNG": (13_000, 16_500), "Adam": (600, 2_500)}
    assert all(limits[algorithm][0] < run["iterations"] < limits[algorithm][1] for run in runs)


def test_the_toy_fails_when_it_has_no_time():
    assert toy.run("ASNG", "1", 0.05, 0, 50) == {"iterations": None}


def test_the_toy_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    printed = call(toy, monkeypatch, capsys, "--quick", "--out", tmp_path)
    assert printed.count("not reached") >= 27
    assert len(json.loads((tmp_path / "toy_quick.json").read_text())["records"]) == 54
    assert (tmp_path / "toy_quick.png").exists()


def test_the_default_population_grows_with_the_space():
    sizes = [population.default_population_size(d) for d in (1, 2, 30, 100, 1000, 10**6)]
    assert sizes == [8, 8, 8, 12, 16, 28]


def test_stored_results_resume_and_keep_the_order(tmp_path):
    measure = partial(store.measure, parts=lambda _: ())
    path = tmp_path / "r.json"
    first = measure(path, doubled, [{"x": 2}, {"x": 1}])
    assert [record["result"]["y"] for record in first] == [4, 2]
    stored = json.loads(path.read_text())
    stored["records"][0]["result"]["y"] = -1  # what is stored is not measured again
    marked = stored["records"][0]["task"]
    path.write_text(json.dumps(stored))
    again = measure(path, doubled, [{"x": 3}, marked])
    assert [record["result"]["y"] for record in again] == [6, -1]
    assert store.stored(path, [{"x": 9}, marked])[0]["result"]["y"] == -1
    assert measure(path, doubled, [marked], restart=True)[0]["result"]["y"] == 2 * marked["x"]


def test_overhead_is_measured_in_microseconds():
    assert 5 < overhead.run("asng_core", "30 x 5")["microseconds"] < 50_000


def test_a_run_knows_its_source_and_is_measured_again_when_stale(tmp_path, monkeypatch):
    path, rival = tmp_path / "r.json", {"x": 1, "method": "random search"}
    store.measure(path, doubled, [{"x": 1, "method": "ASNG"}, rival])
    assert store.behind(path) == 0
    stored = json.loads(path.read_text())
    for record in stored["records"]:
        record["result"]["y"] = -1
    path.write_text(json.dumps(stored))
    for behind, expected in ((1, [-1, -1]), (2, [2, -1])):  # runs of rivals hold nothing of ours
        monkeypatch.setitem(store.BEHAVIOURS, "ASNG", store.BEHAVIOURS["ASNG"] + 5)  # of another part
        monkeypatch.setitem(store.BEHAVIOURS, "Minimizer", store.BEHAVIOURS["Minimizer"] + 1)
        assert store.behind(path) == behind
        found = store.measure(path, doubled, [{"x": 1, "method": "ASNG"}, rival])
        assert [record["result"]["y"] for record in found] == expected
    numbers = [source["behaviours"]["Minimizer"] for source in store.sources(path) if source["behaviours"]]
    assert np.diff(numbers).tolist() == [2]
    assert store.behind(path) == 0


@pytest.mark.parametrize("path", sorted(store.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_no_stored_run_is_more_than_one_change_of_behaviour_old(path):
    assert store.behind(path) <= 1, "measure it again, by its command in benchmarks/README.md"


@pytest.mark.parametrize("path", sorted(store.RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_a_stored_run_knows_the_parts_of_asng_that_its_method_depends_on(path):
    known = [set(source["behaviours"]) for source in store.sources(path)]
    for record in store.records(path):
        method, parts = record["task"].get("method"), known[record["source"]]
        assert parts <= set(store.BEHAVIOURS)
        if method is None:
            assert parts
        else:
            assert parts == {"ASNG": {"Minimizer"}, "ASNG, plain": {"ASNG"}, "SNG": {"ASNG"}}.get(
                method, {"Minimizer"} if method in ABLATED else set())


REPEATED = {"toy": toy.run, "population": population.run, "functions": functions.run, "tables_noisy": runs.noisy,
            "tables_noise-free": runs.noise_free, "tables_asynchronous": runs.asynchronous,
            "pbo_noise-free": pseudo_boolean.run, "pbo_noisy": pseudo_boolean.run}


@pytest.mark.parametrize("name", REPEATED)
def test_stored_runs_of_this_behaviour_repeat(name):
    if REPEATED[name] is pseudo_boolean.run:
        pytest.importorskip("ioh")
    path = store.RESULTS / f"{name}.json"
    current = {number for number, source in enumerate(store.sources(path))
               if source["behaviours"] and source["behaviours"].items() <= store.BEHAVIOURS.items()}
    ours = [record for record in store.records(path) if record["source"] in current
            and record["task"].get("workers", 8) == 8 and record["task"].get("algorithm", "ASNG") == "ASNG"]
    cheapest = sorted(ours, key=cost)
    sample = [record for method in ("ASNG", "ASNG, plain")
              for record in [each for each in cheapest if each["task"].get("method", "ASNG") == method][:2]]
    assert sample
    same = [without_time(REPEATED[name](**record["task"])) == without_time(record["result"]) for record in sample]
    # rounding differs between processors, and moves some
    assert sum(same) >= len(same) / 2, "asng behaves differently: raise store.BEHAVIOURS (CONTRIBUTING.md)"


def cost(record):
    result = record["result"]
    return result.get("seconds") or result.get("evaluations") or result.get("iterations") or np.inf


def without_time(result):
    return {key: value for key, value in result.items() if key != "seconds"}


@pytest.fixture
def copied(tmp_path):
    """The READMEs and the stored results, for a report of their own."""
    (tmp_path / "benchmarks").mkdir()
    for name in report.READMES:
        shutil.copy(report.ROOT / name, tmp_path / name)
    shutil.copytree(store.RESULTS, tmp_path / "benchmarks" / "results")
    return tmp_path


def test_the_readmes_are_what_the_report_writes(copied, monkeypatch, capsys):
    call(report, monkeypatch, capsys, "--out", copied)
    for name in report.READMES:
        assert (copied / name).read_text() == (report.ROOT / name).read_text(), "run python -m benchmarks.report"


def test_every_picture_is_drawn_by_the_report(copied):
    pictures = {path.name: path.read_bytes() for path in (copied / "benchmarks" / "results").glob("*.png")}
    shown = set(re.findall(r"\(results/([^)]*\.png)\)", (copied / "benchmarks" / "README.md").read_text()))
    assert shown == set(pictures)


def test_a_claim_is_shown_with_what_it_was_measured_with(tmp_path):
    store.measure(tmp_path / "r.json", doubled, [{"x": 1}], parts=lambda _: ())
    claims = [Claim("ours is best", False, "0.5 (0.4 to 0.6)", "r.json", "python -m benchmarks.r", headline=True),
              Claim("it is fast", True, "1 s", "r.json", "python -m benchmarks.r")]
    (*_, missed, met, _, note) = report.claims_table(claims, tmp_path).splitlines()
    assert missed.startswith("| **MISSED** | ours is best | 0.5 (0.4 to 0.6) | `python -m benchmarks.r` | 20")
    assert met.startswith("| met | it is fast")
    assert "cores" in note
    assert "numpy" in note
    assert report.headlines(claims).splitlines()[-1].startswith("| **MISSED** | ours is best")


def test_blocks_are_filled_between_their_marks_alone():
    text = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n<!-- two d/4 -->\n<!-- /two d/4 -->\n"
    filled = "a\n<!-- one -->\n\n1\n\n<!-- /one -->\nb\n<!-- two d/4 -->\n\n2\n\n<!-- /two d/4 -->\n"
    assert report.filled(text, {"one": "1", "two d/4": "2"}) == (filled, {"one", "two d/4"})
    assert report.filled(filled, {"one": "1", "two d/4": "2"})[0] == filled


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "benchmarks.supernet_step", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[torch,bench\]'"):
        report.imported("supernet_step")


@pytest.mark.slow
def test_everything_runs_quickly_and_is_reported(monkeypatch, capsys, tmp_path):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call(report, monkeypatch, capsys, "--quick", "--out", tmp_path)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * 600  # ten minutes of two cores
    written = (tmp_path / "benchmarks" / "README.md").read_text()
    for path in sorted(store.RESULTS.glob("*")):
        assert (tmp_path / "benchmarks" / "results" / path.name).exists()
        assert path.name in written or path.suffix == ".png"


@pytest.mark.slow
def test_the_mini_space_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    from benchmarks import mini_space
    printed = call(mini_space, monkeypatch, capsys, "--quick", "--out", tmp_path)
    assert "spread of networks / spread of seeds" in printed
    assert (tmp_path / "mini_space_quick.png").exists()


SPACE = Space({"op": Categorical(list("abcd")), "size": Ordinal([1, 3, 5, 7, 9]), "norm": Boolean(),
               "act": Categorical(list("xyz"))})
SLOW = ("Optuna GP", "SMAC3")
LIBRARIES = pytest.mark.filterwarnings("ignore")  # the libraries' own


def made(name, setting, seed=0):
    pytest.importorskip(METHODS[name].library or "numpy")
    return METHODS[name].load()(setting, seed)


def able(mode):
    return [name for name, entry in METHODS.items() if name not in SLOW and mode in (entry.only or tables.MODES)]


def distance(codes):
    return float((np.asarray(codes) != [2, 3, 1, 0]).sum())


@LIBRARIES
@pytest.mark.parametrize("name", [*able("noise-free"), *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_every_rival_repeats_itself_and_finds_more_than_chance(name):
    def run():
        method, asked = made(name, Setting(SPACE, budget=40)), []
        for _ in range(40):
            asked.append(np.array(method.ask()))
            assert ((asked[-1] >= 0) & (asked[-1] < SPACE.sizes)).all()
            method.tell(asked[-1], distance(asked[-1]))
        method.add(np.array([2, 3, 1, 0]), 0.0)
        return np.array(asked), method.recommend()

    (first, recommended), (second, _) = run(), run()
    assert first.tolist() == second.tolist()
    assert distance(recommended) <= 1


@LIBRARIES
@pytest.mark.parametrize("name", able("asynchronous"))
def test_asynchronous_rivals_take_results_in_any_order(name):
    method = made(name, Setting(SPACE, budget=60, n_workers=6))
    if "asynchronous" in method.lacks:
        pytest.skip("it lacks it")
    rng, open_points = np.random.default_rng(0), [method.ask() for _ in range(6)]
    for _ in range(60):
        codes = open_points.pop(rng.integers(len(open_points)))
        method.tell(codes, distance(codes))
        open_points.append(method.ask())
    assert SPACE.decode(method.recommend())


@LIBRARIES
@pytest.mark.parametrize("name", able("constrained"))
def test_constrained_rivals_pay_for_valid_points_alone(name):
    table = constrained_table()
    setting = Setting(SPACE, budget=30, constraint=table.constraint)
    method = made(name, setting)
    if "constrained" in method.lacks:
        pytest.skip("it lacks it")
    paid = list(runs.distinct(method, table, setting, np.random.default_rng(0)))
    assert len(paid) == 30
    assert not np.isnan(paid).any()


def constrained_table():
    points = np.stack(np.unravel_index(np.arange(SPACE.size), SPACE.sizes), axis=1)
    losses = np.array([[distance(codes)] for codes in points])
    losses[(points[:, 0] == 0) & (points[:, 1] > 1)] = np.nan
    return problems.Table("toy", SPACE, losses, constraint=lambda v: v["op"] != "a" or v["size"] < 5)


@LIBRARIES
@pytest.mark.parametrize("name", able("two-objectives"))
def test_rivals_of_two_objectives_take_two_losses(name):
    method = made(name, Setting(SPACE, budget=30, n_objectives=2))
    if "two-objectives" in method.lacks:
        pytest.skip("it lacks it")
    asked = set()
    for _ in range(30):
        codes = np.array(method.ask())
        assert ((codes >= 0) & (codes < SPACE.sizes)).all()
        asked.add(codes.tobytes())
        method.tell(codes, np.array([distance(codes), float(codes.sum())]))
    assert len(asked) > 10


class Stubborn:
    """Asks one point for ever."""

    def __init__(self):
        self.told, self.added = 0, 0

    def ask(self):
        return np.zeros(4, dtype=np.int64)

    def tell(self, codes, loss):
        self.told += 1

    def add(self, codes, loss):
        self.added += 1


def test_known_points_are_free_until_an_unseen_one_is_drawn():
    method, table = Stubborn(), constrained_table()
    losses = list(runs.distinct(method, table, Setting(SPACE, budget=1000), np.random.default_rng(0)))
    n_valid = int((~np.isnan(table.losses)).sum())
    assert len(losses) == n_valid  # the space is exhausted
    assert sorted(float(loss[0]) for loss in losses) == sorted(table.losses[~np.isnan(table.losses)].tolist())
    assert (method.told, method.added) == (1 + runs.FREE * (n_valid - 1), n_valid - 1)


def test_workers_tell_in_order_of_completion():
    class Counting(Stubborn):
        asked = 0

        def ask(self):
            self.asked += 1
            return np.array([self.asked])

        def tell(self, codes, loss):
            assert self.asked - self.told == 4  # in flight
            super().tell(codes, loss)

    run = runs.completed(Counting(), lambda codes: float(codes[0]), Setting(SPACE, budget=200, n_workers=4),
                         np.random.default_rng(0))
    order = list(run)
    assert order != sorted(order)
    assert len(set(order)) == 200


def test_hypervolume_is_the_dominated_area():
    rng = np.random.default_rng(0)
    points, probes = rng.random((12, 2)), 1.1 * rng.random((100_000, 2))
    dominated = (points[:, None] <= probes).all(axis=2).any(axis=0).mean()
    assert runs.hypervolume(points) == pytest.approx(1.21 * dominated, abs=0.01)
    assert runs.hypervolume(np.array([[0.1, 0.1], [0.1, 0.1], [0.6, 0.6]])) == pytest.approx(1)


def test_the_paired_bootstrap_pairs():
    rng = np.random.default_rng(0)
    theirs = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap({table: runs - 1 for table, runs in theirs.items()}, theirs)
    assert low == pytest.approx(high) == pytest.approx(difference) == -1
    ours = {table: rng.normal(scale=10, size=20) for table in "abc"}
    difference, low, high = scores.paired_bootstrap(ours, {table: runs[:5] for table, runs in theirs.items()})
    assert low < difference < high


def test_constraints_and_invalid_rows_agree():
    table = problems.table(problems.CONSTRAINED[0])
    rows = np.random.default_rng(0).integers(table.space.size, size=500)
    points = table.space.decode(np.stack(np.unravel_index(rows, table.space.sizes), axis=1))
    assert [table.constraint(point) for point in points] == (~np.isnan(table.losses[rows, 0])).tolist()


def test_hidden_optima_are_reached():
    assert functions.run("(1+1) EA", "OneMax 30x5", 0, 5_000)["evaluations"] > 50
    assert functions.run("random search", "OneMax d=100", 0, 50) == {"evaluations": None}


@pytest.mark.parametrize("mode", tables.MODES)
def test_tables_run_from_the_command_line_and_show_what_is_stored(mode, monkeypatch, capsys, tmp_path):
    printed = call(tables, monkeypatch, capsys, mode, "--quick", "--jobs", 1, "--out", tmp_path)
    assert "(1+1) EA |" in printed or mode == "two-objectives"
    assert (tmp_path / f"tables_{mode}_quick.png").exists()
    assert call(tables, monkeypatch, capsys, mode, "--quick", "--stored", "--out", tmp_path) == printed


def test_functions_run_from_the_command_line(monkeypatch, capsys, tmp_path):
    assert "not reached" in call(functions, monkeypatch, capsys, "--quick", "--jobs", 1, "--out", tmp_path)
    assert (tmp_path / "functions_quick.png").exists()


def test_populations_run_from_the_command_line(monkeypatch, capsys, tmp_path):
    printed = call(population, monkeypatch, capsys, "--quick", "--jobs", 1, "--out", tmp_path)
    assert printed.count("**") == 4


def test_scaling_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    printed = call(scaling, monkeypatch, capsys, "--quick", "--jobs", 1, "--out", tmp_path)
    assert printed.count("| exponent |") == len(scaling.SWEEPS)
    assert (tmp_path / "scaling_quick.png").exists()


def test_exponents_are_those_of_power_laws():
    rng = np.random.default_rng(0)
    exact = {d: [3 * d**1.5] * 5 for d in (10, 30, 100)}
    assert scaling.exponent(exact) == pytest.approx((1.5, 1.5, 1.5, np.log(3)))
    noisy = {d: [*(3 * d**1.5 * np.exp(rng.normal(scale=0.3, size=11))), np.inf] for d in (10, 30, 100, 300)}
    slope, low, high, _ = scaling.exponent(noisy)
    assert low < 1.5 < high < slope + 0.3 < low + 0.6
    assert scaling.theoretical(scaling.SWEEPS["LeadingOnes, k = 2, against d"], "RLS", [10, 50]) == pytest.approx(2)


def test_sweeps_cross_without_running_twice():
    wanted = [frozenset(task.items()) for task in scaling.tasks(2)]
    assert len(wanted) == len(set(wanted))
    records = [{"task": task, "result": {"evaluations": task["d"]}} for task in scaling.tasks(2)]
    for sweep in scaling.SWEEPS.values():
        found = scaling.measured(records, sweep, "ASNG, plain")
        assert list(found) == list(sweep.sizes)
        assert {len(runs) for runs in found.values()} == {2}


def test_the_inpainting_benchmark_runs_from_the_command_line(monkeypatch, capsys, tmp_path):
    from benchmarks import inpainting
    printed = call(inpainting, monkeypatch, capsys, "--quick", "--jobs", 1, "--out", tmp_path)
    assert "| linear regression | 21.78 |" in printed
    assert all(f"| random {i} |" in printed for i in range(1, 6))
    records = json.loads((tmp_path / "inpainting_quick.json").read_text())["records"]
    assert [record["task"]["kind"] for record in records] == ["baselines", *["search"] * 2, *["retrain"] * 7]
    assert printed == call(inpainting, monkeypatch, capsys, "--quick", "--out", tmp_path)  # resumed


def test_the_steps_of_a_supernet_are_timed(monkeypatch, capsys, tmp_path):
    from benchmarks import supernet_step
    printed = call(supernet_step, monkeypatch, capsys, "--quick", "--jobs", 1, "--out", tmp_path)
    assert printed.count("| cpu, ") == 2
    (first, *_) = json.loads((tmp_path / "supernet_step_quick.json").read_text())["records"]
    assert min(first["result"]["weights"], first["result"]["step"]) > 0
