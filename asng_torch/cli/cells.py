"""The cells of an architecture, where its space has them: their published notation, and their pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..draw import draw_cell
from ..genotype import to_genotype
from ..picks import Picks, picks_of
from ..spaces import nasbench201


def notation(space: str, architecture: Mapping[str, Any]) -> str | None:
    """DARTS's genotype or NAS-Bench-201's string; None for a space without."""
    if space == "enas_micro":
        return to_genotype(architecture)
    return nasbench201.to_string(architecture) if space == "nasbench201" else None


def draw_cells(space: str, architecture: Mapping[str, Any], folder: Path) -> None:
    """normal_cell.png and reduce_cell.png, or cell.png."""
    cells: dict[str, tuple[Picks, int]] = {}
    if space == "enas_micro":
        cells = {f"{label} cell": (picks_of(architecture, label), 2) for label in ("normal", "reduce")}
    elif space == "nasbench201":
        cells = {"cell": (nasbench201.picks(architecture), 1)}
    for title, (picks, n_inputs) in cells.items():
        draw_cell(picks, n_inputs, folder / f"{title.replace(' ', '_')}.png", title=title)
