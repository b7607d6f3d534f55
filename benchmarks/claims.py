"""What a benchmark is to show, and whether it did."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """The bar in words, the measured figure with its interval, the stored result and the command behind it."""

    text: str
    met: bool
    figure: str
    file: str
    command: str
    headline: bool = False  # shown in the project's README too
