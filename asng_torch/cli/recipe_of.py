"""What a search has left in a run folder, for the commands after it."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..architecture import load_architecture
from .config import SearchConfig, read_config
from .errors import CommandError
from .folder import read_json
from .recipe import Recipe

_MADE_BY = "python -m asng_torch search"


def recipe_of(options: argparse.Namespace) -> tuple[Recipe, dict[str, Any]]:
    """The recipe of the folder's search, and the architecture it found."""
    out: Path = options.out
    config = read_config(out, "search", SearchConfig)
    config = replace(config, data_folder=options.data_folder or config.data_folder)
    sizes = read_json(out / "config.json", _MADE_BY)["search"]["sizes"]
    recipe = Recipe(config, options.device, options.download, sizes)
    path = out / "architecture.json"
    if not path.exists():
        raise CommandError(f"there is no {str(path)!r}. First run `{_MADE_BY}` with this --out, to its end")
    with torch.device("meta"):
        space = recipe.supernet().space
    try:
        return recipe, load_architecture(path, space, space_name=config.space)
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
