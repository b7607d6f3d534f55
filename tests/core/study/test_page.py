"""The page does what it says."""

import re
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="pip install 'asng[study]'")

PAGE = Path(__file__).parents[3] / "docs" / "SHARED.md"


def test_its_worker_runs(tmp_path, monkeypatch):
    (block,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    namespace = {}
    exec(compile(block, "SHARED.md", "exec"), namespace)
    assert namespace["result"].loss == 0
