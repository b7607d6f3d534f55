"""PyTorch's generators, put back where they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

import torch


class Randomness:
    """The global random state inside a `with`, that of before at each `again` and in the end.

    devices: what they are, if they are asked for; of the CPU the state is always kept.
    """

    def __init__(self, devices: Callable[[], Iterable[torch.device]]) -> None:
        self._devices = devices

    def __enter__(self) -> Randomness:
        self._cpu = torch.get_rng_state()
        used = self._devices() if torch.cuda.is_initialized() else ()  # before that no generator there has a state
        self._cuda = {device: torch.cuda.get_rng_state(device) for device in used if device.type == "cuda"}
        return self

    def again(self, seed: int | None = None) -> None:
        """Put the state back; or all generators at one that the seed tells."""
        torch.set_rng_state(self._cpu)
        for device, state in self._cuda.items():
            torch.cuda.set_rng_state(state, device)
        if seed is not None:
            torch.manual_seed(seed)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.again()
