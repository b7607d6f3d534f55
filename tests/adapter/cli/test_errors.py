"""What cannot be done is refused in words that say what to do."""

import json

import pytest

from asng_torch import cli


@pytest.mark.parametrize(("arguments", "message"), [
    ([], "COMMAND"),
    (["search"], "--space must name what to search, one of cae_categorical, "),
    (["search", "--out", "nowhere"], "--space must name what to search"),
    (["search", "--resume"], "--resume needs --out"),
    (["search", "--resume", "--out", "nowhere"], "there is no 'nowhere/config.json'. First run `python -m asng_torch"),
    (["search", "--space", "toaster"], "invalid choice: 'toaster'"),
    (["search", "--space", "mini", "--data", "cifar10"], "must name the folder of its files"),
    (["search", "--space", "mini", "--data-folder", "nowhere"], "folder 'nowhere' has no train-images-idx3-ubyte"),
    (["search", "--space", "mini", "--preset", "huge"], "--preset must be one of published, small for mini, got"),
    (["search", "--space", "mini", "--mask", "half"], "--mask is for inpainting, but mini is for classification"),
    (["search", "--space", "mini", "--cost", "parameters"], "--cost says what --limit counts"),
    (["search", "--space", "mini", "--workers", "2"], "--workers is of trainings"),
    (["search", "--space", "mini", "--trainings", "1", "--limit", "900", "2000"], "--trainings must allow one for"),
    (["search", "--space", "mini", "--steps", "0"], "must be a whole number of at least 1, got '0'"),
    (["search", "--space", "mini", "--steps", "abc"], "must be a whole number of at least 1, got 'abc'"),
    (["search", "--space", "mini", "--seed", "-1"], "must be a whole number of at least 0, got '-1'"),
    (["search", "--space", "mini", "--limit", "nan"], "must be a number above 0, got 'nan'"),
    (["search", "--space", "mini", "--device", "meta"], "must be cpu or cuda, got 'meta'"),
    (["search", "--space", "mini", "--device", "toaster"], "must be cpu or cuda, got 'toaster'"),
    (["search", "--space", "mini", "--out", __file__], "is a file. Name a folder"),
    (["derive", "--out", "nowhere"], "there is no 'nowhere/config.json'"),
    (["retrain", "--out", "nowhere"], "there is no 'nowhere/config.json'"),
    (["evaluate"], "--out"),
    (["demo", "--data-folder", "nowhere"], "--data-folder: folder 'nowhere' has no train-images-idx3-ubyte"),
    (["demo", "--download"], "--download needs --data-folder"),
    (["demo", "--out", __file__], "is a file. Name a folder"),
])
def test_bad_arguments_are_explained(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert stop.value.code == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_run_folder_is_not_overwritten_nor_misread(tmp_path, run, refused):
    search = ["--space", "mini", "--steps", "2"]
    run("search", tmp_path, *search)
    assert "search.safetensors' already. Add --resume" in refused("search", tmp_path, *search)
    assert "--seed 3 contradicts" in refused("search", tmp_path, "--resume", "--seed", "3")
    assert "there is no" in refused("evaluate", tmp_path)
    assert "derived.safetensors'. First run `python -m asng_torch derive`" in refused("evaluate", tmp_path)
    message = refused("search", tmp_path, "--resume", "--data-folder", "", data=False)
    assert "--resume: state must be" in message or "--data" in message
    run("retrain", tmp_path, "--epochs", "1")
    assert "retrain.safetensors' already. Add --resume" in refused("retrain", tmp_path)
    assert "--epochs 2 contradicts" in refused("retrain", tmp_path, "--resume", "--epochs", "2")
    (tmp_path / "network.safetensors").write_bytes(b"damaged")
    assert "does not hold the weights of this architecture" in refused("evaluate", tmp_path)
    (tmp_path / "search.safetensors").write_bytes(b"damaged")
    assert "is not a readable asng_torch.Search checkpoint" in refused("derive", tmp_path)
    assert "is not a readable asng_torch.Search checkpoint" in refused("search", tmp_path, "--resume")
    (tmp_path / "config.json").write_text(json.dumps({"search": {"asked": {"color": "red"}}}))
    assert "tells of no search that this release could read" in refused("derive", tmp_path)
    (tmp_path / "config.json").write_text("{")
    assert "cannot be read" in refused("derive", tmp_path)


@pytest.mark.parametrize(("command", "taught"), [
    ([], "python -m asng_torch retrain --out runs/first"), (["search"], "Ctrl-C (or SIGTERM) saves all of it"),
    (["derive"], "derived.safetensors"), (["retrain"], "--resume goes on from there"),
    (["evaluate"], "peak signal-to-noise"), (["demo"], "Ctrl-C loses no more than the training")])
def test_help_teaches(command, taught, capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main([*command, "--help"])
    assert stop.value.code == 0
    assert taught in capsys.readouterr().out
