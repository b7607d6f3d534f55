"""The main job from the command line, at a small scale."""

import json
import os
import signal
import subprocess
import sys

import pytest
import torch
from safetensors.torch import load_file

from asng_torch import Search, Supernet, cli, demo, derive
from asng_torch.data import fashion_mnist
from asng_torch.spaces import mini_network

SMALL = ["demo", "--steps", "20", "--epochs", "1", "--controls", "2"]


def test_the_demo_searches_derives_retrains_compares_and_draws(tmp_path, capsys):
    cli.main([*SMALL, "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    for words in ("Searching 15,625 architectures", "layer 1", "Retrained from scratch", "2 random networks"):
        assert words in printed
    architecture = json.loads((tmp_path / "architecture.json").read_text())["architecture"]
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert len(metrics["random_test_accuracies"]) == 2
    network = derive(Supernet(mini_network()), architecture, weights="reset")
    network.load_state_dict(load_file(tmp_path / "network.safetensors"))
    data = fashion_mnist()
    network.eval()
    with torch.no_grad():
        accuracy = (network(data.test_images).argmax(dim=1) == data.test_labels).double().mean()
    assert float(accuracy) == pytest.approx(metrics["test_accuracy"], abs=2e-3)
    for picture in ("probabilities.png", "losses.png", "accuracy.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_result(tmp_path):
    results = []
    for folder, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        cli.main([*SMALL, "--controls", "1", "--out", str(tmp_path / folder), "--seed", seed])
        metrics = json.loads((tmp_path / folder / "metrics.json").read_text())
        del metrics["seconds"]
        results.append((metrics, (tmp_path / folder / "network.safetensors").read_bytes()))
    assert results[0] == results[1]
    assert results[0] != results[2]


def test_ctrl_c_leaves_a_checkpoint_that_continues(tmp_path):
    """In a process of its own, interrupted in mid-search."""
    command = [sys.executable, "-m", "asng_torch", "demo", "--steps", "100000", "--out", str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env={**os.environ, "OMP_NUM_THREADS": "1"})
    while b"step" not in (seen := process.stderr.read(200)):  # until the progress bar moves: the search is on
        assert seen
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Interrupted after step" in output
    search = demo.build_search(fashion_mnist(), demo.Settings(steps=100_000), seed=0, device=torch.device("cpu"))
    search.resume(tmp_path / "search.safetensors")
    assert isinstance(search, Search)
    assert search.step >= 1
    assert next(iter(search)).step == search.step


@pytest.mark.parametrize(("arguments", "message"), [
    (["demo", "--data", "nowhere"], r"--data: folder 'nowhere' has no train-images-idx3-ubyte"),
    (["demo", "--download"], r"--download needs --data FOLDER"),
    (["demo", "--steps", "0"], "must be a whole number of at least 1, got '0'"),
    (["demo", "--steps", "abc"], "must be a whole number of at least 1, got 'abc'"),
    (["demo", "--seed", "-1"], "must be a whole number of at least 0, got '-1'"),
    (["demo", "--device", "meta"], "must be cpu or cuda, got 'meta'"),
    (["demo", "--out", __file__], "is a file. Name a folder"),
    (["demo", "--device", "toaster"], "must be cpu or cuda, got 'toaster'"),
    ([], "command"),
])
def test_bad_arguments_are_explained(arguments, message, capsys):
    with pytest.raises(SystemExit):
        cli.main(arguments)
    assert message in capsys.readouterr().err


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["demo", "--help"])
    assert "Ctrl-C during the search saves it" in capsys.readouterr().out
