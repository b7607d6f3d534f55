"""`python -m asng_torch evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..train.evaluation import BatchNorm, evaluate
from ..train.metrics import evaluate_inpainting
from . import arguments, folder
from .page import results_in_words, write_page
from .recipe import recipe_of

SUMMARY = "test the retrained or the derived network"
HELP = """\
Test a network of the run folder on the data set's test images: accuracy, or for inpainting the mean squared error, the
peak signal-to-noise ratio in dB and the structural similarity.

  python -m asng_torch evaluate --out runs/first
  python -m asng_torch evaluate --out runs/first --weights derived

Reads network.safetensors (retrained, from `retrain`) or derived.safetensors (with the supernet's weights, from
`derive`). Prints the result and adds it to metrics.json.

The running statistics of batch normalization that a derived network inherits are those of a mixture of architectures:
it is tested with statistics computed anew on training images, the retrained one with its own.
"""
_FILES = {"retrained": ("network.safetensors", "python -m asng_torch retrain"),
          "derived": ("derived.safetensors", "python -m asng_torch derive")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    arguments.add_run_folder(parser)
    parser.add_argument("--weights", choices=tuple(_FILES), help="which network (default: retrained if there is one)")
    parser.add_argument("--batch-norm", choices=("tracked", "batch", "recalibrated"),
                        help="statistics to normalize by: the network's own, each test batch's, or computed anew "
                             "(default: tracked for retrained, recalibrated for derived)")
    arguments.add_data_folder(parser)
    arguments.add_device(parser)


def run(options: argparse.Namespace) -> None:
    """Evaluate as the options say."""
    out: Path = options.out
    recipe, found = recipe_of(options)
    architecture = found.architecture
    weights = options.weights or ("retrained" if (out / _FILES["retrained"][0]).exists() else "derived")
    batch_norm: BatchNorm = options.batch_norm or ("tracked" if weights == "retrained" else "recalibrated")
    network = recipe.final(architecture) if weights == "retrained" else recipe.inherited(architecture)
    name, made_by = _FILES[weights]
    folder.read_weights(network, out / name, made_by)
    network.to(recipe.device)
    calibration = recipe.calibration() if batch_norm == "recalibrated" else None
    if recipe.inpainting:
        results = evaluate_inpainting(network, recipe.test_loader())  # these networks have no batch normalization
    else:
        results = {"test_accuracy": evaluate(network, recipe.test_loader(), batch_norm=batch_norm,
                                             calibration=calibration)}
    folder.update_json(out / "metrics.json", f"evaluate {weights}", {**results, "batch_norm": batch_norm,
                                                                     "images": len(recipe.data.test_images)})
    write_page(out, found)
    print(f"The {weights} network on {len(recipe.data.test_images):,} test images: {results_in_words(results)}.")
