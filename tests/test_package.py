"""What a user installs and reads: the wheel, the README's code, the stored results."""

import ast
import re
import subprocess
import sys
import zipfile
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from benchmarks import store

ROOT = Path(__file__).parent.parent
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
           for package in ("asng_core", "asng_torch") for path in sorted((ROOT / package).rglob("*.py"))}


def imports(name):
    """The modules of this repository that a module imports, wherever: within functions and under TYPE_CHECKING too."""
    path = MODULES[name]
    package = name if path.stem == "__init__" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")
            parts = parts[:len(parts) - node.level + 1] if node.level else []
            module = ".".join([*parts, *filter(None, [node.module])])
            # `from package import name`: the module of that name if there is one, else what the package hands on
            found |= {inner if (inner := f"{module}.{alias.name}") in MODULES else module for alias in node.names}
    return found & MODULES.keys()


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
    assert len(blocks) == 4
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


def test_no_module_imports_itself_through_others():
    try:
        order = [*TopologicalSorter({name: imports(name) for name in MODULES}).static_order()]
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))
    assert len(order) == len(MODULES)


def test_the_imports_are_read_as_python_resolves_them():
    assert {"asng_torch.choices.choice", "asng_torch.networks.derived", "asng_core"} <= imports(
        "asng_torch.choices.input_choice")
    assert "asng_torch.cli.search" in imports("asng_torch.cli.main")


@pytest.mark.parametrize("package", ["asng_core.", "asng_torch."])
def test_no_folder_imports_itself_through_others(package):
    """A folder of a package, or a file beside them, stands on those below it."""
    def place(name):
        return ".".join(name.split(".")[:2])

    below = {}
    for name in MODULES:
        if name.startswith(package):
            below.setdefault(place(name), set()).update(
                place(each) for each in imports(name) if each.startswith(package) and place(each) != place(name))
    assert [*TopologicalSorter(below).static_order()]  # raises CycleError


def test_the_core_knows_nothing_of_the_adapter():
    assert not [(name, each) for name in MODULES if name.startswith("asng_core")
                for each in imports(name) if each.startswith("asng_torch")]


@pytest.mark.parametrize("package", ["asng_core", "asng_torch"])
def test_a_file_has_at_most_250_lines(package):
    lengths = {name: len(path.read_text().splitlines()) for name, path in MODULES.items() if name.startswith(package)}
    assert not {name: length for name, length in lengths.items() if length > 250}
