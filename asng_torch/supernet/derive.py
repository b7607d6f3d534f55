"""From an architecture to a plain network."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn

from asng_core import checks

from ..networks import drawing
from .anew import built_anew
from .architecture import Architecture
from .cut import cut
from .supernet import Supernet

Factory = Callable[[], nn.Module]


def derive(supernet: Supernet, architecture: Architecture, *,
           weights: Literal["inherit", "reset"] | Factory = "inherit") -> nn.Module:
    """The network of one architecture: no choices, no unchosen parameters, nothing shared with the supernet.

    >>> from asng_torch import LayerChoice
    >>> supernet = Supernet(nn.Sequential(LayerChoice({"tanh": nn.Tanh(), "linear": nn.Linear(2, 2)})))
    >>> derive(supernet, {"0": "tanh"})
    Sequential(
      (0): Tanh()
    )

    weights: "inherit" copies the supernet's. A function without arguments, which builds the module that the
        supernet was made of once more, gives them as its constructors draw them from PyTorch's global generator:

            net = derive(supernet, architecture, weights=lambda: MyNet(10))

        elastic layers as layers of their own width are drawn, parameters that are frozen in the supernet as
        they are there. "reset" does without the function: every layer draws its own by `reset_parameters()`. What
        an author drew otherwise afterwards is lost, and warned of, but for constants (a bias of -4.6), which are
        put back; parameters of a module without such a method become what they were when the supernet was
        built, of which it keeps a copy in host memory; frozen ones stay as they are.

    Of a supernet built on the meta device, which takes no memory, "reset" makes a network on the CPU.

    Raises ValueError if the architecture is not in the space, `weights` is none of these or the function builds
    another module; TypeError for parameters that nothing can draw; RuntimeError if there are elastic layers and
    neither an example nor a forward pass has shown the shape of the inputs.
    """
    if not callable(weights) and weights not in ("inherit", "reset"):
        raise ValueError("derive(weights=...) must be 'inherit', 'reset' or a function that builds the module, "
                         f"got {checks.shown(weights)}.")
    codes = supernet.codes(architecture)
    supernet.meter.show_widths(codes)  # a pass of shapes: what each elastic layer is to be cut to
    if callable(weights):
        return built_anew(supernet, codes, weights)
    with supernet.active_codes(codes):
        network, copies = cut(supernet.module)
    if weights == "reset":
        if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
            return _real(network)
        drawing.draw(network)
        supernet.built.put_back(supernet.module, copies)
    return network


def derive_fresh(network: Callable[..., nn.Module], architecture: Architecture, *args: Any, **kwargs: Any) -> nn.Module:
    """The plain network of an architecture of `network(*args, **kwargs)`, with fresh weights.

    Without elastic layers, as no example is at hand. Raises ValueError if the architecture is not in the space.
    """
    with torch.device("meta"):  # the unchosen layers take no memory
        supernet = Supernet(network(*args, **kwargs))
    return derive(supernet, architecture, weights="reset")


def _real(network: nn.Module) -> nn.Module:
    """A network on the meta device as one on the CPU, drawn by its own rules."""
    memory: dict[int, Tensor] = {}  # of every tensor once, so that what is tied stays tied
    for each in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(each, device="cpu")
        if empty.is_floating_point():
            empty.fill_(torch.nan)  # what is still there afterwards was not drawn
        memory[id(each)] = nn.Parameter(empty, each.requires_grad) if isinstance(each, nn.Parameter) else empty
    network = copy.deepcopy(network, memory)
    drawing.draw(network)
    for name, tensor in (*network.named_parameters(), *network.named_buffers()):
        owner = network.get_submodule(name.rpartition(".")[0])
        if bool(tensor.isnan().any()) or drawing.rule_of(owner) is None:
            raise TypeError(f"derive(weights='reset') of a supernet on the meta device needs {type(owner).__name__}, "
                            f"whose {name!r} has no content there, to have reset_parameters(). Give it one that fills "
                            "it, or build the supernet on a device with memory.")
    return network
