"""The documentation is built without a warning."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import asng_core
import asng_torch

ROOT = Path(__file__).parents[1]
# what is derived from or raised, what needs a library beside, and a search that trains networks for its example
WITHOUT_EXAMPLE = {"CheckpointError", "StateLost", "Variable", "Choice", "TensorBoardLog", "MLflowLog", "Staged"}


@pytest.mark.parametrize("package", [asng_core, asng_torch])
def test_every_public_name_has_an_example(package):
    named = {name: getattr(package, name) for name in package.__all__}
    without = {name for name, each in named.items() if callable(each) and ">>>" not in (inspect.getdoc(each) or "")}
    assert without == WITHOUT_EXAMPLE & named.keys()


@pytest.mark.hosts
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="pip install 'asng[docs]'")
    built = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-E", "-b", "html", str(ROOT / "docs"),
                            str(tmp_path)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "asng_core.minimize" in (tmp_path / "asng_core.html").read_text()
