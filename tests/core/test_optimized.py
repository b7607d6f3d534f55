"""Under `python -O`, which strips plain assertions, this suite still fails where it should."""

import ast
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from _pytest.assertion.rewrite import AssertionRewritingHook

TESTS = Path(__file__).parent.parent
BREAKING = """
def pytest_collection_modifyitems(items):
    import oracles
    oracles.utilities_by_loop = lambda losses: [7.0] * len(losses)
"""


def asserting():
    """The helpers that assert, by how they are imported; conftest files and tests are pytest's own matter."""
    return [".".join(path.relative_to(TESTS).with_suffix("").parts)
            for path in [*TESTS.glob("*.py"), *(TESTS / "attack").glob("*.py")]
            if not path.name.startswith(("test_", "conftest"))
            and any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(path.read_text())))]


@pytest.mark.parametrize("name", asserting())
def test_the_assertions_of_helpers_are_rewritten(name):
    assert isinstance(find_spec(name).loader, AssertionRewritingHook)


def test_a_broken_oracle_fails_without_plain_assertions(tmp_path):
    (tmp_path / "breaking.py").write_text(BREAKING)
    command = [sys.executable, "-O", "-m", "pytest", "-q", "-n0", "-p", "breaking", "-p", "no:cacheprovider",
               "tests/core/test_ranking.py", "-k", "plain_loop"]
    paths = os.pathsep.join([str(tmp_path), *sys.path])
    ended = subprocess.run(command, cwd=TESTS.parent, capture_output=True, text=True,
                           env={**os.environ, "PYTHONPATH": paths})
    assert "FAILED tests/core/test_ranking.py::test_equals_the_plain_loop" in ended.stdout
