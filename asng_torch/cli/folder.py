"""Files of a run folder."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import nn

from asng_core import CheckpointError, checkpoint

from ..checkpoint import read_tensors, write_tensors
from .arguments import CommandError

ARCHITECTURE = "architecture.json"


class Found(NamedTuple):
    """What architecture.json holds: of which space, which architecture, and what the search knows of it."""

    space: str
    architecture: Mapping[str, Any]
    metrics: Mapping[str, Any]


def read_found(folder: Path) -> Found | None:
    """The architecture of a run folder, if there is one."""
    path = folder / ARCHITECTURE
    if not path.exists():
        return None
    content = read_json(path, "python -m asng_torch search")
    try:
        return Found(content["space"], content["architecture"], content["metrics"])
    except KeyError as error:
        raise CommandError(f"{str(path)!r} has no entry {error}, which a search writes. Put it back, or search again") \
            from None


def make(folder: Path) -> None:
    """Create the folder where there is none; CommandError if no file can be written into it."""
    if folder.exists() and not folder.is_dir():
        raise CommandError(f"--out: {str(folder)!r} is a file. Name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CommandError(f"--out: {str(folder)!r} cannot be written to: {error}. Name another folder") from error


def refuse_overwriting(checkpoint_file: Path) -> None:
    """Raise CommandError if a command has left its checkpoint."""
    if checkpoint_file.exists():
        raise CommandError(f"there is {str(checkpoint_file)!r} already. Add --resume to go on with it, or delete it to "
                           "begin anew")


def read_json(path: Path, made_by: str) -> dict[str, Any]:
    """A JSON file that the command `made_by` writes."""
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CommandError(f"there is no {str(path)!r}. First run `{made_by}` with this --out") from None
    except (OSError, ValueError) as error:
        raise CommandError(f"{str(path)!r} cannot be read: {error}") from error
    return content


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file, atomically."""
    text = json.dumps(content, indent=2, default=_named) + "\n"
    checkpoint.atomically(path, lambda file: file.write(text.encode()))


def update_json(path: Path, section: str, content: dict[str, Any]) -> None:
    """Write one section of a JSON file and leave the others."""
    before = read_json(path, "") if path.exists() else {}
    write_json(path, {**before, section: content})


def write_weights(network: nn.Module, path: Path) -> None:
    """The network's state dict as a plain safetensors file, atomically; tensors it has twice are written twice."""
    write_tensors(path, network.state_dict())


def read_weights(network: nn.Module, path: Path, made_by: str) -> None:
    """Load what `write_weights` wrote."""
    if not path.exists():
        raise CommandError(f"there is no {str(path)!r}. First run `{made_by}` with this --out")
    try:
        network.load_state_dict(read_tensors(path)[0])
    except (OSError, RuntimeError, CheckpointError) as error:
        reason = " ".join(str(error).split()[:40])  # PyTorch lists every tensor of another shape
        raise CommandError(f"{str(path)!r} does not hold the weights of this architecture: {reason} "
                           f"Run `{made_by}` again") from error


def _named(value: object) -> str:
    """A function or class by its name, which does not change from run to run as an address does."""
    return str(getattr(value, "__qualname__", None) or repr(value))
