"""`python -m asng_torch demo`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from tqdm import tqdm

from ..data import FashionMNIST, fashion_mnist
from ..search.search import Search
from . import arguments, demo_recipe, folder, pictures
from .arguments import CommandError
from .config import DemoConfig, settle, write_config
from .follow import CHECKPOINT, follow
from .page import in_words, write_page

SUMMARY = "search, derive, retrain and test on embedded images"
HELP = """\
One-shot architecture search on Fashion-MNIST, from start to end:

  1. search    a supernet of 5^6 = 15,625 architectures with shared weights, its distribution moved by ASNG
  2. derive    the most likely architecture as a plain network
  3. retrain   it from scratch, and test it
  4. control   the same for random architectures of the same space

Everything goes into a run folder: README.md to begin with, config.json, architecture.json, metrics.json, log.csv,
distribution.csv, search.safetensors (the search, as asng_torch.Search.resume reads it), network.safetensors (the
retrained weights) and three pictures. A demo that was there is replaced.
Ctrl-C during the search saves it there first; --resume goes on with it.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command; None for those that a resumed demo takes from config.json."""
    default = DemoConfig()
    parser.add_argument("--out", type=Path, default=Path("runs/demo"), metavar="FOLDER",
                        help="run folder (default: runs/demo)")
    arguments.add_resume(parser)
    parser.add_argument("--seed", type=arguments.seed, help=f"of everything random (default: {default.seed})")
    parser.add_argument("--controls", type=arguments.positive,
                        help=f"random networks to compare with (default: {default.controls})")
    parser.add_argument("--steps", type=arguments.positive, help=f"search steps (default: {default.steps})")
    parser.add_argument("--epochs", type=arguments.positive, help=f"retraining epochs (default: {default.epochs})")
    arguments.add_data_folder(parser)
    arguments.add_device(parser)


def run(options: argparse.Namespace) -> None:
    """The demo as its help describes it."""
    if options.download and options.data_folder is None:
        raise CommandError("--download needs --data-folder, the folder to fetch into")
    out: Path = options.out
    folder.make(out)
    config = settle(DemoConfig, "demo", options)
    try:
        data = fashion_mnist(config.data_folder, download=options.download)
    except (OSError, RuntimeError, ValueError) as error:
        raise CommandError(f"--data-folder: {error}") from error
    if not options.resume:  # a demo that stops early must not be mistaken for the one before
        for name in (CHECKPOINT, "architecture.json", "metrics.json", "accuracy.png"):
            (out / name).unlink(missing_ok=True)
    settings = demo_recipe.Settings(steps=config.steps, epochs=config.epochs)
    search = demo_recipe.build_search(data, settings, config.seed, options.device)
    if options.resume and (out / CHECKPOINT).exists():
        try:
            search.resume(out / CHECKPOINT)
        except ValueError as error:
            raise CommandError(f"--resume: {error}") from error
    write_config(out, "demo", config, device=options.device, settings=asdict(settings))
    found, seconds = _search(search, data, out)
    _compare(search, found, data, settings, config, options, {"search": seconds})


def _search(search: Search, data: FashionMNIST, out: Path) -> tuple[folder.Found | None, float]:
    """Search to the end, tell what was found; that, and the seconds it took."""
    print(f"Searching {search.supernet.space.size:,} architectures on {len(data.train_images):,} images, "
          f"half for the weights, half for the architecture.")
    started = time.perf_counter()
    finished, found = follow(search, out, save_every=60, space="mini")
    if not finished:
        write_page(out, found)
        print(f"Interrupted after step {search.step} of {search.steps}. The search is saved in {out}; go on with\n"
              f"  python -m asng_torch demo --out {out} --resume")
        sys.exit(130)
    seconds = time.perf_counter() - started
    print(f"Found in {seconds:.0f} s (uniform is entropy 1, certain 0; now {search.optimizer.entropy:.2f}):\n"
          f"{in_words(search.recommend())}")
    return found, seconds


def _compare(search: Search, found: folder.Found | None, data: FashionMNIST, settings: demo_recipe.Settings,
             config: DemoConfig, options: argparse.Namespace, seconds: dict[str, float]) -> None:
    """Retrain the found architecture and random ones."""
    out: Path = options.out
    started = time.perf_counter()
    network, accuracy = demo_recipe.retrain(search.supernet, search.recommend(), data, settings, config.seed,
                                            options.device, progress=True)
    seconds["retrain"] = time.perf_counter() - started
    folder.write_weights(network, out / "network.safetensors")
    print(f"Retrained from scratch in {seconds['retrain']:.0f} s: test accuracy {accuracy:.1%}.")

    started = time.perf_counter()
    drawn = demo_recipe.random_architectures(search.supernet, config.controls, config.seed)
    controls = [demo_recipe.retrain(search.supernet, control, data, settings, config.seed, options.device)[1]
                for control in tqdm(drawn, desc="random networks")]
    seconds["controls"] = time.perf_counter() - started
    pictures.draw_accuracy([accuracy], controls, out / "accuracy.png")
    # strictly: an equal accuracy is no win
    beaten = sum(control < accuracy for control in controls)
    folder.write_json(out / "metrics.json", {
        "test_accuracy": accuracy, "random_test_accuracies": controls, "random_median": median(controls),
        "random_networks_beaten": beaten, "seconds": seconds, "entropy": search.optimizer.entropy,
        "parameters": search.supernet.cost(search.recommend()).parameters,
        "random_parameters": [search.supernet.cost(control).parameters for control in drawn]})
    write_page(out, found)
    print(f"{len(controls)} random networks, retrained alike: median {median(controls):.1%}, "
          f"from {min(controls):.1%} to {max(controls):.1%}; the found one beats {beaten} of them.\n"
          f"Everything is in {out}, for people in {out / 'README.md'}.")
