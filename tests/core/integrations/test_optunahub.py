"""The folder for OptunaHub's registry, as `optunahub` loads it."""

import re
from pathlib import Path

import pytest

pytest.importorskip("optunahub", reason="pip install optunahub")

import optuna
import optunahub
import yaml

pytestmark = [pytest.mark.hosts, pytest.mark.filterwarnings("ignore")]  # its own

ROOT = Path(__file__).parents[3] / "docs" / "optunahub"


def test_it_is_loaded_and_samples():
    module = optunahub.load_local_module("samplers/asng", registry_root=str(ROOT))
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=module.ASNGSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_int("x", 0, 20) - 12) ** 2, n_trials=21)
    assert study.best_params == {"x": 12}


def test_its_front_matter_is_what_the_registry_asks_for():
    text = (ROOT / "samplers" / "asng" / "README.md").read_text()
    matter = yaml.safe_load(re.match(r"---\n(.*?)\n---\n", text, flags=re.DOTALL)[1])
    assert set(matter) == {"author", "title", "description", "tags", "optuna_versions", "license"}
    assert {path.name for path in (ROOT / "samplers" / "asng").iterdir()} >= {"README.md", "LICENSE", "example.py"}


def test_its_example_runs():
    import runpy

    example = runpy.run_path(str(ROOT / "samplers" / "asng" / "example.py"))
    module = optunahub.load_local_module("samplers/asng", registry_root=str(ROOT))
    study = optuna.create_study(sampler=module.ASNGSampler(seed=0))
    study.optimize(example["objective"], n_trials=60)
    assert study.best_params["kernel"] == "rbf"
