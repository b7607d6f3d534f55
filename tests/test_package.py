"""What a user installs and reads: the wheel, the README's code, the stored results."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from benchmarks import store

ROOT = Path(__file__).parent.parent


def test_the_wheel_holds_its_data_and_works_outside_the_checkout(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", str(ROOT), "--no-deps", "--no-build-isolation", "-w", str(tmp_path)], check=True)
    (wheel,) = tmp_path.glob("asng-*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("asng_core/py.typed", "asng_torch/py.typed", "asng_torch/data/fashion_mnist_7k.npz",
                 "asng_torch/data/NOTICE.md"):
        assert name in names
    assert not any(name.startswith(("tests", "benchmarks")) for name in names)
    subprocess.run([*pip, "install", str(wheel), "--no-deps", "--target", str(tmp_path / "site")], check=True)
    code = ("import asng_core, asng_torch.data as data; print(asng_core.__file__); "
            "print(len(data.fashion_mnist().test_images), asng_core.ASNG(asng_core.Space.binary(3), seed=0).ask())")
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "site")},
                            capture_output=True, text=True, check=True)
    assert result.stdout.startswith(str(tmp_path))
    assert "1000 Candidate" in result.stdout


def test_the_readmes_code_runs(tmp_path, monkeypatch):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    namespace = {}
    for number, block in enumerate(blocks):
        exec(compile(block, f"README.md, block {number}", "exec"), namespace)
    assert namespace["result"].loss < 0.1
    assert (tmp_path / "search.npz").exists()


def test_the_makefile_runs_what_the_readme_spells_out():
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()
    for command in ("pip install --quiet -e '.[torch]'", "pip install --quiet -e '.[torch,bench,dev]'"):
        assert command in makefile
        assert command.replace("--quiet ", "") in readme


@pytest.mark.parametrize("name", store.names(store.RESULTS))
def test_stored_results_say_when_and_where_they_were_measured(name):
    for source in store.sources(store.records(store.RESULTS / name)):
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", source["date"])
        assert "cores" in source["machine"]
        assert "numpy" in source["versions"]
