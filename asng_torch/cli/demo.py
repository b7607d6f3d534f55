"""`python -m asng_torch demo`."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import NoReturn

from tqdm import tqdm

from ..data import FashionMNIST, fashion_mnist
from ..search.search import Search
from ..staged.staged import Staged
from ..staged.trainer import Trainer, lengths, state_of, weights_of
from ..supernet.architecture import save_architecture
from . import arguments, demo_recipe, folder, pictures
from .arguments import CommandError
from .config import DemoConfig, settle, write_config
from .follow import CHECKPOINT, follow
from .page import in_words, write_page
from .trainings import TRAININGS, found_in

JUDGED, BATCHES = 200, 4  # architectures by the shared weights before the trainings, and on how much
SUMMARY = "search, train and test on embedded images"
HELP = """\
One-shot architecture search on Fashion-MNIST, from start to end:

  1. search    a supernet of 5^6 = 15,625 architectures with shared weights, its distribution moved by ASNG
  2. train     plain networks from scratch, which ones and for how long as all evidence so far suggests
  3. test      the best of those that were trained
  4. control   the same for random architectures of the same space

Everything goes into a run folder: README.md to begin with, config.json, architecture.json, metrics.json, log.csv,
distribution.csv, search.safetensors (the search, as asng_torch.Search.resume reads it), network.safetensors (the
trained weights), every network that was trained (trainings/) and three pictures. A demo that was there is replaced.
Ctrl-C loses no more than the training that was under way; --resume goes on.
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
    parser.add_argument("--trainings", type=arguments.positive,
                        help=f"trainings from scratch that may be spent (default: {default.trainings})")
    parser.add_argument("--epochs", type=arguments.positive, help=f"epochs of each (default: {default.epochs})")
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
        shutil.rmtree(out / TRAININGS, ignore_errors=True)
    settings = demo_recipe.Settings(steps=config.steps, epochs=config.epochs)
    search = demo_recipe.build_search(data, settings, config.seed, options.device)
    if options.resume and (out / CHECKPOINT).exists():
        try:
            search.resume(out / CHECKPOINT)
        except ValueError as error:
            raise CommandError(f"--resume: {error}") from error
    write_config(out, "demo", config, device=options.device, settings=asdict(settings))
    seconds = {"search": _search(search, data, out)}
    trainer = demo_recipe.trainer(search.supernet, data, settings, config.seed, options.device)
    try:
        found, seconds["trainings"] = _train(search, data, config, trainer, options)
    except KeyboardInterrupt:
        _say_interrupted("During the trainings", out)
    _compare(search, found, data, trainer, config, options, seconds)


def _search(search: Search, data: FashionMNIST, out: Path) -> float:
    """Search to the end; the seconds it took."""
    print(f"Searching {search.supernet.space.size:,} architectures on {len(data.train_images):,} images, "
          f"half for the weights, half for the architecture.")
    started = time.perf_counter()
    finished, found = follow(search, out, save_every=60, space="mini")
    if not finished:
        write_page(out, found)
        _say_interrupted(f"After step {search.step} of {search.steps}", out)
    seconds = time.perf_counter() - started
    print(f"Searched in {seconds:.0f} s (uniform is entropy 1, certain 0; now {search.optimizer.entropy:.2f}); by the "
          f"shared weights alone:\n{in_words(search.recommend())}")
    return seconds


def _say_interrupted(when: str, out: Path) -> NoReturn:
    print(f"\n{when} interrupted. What was done before is saved in {out}; go on with\n"
          f"  python -m asng_torch demo --out {out} --resume")
    sys.exit(130)


def _train(search: Search, data: FashionMNIST, config: DemoConfig, trainer: Trainer, options: argparse.Namespace,
           ) -> tuple[folder.Found, float]:
    """Spend the trainings; the best network, and the seconds it took."""
    out: Path = options.out
    started, kept = time.perf_counter(), out / TRAININGS
    staged = Staged.after(search, trainer, batches=BATCHES, judged=JUDGED, trainings=config.trainings,
                          epochs=lengths(config.epochs), folder=kept, seed=config.seed,
                          resume=options.resume and any(kept.glob("staged.safetensors")))
    with tqdm(total=config.trainings, initial=round(staged.spent, 2), desc="train", unit="training") as bar:
        for _ in staged:
            bar.update(round(staged.spent - bar.n, 2))
    if (best := staged.best) is None:
        raise CommandError("no training came to its end with a finite loss. Train for more --epochs")
    seconds = time.perf_counter() - started
    shutil.copyfile(best.weights, out / "network.safetensors")
    found = found_in(search, "mini", best)
    save_architecture(out / folder.ARCHITECTURE, *found)
    full = sum(each.epochs == best.epochs for each in staged.trained)
    print(f"Trained for {seconds:.0f} s; the best of {full} networks trained in full and "
          f"{len(staged.trained) - full} in part:\n{in_words(best.architecture)}")
    return found, seconds


def _compare(search: Search, found: folder.Found, data: FashionMNIST, trainer: Trainer, config: DemoConfig,
             options: argparse.Namespace, seconds: dict[str, float]) -> None:
    """Test the found network, and random ones trained alike."""
    out: Path = options.out
    accuracy = demo_recipe.tested(search.supernet, found.architecture, out / "network.safetensors", data,
                                  options.device)
    print(f"Its test accuracy is {accuracy:.1%}.")
    started = time.perf_counter()
    drawn, controls = demo_recipe.random_architectures(search.supernet, config.controls, config.seed), []
    with tempfile.TemporaryDirectory() as temporary:
        for i, control in enumerate(tqdm(drawn, desc="random networks")):
            state = state_of(Path(temporary), str(i))
            trainer(control, config.epochs, config.seed, state)
            controls.append(demo_recipe.tested(search.supernet, control, weights_of(state), data, options.device))
    seconds["controls"] = time.perf_counter() - started
    pictures.draw_accuracy([accuracy], controls, out / "accuracy.png")
    # strictly: an equal accuracy is no win
    beaten = sum(control < accuracy for control in controls)
    folder.write_json(out / "metrics.json", {
        "test_accuracy": accuracy, "random_test_accuracies": controls, "random_median": median(controls),
        "random_networks_beaten": beaten, "seconds": seconds, "entropy": search.optimizer.entropy,
        "parameters": search.supernet.cost(found.architecture).parameters,
        "random_parameters": [search.supernet.cost(control).parameters for control in drawn]})
    write_page(out, found)
    print(f"{len(controls)} random networks, trained alike: median {median(controls):.1%}, "
          f"from {min(controls):.1%} to {max(controls):.1%}; the found one beats {beaten} of them.\n"
          f"Everything is in {out}, for people in {out / 'README.md'}.")
