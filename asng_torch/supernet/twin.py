"""What forward passes that measure run on: a copy of a module without data, or the module itself where that fails."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import torch
from torch import nn

from ..elastic.elastic import Elastic
from ..networks.modules import Modules
from ..networks.normalization import device_of
from ..networks.randomness import Randomness
from .conditions import Places, Switches, Under, inactive
from .holdings import Holdings
from .inputs import Call, copied_to_meta
from .tally import Spent, Tally, spent


class Twin:
    """A module in eval mode with its choices, and a call of it that leaves no trace in it."""

    def __init__(self, module: nn.Module, places: Places, call: Call) -> None:
        self.module, self.places, self.call = module, places, call
        self._switches = Switches(places, list(places))
        self.parameters = list(module.parameters())
        self.elastic = [each for each in module.modules() if isinstance(each, Elastic)]

    def under(self, codes: Mapping[str, float]) -> Under:
        """Let the choices be under these codes inside the `with`; a variable without a code is inactive."""
        return self._switches.under([codes.get(name, inactive(found)) for name, found in self.places.items()])

    @cached_property
    def holdings(self) -> Holdings:
        """To be asked for after a pass, by which lazy layers have their parameters."""
        return Holdings(self.module)

    def spent(self) -> Spent:
        """What a pass under the architecture in force spends."""
        raise NotImplementedError


class MetaTwin(Twin):
    """A copy whose tensors have shapes and no data: a pass takes next to no time or memory."""

    def __init__(self, module: nn.Module, places: Places, call: Call) -> None:
        copied, its_places = without_data((module, places), module)
        super().__init__(copied, its_places, call.on_meta())
        self._tally = Tally(self.module)

    def spent(self) -> Spent:
        return self._tally.of(lambda: self.call.run(self.module))


class ItselfAsTwin(Twin):
    """The module itself, on zeros, with as much time and memory as a pass takes."""

    def __init__(self, module: nn.Module, places: Places, call: Call) -> None:
        super().__init__(module, places, call.zeros(device_of(module)))

    def spent(self) -> Spent:
        return _really(self.module, self.call)


def without_data(tree: Any, module: nn.Module) -> Any:
    """A copy of a tree that holds a module, its first entry or itself, in eval mode and on the meta device."""
    copied = copied_to_meta(tree, module)
    twin: nn.Module = copied if isinstance(copied, nn.Module) else copied[0]
    twin.eval()
    for norm in Modules(twin).current().norms:
        if not isinstance(norm, (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)):
            # with statistics, one value per channel is enough to run on
            norm.track_running_stats = True
            norm.running_mean = norm.running_var = torch.empty(norm.num_features, device="meta")
    return copied


def spent_by(network: nn.Module, call: Call) -> Spent:
    """What a pass over a network without choices spends: without data, if it runs so."""
    try:
        twin = without_data(network, network)
        return Tally(nn.ModuleList()).of(lambda: call.on_meta().run(twin))
    except Exception:  # of its forward pass, whatever it does on a device without data
        return _really(network, call)


def _really(module: nn.Module, call: Call) -> Spent:
    modules = Modules(module).current()
    with torch.no_grad(), modules.eval_mode(), Randomness(modules.devices):
        return spent(lambda: call.run(module))


