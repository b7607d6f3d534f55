"""From the network that is searched to the one that is retrained, where both are built alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ..derive import derive
from ..supernet import Architecture, Supernet


def fresh(network: Callable[..., nn.Module], architecture: Architecture, *args: Any, **kwargs: Any) -> nn.Module:
    """The plain network of an architecture of `network(*args, **kwargs)`, with fresh weights.

    Without elastic layers, as no example is at hand. Raises ValueError if the architecture is not in the space.
    """
    with torch.device("meta"):  # the unchosen layers take no memory
        supernet = Supernet(network(*args, **kwargs))
    return derive(supernet, architecture, weights="reset")
