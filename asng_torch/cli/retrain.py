"""`python -m asng_torch retrain`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

from tqdm import tqdm

from ..supernet.cost import count
from . import arguments, folder
from .arguments import CommandError
from .config import RetrainConfig, settle, write_config
from .page import write_page
from .recipe import recipe_of

SUMMARY = "train the found architecture's network from scratch"
HELP = """\
Train the network of the found architecture from scratch, on all training images, with the preset's settings.

  python -m asng_torch retrain --out runs/first
  python -m asng_torch retrain --out runs/first --resume

Reads config.json and architecture.json, which you may edit. Writes, into the same folder:
  network.safetensors   the trained weights, by the names of the network's state dict
  retrain.safetensors   the whole state after the last epoch; after Ctrl-C, --resume goes on from there

`evaluate` then tests the network.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command; None for those that a resumed training takes from config.json."""
    arguments.add_run_folder(parser)
    arguments.add_resume(parser)
    parser.add_argument("--epochs", type=arguments.positive, help="of training (default: the preset's)")
    parser.add_argument("--seed", type=arguments.seed, help="of everything random (default: 0)")
    arguments.add_amp(parser)
    arguments.add_data_folder(parser)
    arguments.add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Retrain as the options say."""
    out: Path = options.out
    recipe, found = recipe_of(options)
    architecture = found.architecture
    config = settle(RetrainConfig, "retrain", options)
    path = out / "retrain.safetensors"
    if not options.resume:
        folder.refuse_overwriting(path)
    training = recipe.training(architecture, config)
    if options.resume and path.exists():
        try:
            training.resume(path)
        except ValueError as error:
            raise CommandError(f"--resume: {error}") from error
    network, epochs = training.network, training.settings.epochs
    write_config(out, "retrain", config, device=options.device, settings=asdict(training.settings),
                 architecture=architecture)
    cost = count(network.eval(), recipe.example.to(options.device))
    # which training alone uses, so it does not count as the network's
    auxiliary = sum(each.numel() for name, each in network.named_parameters() if name.startswith("auxiliary."))
    parameters = cost.parameters - auxiliary
    print(f"Training a network of {parameters:,} parameters and {cost.multiply_adds:,} multiply-adds an image on "
          f"{len(recipe.data.train_images):,} images.")
    started = time.perf_counter()
    done = len(training.losses)  # epochs, of a training that is gone on with
    try:
        for _ in tqdm(training, initial=done, total=epochs, desc="retrain", unit="epoch"):
            training.save(path)
    except KeyboardInterrupt:
        print(f"\nInterrupted in epoch {len(training.losses) + 1} of {epochs}. What was done before it is saved; go on "
              f"with\n  python -m asng_torch retrain --out {out} --resume")
        sys.exit(130)
    except FloatingPointError as error:
        raise CommandError(str(error)) from error
    folder.write_weights(network, out / "network.safetensors")
    folder.update_json(out / "metrics.json", "retrain", {
        "parameters": parameters, "auxiliary_parameters": auxiliary, "multiply_adds": cost.multiply_adds,
        "epochs": epochs, "train_losses": training.losses})
    write_page(out, found)
    print(f"{epochs - done} epochs in {time.perf_counter() - started:.0f} s, training loss "
          f"{training.losses[-1]:.4g}. The weights are in {out / 'network.safetensors'}. Next:\n"
          f"  python -m asng_torch evaluate --out {out}")
