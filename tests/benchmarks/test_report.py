"""The pages: what the report writes, and no more."""

import re
import resource
import shutil
import sys
from types import SimpleNamespace

import pytest
from objectives import doubled

from benchmarks import report, store
from benchmarks.page import Claim, Page

AGES = re.compile(r" \*\(measured [^)]*\)\*")  # they grow with every change that is announced, without a word


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A copy of READMEs, pages and results, after a report."""
    root = tmp_path_factory.mktemp("root")
    (root / "benchmarks").mkdir()
    shutil.copy(report.ROOT / report.README, root)
    shutil.copy(report.ROOT / report.INDEX, root / report.INDEX)
    for folder in (report.PAGES, report.RESULTS):
        shutil.copytree(report.ROOT / folder, root / folder)
    report.write(root, pictures=False)
    return root


def texts(root):
    files = [root / report.README, root / report.INDEX, *(root / report.PAGES).glob("*.md"),
             *(root / report.RESULTS).glob("*.md")]
    return {str(file.relative_to(root)): AGES.sub("", file.read_text()) for file in files}


def test_the_pages_are_what_the_report_writes(written):
    assert texts(written) == texts(report.ROOT), "run python -m benchmarks.report"


def test_every_page_has_its_picture_and_is_in_the_index(written):
    shown = {match for file in (written / report.PAGES).glob("*.md")
             for match in re.findall(r"\(\.\./results/([^)]*\.png)\)", file.read_text())}
    assert shown == {file.name for file in (written / report.RESULTS).glob("*.png")}
    assert {f"{file.stem}.png" for file in (written / report.PAGES).glob("*.md")} == shown
    index = (written / report.INDEX).read_text()
    assert set(re.findall(r"\(pages/(.*?)\.md\)", index)) == {name.removesuffix(".png") for name in shown}
    assert len(index.splitlines()) <= 150


def test_links_lead_somewhere(written):
    for file in ((written / report.INDEX), *(written / report.PAGES).glob("*.md")):
        for link in re.findall(r"\]\(([^)#]*)\)", file.read_text()):
            if not link.startswith("http"):
                assert (report.ROOT / file.relative_to(written).parent / link).exists(), (file, link)


def test_what_is_stored_stays_small():
    for suffix, most in ((".xz", 1_400_000), (".png", 1_000_000)):
        assert sum(file.stat().st_size for file in store.RESULTS.glob(f"*{suffix}")) < most


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The only page, of two runs: one of ours, one of a rival."""
    store.measure(tmp_path / "r", doubled, [{"x": 1, "method": name} for name in ("Minimizer", "RLS")], jobs=0)
    claims = [Claim("ours is best", False, "0.5 (0.4 to 0.6)", ("Minimizer",)),
              Claim("it is fast", True, "1 s", ("ASNG",))]
    page = Page("r", {"r": "python -m benchmarks.r"}, claims, {"Table": "| 1 |", "More": "| 2 |"}, lambda path: None)
    monkeypatch.setattr(report, "GROUPS", {"Ours": ("r",)})
    monkeypatch.setattr(report, "imported", lambda _: SimpleNamespace(pages=lambda _: [page]))
    return page, {"r": store.records(tmp_path / "r")}


def test_a_claim_is_shown_with_what_it_was_measured_with(made):
    page, stored = made
    blocks = report.blocks(page, stored)
    assert blocks["claims"].splitlines()[2:] == ["| **MISSED** | ours is best | 0.5 (0.4 to 0.6) |",
                                                 "| met | it is fast | 1 s |"]
    assert blocks["table"].startswith("Table:\n\n| 1 |")
    assert "| 2 |" not in blocks["table"]
    assert "cores" in blocks["source"]
    assert "numpy" in blocks["source"]
    assert report.claims_of({"Ours": [page]}, stored).startswith("1 of 2 claims are met.\n\n### Ours")


def test_what_is_behind_is_said_beside_its_claims_and_by_the_check(made, monkeypatch, tmp_path, capsys):
    page, stored = made
    assert list(report.stale(tmp_path)) == []
    monkeypatch.setitem(store.BEHAVIOURS, "Minimizer", store.BEHAVIOURS["Minimizer"] + 3)
    ours, fast = report.blocks(page, stored)["claims"].splitlines()[2:]
    assert ours.endswith("*(measured 3 changes of Minimizer ago)* |")
    assert fast.endswith("1 s |")
    assert AGES.sub("", ours).endswith("(0.4 to 0.6) |")
    monkeypatch.setattr("sys.argv", ["report", "--check", "--out", str(tmp_path)])
    monkeypatch.setattr(report, "RESULTS", tmp_path)
    with pytest.raises(SystemExit, match="1"):
        report.main()
    assert capsys.readouterr().out == ("r: 1 of 2 runs measured 3 changes of Minimizer ago: python -m benchmarks.r "
                                       "--refresh\n")


def test_blocks_are_filled_between_their_marks_alone():
    text = "a\n<!-- one -->\nold\n<!-- /one -->\nb\n<!-- two -->\n<!-- /two -->\n"
    filled = "a\n<!-- one -->\n\n1\n\n<!-- /one -->\nb\n<!-- two -->\n\n2\n\n<!-- /two -->\n"
    assert report.filled(text, {"one": "1", "two": "2"}) == (filled, {"one", "two"})
    assert report.filled(filled, {"one": "1", "two": "2"})[0] == filled


def test_a_missing_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "benchmarks.supernet_step", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install -e '\.\[torch,bench\]'"):
        report.imported("supernet_step")


@pytest.mark.slow
def test_everything_runs_quickly_and_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["report", "--quick", "--out", str(tmp_path)])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    report.main()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 2 * 600  # ten minutes of two cores
    for path in sorted(store.RESULTS.glob("*")):
        assert (tmp_path / report.RESULTS / path.name).exists()
