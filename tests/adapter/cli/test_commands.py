"""Every space, searched, derived, retrained and tested from the command line at a tiny scale."""

import csv
import errno
import json

import pytest
import torch
from safetensors.torch import load_file

from asng_torch import Search, Supernet, Trainer, cli, count, load_architecture
from asng_torch.cli.config import SearchConfig, read_config
from asng_torch.cli.recipe import Recipe
from asng_torch.spaces import SPACES


@pytest.mark.parametrize("name", SPACES)
def test_a_run_folder_goes_from_search_to_test(name, tmp_path, run, images):
    out, space = tmp_path / "run", SPACES[name]
    preset = space.presets["small"]
    assert f"Searching {name} (small preset) on 200 images" in run("search", out, "--space", name, "--steps", "2")
    side = preset.side or space.side
    config = read_config(out, "search", SearchConfig)
    assert config == SearchConfig(name, data_folder=str(images), steps=2)
    supernet = Supernet(space.network(1, 10, **preset.network))
    architecture = load_architecture(out / "architecture.json", supernet.space, space_name=name)
    with (out / "log.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]

    assert "Derived a network" in run("derive", out)
    recipe = Recipe(config, torch.device("cpu"), sizes={"in_channels": 1, "classes": 10})
    example = recipe.example
    assert example.shape == (1, 1, side, side)
    derived = recipe.inherited(architecture)
    derived.load_state_dict(load_file(out / "derived.safetensors"))
    assert "The derived network on 40 test images: " in run("evaluate", out, data=False)

    assert "Training a network" in run("retrain", out, "--epochs", "1", data=False)
    network = space.final(architecture, 1, 10, **preset.final)
    network.load_state_dict(load_file(out / "network.safetensors"))
    assert "The retrained network on 40 test images: " in run("evaluate", out)

    optimizer = json.loads((out / "config.json").read_text())["search"]["preset"]["search"]["optimizer"]
    assert optimizer in ("ASNG", "optimizer")  # names, no addresses

    metrics = json.loads((out / "metrics.json").read_text())
    found = json.loads((out / "architecture.json").read_text())["metrics"]
    assert metrics["derive"]["parameters"] == found["parameters"]
    assert metrics["derive"]["multiply_adds"] == found["multiply_adds"]
    head = metrics["retrain"]["auxiliary_parameters"]  # which training alone uses
    assert metrics["retrain"]["parameters"] + head == count(network.eval(), example).parameters
    assert (head > 0) == (name == "enas_micro")
    measured = {"mse", "psnr", "ssim"} if space.task == "inpainting" else {"test_accuracy"}
    assert measured <= metrics["evaluate derived"].keys() & metrics["evaluate retrained"].keys()

    page = (out / "README.md").read_text()
    pictures = {"probabilities.png", "losses.png", *{"enas_micro": ["normal_cell.png", "reduce_cell.png"],
                                                     "nasbench201": ["cell.png"]}.get(name, [])}
    assert {picture.name for picture in out.glob("*.png")} == pictures
    for picture in pictures:
        assert (out / picture).read_bytes().startswith(b"\x89PNG")
        assert f"({picture})" in page
    assert f"space {name}" in page
    assert (f"{head:,} more of the auxiliary head" in page) == (name == "enas_micro")
    assert ("Genotype(" in page) == (name == "enas_micro")
    assert ("|+|" in page) == (name == "nasbench201")

    with pytest.MonkeyPatch.context() as patch:  # without the scripts, which take seconds
        patch.setattr("asng_core.report.page._vega", lambda: "")
        cli.main(["report", str(out)])
    assert (out / "report.html").read_text().count("<svg") == (2 if name == "enas_micro" else 1)


def test_the_same_seed_gives_the_same_search_and_training(tmp_path, run):
    weights = []
    for folder, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        run("search", tmp_path / folder, "--space", "mini", "--steps", "3", "--seed", seed)
        run("retrain", tmp_path / folder, "--epochs", "1", "--seed", seed)
        weights.append([(tmp_path / folder / file).read_bytes() for file in ("log.csv", "network.safetensors")])
    assert weights[0] == weights[1]
    assert weights[0][0] != weights[2][0]
    assert weights[0][1] != weights[2][1]


def test_an_architecture_within_the_limit_is_found(tmp_path, run, refused, monkeypatch):
    run("search", tmp_path / "a", "--space", "mini", "--steps", "3", "--limit", "700")
    assert json.loads((tmp_path / "a/architecture.json").read_text())["metrics"]["parameters"] <= 700
    monkeypatch.setattr(Search, "recommend", unfound)  # to look through a whole space takes long
    message = refused("search", tmp_path / "b", "--space", "mini", "--steps", "3", "--limit", "700")
    assert "no architecture within --limit was found. Raise it" in message
    message = refused("search", tmp_path / "c", "--space", "mini", "--steps", "3", "--limit", "7")
    assert "must be one that an architecture meets" in message


def unfound(search):
    raise RuntimeError("none")


def test_bfloat16_and_other_masks_and_policies(tmp_path, run):
    run("search", tmp_path / "a", "--space", "mini", "--steps", "2", "--amp")
    run("derive", tmp_path / "a")
    for policy in ("tracked", "batch", "recalibrated"):
        assert "accuracy" in run("evaluate", tmp_path / "a", "--batch-norm", policy)
    run("search", tmp_path / "b", "--space", "cae_categorical", "--steps", "2", "--mask", "half")
    assert "mask half" in (tmp_path / "b/README.md").read_text()


def test_an_edited_architecture_is_taken(tmp_path, run, refused):
    run("search", tmp_path, "--space", "mini", "--steps", "2")
    path = tmp_path / "architecture.json"
    content = json.loads(path.read_text())
    content["architecture"] = dict.fromkeys(content["architecture"], "identity")
    path.write_text(json.dumps(content))
    assert "layer 6  identity" in run("derive", tmp_path)
    content["architecture"]["layer 6"] = "attention"
    path.write_text(json.dumps(content))
    assert "holds no architecture of this space" in refused("derive", tmp_path)


@pytest.mark.hosts
def test_trainings_leave_the_best_network_and_go_on_where_they_were_interrupted(tmp_path, run, refused, monkeypatch):
    out, limits = tmp_path / "whole", (2500, 4000)
    arguments = ["--space", "mini", "--steps", "2", "--trainings", "3", "--limit", *map(str, limits)]
    printed = run("search", out, *arguments)
    assert "The best of 3 networks trained in full, of a validation loss of" in printed
    assert "within each limit 2500: " in printed
    told = json.loads((out / "trainings.json").read_text())
    assert told["spent"] == 3
    assert told["trust"].keys() == {"multiply-adds", "shared weights", "1"}
    supernet = Recipe(read_config(out, "search", SearchConfig), torch.device("cpu")).supernet()
    for limit, trained in zip(limits, told["front"], strict=True):
        assert (out / "trainings" / trained["weights"]).exists()
        assert supernet.cost(trained["architecture"]).parameters <= limit
    best = told["front"][0]
    assert json.loads((out / "architecture.json").read_text())["architecture"] == best["architecture"]
    assert (out / "network.safetensors").read_bytes() == (out / "trainings" / best["weights"]).read_bytes()
    assert "The retrained network on 40 test images: " in run("evaluate", out)

    call = Trainer.__call__

    def interrupted(self, architecture, epochs, seed, path):
        if len(list(path.parent.glob("network*"))) == 2:
            raise KeyboardInterrupt
        return call(self, architecture, epochs, seed, path)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "__call__", interrupted)
        with pytest.raises(SystemExit, match="130"):
            run("search", tmp_path / "a", *arguments)
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "__call__", full)
        assert "No space left on device. What was trained before is saved" in refused(
            "search", tmp_path / "a", "--resume")
    run("search", tmp_path / "a", "--resume")
    assert json.loads((tmp_path / "a/trainings.json").read_text()) == told


def full(trainer, architecture, epochs, seed, path):
    raise OSError(errno.ENOSPC, "No space left on device")
