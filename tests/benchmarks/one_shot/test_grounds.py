"""Grounds of whole spaces: what their trainings store, and how it is read."""

import numpy as np
import pytest
import torch

from asng_torch import Switchable, derive
from benchmarks.one_shot.grounds import GROUNDS, LEFT_OUT, curves
from benchmarks.one_shot.grounds.apart import SHARED, Apart
from benchmarks.one_shot.grounds.ground import TRAINED, VALIDATED, Ground, judged


@pytest.mark.parametrize("name", GROUNDS)
def test_a_ground_is_a_whole_product_space(name):
    ground = GROUNDS[name]
    space = ground.supernet(0).space
    assert len(set(ground.architectures)) == len(ground.architectures) == np.prod(space.sizes)
    assert 243 <= len(ground.architectures) <= 256
    for words in ground.architectures[::50]:
        architecture = ground.architecture(words)
        assert space.contains(architecture)
        assert ground.in_words(architecture) == words


@pytest.mark.parametrize("name", GROUNDS)
def test_a_ground_trains_and_validates_on_different_examples(name):
    train, valid, _ = GROUNDS[name].data(None)
    assert (len(train.y), len(valid.y)) == (TRAINED, VALIDATED)
    if name != "text":
        assert not set(map(bytes, train.x.numpy())) & set(map(bytes, valid.x.numpy()))


@pytest.mark.parametrize("name", ["text", pytest.param("images", marks=pytest.mark.slow)])
def test_a_short_training_is_the_beginning_of_a_longer_one(name):
    ground = GROUNDS[name]
    words = ground.architectures[-1]
    short, longer = (ground.trained(words, seed=1, epochs=epochs) for epochs in (1, 2))
    assert short["losses"] == longer["losses"][:1]
    assert short["accuracies"] == longer["accuracies"]
    assert len(longer["losses"]) == 2
    assert len(longer["seconds"]) == 1


@pytest.mark.parametrize("apart", [Apart(normalization=True), Apart(context=True)], ids=repr)
@pytest.mark.parametrize("name", ["images", "text"])
def test_what_is_not_shared_is_trained_by_its_own_values_alone(name, apart):
    ground = GROUNDS[name]
    supernet, (x, _) = ground.supernet(0, apart), ground.data(None).train
    assert supernet.space == ground.supernet(0, SHARED).space
    kinds = [module for module in supernet.modules() if isinstance(module, Switchable)]
    trained = []
    for words in (ground.architectures[0], ground.architectures[len(ground.architectures) // 2]):
        with supernet.active(ground.architecture(words)):
            supernet(x[:8]).square().mean().backward()
        trained.append([{i for i, layer in enumerate(kind.layers)
                         if any(each.grad is not None and each.grad.any() for each in layer.parameters())}
                        for kind in kinds])
        supernet.zero_grad()
    for first, second in zip(*trained, strict=True):
        assert max(len(first), len(second)) <= 1
    assert any(first and second and first != second for first, second in zip(*trained, strict=True))


def test_symbols_are_read_from_those_before_them_only():
    ground = GROUNDS["text"]
    x = ground.data(None).valid.x[:2].clone()
    for words in ("attention 12 before convolution 4", "average 4 after attention 24"):
        network = derive(ground.supernet(0), ground.architecture(words), weights="reset").eval()
        changed = x.clone()
        changed[:, -1] = (x[:, -1] + 1) % 5
        before, after = (network(each)[..., :-1] for each in (x, changed))
        assert torch.allclose(before, after, atol=1e-6)
        assert judged(network, ground.data(None).valid)[0] > 0


def test_the_ground_that_no_constant_was_chosen_on_is_named():
    assert LEFT_OUT in GROUNDS


@pytest.fixture
def records():
    """Of two seeds of four networks, and of one more of some: accuracy rises with the network and the seed."""
    def record(i, seed, words):
        return {"task": {"architecture": words, "seed": seed}, "result": {
            "losses": [3.0, 2.5, 2.0 - i], "accuracies": [0.1, 0.5 + 0.1 * i + 0.01 * seed], "seconds": [0.1, 0.2]}}

    return [record(i, seed, words) for seed in range(2) for i, words in enumerate("abcd")]


def test_curves_are_read_by_network_and_seed(records):
    found = curves.Curves(list("abcd"), records[::-1])
    assert found.losses.shape == (4, 2, 3)
    assert found.accuracies[2, 1, 1] == pytest.approx(0.71)
    assert found.accuracies.shape == found.seconds.shape == (4, 2, 2)


def test_the_deviation_of_a_seed_is_that_of_the_better_half(records):
    found = curves.Curves(list("abcd"), records)
    assert found.seed_std == pytest.approx(0.01 / np.sqrt(2))
    assert found.means(but=0) == pytest.approx([0.51, 0.61, 0.71, 0.81])
    assert "4 networks, 2 seeds" in curves.note(found)


def test_the_command_measures_and_resumes(command, tmp_path, monkeypatch):
    printed = command(curves, "text")
    assert "| mean accuracy |" in printed
    assert (tmp_path / "one_shot_text_quick.json.xz").exists()
    monkeypatch.setattr(Ground, "trained", None)  # nothing is left to train
    assert command(curves, "text") == printed


def test_images_of_another_number_than_the_test_has_are_refused():
    with pytest.raises(ValueError, match="must hold 10,000 test images, got 1,000"):
        curves.run("images", GROUNDS["images"].architectures[0], 0, 1, 10_000)
