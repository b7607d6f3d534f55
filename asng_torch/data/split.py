"""Training images divided into those that train the weights and those that validate architectures."""

from __future__ import annotations

import torch
from torch import Tensor

from asng_core import checks


def split(n: int, fraction: float = 0.5, seed: int | None = 0) -> tuple[Tensor, Tensor]:
    """Indices `(round(fraction * n),)` and of the rest, together each of 0..n-1 once.

    seed: tells the random order that is divided; None divides 0..n-1 itself, into the first and the
        last ones, as the ICML 2019 paper does.

    Use them as `images[first]` on tensors, `Subset(dataset, first.tolist())` on a Dataset. The fraction
    is above 0 and below 1, and each part has at least one example, else ValueError.
    """
    n = checks.integer("split(n)", n, minimum=2)
    first = round(checks.real("split(fraction=...)", fraction, above=0, below=1) * n)
    if not 1 <= first < n:
        raise ValueError(f"split(fraction={fraction}) of {n} examples must leave at least one in each part, "
                         f"got {first} and {n - first}.")
    order = torch.arange(n)
    if seed is not None:
        seed = checks.integer("split(seed=...)", seed, minimum=0)
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[:first], order[first:]
