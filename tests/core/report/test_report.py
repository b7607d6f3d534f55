"""One HTML file of a run: everything in it, nothing of it executed, drawn by Vega-Lite and by a browser."""

import json
import os
import pickle
import re
import shutil
import subprocess

import numpy as np
import pytest

from asng_core import Boolean, Categorical, Integer, Minimizer, Ordinal, Real, Space, maximize, minimize
from asng_core.cli.main import main
from asng_core.html import printable
from asng_core.loop.call import call, seeded
from asng_core.report import run as report
from asng_core.report.values import Axis

HOSTILE = '</script><script>document.title="hacked"</script><img src=x onerror="document.title=\'hacked\'">'
SPACE = Space({"op": Categorical(["conv", "pool", None]), "kernel": Ordinal([1, 3, 5]), "norm": Boolean(),
               "width": Integer(1, 1000, log=True), "rate": Real(1e-4, 1.0, log=True)},
              active_if={"kernel": {"op": ["conv"]}})


def loss(values):
    return (values["op"] != "conv") + abs(values.get("kernel", 5) - 3) + np.log10(values["rate"]) ** 2


@pytest.fixture
def vega(monkeypatch):
    """Pages without the scripts of Vega, which take seconds to come, and of rough intervals."""
    monkeypatch.setattr("asng_core.blackbox.importance._GROUPS", 2)
    monkeypatch.setattr("asng_core.blackbox.importance._AT_ONCE", 64)
    monkeypatch.setattr("asng_core.report.page._vega", lambda: "")


def specs(text):
    return [json.loads(each) for each in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)]


def written(result, path, **options):
    result.report(path, **options)
    return path.read_text("utf-8")


def test_a_report_says_what_was_searched_found_and_how(vega, tmp_path):
    result = minimize(loss, SPACE, budget=40, seed=3)
    text = written(result, tmp_path / "run.html", rivals={"before": result, "by hand": [3.0, np.nan, 1.0]})
    for section in ("Found", "Best over evaluations", "Which variables mattered", "All together", "What was searched",
                    "To repeat it"):
        assert f">{section}</h2>" in text
    assert "minimize(loss, space, budget=40, seed=3)" in text
    lines = specs(text)[0]["layer"][1]["data"]["values"]
    assert {each["s"] for each in lines} == {"this run", "before", "by hand"}
    assert min(each["y"] for each in lines if each["s"] == "this run") == result.loss
    assert [each["y"] for each in lines if each["s"] == "by hand"] == [3.0, 1.0]
    assert text.count("<summary>The numbers</summary>") == len(specs(text)) - 1  # of all but the parallel coordinates


def test_nothing_is_fetched_and_nothing_of_the_users_is_executed(vega, tmp_path):
    space = Space({HOSTILE: Categorical([HOSTILE, "b", HOSTILE + "2"]), "a.b[0]": Integer(1, 9),
                   "${alert(1)}": Boolean(), "datum['x']": Ordinal(["<b>", "&amp;", "\u2028", "\ud800"])})
    result = minimize(lambda v: v["a.b[0]"], space, budget=20, seed=0)
    text = written(result, tmp_path / "x.html", title=HOSTILE)
    assert text.count("<script") == text.count("</script") == len(specs(text)) + 2  # ours, and Vega's place
    assert "<img" not in text
    assert not re.search(r"(src|href)=.?(https?:|//)|@import|url\(", text)
    assert "default-src 'none'" in text


@pytest.mark.hosts
@pytest.mark.parametrize("kind", ["one", "two", "three", "maximized", "noisy", "failed", "constant", "constrained",
                                  "tiny"])
def test_every_kind_of_run_has_a_report_that_vega_lite_compiles(vega, kind, tmp_path):
    vl_convert = pytest.importorskip("vl_convert", reason="pip install 'asng[report]'")
    space, run, options = SPACE, minimize, {}
    objective = {"two": lambda v: (loss(v), v["width"]), "three": lambda v: (loss(v), v["width"], v["rate"]),
                 "failed": lambda v: np.nan, "constant": lambda v: 1.0}.get(kind, loss)
    if kind == "maximized":
        run = maximize
    if kind == "noisy":
        options = {"noisy": True}
    if kind == "constrained":
        space = Space(SPACE.variables, constraints=[lambda v: v["width"] < 30])
    result = run(objective, space, budget=2 if kind == "tiny" else 24, seed=0, **options)
    for each in specs(written(result, tmp_path / "run.html")):
        vl_convert.vegalite_to_vega({**each, "width": 300}, vl_version="6.4")


def test_a_pickled_result_says_that_it_has_no_space(tmp_path):
    result = pickle.loads(pickle.dumps(minimize(loss, SPACE, budget=3, seed=0)))
    with pytest.raises(RuntimeError, match="space"):
        result.report(tmp_path / "run.html")


def test_rivals_are_losses_of_one_objective(tmp_path):
    result = minimize(loss, SPACE, budget=3, seed=0)
    with pytest.raises(ValueError, match=r"shape \(1, 2\) for 'x'"):
        result.report(tmp_path / "run.html", rivals={"x": [[1.0, 2.0]]})


