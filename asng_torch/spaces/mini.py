"""The demo's space: six layers of five operations for 28x28 images, small enough for two CPU cores.

The stem sees 2x2 averages one pixel at a time and no layer has a shortcut around it, so that all
spatial structure must come from the chosen layers: here architecture matters, as `python -m
benchmarks.mini_space` measures. The operations are those of NAS-Bench-201, max pooling (of ENAS and
DARTS) in place of its "none"; 5^6 = 15,625 architectures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from torch import nn

from ..choices.layer_choice import LayerChoice
from ..supernet.architecture import Architecture
from ..supernet.derive import derive_fresh
from ..train.settings import TrainSettings
from .preset import Preset, SearchSettings, SearchSpace


def convolution(inputs: int, outputs: int, kernel: int) -> nn.Module:
    """With normalization and ReLU, of the same height and width."""
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False), nn.BatchNorm2d(outputs),
                         nn.ReLU())


OPERATIONS: dict[str, Callable[[int], nn.Module]] = {
    "identity": lambda channels: nn.Identity(),
    "average pool 3x3": lambda channels: nn.Sequential(
        nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False), nn.BatchNorm2d(channels)),
    "max pool 3x3": lambda channels: nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), nn.BatchNorm2d(channels)),
    "convolution 1x1": lambda channels: convolution(channels, channels, 1),
    "convolution 3x3": lambda channels: convolution(channels, channels, 3),
}


def mini_network(in_channels: int = 1, classes: int = 10, *, widths: tuple[int, ...] = (16, 24), depth: int = 3,
                 operations: Mapping[str, Callable[[int], nn.Module]] = OPERATIONS) -> nn.Module:
    """A network with `depth` choices of the operations at each of the `widths`, the resolution halved between them.

    operations: name -> channels -> module.
    """
    layers: list[nn.Module] = [nn.AvgPool2d(2), convolution(in_channels, widths[0], 1)]
    for stage, width in enumerate(widths):
        if stage:
            layers += [nn.AvgPool2d(2), convolution(widths[stage - 1], width, 1)]
        layers += [LayerChoice({name: make(width) for name, make in operations.items()},
                               label=f"layer {stage * depth + layer + 1}") for layer in range(depth)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


def final(architecture: Architecture, in_channels: int, classes: int, **arguments: Any) -> nn.Module:
    """The plain network of an architecture of `mini_network(in_channels, classes, **arguments)`, with fresh weights."""
    return derive_fresh(mini_network, architecture, in_channels, classes, **arguments)


# the demo's own, without a source: to search and retrain on 6,000 images within minutes
_SEARCH: dict[str, Any] = {"batch_size": 64, "learning_rate": 0.05, "weight_decay": 5e-4, "warmup_share": 0.4}
_RETRAIN: dict[str, Any] = {"batch_size": 64, "learning_rate": 0.1, "nesterov": True, "weight_decay": 5e-4}

PRESETS = {
    "published": Preset(SearchSettings(epochs=54, **_SEARCH), TrainSettings(epochs=8, **_RETRAIN)),  # the demo's
    "small": Preset(
        SearchSettings(epochs=2, **_SEARCH), TrainSettings(epochs=1, **_RETRAIN),
        network={"widths": (8, 12)}, final={"widths": (8, 12)}),
}

SPACE = SearchSpace("mini", "the demo of this package", "classification", 28, mini_network, final, PRESETS)
