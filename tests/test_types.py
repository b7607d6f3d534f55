"""Public types, as a user's type checkers see them; mypy does so in `make lint`."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_users_program_runs(tmp_path):
    pytest.importorskip("typing_extensions")
    import user

    assert user.program(str(tmp_path)).n_evaluations == 8


@pytest.mark.slow
def test_pyright_agrees_with_the_users_program(tmp_path):
    found = shutil.which("basedpyright", path=str(Path(sys.executable).parent)) or shutil.which("pyright")
    if found is None:
        pytest.skip("pip install basedpyright")
    (tmp_path / "user.py").write_text((ROOT / "tests" / "user.py").read_text())
    checked = subprocess.run([found, "--level", "error", "--pythonpath", sys.executable, "user.py"], cwd=tmp_path,
                             capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert checked.returncode == 0, checked.stdout + checked.stderr
