"""report.html of a run folder, without a search: what the folder holds, and nothing of it executed."""

import json
import re

import pytest

from asng_torch import cli
from asng_torch.cells.probable import drawings

HOSTILE = "</script><script>alert(1)</script>"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("asng_core.report.page._vega", lambda: "")
    cell = {f"normal.node{node}_{what}": value for node in range(2)
            for what, value in (("input0", node), ("operation0", HOSTILE))}
    architecture = {"layer 1": HOSTILE, "width": 24, **cell}
    asked = {"space": "mini", "seed": 3, "limit": [1.0, 2.0], "amp": False, "steps": None}
    made = {"asng": "0", "torch": "0"}
    (tmp_path / "config.json").write_text(json.dumps({"search": {"asked": asked, "made_with": made}}))
    (tmp_path / "architecture.json").write_text(json.dumps({
        "format": 1, "space": "mine:net", "architecture": architecture,
        "metrics": {"step": 2, "steps": 2, "entropy": 0.5, "parameters": 10, "multiply_adds": 20}}))
    columns = ["step", f"layer 1 = {HOSTILE}", "layer 1 = b", "width mean", "width std",
               *[f"normal.node{node}_input0 = {i}" for node in range(2) for i in range(2 + node)],
               *[f"normal.node{node}_operation0 = {each}" for node in range(2) for each in (HOSTILE, "none")]]
    rows = [[step, 0.75, 0.25, 24.5, 3.25, 0.5, 0.5, 0.25, 0.5, 0.25, 0.5, 0.5, 0.125, 0.875] for step in (1, 2)]
    (tmp_path / "distribution.csv").write_text("\n".join(",".join(map(str, row)) for row in (columns, *rows)))
    (tmp_path / "log.csv").write_text("step,train_loss,valid_loss,learning_rate,entropy,step_size,cost\n"
                                      "1,2.5,,0.1,1.0,1.0,\n2,2.25,2.0,0.1,0.5,1.0,12\n")
    (tmp_path / "metrics.json").write_text(json.dumps({
        "test_accuracy": 0.5, "random_test_accuracies": [0.25, 0.75], "random_median": 0.5,
        "random_networks_beaten": 1, "parameters": 10, "random_parameters": [8, 12]}))
    (tmp_path / "trainings.json").write_text(json.dumps({
        "spent": 1.25, "derived": architecture, "believed_loss": {"mean": 0.75, "deviation": 0.125},
        "trust": {"shared weights": -0.25, "3": 0.5}, "front": [], "trained": [
            {"architecture": architecture, "epochs": 3, "loss": 0.875, "weights": "network-0-1.safetensors"},
            {"architecture": architecture, "epochs": 9, "loss": None, "weights": HOSTILE}]}))
    (tmp_path / "front.json").write_text(json.dumps({"front": [
        {"limit": 1.0, "architecture": {"width": 16}, "cost": 0.5},
        {"limit": 2.0, "architecture": None, "cost": None}]}))
    return tmp_path


def written(folder):
    cli.main(["report", str(folder)])
    return (folder / "report.html").read_text("utf-8")


def specs(text):
    return [json.loads(each) for each in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text)]


def test_a_run_folder_has_a_report(folder):
    text = written(folder)
    for section in ("Found", "The network, with probabilities", "How the distribution moved", "Losses",
                    "Trainings after the search", "The control: cost against accuracy", "Front", "To repeat it"):
        assert f">{section}</h2>" in text
    assert "for the price of 1.25 full trainings. What it would derive" in text
    assert "validation loss of 0.75 ± 0.12 in a full one" in text
    assert re.search("shared weights</td><td[^>]*>-0.25<", text)
    assert f"python -m asng_torch search --out {folder} --space mini --seed 3 --limit 1.0 2.0" in text
    assert text.count("<script") == text.count("</script") == len(specs(text)) + 2
    marks = [layer["data"]["values"] for each in specs(text) for layer in each.get("layer", ())
             if layer["mark"]["type"] == "rule" and "data" in layer]
    assert marks == [[{"x": 1.5}]]  # the first step has no validation loss: a warm-up
    assert "<title>node 1 reads map 1: 50%; none 88%</title>" in text


def test_a_line_is_as_thick_as_it_is_likely():
    svg = drawings({"a": {"x": 0.75, "y": 0.25}, "b": {"z": 1.0}}, {"a": "x", "b": "z"})["The network"]
    lines = re.findall(r'class="edge( chosen)?".*?stroke-width="([\d.]+)"', svg)
    assert [(bool(chosen), float(width)) for chosen, width in lines] == [(True, 7.05), (False, 2.55)]


def test_a_folder_with_a_configuration_alone_has_a_report_too(folder):
    for name in ("architecture.json", "distribution.csv", "log.csv", "metrics.json", "front.json",
                 "trainings.json"):
        (folder / name).unlink()
    assert "No architecture was found yet" in written(folder)


def test_no_run_folder_is_an_error_that_says_what_to_do(tmp_path, capsys):
    with pytest.raises(SystemExit):
        cli.main(["report", str(tmp_path)])
    assert "First run `python -m asng_torch search`" in " ".join(capsys.readouterr().err.split())


@pytest.mark.hosts
def test_vega_lite_compiles_every_chart(folder):
    vl_convert = pytest.importorskip("vl_convert", reason="pip install 'asng[report]'")
    for each in specs(written(folder)):
        vl_convert.vegalite_to_vega({**each, "width": 300}, vl_version="6.4")
