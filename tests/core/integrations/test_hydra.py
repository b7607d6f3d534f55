"""The sweeper of Hydra, as a program's command line sees it: from the wheel, where alone Hydra finds it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("hydra", reason="pip install 'asng[hydra]'")

import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from asng_core import Categorical, Integer, Ordinal, Real
from asng_core.integrations.hydra import ASNGSweeper, variable_of

ROOT = Path(__file__).parents[3]
APP = """\
import os, pathlib, hydra
from hydra.core.config_store import ConfigStore

@hydra.main(version_base="1.3", config_path=None, config_name="conf")
def main(cfg):
    with open(cfg.log, "a") as log:
        log.write(f"{cfg.n} {cfg.op} {cfg.opt.x}\\n")
    if cfg.fails and (cfg.n, cfg.op) == (3, "a") and not os.path.exists(cfg.log + ".mended"):
        raise ArithmeticError("not yet")
    loss = (cfg.n - 3) ** 2 + cfg.opt.x + (cfg.op == "b")
    return (loss, -loss) if cfg.two else loss

ConfigStore.instance().store(name="conf", node={
    "n": 1, "op": "b", "opt": {"x": 0.5}, "log": "log", "fails": False, "two": False})
main()
"""


@pytest.mark.parametrize(("text", "variable"), [
    ("x=interval(0.5, 2)", Real(0.5, 2.0)), ("x=tag(log, interval(1e-3, 1))", Real(1e-3, 1.0, log=True)),
    ("x=int(interval(1, 8))", Integer(1, 8)), ("x=range(1, 4)", Ordinal(["1", "2", "3"])),
    ("x=b,a", Categorical(["b", "a"])), ("x=choice(8, 1e-1, 2)", Ordinal(["0.1", "2", "8"])),
    ("x=tag(categorical, choice(8, 1))", Categorical(["8", "1"])), ("x=true,false", Categorical(["True", "False"])),
    ("x='a b','c'", Categorical(["'a b'", "'c'"])), ("x=null,3", Categorical(["null", "3"])),
])
def test_sweeps_are_variables(text, variable):
    assert variable_of(OverridesParser.create().parse_override(text)) == variable


@pytest.mark.parametrize("changed", [{"direction": "up"}, {"direction": []}, {"n_trials": 0}, {"n_jobs": 0.5}])
def test_wrong_settings(changed):
    settings = {"n_trials": 1, "n_jobs": 1, "direction": "minimize", "seed": 0, "noisy": False, "max_failure_rate": 0,
                "state": "s", "params": None}
    with pytest.raises((TypeError, ValueError), match=f"hydra.sweeper.{next(iter(changed))}"):
        ASNGSweeper(**{**settings, **changed})


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder into which the wheel has been installed."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(folder)], check=True)
    (wheel,) = folder.glob("asng-*.whl")
    subprocess.run([*pip, "install", str(wheel), "--no-deps", "--target", str(folder / "site")], check=True)
    return folder / "site"


@pytest.fixture
def sweep(site, tmp_path):
    (tmp_path / "app.py").write_text(APP)

    def run(*arguments, fails=False):
        done = subprocess.run(
            [sys.executable, "app.py", "--multirun", "hydra/sweeper=asng", "hydra.sweep.dir=out", "n=range(0,8)",
             f"log={tmp_path / 'log'}", "op=a,b", *arguments], cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(site)}, check=False)
        assert (done.returncode != 0) == fails, done.stderr
        return done.stdout + done.stderr

    run.log = lambda: (tmp_path / "log").read_text().splitlines()
    run.mend = lambda: (tmp_path / "log.mended").touch()
    run.found = lambda: yaml.safe_load((tmp_path / "out" / "optimization_results.yaml").read_text())
    run.folders = lambda: {each.name for each in (tmp_path / "out").iterdir() if each.name.isdecimal()}
    return run


@pytest.mark.hosts
def test_a_sweep_that_broke_off_goes_on_and_evaluates_nothing_twice(sweep):
    said = sweep("hydra.sweeper.n_trials=16", "hydra.sweeper.seed=0", "fails=true", fails=True)
    assert "not yet" in said
    before = len(sweep.log())
    assert before < 16
    sweep.mend()
    assert f"{before - 1} of 16 jobs have ended" in sweep("hydra.sweeper.n_trials=16", "fails=true")
    assert len(sweep.log()) == 17  # the one that failed once more
    assert len(set(sweep.log())) == 16
    assert sweep.found() == {"name": "asng", "best_params": {"n": 3, "op": "a"}, "best_value": 0.5}
    assert sweep.folders() == {str(number) for number in range(16)}
    assert "every point" in sweep("hydra.sweeper.n_trials=20", "fails=true")


@pytest.mark.hosts
@pytest.mark.parametrize("launcher", [["hydra/launcher=joblib", "hydra.launcher.n_jobs=2"],
                                      ["hydra/launcher=submitit_local"]])
def test_other_launchers_have_several_jobs_at_once(sweep, launcher):
    sweep(*launcher, "hydra.sweeper.n_trials=8", "hydra.sweeper.n_jobs=4", "hydra.sweeper.seed=1",
          "hydra.sweeper.max_failure_rate=0.25", "+hydra.sweeper.params={opt.x: 'interval(0, 1)'}", "fails=true")
    assert len(set(sweep.log())) == 8
    assert set(sweep.found()["best_params"]) == {"n", "op", "opt.x"}


@pytest.mark.hosts
def test_several_objectives_in_their_directions(sweep):
    sweep("hydra.sweeper.n_trials=16", "hydra.sweeper.direction=[minimize,maximize]", "two=true")
    assert sweep.found()["solutions"] == [{"params": {"n": 3, "op": "a"}, "values": [0.5, -0.5]}]
