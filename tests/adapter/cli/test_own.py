"""A network and data of one's own, and what the command line has for every search."""

import json
import os
import re
from pathlib import Path

import pytest
import torch
from torch import nn

from asng_torch import cli, evaluate, train
from asng_torch.data import TensorLoader

HERE = Path(__file__).parent
OWN = ["--network", "own_network:network", "--data", "own_network:data"]


@pytest.fixture(autouse=True)
def beside(monkeypatch):
    monkeypatch.syspath_prepend(str(HERE))


def search(out, *options):
    cli.main(["search", "--out", str(out), "--steps", "6", *options])


def test_a_network_of_ones_own_goes_from_search_to_test(tmp_path, capsys):
    search(tmp_path, *OWN, "--ema", "0.9", "--tensorboard")
    cli.main(["search", "--out", str(tmp_path), "--resume"])
    for command in ("derive", "retrain", "evaluate"):
        cli.main([command, "--out", str(tmp_path), *(["--epochs", "1"] if command == "retrain" else [])])
    cli.main(["evaluate", "--out", str(tmp_path), "--weights", "derived"])
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert 0 <= metrics["evaluate retrained"]["test_accuracy"] <= 1
    assert metrics["derive"]["parameters"] in (6 * 4 + 4 + 4 * 3 + 3, 6 * 8 + 8 + 8 * 3 + 3)
    assert any((tmp_path / "tensorboard").iterdir())
    assert {"README.md", "losses.png", "probabilities.png"} <= {file.name for file in tmp_path.iterdir()}


def test_several_limits_give_a_front(tmp_path):
    search(tmp_path, *OWN, "--limit", "50", "100")
    front = json.loads((tmp_path / "front.json").read_text())["front"]
    assert [point["limit"] for point in front] == [50, 100]
    assert front[0]["architecture"]["0.width"] == 4
    assert front[0]["cost"] <= 50


def test_a_limit_that_nothing_meets_is_refused(tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        search(tmp_path, *OWN, "--limit", "10")
    assert "least cost found is 43" in capsys.readouterr().err


@pytest.mark.parametrize(("options", "message"), [
    (["--network", "network"], "must be module:function, got 'network'"),
    (["--network", "nowhere:network"], "of a module that can be imported here: No module named 'nowhere'"),
    (["--network", "own_network:nothing"], "has no attribute 'nothing'"),
    (["--network", "own_network:data"], r"must return a torch.nn.Module, got tuple"),
    (["--network", "own_network:network", "--data", "own_network:images_only"], "must return an asng_torch.data.Image"),
    (["--space", "mini", "--data", "cifar"], "must be one of fashion-mnist, cifar10, .*, or module:function"),
    (["--space", "mini", "--ema", "1.5"], "--ema must be greater than 0 and less than 1"),
])
def test_what_cannot_be_is_explained(options, message, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        search(tmp_path, *options)
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.skipif(os.name != "posix", reason="a file system with /proc")
def test_a_folder_that_cannot_be_written_to_is_explained(capsys):
    with pytest.raises(SystemExit, match="2"):
        search("/proc/asng", *OWN)
    assert "cannot be written to" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["derive", "--out"], ["retrain", "--out"], ["evaluate", "--out"], ["report"]])
def test_a_folder_that_may_no_longer_be_written_to_is_explained_before_any_work(command, tmp_path, capsys, monkeypatch):
    def denied(**_):
        raise PermissionError(13, "Permission denied")

    search(tmp_path, *OWN)
    monkeypatch.setattr("tempfile.TemporaryFile", denied)  # a read-only mode would not keep out root
    with pytest.raises(SystemExit, match="2"):
        cli.main([*command, str(tmp_path)])
    assert "cannot be written to: [Errno 13] Permission denied" in capsys.readouterr().err


def test_a_network_without_parameters_is_trained_and_tested():
    x, y = torch.eye(4), torch.arange(4)
    loader = TensorLoader(x, y, 2)
    losses = train(nn.ReLU(), loader, epochs=2, learning_rate=0.1)
    assert losses[0] == pytest.approx(losses[1])
    assert evaluate(nn.ReLU(), loader) == 1
