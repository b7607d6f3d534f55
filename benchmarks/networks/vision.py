"""Networks of images and video, of torchvision and timm."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.utils import parametrizations

from asng_torch import KernelChoice, LayerChoice, Repeat, WidthChoice, elastic

from .network import Network, half, heads, hidden, image

WHD = "hidden width, heads, depth"


def _torchvision(name: str, **arguments: Any) -> Any:
    import torchvision

    return torchvision.models.get_model(name, weights=None, **arguments)


def _timm(name: str, **arguments: Any) -> Any:
    import timm

    return timm.create_model(name, pretrained=False, **arguments)


def activation() -> LayerChoice:
    kinds: dict[str, nn.Module] = {"relu": nn.ReLU(), "silu": nn.SiLU(), "gelu": nn.GELU()}
    return LayerChoice(kinds)


# torchvision


def resnet() -> Any:
    import torchvision

    return torchvision.models.ResNet(torchvision.models.resnet.BasicBlock, [2, 1, 1, 1], num_classes=5)


def put_resnet(model: Any) -> None:
    """The width within each block, its activation, and whether the second block of a stage runs."""
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in stage:
            elastic.convert(block.conv1, half(block.conv1.out_channels))
            elastic.convert(block.bn1)
            elastic.convert(block.conv2)
            block.relu = activation()
    model.layer1 = Repeat(list(model.layer1), label="depth")


def spectral() -> Any:
    """A parametrized network: spectral norm of every convolution in the blocks."""
    model = resnet()
    for name, layer in list(model.named_modules()):
        if name.startswith("layer") and isinstance(layer, nn.Conv2d):
            parametrizations.spectral_norm(layer)
    return model


def put_spectral(model: Any) -> None:
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in stage:
            block.relu = activation()
    model.layer1 = Repeat(list(model.layer1), label="depth")


def mobilenet() -> Any:
    return _torchvision("mobilenet_v3_small", num_classes=5)


def put_mobilenet(model: Any) -> None:
    """The expansion of each block, through its depthwise convolution, squeeze and excitation."""
    for block in model.features:
        parts = list(getattr(block, "block", ()))
        if len(parts) > 2 and parts[0][0].groups == 1:  # the first block expands nothing
            expand = parts[0]
            elastic.convert(block)
            elastic.convert(expand[0], half(expand[0].out_channels, divisor=8))
            for part in parts[:-1]:
                if hasattr(part, "fc2"):  # which scales what it receives
                    elastic.convert(part.fc2, expand[0].width)


def convnext() -> Any:
    import torchvision
    from torchvision.models.convnext import CNBlockConfig

    return torchvision.models.ConvNeXt([CNBlockConfig(8, 16, 2), CNBlockConfig(16, None, 2)], num_classes=5)


def put_convnext(model: Any) -> None:
    for stage in (1, 3):
        for block in model.features[stage]:
            hidden(block.block[3], block.block[5], block.block[3].out_features)
        model.features[stage] = Repeat(list(model.features[stage]))


def vit() -> Any:
    import torchvision

    return torchvision.models.VisionTransformer(16, 4, 3, 4, 16, 32, num_classes=5)


def put_vit(model: Any) -> None:
    """PyTorch's own attention, converted."""
    for block in model.encoder.layers:
        elastic.convert(block.self_attention, WidthChoice([1, 2, 4]))
        hidden(block.mlp[0], block.mlp[3], 32)
    model.encoder.layers = Repeat(list(model.encoder.layers), label="depth")


def swin() -> Any:
    import torchvision

    return torchvision.models.SwinTransformer([2, 2], 8, [2, 2], [2, 4], [4, 4], num_classes=5)


