"""What a benchmark claims, and whether it was met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """The bar in words, the figure measured with its 95% interval, where it is stored and what measures it."""

    text: str
    met: bool
    figure: str
    file: str
    command: str
