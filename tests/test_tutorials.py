"""Every snippet of the tutorials runs as it stands: those of a page in turn, scripts as files of their own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {path.stem: path for path in sorted((ROOT / "docs" / "tutorials").glob("*.md"))}
QUICK = ("function",)  # in `make test`; the others, of seconds each, in `make hosts`
WITHOUT = ("how",)  # words and pictures


@pytest.mark.parametrize("page", [pytest.param(page, marks=[pytest.mark.hosts] * (page not in QUICK)) for page in PAGES
                                  if page not in WITHOUT])
def test_a_page_runs(page, tmp_path, monkeypatch):
    if page == "report":
        pytest.importorskip("vl_convert", reason="pip install 'asng[report]'")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python( script)?\n(.*?)```", PAGES[page].read_text("utf-8"), re.DOTALL)
    assert blocks
    namespace = {"__name__": page}
    for number, (script, block) in enumerate(blocks):
        if script:
            (tmp_path / "script.py").write_text(block)
            subprocess.run([sys.executable, "script.py"], check=True, timeout=120,
                           env={**os.environ, "PYTHONPATH": str(ROOT)})
        else:
            exec(compile(block, f"{page}.md, block {number}", "exec"), namespace)


def test_every_page_is_reached_from_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    assert not [page for page in PAGES if f"tutorials/{page}" not in index]


def test_pages_name_files_that_exist():
    for path in [*PAGES.values(), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name}: {target}"
