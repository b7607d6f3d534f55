"""What a run was asked for, in its folder's config.json; a resumed command takes it from there."""

from __future__ import annotations

import argparse
import platform
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from asng_core import __version__

from ..search.budget import CostName
from .arguments import CommandError
from .folder import read_json, update_json


@dataclass(frozen=True)
class SearchConfig:
    """Of the search: which images, which space, and how.

    steps: None for as many as the preset's epochs have. data_folder: None for the images that come with the package.
    mask: None for "center", if the space is for inpainting. cost: None for "parameters", if there is a limit.
    trainings: after the search, in full ones; None for none.
    space, data: of one's own, the name of the function that makes it, "module:function".
    """

    space: str
    preset: str = "small"
    data: str = "fashion-mnist"
    data_folder: str | None = None
    mask: str | None = None
    seed: int = 0
    steps: int | None = None
    amp: bool = False
    cost: CostName | None = None
    limit: list[float] | None = None
    ema: float | None = None
    trainings: int | None = None
    tensorboard: bool = False


@dataclass(frozen=True)
class RetrainConfig:
    """Of the training from scratch. `epochs` None: as many as the preset has."""

    epochs: int | None = None
    seed: int = 0
    amp: bool = False


@dataclass(frozen=True)
class DemoConfig:
    """Of the demo, whose search and trainings are short: minutes on two cores."""

    steps: int = 1200
    trainings: int = 8
    epochs: int = 4
    controls: int = 8
    seed: int = 0
    data_folder: str | None = None


_Config = TypeVar("_Config", SearchConfig, RetrainConfig, DemoConfig)


def settle(kind: type[_Config], section: str, options: argparse.Namespace) -> _Config:
    """The configuration that options, defaults and, to resume, the run folder's config.json say."""
    # options that the user left out are None, defaults are those of the class
    given = {field.name: value for field in fields(kind) if (value := getattr(options, field.name)) is not None}
    path = options.out / "config.json"
    if not options.resume:
        return kind(**given)
    stored = read_config(options.out, section, kind)
    for name, value in given.items():
        if name != "data_folder" and value != getattr(stored, name):  # files may have moved: loaders know theirs
            option = "--" + name.replace("_", "-")
            raise CommandError(f"{option} {value} contradicts {str(path)!r}, which says {getattr(stored, name)}. "
                               f"Leave {option} out to go on with that, or begin anew in another folder")
    return replace(stored, **given)


def read_config(folder: Path, section: str, kind: type[_Config]) -> _Config:
    """A section of a run folder's config.json."""
    path = folder / "config.json"
    content = read_json(path, f"python -m asng_torch {section}")
    try:
        asked = content[section]["asked"]
        if isinstance(limit := asked.get("limit"), float):  # of a run before there could be several
            asked = {**asked, "limit": [limit]}
        return kind(**asked)
    except (TypeError, KeyError):
        raise CommandError(f"{str(path)!r} tells of no {section} that this release could read. Begin one in another "
                           "folder") from None


def write_config(folder: Path, section: str, config: SearchConfig | RetrainConfig | DemoConfig, *,
                 device: torch.device, **more: Any) -> None:
    """Write a section: what was asked for, what that means, and where it runs."""
    made_with = {"asng": __version__, "torch": torch.__version__, "python": platform.python_version(),
                 "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
                 "threads": torch.get_num_threads()}
    update_json(folder / "config.json", section, {"asked": asdict(config), **more, "made_with": made_with})
