import copy
from dataclasses import replace

import pytest
import torch

from asng_core import ASNG
from asng_torch import Supernet, count, derive
from asng_torch.cells.genotype import Picks
from asng_torch.cli.config import SearchConfig
from asng_torch.cli.recipe import Recipe
from asng_torch.spaces import nasbench201
from asng_torch.spaces.nasbench201 import from_string, to_string

NAMES = ("0->1", "0->2", "1->2", "0->3", "1->3", "2->3")
TEXT = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|"


def test_the_space_has_six_variables_of_five_operations():
    space = Supernet(nasbench201.network(3, 10, channels=4, cells=1)).space
    assert space.names == NAMES
    assert space.sizes.tolist() == [5] * 6


# published for CIFAR-10, the most and the least: millions of parameters, and of multiply-adds (there called FLOPs),
# the classifier's 10 biases among them
@pytest.mark.parametrize(("architecture", "parameters", "multiply_adds"), [
    (dict.fromkeys(NAMES, "nor_conv_3x3"), 1.531546, 220.11969),
    (dict.fromkeys(NAMES, "skip_connect"), 0.073306, 7.78305)])
def test_networks_cost_what_the_benchmark_says(architecture, parameters, multiply_adds):
    with torch.device("meta"):
        supernet = Supernet(nasbench201.network(3, 10, affine=True), example=torch.zeros(1, 3, 32, 32))
    cost = supernet.cost(architecture)
    assert cost.parameters == round(parameters * 1e6)
    assert cost.multiply_adds + 10 == round(multiply_adds * 1e6)


def test_derived_networks_equal_the_active_path_and_the_cost_and_nothing_else_is_trained():
    supernet, x = Supernet(nasbench201.network(1, 10, channels=4, cells=1)), torch.randn(4, 1, 12, 12)
    architectures = [from_string(TEXT), *map(dict, ASNG(supernet.space, seed=0).sample(5))]
    optimizer = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9)
    for architecture in architectures:
        optimizer.zero_grad()
        with supernet.active(architecture):
            supernet(x).square().mean().backward()
        chosen = {id(parameter) for choices in supernet.choices.values() for choice in choices
                  for parameter in choice.candidates[choice.values.index(architecture[choice.label])].parameters()}
        inside = [parameter for choices in supernet.choices.values() for choice in choices
                  for parameter in choice.parameters()]
        assert all(parameter.grad is None for parameter in inside if id(parameter) not in chosen)
        optimizer.step()
    supernet.eval()
    for architecture in architectures:
        network = derive(supernet, architecture)
        with supernet.active(architecture), torch.no_grad():
            assert torch.allclose(network(x), supernet(x), atol=1e-5)
        assert supernet.cost(architecture) == count(network, x[:1])


def test_the_final_network_can_be_exported_and_copied():
    network = nasbench201.final(from_string(TEXT), 1, 10, channels=4, cells=1).eval()
    x = torch.randn(2, 1, 32, 32)
    for other in (torch.export.export(network, (x,)).module(), copy.deepcopy(network)):
        assert torch.allclose(other(x), network(x), atol=1e-6)
    assert all(norm.affine for norm in network.modules() if isinstance(norm, torch.nn.BatchNorm2d))


def test_strings_go_both_ways():
    architecture = from_string(TEXT)
    assert tuple(architecture) == NAMES
    assert architecture["2->3"] == "nor_conv_1x1"
    assert to_string(dict(reversed(architecture.items()))) == TEXT
    expected: Picks = [[(0, "nor_conv_3x3")], [(0, "nor_conv_3x3"), (1, "nor_conv_3x3")],
                       [(0, "skip_connect"), (1, "nor_conv_3x3"), (2, "nor_conv_1x1")]]
    assert nasbench201.picks(architecture) == expected


@pytest.mark.parametrize("text", ["", "|none~0|", TEXT.replace("~2", "~1"), TEXT + "+|none~0|", TEXT.replace("+", "")])
def test_a_string_of_another_form_is_explained(text):
    with pytest.raises(ValueError, match=r"from_string\(text\) must be like '\|none~0\|\+"):
        from_string(text)


def test_architectures_of_another_space_are_explained():
    with pytest.raises(ValueError, match=r"\['0->1'\] must be one of \['none', .*got 'sep_conv_3x3'"):
        from_string(TEXT.replace("|nor_conv_3x3~0|+", "|sep_conv_3x3~0|+", 1))
    with pytest.raises(ValueError, match=r"an operation for each of \['0->1', .*got \['x'\]"):
        to_string({"x": "none"})


def test_the_published_settings_are_those_of_the_authors():
    # github.com/D-X-Y/AutoDL-Projects: configs/nas-benchmark, exps/algos/RANDOM-NAS.py, lib/procedures/optimizers.py
    search, retrain = nasbench201.PRESETS["published"].search, nasbench201.PRESETS["published"].retrain
    assert (search.epochs, search.batch_size, search.weight_decay, search.clip) == (250, 64, 5e-4, 5)
    assert (search.learning_rate, search.last_learning_rate, search.anneal) == (0.025, 0.001, "epoch")
    assert (search.momentum, search.nesterov, retrain.nesterov, retrain.schedule) == (0.9, True, True, "cosine")
    assert (retrain.epochs, retrain.batch_size, retrain.learning_rate, retrain.weight_decay) == (200, 256, 0.1, 5e-4)
    for settings in (search, retrain):
        assert (settings.augment.crop, settings.augment.flip, settings.augment.cutout) == (4, True, 0)


def test_a_search_falls_to_its_last_learning_rate():
    recipe = Recipe(SearchConfig("nasbench201", "small", steps=2), torch.device("cpu"))
    recipe.preset = replace(recipe.preset, search=replace(recipe.preset.search, learning_rate=0.2,
                                                          last_learning_rate=0.1))
    assert [record.learning_rate for record in recipe.search()] == pytest.approx([0.2, 0.15])  # the half of the cosine


def test_a_cell_is_drawn_with_the_numbers_of_its_string(tmp_path, monkeypatch):
    drawn = {}
    monkeypatch.setattr("asng_torch.spaces.preset.draw_cell",
                        lambda *args, **options: drawn.update({options["title"]: options["first_node"]}))
    nasbench201.SPACE.draw(nasbench201.from_string("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"), tmp_path)
    assert drawn == {"cell": 1}  # of the string, node 0 is the input
