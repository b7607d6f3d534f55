"""The documentation is built without a warning."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.hosts
def test_the_site_is_built_without_a_warning(tmp_path):
    for package in ("sphinx", "furo", "myst_parser"):
        pytest.importorskip(package, reason="pip install 'asng[docs]'")
    built = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-E", "-b", "html", str(ROOT / "docs"),
                            str(tmp_path)], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "asng_core.minimize" in (tmp_path / "asng_core.html").read_text()
