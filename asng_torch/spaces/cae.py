"""The convolutional autoencoders for inpainting of the ICML 2019 paper, in two encodings.

A chain in the guise of a graph: every node reads one of the five maps before it, and those on the path from
the output back to the image are active. The others' variables count all the same: nothing is conditional.
An active node is a convolution and a ReLU, at stride 1 with a skip, at stride 2 without. The decoder mirrors
the path by transposed convolutions; to the mirror image of a node with a skip the node's output is added
before the ReLU. At one pixel nothing is left to halve: nodes without a skip are left out there.

    encoding       variables of a node                                               n_theta of 20 nodes
    "categorical"  operation (kernel and skip), channels, input                      214
    "integer"      skip and input categorical, kernel index and channels integers    94 + 2 * 40 = 174

For each kernel, with and without a skip, a node has a convolution and a transposed one of its own at the
largest width, whose first channels are the narrower ones.

Source: Akimoto et al., ICML 2019, section 3.3, and the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn
from torch.nn import functional

from asng_core import ASNG, Boolean, Integer, MeanStd, Space, checks

from ..choices.mark import marked
from ..choices.searchable import Searchable
from ..choices.value_choice import ValueChoice
from ..data import Augment
from ..elastic.elastic import plain
from ..networks.autoencoder import Autoencoder, draw, run_chain
from ..supernet.derive import derive_fresh
from ..train.settings import TrainSettings
from .preset import Preset, SearchSettings, SearchSpace

KERNELS = (1, 3, 5)
OPERATIONS = {f"conv_{side}x{side}{'_skip' * skip}": (side, skip) for side in KERNELS for skip in (False, True)}
_REACH, _IMAGE = 5, -1  # maps before a node that it may read, and the image's number

Encoding = Literal["categorical", "integer"]


@dataclass(frozen=True)
class _Part:
    """The first channels of a layer, to run or to make a layer of; `codes` of the choices that made it this one."""

    layer: Any
    inputs: int
    outputs: int
    codes: tuple[float, ...] = ()

    @property
    def weight(self) -> Tensor:
        # a convolution's weight is (out, in, side, side), a transposed one's (in, out, side, side)
        first, second = (self.inputs, self.outputs) if self.layer.transposed else (self.outputs, self.inputs)
        weight: Tensor = self.layer.weight[:first, :second]
        return weight

    def __call__(self, x: Tensor) -> Tensor:
        layer = self.layer
        if layer.transposed:
            y = functional.conv_transpose2d(x, self.weight, layer.bias, layer.stride, layer.padding,
                                            layer.output_padding)
        else:
            y = functional.conv2d(x, self.weight, layer.bias, layer.stride, layer.padding)
        return marked(y, *self.codes) if self.codes else y

    def plain(self) -> nn.Module:
        layer = self.layer
        extra = {"output_padding": layer.output_padding} if layer.transposed else {}
        return plain(type(layer), layer, {"weight": self.weight, "bias": layer.bias}, self.inputs, self.outputs,
                     layer.kernel_size, layer.stride, layer.padding, bias=layer.bias is not None, **extra)


class SearchableAutoencoder(Searchable):
    """All autoencoders of the space: `(n, in_channels, side, side)` images in and out.

    channels: to choose from; in the integer encoding, all from the smallest to the largest.
    side: a power of two, since halved and doubled it must be what it was; it tells which nodes are left out.
    """

    def __init__(self, in_channels: int, *, encoding: Encoding = "categorical", nodes: int = 20,
                 channels: Sequence[int] = (64, 128, 256), side: int = 64) -> None:
        super().__init__()
        side = checks.integer("SearchableAutoencoder(side=...)", side, minimum=2)
        if side & (side - 1):
            raise ValueError("SearchableAutoencoder(side=...) must be a power of two, so that maps halve cleanly down "
                             f"to one pixel, got {side}. Pad the images: 28 to 32.")
        if encoding not in ("categorical", "integer"):
            raise ValueError("SearchableAutoencoder(encoding=...) must be 'categorical' or 'integer', "
                             f"got {encoding!r}.")
        self.in_channels, self.side = checks.integer("SearchableAutoencoder(in_channels)", in_channels, minimum=1), side
        channels = [checks.integer("SearchableAutoencoder(channels=...)", each, minimum=1) for each in channels]
        low, high = min(channels), max(channels)
        integer = encoding == "integer"
        self.nodes, self.layers = nn.ModuleList(), nn.ModuleList()
        for node in range(checks.integer("SearchableAutoencoder(nodes=...)", nodes, minimum=1)):
            label = f"node{node}"
            kind: dict[str, nn.Module] = {
                "skip": ValueChoice(Boolean(), label=f"{label}_skip"),
                "kernel": ValueChoice(Integer(1, len(KERNELS)), label=f"{label}_kernel"),
            } if integer else {"operation": ValueChoice(OPERATIONS, label=f"{label}_operation")}
            self.nodes.append(nn.ModuleDict({
                **kind, "channels": ValueChoice(Integer(low, high) if integer else list(channels),
                                                label=f"{label}_channels"),
                "input": _input(max(_IMAGE, node - _REACH), node, f"{label}_input")}))
            # wide enough for any map, the image too, if it has more channels than a node
            self.layers.append(nn.ModuleDict({name: _pair(max(high, in_channels), high, *operation)
                                              for name, operation in OPERATIONS.items()}))
        self.output_input = _input(max(0, nodes - _REACH), nodes, "output_input")
        self.output = nn.ConvTranspose2d(high, in_channels, 3, padding=1)
        draw(self.output)

    def forward(self, x: Tensor) -> Tensor:
        expected = (self.in_channels, self.side, self.side)
        if tuple(x.shape[1:]) != expected:
            raise ValueError(f"SearchableAutoencoder was built for images of (channels, side, side) = {expected}, "
                             f"got {tuple(x.shape[1:])}. Pad them, or build it with their in_channels and side.")
        for node in self.nodes:  # nodes that no other reads have values too, which say nothing
            for choice in node.children():
                choice()
        return run_chain(x, *self._parts())

    def derived(self) -> nn.Module:
        pairs, output = self._parts()
        return Autoencoder([encode.plain() for encode, _, _ in pairs], [decode.plain() for _, decode, _ in pairs],
                           [skip for _, _, skip in pairs], output.plain())

    def path(self) -> list[int]:
        """The active nodes, from the image to the output, those left out at one pixel too."""
        node, found = self.output_input(), []
        while node != _IMAGE:
            found.append(node)
            node = self.nodes[node]["input"]()
        return found[::-1]

    def _parts(self) -> tuple[list[tuple[_Part, _Part, bool]], _Part]:
        """What is used of the active nodes' layers, and of the output's."""
        side, steps = self.side, []
        for node in self.path():
            choices: Any = self.nodes[node]
            if "operation" in choices:
                kernel, skip = choices["operation"]()
            else:
                kernel, skip = KERNELS[choices["kernel"]() - 1], choices["skip"]()
            if skip or side > 1:  # else there is nothing left to halve: the node is left out
                side = side if skip else side // 2
                encode, decode = self.layers[node][f"conv_{kernel}x{kernel}{'_skip' * skip}"]  # type: ignore[index]
                steps.append((encode, decode, skip, choices["channels"](),
                              (node, *(choice.code for choice in choices.values()))))
        widths = [width for _, _, _, width, _ in steps]
        before, after = [self.in_channels, *widths], [*widths[1:], widths[-1]]
        # an encoder reads the node before, first the image; a decoder reads the decoder of the node behind, the last
        # one its own encoder; both put out the node's width, so that a skip can add the one to the other
        pairs = [(_Part(encode, before[i], width, codes), _Part(decode, after[i], width), skip)
                 for i, (encode, decode, skip, width, codes) in enumerate(steps)]
        return pairs, _Part(self.output, widths[0], self.in_channels)


def _input(first: int, end: int, label: str) -> ValueChoice:
    """One of the maps from `first` to before `end`, of which -1 is the image."""
    return ValueChoice({"image" if node == _IMAGE else f"node{node}": node for node in range(first, end)}, label=label)


def _pair(most_in: int, most: int, kernel: int, skip: bool) -> nn.ModuleList:
    stride = 1 if skip else 2
    # padding k // 2 keeps the side, or halves an even one; output_padding gives the lost pixel back when doubled
    encode = nn.Conv2d(most_in, most, kernel, stride, kernel // 2, bias=False)
    decode = nn.ConvTranspose2d(most, most, kernel, stride, kernel // 2, output_padding=stride - 1, bias=False)
    draw(encode)
    draw(decode)
    return nn.ModuleList([encode, decode])


def network(in_channels: int, classes: int = 0, **arguments: Any) -> SearchableAutoencoder:
    """What is searched; `classes` are of no use here. `arguments` as SearchableAutoencoder takes them."""
    return SearchableAutoencoder(in_channels, **arguments)


def final(architecture: Mapping[str, Any], in_channels: int, classes: int = 0, **arguments: Any) -> nn.Module:
    """The autoencoder of an architecture, with fresh weights and the same `arguments` as the searched network."""
    return derive_fresh(network, architecture, in_channels, classes, **arguments)


def optimizer(space: Space, **arguments: Any) -> ASNG:
    """ASNG as the paper starts and limits its Gaussians: sigma from half the range down to 1/4."""
    start = {name: MeanStd((variable.low + variable.high) / 2, (variable.high - variable.low) / 2)
             for name, variable in space.variables.items() if isinstance(variable, Integer)}
    return ASNG(space, sigma_min=0.25, init=start, **arguments)


def _space(encoding: Encoding) -> SearchSpace:
    flip = Augment(crop=0, flip=True, cutout=0)
    full: dict[str, Any] = {"encoding": encoding}
    small: dict[str, Any] = {"encoding": encoding, "channels": (8, 16, 32), "side": 32}
    both: dict[str, Any] = {"clip": 5.0, "mirrored": encoding == "integer", "optimizer": optimizer}
    return SearchSpace(
        f"cae_{encoding}", "Akimoto et al., ICML 2019, section 3.3", "inpainting", 64, network, final,
        {"published": Preset(  # 50,000 and 500,000 iterations on CelebA, in whole epochs
            SearchSettings(10, 16, 0.025, **both),
            TrainSettings(49, 16, 1e-3, "adam", schedule="drops", clip=5.0, augment=flip), full, full),
         "small": Preset(
            SearchSettings(2, 16, 0.025, **both),
            TrainSettings(2, 16, 4e-3, "adam", schedule="drops", clip=5.0, augment=flip), small, small, side=32)})


CAE_CATEGORICAL, CAE_INTEGER = _space("categorical"), _space("integer")
