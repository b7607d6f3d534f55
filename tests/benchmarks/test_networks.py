"""Networks of other libraries, made searchable: everything works with a few of them, and what does not is said."""

import logging

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
@pytest.mark.filterwarnings("ignore")
def test_every_cell_is_yes_or_what_pytorch_cannot_do_with_the_plain_network(name, monkeypatch):
    pytest.importorskip({"peft": "peft", "timm": "timm", "torchvision": "torchvision", "transformers": "transformers",
                         "torch-geometric": "torch_geometric"}[name.rpartition(", ")[2]])
    from benchmarks.networks.table import NETWORKS

    monkeypatch.delitem(checks.CHECKS, "ONNX")  # which takes as long as all others
    try:
        cells = checks.judged(NETWORKS[name])
    finally:
        logging.disable(logging.NOTSET)
    assert [cells[column] for column in checks.CHECKS if not cells[column].startswith(("yes", "PyTorch, "))] == []
