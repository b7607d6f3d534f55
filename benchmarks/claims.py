"""What a benchmark claims: the bar in words, and whether the stored results meet it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    text: str
    met: bool
    figure: str  # what was measured, in words, with its interval
    file: str
    command: str
