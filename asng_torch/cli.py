"""The command line: `python -m asng_torch demo`."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from statistics import median
from threading import Event
from types import FrameType
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from tqdm import tqdm

from . import demo, report
from .data import FashionMNIST, fashion_mnist

_DEMO = """\
One-shot architecture search on Fashion-MNIST, from start to end:

  1. search    a supernet of 5^6 = 15,625 architectures with shared weights, its distribution moved by ASNG
  2. derive    the most likely architecture as a plain network
  3. retrain   it from scratch, and test it
  4. control   the same for random architectures of the same space

Everything goes into a run folder: architecture.json, metrics.json, search.safetensors (the search, as
asng_torch.Search.resume reads it), network.safetensors (the retrained weights) and three pictures.
Ctrl-C during the search saves it there first.
"""


def main(arguments: list[str] | None = None) -> None:
    """Parse the command line and run it."""
    parser = argparse.ArgumentParser(prog="python -m asng_torch", description="One-shot architecture search with ASNG.")
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("demo", help="search, derive, retrain and test on embedded images", description=_DEMO,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("--out", type=Path, default=Path("runs/demo"), help="run folder (default: runs/demo)")
    command.add_argument("--seed", type=_seed, default=0, help="of everything random (default: 0)")
    command.add_argument("--controls", type=_positive, default=8, help="random networks to compare with (default: 8)")
    command.add_argument("--steps", type=_positive, default=demo.Settings.steps,
                         help=f"search steps (default: {demo.Settings.steps})")
    command.add_argument("--epochs", type=_positive, default=demo.Settings.epochs,
                         help=f"retraining epochs (default: {demo.Settings.epochs})")
    command.add_argument("--device", type=_device, default=torch.device("cpu"), help="cpu or cuda (default: cpu)")
    command.add_argument("--data", type=Path, help="folder of the full Fashion-MNIST; without it, the 7,000 images "
                                                   "that come with the package")
    command.add_argument("--download", action="store_true", help="let torchvision fetch the full set into --data")
    options = parser.parse_args(arguments)
    if options.download and options.data is None:
        parser.error("--download needs --data FOLDER, the folder to fetch into")
    try:
        data = fashion_mnist(options.data, download=options.download)
    except (OSError, RuntimeError, ValueError) as error:
        parser.error(f"--data: {error}")
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out: {str(options.out)!r} is a file. Name a folder")
    run_demo(options, data)


def run_demo(options: argparse.Namespace, data: FashionMNIST) -> None:
    """The demo as the command line describes it."""
    settings = demo.Settings(steps=options.steps, epochs=options.epochs)
    out: Path = options.out
    out.mkdir(parents=True, exist_ok=True)
    seconds: dict[str, float] = {}

    search = demo.build_search(data, settings, options.seed, options.device)
    supernet, optimizer = search.supernet, search.optimizer
    print(f"Searching {supernet.space.size:,} architectures on {len(data.train_images):,} images, "
          f"half for the weights, half for the architecture.")
    started = time.perf_counter()
    history = demo.History(supernet.space.names, stride=max(1, settings.steps // 200))
    with _interruption() as interrupted:
        for record in tqdm(search, total=settings.steps, desc="search", unit="step"):
            history.add(record, optimizer)
            if interrupted.is_set():
                break
    search.save(out / "search.safetensors")
    if interrupted.is_set():
        print(f"Interrupted after step {search.step} of {settings.steps}. The search is saved in "
              f"{out / 'search.safetensors'}; asng_torch.Search.resume continues it.")
        sys.exit(130)
    seconds["search"] = time.perf_counter() - started
    architecture = optimizer.mode()
    print(f"Found in {seconds['search']:.0f} s (uniform is entropy 1, certain 0; now {optimizer.entropy:.2f}):\n"
          f"{demo.in_words(architecture)}")
    (out / "architecture.json").write_text(json.dumps({"space": "mini", "architecture": architecture}, indent=2))
    report.draw_probabilities(history.steps, {name: np.array(rows) for name, rows in history.probabilities.items()},
                              demo.choices(supernet), out / "probabilities.png")
    report.draw_losses(history.train, history.valid, out / "losses.png")

    started = time.perf_counter()
    network, accuracy = demo.retrain(supernet, architecture, data, settings, options.seed, options.device,
                                     progress=True)
    seconds["retrain"] = time.perf_counter() - started
    save_file(network.state_dict(), out / "network.safetensors")
    print(f"Retrained from scratch in {seconds['retrain']:.0f} s: test accuracy {accuracy:.1%}.")

    started = time.perf_counter()
    controls = [demo.retrain(supernet, control, data, settings, options.seed, options.device)[1] for control
                in tqdm(demo.random_architectures(supernet, options.controls, options.seed), desc="random networks")]
    seconds["controls"] = time.perf_counter() - started
    report.draw_accuracy([accuracy], controls, out / "accuracy.png")
    beaten = sum(control < accuracy for control in controls)
    metrics: dict[str, Any] = {
        "test_accuracy": accuracy, "random_test_accuracies": controls, "random_median": median(controls),
        "random_networks_beaten": beaten, "seconds": seconds, "seed": options.seed, "settings": asdict(settings),
        "entropy": optimizer.entropy, "device": str(options.device), "torch": torch.__version__,
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=2))
    print(f"{len(controls)} random networks, retrained alike: median {median(controls):.1%}, "
          f"from {min(controls):.1%} to {max(controls):.1%}; the found one beats {beaten} of them.\n"
          f"Everything is in {out}: architecture.json, metrics.json, probabilities.png, losses.png, accuracy.png.")


@contextmanager
def _interruption() -> Iterator[Event]:
    """Let Ctrl-C set an event, so that a loop can end between two steps; a second one stops at once."""
    event = Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


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


def _positive(text: str) -> int:
    return _whole(text, minimum=1)


def _seed(text: str) -> int:
    return _whole(text, minimum=0)


def _whole(text: str, minimum: int) -> int:
    if not text.lstrip("-").isdecimal() or int(text) < minimum:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least {minimum}, got {text!r}")
    return int(text)
