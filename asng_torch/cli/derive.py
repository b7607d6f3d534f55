"""`python -m asng_torch derive`."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch

from .. import checkpoint
from ..search import saved
from ..supernet.cost import count
from ..supernet.derive import derive
from . import arguments, folder
from .arguments import CommandError
from .follow import CHECKPOINT
from .page import in_words, write_page
from .recipe import recipe_of

SUMMARY = "take the found architecture out of the supernet"
HELP = """\
Write the found architecture as a plain network, with the weights it shares with the others in the supernet: a first
idea of it without any training. (`evaluate` tests it; `retrain` does not need it.)

  python -m asng_torch derive --out runs/first

Reads architecture.json, which you may edit, and search.safetensors. Writes derived.safetensors, the network's weights
by the names of its state dict, and pictures of its cells. Prints a space's published notation, if it has one: DARTS's
genotype, NAS-Bench-201's string. In Python, the network is

  network = derive(supernet, architecture, weights="reset")    # of a supernet over the same space
  network.load_state_dict(safetensors.torch.load_file("runs/first/derived.safetensors"))
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    arguments.add_run_folder(parser)
    parser.set_defaults(device=torch.device("cpu"), data_folder=None, download=False)  # it needs no images


def run(options: argparse.Namespace) -> None:
    """Derive as the options say."""
    out: Path = options.out
    recipe, found = recipe_of(options)
    architecture = found.architecture
    supernet = recipe.supernet()
    try:
        state = checkpoint.read(out / CHECKPOINT, saved.FORMAT)
    except (OSError, ValueError) as error:
        raise CommandError(f"{error} Run `python -m asng_torch search --resume` with this --out") from error
    supernet.load_state_dict(state["supernet"])
    network = derive(supernet, architecture)
    folder.write_weights(network, out / "derived.safetensors")
    cost = count(network.eval(), recipe.example)
    published = recipe.space.published(architecture)
    folder.update_json(out / "metrics.json", "derive", {
        "parameters": cost.parameters, "multiply_adds": cost.multiply_adds, "notation": published})
    recipe.space.draw(architecture, out)
    write_page(out, found)
    print(f"Derived a network of {cost.parameters:,} parameters and {cost.multiply_adds:,} multiply-adds an image:\n"
          f"{published or in_words(architecture)}\nIts weights are in {out / 'derived.safetensors'}.")
