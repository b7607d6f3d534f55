"""All modules of a network in lists, so that thousands of them change their mode in a moment.

A traversal of the network takes longer than everything that is then done; asked for an attribute, a module searches in
four places. So this reads and writes the modules' own attributes, and only compares children with those of before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from operator import itemgetter
from typing import Any

import torch
from torch import nn

_training = itemgetter("training")


class Modules:
    """The modules of a network, listed anew by `current` when one was put in, taken out or replaced since.

    A mode belongs to each of them alone: whoever freezes one is noticed.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self._found: list[nn.Module | None] | None = None  # all children, in order; None: to be listed

    def __getstate__(self) -> nn.Module:
        return self.network  # copies and pickles list their own modules

    def __setstate__(self, network: nn.Module) -> None:
        self.network, self._found = network, None

    def current(self) -> Modules:
        """These, up to date."""
        if self._found is None or any(self._leaves) or self._children() != self._found:
            self._list()
        return self

    def _children(self) -> list[nn.Module | None]:
        return list(chain.from_iterable([each.values() for each in self._holders]))

    def _list(self) -> None:
        self.all = list(self.network.modules())
        attributes = list(map(vars, self.all))
        # most modules hold none, as long as nobody puts one in, which is soon asked
        holders: list[dict[str, nn.Module | None]] = [each["_modules"] for each in attributes]
        self._holders, self._leaves = [each for each in holders if each], [each for each in holders if not each]
        self._found = self._children()
        # of a scripted module the mode is no attribute of its own
        self._attributes = [each for each in attributes if "training" in each]
        self._others = [module for module in self.all if "training" not in vars(module)]
        # those that do more than take note of their mode, or refuse to change it
        self._own_ways = [module for module in self.all if "train" in vars(module) or "eval" in vars(module)
                          or type(module).train is not nn.Module.train or type(module).eval is not nn.Module.eval]
        # that normalize by batch or instance statistics, and may track running ones; PyTorch's, or alike
        self.norms: list[Any] = [module for module in self.all if "track_running_stats" in vars(module)]

    def parameters(self) -> Iterator[nn.Parameter]:
        """Of all of them; one that stands in two places comes twice."""
        return (each for module in self.all for each in vars(module)["_parameters"].values() if each is not None)

    def devices(self) -> set[torch.device]:
        """Where the parameters are."""
        return {each.device for each in self.parameters()}

    def moving(self) -> list[Any]:
        """The `norms` that are not frozen.

        Frozen is one in eval mode in a network that is in training mode. A network in eval mode as a whole does not
        show that; there, it is one all of whose weights are without gradients while others of the network have them.
        """
        if self.network.training:
            return [norm for norm in self.norms if vars(norm)["training"]]
        if not any(parameter.requires_grad for parameter in self.parameters()):
            return self.norms
        weights = [(norm, list(norm.parameters(recurse=False))) for norm in self.norms]
        return [norm for norm, own in weights if not own or any(each.requires_grad for each in own)]

    @contextmanager
    def modes_kept(self) -> Iterator[None]:
        """After the `with`, every module is in the mode it was in."""
        before, others = list(map(_training, self._attributes)), [each.training for each in self._others]
        own = [each.training for each in self._own_ways]
        try:
            yield
        finally:
            for module, training in zip(self._own_ways, own, strict=True):
                if module.training != training:  # what it did on the way there, it undoes on the way back
                    module.train(training)
            for attributes, training in zip(self._attributes, before, strict=True):
                attributes["training"] = training
            for module, training in zip(self._others, others, strict=True):
                module.training = training

    @contextmanager
    def eval_mode(self) -> Iterator[None]:
        """Eval mode inside the `with`; then every module is in the mode it was in."""
        with self.modes_kept():
            if self._own_ways or self._others:
                self.network.eval()
            else:
                for attributes in self._attributes:
                    attributes["training"] = False
            yield

    @contextmanager
    def batch_statistics(self, *, stochastic: bool = False) -> Iterator[None]:
        """Eval mode inside the `with`, but normalization by the batch's own statistics; no buffer is touched.

        What its author froze stays as it is (`moving`). stochastic: all but normalization stays in the mode it is in.
        """
        moving = self.moving()
        norms: list[dict[str, Any]] = list(map(vars, moving))
        flags = [own["track_running_stats"] for own in norms]
        # all but PyTorch's batch normalization would read, or move, what they have as buffers all the same
        kept = [buffers for norm in moving if type(norm).forward is not nn.BatchNorm2d.forward
                for buffers in [vars(norm)["_buffers"]] if "running_mean" in buffers]
        statistics = [(buffers["running_mean"], buffers["running_var"]) for buffers in kept]
        with self.modes_kept() if stochastic else self.eval_mode():
            try:
                for own in norms:
                    # in training mode and without running statistics to track, PyTorch uses the batch's
                    own["training"], own["track_running_stats"] = True, False
                for buffers in kept:
                    buffers["running_mean"] = buffers["running_var"] = None
                yield
            finally:
                for own, flag in zip(norms, flags, strict=True):
                    own["track_running_stats"] = flag
                for buffers, (mean, variance) in zip(kept, statistics, strict=True):
                    buffers["running_mean"], buffers["running_var"] = mean, variance
