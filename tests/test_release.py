"""What is released: sdist and wheel, installed in clean environments with and without each extra. `make release`."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asng_core import __version__

ROOT = Path(__file__).parents[1]
# extra -> what it is for, in a clean environment. Those of the tests themselves and of benchmarks are not for users;
# torch, with gigabytes, comes first of what needs it
EXTRAS = {
    "plot": "result.plot()",
    "frame": "assert len(result.history.to_frame()) == 5",
    "progress": "minimize(len, space, budget=2, progress=True)",
    "report": "result.report('run.html')",
    "tensorboard": "from asng_core.logs import TensorBoardLog as L; L('board').close()",
    "mlflow": "import os; os.environ['MLFLOW_ALLOW_FILE_STORE'] = 'true'; from asng_core.logs import MLflowLog as L; "
              "L('x', tracking_uri='file:runs').close()",
    "optuna": "import optuna; from asng_core.integrations.optuna import ASNGSampler as S; "
              "optuna.create_study(sampler=S()).optimize(lambda t: t.suggest_int('n', 0, 9), 3)",
    "sklearn": "from asng_core.integrations.sklearn import ASNGSearchCV",
    "study": "from asng_core.study import Study; Study('sqlite:///runs.db', space, seed=0).minimize(len, budget=2)",
    "postgresql": "import psycopg; from asng_core.study import Study",
    "ray": "from asng_core.integrations.ray import RayExecutor",
    "hydra": "from asng_core.integrations.hydra import ASNGSweeper",
    "ax": "from asng_core.integrations.ax import ASNGNode",
    "syne-tune": "from asng_core.integrations.syne_tune import ASNGSearcher",
    "kernel-tuner": "from asng_core.integrations.kernel_tuner import strategy",
    "torch": "import asng_torch; from asng_torch.cli import main",
}
ALONE = ("import asng_core, sys, os; from asng_core import Space, minimize\n"
         "assert 'site-packages' in asng_core.__file__, asng_core.__file__\n"
         "space = Space.binary(6); result = minimize(lambda v: sum(v.values()), space, budget=5, seed=0)\n")
PYTHONS = {"3.10": "numpy==1.24.*", "3.13": "numpy"}


def test_one_version_stands_everywhere():
    assert f"version: {__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == __version__


def test_every_extra_for_users_is_tried():
    text = (ROOT / "pyproject.toml").read_text()
    extras = re.findall(r"^([a-z-]+) = \[", text[text.index("[project.optional-dependencies]"):text.index("[tool")],
                        re.MULTILINE)
    assert set(extras) - {"hosts", "networks", "bench", "fidelities", "docs", "dev"} == set(EXTRAS)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with sdist and wheel."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-d", str(folder)], cwd=ROOT, check=True)
    return folder


def environment(path, python=sys.executable, *packages):
    """A new virtual environment's Python, with these packages."""
    subprocess.run([python, "-m", "venv", str(path)], check=True)
    subprocess.run([str(path / "bin" / "pip"), "install", "--quiet", *packages], check=True)
    return str(path / "bin" / "python")


def run(python, code, folder):
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([python, "-W", "error::DeprecationWarning:asng_core", "-c", code], cwd=folder, env=clean, check=True)


@pytest.mark.slow
def test_twine_finds_nothing_to_say(built):
    pytest.importorskip("twine")
    said = subprocess.run([sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())],
                          capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stdout
    assert said.stdout.count("PASSED") == 2


@pytest.mark.slow
@pytest.mark.parametrize("what", ["*.whl", "*.tar.gz"])
@pytest.mark.parametrize("version", PYTHONS)
def test_the_core_needs_numpy_alone(built, version, what, tmp_path):
    interpreter = shutil.which(f"python{version}")
    if interpreter is None or subprocess.run([interpreter, "-V"], capture_output=True, check=False).returncode:
        pytest.skip(f"there is no Python {version}")
    (package,) = built.glob(what)
    python = environment(tmp_path / "venv", interpreter, str(package), PYTHONS[version])
    run(python, ALONE + "import asng_core.logs, asng_core.testing, asng_core.report.run, asng_core.cli.main\n"
        "assert not {'pandas', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)", tmp_path)
    clean = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run([python, "-m", "asng_core", "schema"], cwd=tmp_path, env=clean, check=True, capture_output=True)


@pytest.mark.slow
@pytest.mark.parametrize("extra", EXTRAS)
def test_an_extra_brings_what_it_is_for(built, extra, tmp_path):
    (wheel,) = built.glob("*.whl")
    python = environment(tmp_path / "venv", sys.executable, f"{wheel}[{extra}]")
    run(python, ALONE + EXTRAS[extra], tmp_path)
