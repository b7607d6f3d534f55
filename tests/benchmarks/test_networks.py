"""Networks of other libraries, made searchable: everything works with a few of them, and what does not is said."""

import pytest
import torch

from benchmarks.networks import checks
from benchmarks.networks.network import tensors


def test_outputs_of_any_structure_are_compared():
    x = torch.ones(2)
    assert len(tensors({"a": [x, (x, torch.ones(1, dtype=torch.int64))], "b": None})) == 2
    with pytest.raises(checks.Differs, match="differ by 9e-02"):
        checks.same([x], [x + 0.1], 1e-6)
    with pytest.raises(checks.Differs, match="shapes differ"):
        checks.same([x], [], 1e-6)


@pytest.mark.hosts
@pytest.mark.parametrize("name", ["GPT-2, transformers", "Llama, transformers", "LoRA on Llama, peft", "Swin, timm",
                                  "ViT, timm", "MobileNetV3, torchvision", "GIN, torch-geometric"])
def test_every_cell_is_yes(name):
    pytest.importorskip({"peft": "peft", "timm": "timm", "torchvision": "torchvision", "transformers": "transformers",
                         "torch-geometric": "torch_geometric"}[name.rpartition(", ")[2]])
    from benchmarks.networks.table import NETWORKS

    case = checks.Case.of(NETWORKS[name])
    for column, check in checks.CHECKS.items():
        if column != "ONNX":  # which takes as long as all others
            check(case)
