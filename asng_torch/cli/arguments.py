"""Arguments that several commands take, and the error for what cannot be carried out as given."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


class CommandError(Exception):
    """The command cannot be carried out as given; its message says what to change."""


def add_run_folder(parser: argparse.ArgumentParser) -> None:
    """--out, of a run that a search has begun."""
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="run folder of the search")


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device."""
    parser.add_argument("--device", type=_device, default=torch.device("cpu"), help="cpu or cuda (default: cpu)")


def add_data_folder(parser: argparse.ArgumentParser) -> None:
    """--data-folder and --download."""
    parser.add_argument("--data-folder", metavar="FOLDER",
                        help="where the data set's files are (default: where they were, and for a new search the 7,000 "
                             "images of fashion-mnist that come with the package)")
    parser.add_argument("--download", action="store_true",
                        help="let torchvision fetch missing files into --data-folder")


def add_resume(parser: argparse.ArgumentParser) -> None:
    """--resume."""
    parser.add_argument("--resume", action="store_true",
                        help="go on where the run folder's last checkpoint was taken, with the settings it has")


def add_amp(parser: argparse.ArgumentParser) -> None:
    """--amp."""
    parser.add_argument("--amp", action="store_true", default=None,
                        help="compute in bfloat16 where that is safe: faster on recent GPUs")


def positive(text: str) -> int:
    """A whole number of at least 1."""
    return _whole(text, minimum=1)


def seed(text: str) -> int:
    """A whole number of at least 0."""
    return _whole(text, minimum=0)


def number(text: str) -> float:
    """A number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not value > 0:  # NaN neither
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def _whole(text: str, minimum: int) -> int:
    if not text.lstrip("-").isdecimal() or int(text) < minimum:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {minimum}, got {text!r}")
    return int(text)


def _device(text: str) -> torch.device:
    try:
        device = torch.device(text)
    except RuntimeError:
        raise argparse.ArgumentTypeError(f"must be cpu or cuda, got {text!r}") from None
    if device.type not in ("cpu", "cuda"):
        raise argparse.ArgumentTypeError(f"must be cpu or cuda, got {text!r}")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise argparse.ArgumentTypeError(f"PyTorch sees {torch.cuda.device_count()} CUDA devices here, use cpu")
    return device