def test_without_vega_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "vl_convert", None)
    with pytest.raises(ImportError, match=r"asng\[report\]"):
        minimize(loss, SPACE, budget=5, seed=0).report(tmp_path / "run.html")
    assert not (tmp_path / "run.html").exists()


def test_the_command_reports_on_a_state_and_on_a_checkpoint(vega, tmp_path, capsys):
    optimizer = Minimizer(SPACE, seed=0)
    for _ in range(8):
        point = optimizer.ask()
        optimizer.tell(point, loss(point))
    optimizer.save(tmp_path / "state.asng")
    main(["report", str(tmp_path / "state.asng")])
    assert capsys.readouterr().out == f"{tmp_path / 'state.html'}\n"
    assert "python -m asng_core init space.json" in (tmp_path / "state.html").read_text()
    result = maximize(lambda v: -loss(v), SPACE, budget=8, seed=0, checkpoint=tmp_path / "run.asng")
    main(["report", str(tmp_path / "run.asng"), str(tmp_path / "other.html"), "--title", "Mine"])
    text = (tmp_path / "other.html").read_text()
    assert "<h1>Mine</h1>" in text
    assert f"<b>{result.loss:.6g}</b>" in text
    with pytest.raises(SystemExit):
        main(["report", str(tmp_path / "run.asng"), str(tmp_path / "run.asng")])


def test_losses_at_lower_fidelities_are_not_mixed_with_those_that_count(vega, tmp_path):
    optimizer = Minimizer(SPACE, fidelities=[1, 3], seed=0)
    while optimizer.spent < 60:
        point = optimizer.ask()
        optimizer.tell(point, loss(point) + (1000 if point.fidelity == 1 else 0))
    optimizer.save(tmp_path / "run.asng")
    main(["report", str(tmp_path / "run.asng")])
    text = (tmp_path / "run.html").read_text()
    below = int((optimizer.history.fidelities == 0).sum())
    assert f"<span>at lower fidelities, not drawn</span><b>{below}</b>" in text
    assert max(each["y"] for each in specs(text)[0]["layer"][0]["data"]["values"]) < 1000


@pytest.mark.hosts
def test_many_evaluations_make_no_large_page(vega, tmp_path):
    rng = np.random.default_rng(0)
    space = Space({f"variable {i}": Real(0, 1) if i % 2 else Categorical(range(9)) for i in range(30)})
    optimizer = Minimizer(space, noisy=True, seed=0)
    for values in space.decode(np.where(space.continuous, rng.random((3000, 30)), rng.integers(0, 9, (3000, 30)))):
        optimizer.inject(values, float(sum(map(float, values.values()))))
    searched = report.Searched(space, optimizer.history, optimizer.front[0], optimizer.front)
    report.write(tmp_path / "run.html", searched, {}, "")
    assert (tmp_path / "run.html").stat().st_size < 900_000  # with the scripts, of as much, below 2 MB


def test_a_call_repeats_its_run():
    assert call("minimize", loss, budget=3, seed=0, noisy=True, target=None, catch=()) == (
        "minimize(loss, space, budget=3, seed=0, noisy=True)")
    assert call("minimize", loss, budget=3, seed=np.random.SeedSequence(5, spawn_key=(1,)), init={"a": 1}) == (
        "minimize(loss, space, budget=3, seed=np.random.SeedSequence(5, spawn_key=(1,)), init=...)")
    first = minimize(loss, SPACE, budget=6)  # of no seed
    again = eval(first.call, {"minimize": minimize, "loss": loss, "space": SPACE})
    assert (again.history.losses == first.history.losses).all()
    assert seeded(7) == 7


def test_an_axis_tells_values_apart_that_look_alike():
    axis = Axis("x", Categorical([1, "1", "\u2028"]))
    assert [axis.place(code) for code in range(3)] == ["1 (0)", "1 (1)", "\\u2028"]
    assert Axis("x", Real(1e-4, 1, log=True)).height(1e-2) == 0.5
    assert Axis("x", Integer(3, 3)).height(0) == 0.5
    assert printable("a\n\ud800b") == "a\\n\\ud800b"


CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.mark.hosts
@pytest.mark.skipif(CHROMIUM is None, reason="apt-get install chromium")
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_draws_every_chart_without_a_word(tmp_path, width):
    space = Space({HOSTILE: Categorical([HOSTILE, "b", "\u2028"]), "a.b[0]": Integer(1, 90), "c": Real(0.001, 1)})
    result = minimize(lambda v: (v["a.b[0]"], v["c"]), space, budget=20, seed=0)
    text = written(result, tmp_path / "x.html", title=HOSTILE)
    assert os.path.getsize(tmp_path / "x.html") < 2_000_000
    shown = subprocess.run([CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--window-size={width},900",
                            "--virtual-time-budget=20000", "--enable-logging=stderr", "--dump-dom",
                            f"file://{tmp_path / 'x.html'}"], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in shown.stderr
    assert f'data-drawn="{len(specs(text))}"' in shown.stdout
    assert shown.stdout.count('aria-label="Save this chart"') == len(specs(text))
    assert "hacked</title>" not in shown.stdout
