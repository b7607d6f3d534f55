"""Networks of transformers, torchvision and peft are reset as their authors draw them; nothing is downloaded."""

import math

import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet, count, derive

pytestmark = pytest.mark.hosts
transformers = pytest.importorskip("transformers")
torchvision = pytest.importorskip("torchvision")
peft = pytest.importorskip("peft")


def like(values, mean, deviation):
    """Within 5 standard errors."""
    values = values.detach()
    error = deviation / math.sqrt(values.numel())
    return abs(float(values.mean()) - mean) < 5 * error and abs(float(values.std()) - deviation) < 5 * error


def moved(supernet):
    with torch.no_grad():
        for parameter in supernet.parameters():
            if parameter.requires_grad:
                parameter.add_(torch.randn_like(parameter) + 1)
    return supernet


def bert():
    config = transformers.BertConfig(hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128,
                                     vocab_size=500)
    net = transformers.BertForSequenceClassification(config)
    for layer in net.bert.encoder.layer:
        layer.intermediate.intermediate_act_fn = LayerChoice({"gelu": nn.GELU(), "relu": nn.ReLU()})
    return net


IDS = {"input_ids": torch.randint(500, (2, 9)), "attention_mask": torch.ones(2, 9, dtype=torch.long)}


def test_bert_is_drawn_with_its_own_deviation_and_ties():
    supernet = moved(Supernet(bert(), example=IDS))
    architecture = dict.fromkeys(supernet.space.names, "relu")
    torch.manual_seed(1)
    net = derive(supernet, architecture, weights=bert)
    assert like(net.bert.embeddings.word_embeddings.weight[1:], 0, 0.02)
    assert net.bert.embeddings.word_embeddings.weight[0].count_nonzero() == 0  # the padding token
    assert like(net.bert.encoder.layer[0].intermediate.dense.weight, 0, 0.02)
    assert net.bert.encoder.layer[0].intermediate.dense.bias.count_nonzero() == 0
    assert net(**IDS).logits.shape == (2, 2)
    torch.manual_seed(1)
    again, other = derive(supernet, architecture, weights=bert), derive(supernet, architecture, weights=bert)
    assert torch.equal(again.classifier.weight, net.classifier.weight)
    assert not torch.equal(other.classifier.weight, net.classifier.weight)
    with pytest.warns(UserWarning, match=r"'bert.embeddings.word_embeddings.weight' .*weights=factory"):
        derive(supernet, architecture, weights="reset")


def test_costs_and_the_active_path_of_bert_by_keywords():
    supernet = Supernet(bert().eval(), example=IDS)
    for name in ("relu", "gelu"):
        architecture = dict.fromkeys(supernet.space.names, name)
        net = derive(supernet, architecture)
        with supernet.active(architecture):
            assert torch.allclose(net(**IDS).logits, supernet(**IDS).logits, atol=1e-6)
        assert supernet.cost(architecture) == count(net, **IDS)


def retinanet():
    net = torchvision.models.detection.retinanet_resnet50_fpn(weights=None, weights_backbone=None, num_classes=5,
                                                              min_size=64, max_size=64)
    for i, block in enumerate(net.head.classification_head.conv):
        block[1] = LayerChoice({"relu": nn.ReLU(), "silu": nn.SiLU()}, label=f"act{i}")
    return net


def test_a_detector_begins_with_its_own_bias_and_is_counted():
    images = [torch.rand(3, 64, 64)]
    supernet = Supernet(retinanet().eval(), example=images)
    architecture = dict.fromkeys(supernet.space.names, "silu")
    net = derive(supernet, architecture)
    with supernet.active(architecture), torch.no_grad():
        one, other = net(images)[0], supernet(images)[0]
    assert all(torch.allclose(one[key], other[key], atol=1e-6) for key in one)
    assert supernet.cost(architecture).parameters == sum(each.numel() for each in net.parameters())
    assert supernet.cost(architecture).multiply_adds == count(net, images).multiply_adds > 10**8
    moved(supernet)
    for weights in ("reset", retinanet):
        if weights == "reset":
            with pytest.warns(UserWarning, match="draws"):
                net = derive(supernet, architecture, weights=weights)
        else:
            net = derive(supernet, architecture, weights=weights)
            assert like(net.head.classification_head.cls_logits.weight, 0, 0.01)
        bias = net.head.classification_head.cls_logits.bias
        assert torch.equal(bias, torch.full_like(bias, -math.log(99)))


def lora():
    torch.manual_seed(3)  # of the base, which is one pretrained network
    base = nn.Sequential(nn.Linear(64, 64), LayerChoice({"relu": nn.ReLU(), "tanh": nn.Tanh()}, label="act"),
                         nn.Linear(64, 8))
    torch.seed()
    return peft.get_peft_model(base, peft.LoraConfig(target_modules=["0", "2"], r=8)).base_model.model


def test_lora_keeps_its_base_and_begins_at_zero():
    supernet = moved(Supernet(lora(), example=torch.ones(1, 64)))
    base = supernet.module[0].base_layer.weight.detach().clone()
    a_before = supernet.module[0].lora_A["default"].weight.detach().clone()
    for weights in ("reset", lora):
        net = derive(supernet, {"act": "tanh"}, weights=weights)
        assert torch.equal(net[0].base_layer.weight, base)
        assert net[0].lora_B["default"].weight.count_nonzero() == 0
        assert like(net[0].lora_A["default"].weight, 0, 1 / 8 / math.sqrt(3))
        assert not torch.equal(net[0].lora_A["default"].weight, a_before)
    cost = supernet.cost({"act": "relu"})
    assert cost.trainable == sum(each.numel() for each in net.parameters() if each.requires_grad) < cost.parameters
