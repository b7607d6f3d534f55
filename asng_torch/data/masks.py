"""Inpainting: images with a part hidden, and the whole images as targets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import torch
from torch import Tensor

from asng_core import checks

from .order import Shard, generator


def _center(n: int, height: int, width: int, randomness: torch.Generator) -> Tensor:
    """The middle half of each side."""
    hidden = torch.zeros(n, height, width, dtype=torch.bool)
    hidden[:, height // 4 : 3 * height // 4, width // 4 : 3 * width // 4] = True
    return hidden


def _pixels(n: int, height: int, width: int, randomness: torch.Generator) -> Tensor:
    """Each pixel with probability 0.8."""
    return torch.rand(n, height, width, generator=randomness) < 0.8  # as in the paper


def _half(n: int, height: int, width: int, randomness: torch.Generator) -> Tensor:
    """The left, right, top or bottom half, each with probability 1/4."""
    side = torch.randint(4, (n, 1, 1), generator=randomness)  # 0 left, 1 right, 2 top, 3 bottom
    left, top = torch.arange(width) < width // 2, torch.arange(height)[:, None] < height // 2
    return torch.where(side < 2, left == (side == 0), top == (side == 2))


_MASKS = {"center": _center, "pixels": _pixels, "half": _half}


class ImageLoader(Protocol):
    """Resumable batches (images, anything): a TensorLoader, a ResumableLoader or the like."""

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Any]: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: dict[str, Any]) -> None: ...


class Inpainting:
    """Of a loader's batches (images, anything): (masked images, images), float32 in 0..1, hidden pixels 0.

    Every image has a mask of its own, drawn once per batch, so that all architectures that see the batch
    fill in the same holes: their losses differ by the architectures alone. (The authors' code draws anew for
    every architecture.) Masks are a function of `seed` and the number of batches given out so far.

    loader: a TensorLoader or ResumableLoader, or one with a `state_dict()` of its own. Its images are
        `(n, channels, height, width)`, uint8 in 0..255 or floating point in 0..1, not standardized.
    mask: "center", the middle half of each side; "pixels", each pixel with probability 0.8; "half", the left,
        right, top or bottom half at random.

    Source: Akimoto et al., ICML 2019, section 3.3, and the authors' code.
    """

    def __init__(self, loader: ImageLoader, mask: str = "center", seed: int = 0) -> None:
        if not (hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")):
            raise TypeError(f"Inpainting(loader) must be resumable, by state_dict(), got {type(loader).__name__}. "
                            "Use TensorLoader, or ResumableLoader for a Dataset.")
        if mask not in _MASKS:
            raise ValueError(f"Inpainting(mask=...) must be one of {', '.join(_MASKS)}, got {mask!r}.")
        self.loader, self.mask = loader, mask
        self.seed = checks.integer("Inpainting(seed=...)", seed, minimum=0)
        self.shard: Shard = getattr(loader, "shard", (0, 1))
        self._batches = 0  # given out so far

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, _ in self.loader:
            whole = images.float() / 255 if images.dtype == torch.uint8 else images
            if self._batches == 0:  # once, since it waits for the device
                _in_range(whole)
            hidden = self._hidden(*whole.shape[:1], *whole.shape[2:]).to(whole.device)
            self._batches += 1
            yield whole.masked_fill(hidden, 0), whole

    def _hidden(self, n: int, height: int, width: int) -> Tensor:
        """`(n, 1, height, width)` truths: this process's part of the masks of the batch of all of them."""
        rank, world_size = self.shard
        # drawn for all processes at once and cut: together they see what one with the whole batch sees
        randomness = generator(self.seed, self._batches)
        return _MASKS[self.mask](n * world_size, height, width, randomness)[rank * n : (rank + 1) * n, None]

    def state_dict(self) -> dict[str, Any]:
        """The loader's state, the number of batches given out, and what the masks are a function of."""
        return {"loader": self.loader.state_dict(), "batches": self._batches, "mask": self.mask, "seed": self.seed}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Make the next pass go on where the state was taken.

        Raises ValueError, with nothing changed, for other masks or what the loader refuses.
        """
        missing = sorted(self.state_dict().keys() - state.keys())
        if missing:
            raise ValueError(f"state must be what Inpainting.state_dict() returned, got one without {missing}.")
        for name, mine in (("mask", self.mask), ("seed", self.seed)):
            if state[name] != mine:
                raise ValueError(f"state must be of the same masks: {name} is {mine!r} here, {state[name]!r} in the "
                                 "state. Build Inpainting as it was.")
        batches = checks.integer('state["batches"]', state["batches"], minimum=0)
        self.loader.load_state_dict(state["loader"])
        self._batches = batches


def _in_range(images: Tensor) -> None:
    low, high = images.min().item(), images.max().item()
    if not 0 <= low <= high <= 1:
        raise ValueError("Inpainting(loader) must give images of uint8, or of floats in 0..1, "
                         f"got {low:.3g}..{high:.3g}. Leave them unstandardized, or divide by 255.")