def put_swin(model: Any) -> None:
    """Heads that share the width of the input among them, as torchvision's function has it."""
    for stage in (1, 3):
        for block in model.features[stage]:
            number = WidthChoice([block.attn.num_heads // 2, block.attn.num_heads])
            elastic.follow(block.attn, num_heads=number, relative_position_bias_table={1: number})
            hidden(block.mlp[0], block.mlp[3], block.mlp[0].out_features)
        model.features[stage] = Repeat(list(model.features[stage]))


def densenet() -> Any:
    import torchvision

    return torchvision.models.DenseNet(4, (2, 2), 8, num_classes=5)


def put_densenet(model: Any) -> None:
    """The bottleneck of each dense layer."""
    for name, layer in model.features.named_modules():
        if name.rpartition(".")[2].startswith("denselayer"):
            elastic.convert(layer.conv1, half(layer.conv1.out_channels))
            elastic.convert(layer.norm2)
            elastic.convert(layer.conv2)
            layer.relu2 = activation()


def regnet() -> Any:
    return _torchvision("regnet_y_400mf", num_classes=5)


def put_regnet(model: Any) -> None:
    for stage in model.trunk_output:
        blocks = list(stage)
        for block in blocks:
            block.activation = activation()
    last = model.trunk_output[3]
    model.trunk_output[3] = Repeat(list(last), label="depth")


def efficientnet() -> Any:
    return _torchvision("efficientnet_b0", num_classes=5)


def put_efficientnet(model: Any) -> None:
    for i in (3, 5):
        model.features[i] = Repeat(list(model.features[i]), label=f"depth{i}")


def video() -> Any:
    from torchvision.models import video as models

    return models.resnet.VideoResNet(models.resnet.BasicBlock, [models.resnet.Conv3DSimple] * 4, [1, 1, 1, 1],
                                     models.resnet.BasicStem, num_classes=5)


def put_video(model: Any) -> None:
    """Three-dimensional convolutions: the width within each block."""
    for stage in (model.layer1, model.layer2, model.layer3, model.layer4):
        for block in stage:
            width = half(block.conv1[0].out_channels)  # torchvision's own kind of convolution follows
            elastic.follow(block.conv1[0], weight={0: width}, out_channels=width)
            elastic.follow(block.conv2[0], weight={1: width}, in_channels=width)
            elastic.convert(block.conv1[1])


def detector() -> Any:
    """RetinaNet: a class bias of -4.6, a list of images of several sizes, boxes as dictionaries."""
    from torchvision.models import detection
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone

    backbone = resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=3)
    return detection.RetinaNet(backbone, 3, min_size=64, max_size=64, score_thresh=0.0, detections_per_img=5,
                               anchor_generator=detection.anchor_utils.AnchorGenerator(
                                   tuple((size,) for size in (8, 16, 32, 64, 128)), ((1.0,),) * 5))


def put_detector(model: Any) -> None:
    body = model.backbone.body
    for stage in (body.layer1, body.layer2, body.layer3, body.layer4):
        for block in stage:
            block.relu = activation()
    model.backbone.body.layer3 = Repeat(list(body.layer3), label="depth")
    for head in (model.head.classification_head, model.head.regression_head):
        head.conv = Repeat(list(head.conv))


def detected() -> tuple[Any, ...]:
    return ([torch.rand(3, 64, 64), torch.rand(3, 64, 48)],)


def segmenter() -> Any:
    return _torchvision("lraspp_mobilenet_v3_large", weights_backbone=None, num_classes=3)


def put_segmenter(model: Any) -> None:
    for block in list(model.backbone.values())[12:15]:
        block.block[1][2] = activation()
    model.classifier.cbr[2] = activation()


# timm


def timm_vit() -> Any:
    return _timm("vit_tiny_patch16_224", img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4, num_classes=5)


def put_timm_vit(model: Any) -> None:
    """A residual width too: through the tokens and positions, which follow."""
    residual = WidthChoice([16, 32], label="residual")
    elastic.follow(model, cls_token={2: residual}, pos_embed={2: residual})
    elastic.convert(model)
    elastic.convert(model.patch_embed.proj, residual)
    for block in model.blocks:
        attention = block.attn
        number, joined = heads(4, 8, attention.qkv, out=attention.proj, fused=True)
        elastic.follow(attention, num_heads=number, attn_dim=joined)
        hidden(block.mlp.fc1, block.mlp.fc2, 128)
        for back in (attention.proj, block.mlp.fc2):
            elastic.convert(back, residual)
    for norm in list(model.modules()):
        if type(norm).__name__ == "LayerNorm" and not isinstance(norm, elastic.LayerNorm):
            elastic.follow(norm, weight=residual, bias=residual, normalized_shape=residual)
    model.blocks = Repeat(list(model.blocks), label="depth")


def deit() -> Any:
    return _timm("deit_tiny_distilled_patch16_224", img_size=32, patch_size=8, embed_dim=32, depth=3, num_heads=4,
                 num_classes=5)


def put_blocks(model: Any) -> None:
    for block in model.blocks:
        attention = block.attn
        number, joined = heads(4, 8, attention.qkv, out=attention.proj, fused=True)
        elastic.follow(attention, num_heads=number, attn_dim=joined)
        hidden(block.mlp.fc1, block.mlp.fc2, 128)
    model.blocks = Repeat(list(model.blocks), label="depth")


def timm_swin() -> Any:
    return _timm("swin_tiny_patch4_window7_224", img_size=32, window_size=4, embed_dim=16, depths=(2, 2),
                 num_heads=(2, 4), num_classes=5)


def put_timm_swin(model: Any) -> None:
    for stage in model.layers:
        for block in stage.blocks:
            attention = block.attn
            number, _ = heads(attention.num_heads, 8, attention.qkv, out=attention.proj, fused=True)
            elastic.follow(attention, num_heads=number, relative_position_bias_table={1: number})
            hidden(block.mlp.fc1, block.mlp.fc2, block.mlp.fc1.out_features)
        stage.blocks = Repeat(list(stage.blocks))


def timm_convnext() -> Any:
    return _timm("convnext_atto", depths=(1, 2, 1, 1), dims=(8, 16, 16, 16), num_classes=5)


def put_timm_convnext(model: Any) -> None:
    for stage in model.stages:
        for block in stage.blocks:
            elastic.convert(block.mlp)
            elastic.convert(block.mlp.fc1, half(block.mlp.fc1.weight.shape[0]))
        stage.blocks = Repeat(list(stage.blocks))


def mixer() -> Any:
    from timm.models.mlp_mixer import MlpMixer

    return MlpMixer(img_size=32, patch_size=8, embed_dim=32, num_blocks=3, num_classes=5)


def put_mixer(model: Any) -> None:
    for block in model.blocks:
        for mlp in (block.mlp_tokens, block.mlp_channels):
            hidden(mlp.fc1, mlp.fc2, mlp.fc1.out_features)
    model.blocks = Repeat(list(model.blocks), label="depth")


def nfnet() -> Any:
    """Weights standardized in the forward pass."""
    return _timm("nf_resnet26", num_classes=5)


def put_nfnet(model: Any) -> None:
    for stage in model.stages:
        for block in stage:
            block.act2 = activation()


def sequencer() -> Any:
    """Of LSTMs instead of attention: a recurrent network."""
    from timm.models.sequencer import Sequencer2d

    return Sequencer2d(layers=(2, 1), patch_sizes=(4, 2), embed_dims=(16, 32), hidden_sizes=(4, 8), mlp_ratios=(2, 2),
                       num_classes=5)


def put_sequencer(model: Any) -> None:
    for stage in model.stages:
        for block in stage.blocks:
            hidden(block.mlp_channels.fc1, block.mlp_channels.fc2, block.mlp_channels.fc1.out_features)
        stage.blocks = Repeat(list(stage.blocks))


def mobilevit() -> Any:
    return _timm("mobilevit_xxs", num_classes=5)


def put_mobilevit(model: Any) -> None:
    for stage in model.stages[2:]:
        block = stage[1]
        for layer in block.transformer:
            attention = layer.attn
            width = attention.head_dim
            number, joined = heads(attention.num_heads, width, attention.qkv, out=attention.proj, fused=True)
            elastic.follow(attention, num_heads=number, attn_dim=joined)
            hidden(layer.mlp.fc1, layer.mlp.fc2, layer.mlp.fc1.out_features)
        block.transformer = Repeat(list(block.transformer))


def kernels() -> Any:
    from timm.models.convmixer import ConvMixer

    return ConvMixer(16, 3, kernel_size=5, patch_size=4, num_classes=5)


def put_kernels(model: Any) -> None:
    """The kernels of the depthwise convolutions."""
    for block in model.blocks:
        block[0].fn[0] = elastic.Conv2d(16, 16, KernelChoice([3, 5]), padding=2, groups=16)
    model.blocks = Repeat(list(model.blocks), label="depth")


NETWORKS = [
    Network("ResNet", "torchvision", "width, activations, depth", resnet, put_resnet, image(3, 32, 32)),
    Network("ResNet, spectral norm", "torchvision", "activations, depth; parametrized weights", spectral, put_spectral,
            image(3, 32, 32)),
    Network("MobileNetV3", "torchvision", "expansion", mobilenet, put_mobilenet, image(3, 64, 64)),
    Network("ConvNeXt", "torchvision", "hidden width, depth", convnext, put_convnext, image(3, 32, 32)),
    Network("ViT", "torchvision", WHD, vit, put_vit, image(3, 16, 16)),
    Network("Swin", "torchvision", WHD, swin, put_swin, image(3, 32, 32)),
    Network("DenseNet", "torchvision", "bottlenecks, activations", densenet, put_densenet, image(3, 32, 32)),
    Network("RegNet", "torchvision", "activations, depth", regnet, put_regnet, image(3, 32, 32)),
    Network("EfficientNet", "torchvision", "depth", efficientnet, put_efficientnet, image(3, 32, 32)),
    Network("R3D, video", "torchvision", "width within blocks", video, put_video, image(3, 4, 16, 16)),
    Network("RetinaNet, detector", "torchvision", "activations, depth of backbone and heads", detector, put_detector,
            detected, trains=False),
    Network("LR-ASPP, segmenter", "torchvision", "activations", segmenter, put_segmenter, image(3, 32, 32)),
    Network("ViT", "timm", f"residual width, {WHD}", timm_vit, put_timm_vit, image(3, 32, 32)),
    Network("DeiT, distilled", "timm", WHD, deit, put_blocks, image(3, 32, 32)),
    Network("Swin", "timm", WHD, timm_swin, put_timm_swin, image(3, 32, 32)),
    Network("ConvNeXt", "timm", "hidden width, depth", timm_convnext, put_timm_convnext, image(3, 32, 32)),
    Network("MLP-Mixer", "timm", "hidden widths, depth", mixer, put_mixer, image(3, 32, 32)),
    Network("NF-ResNet", "timm", "activations; standardized weights", nfnet, put_nfnet, image(3, 32, 32)),
    Network("Sequencer, recurrent", "timm", "hidden width, depth", sequencer, put_sequencer, image(3, 16, 16)),
    Network("MobileViT", "timm", WHD, mobilevit, put_mobilevit, image(3, 64, 64)),
    Network("ConvMixer", "timm", "kernels, depth", kernels, put_kernels, image(3, 16, 16)),
]
