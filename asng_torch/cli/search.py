"""`python -m asng_torch search`."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

from ..data.datasets import NAMES
from ..search import distributed
from ..spaces import SPACES
from . import arguments, folder
from .arguments import CommandError
from .config import SearchConfig, settle, write_config
from .follow import CHECKPOINT, follow
from .own import is_own
from .page import in_words, write_page
from .recipe import Recipe
from .trainings import spend

SUMMARY = "train a supernet and the distribution over its architectures"
HELP = """\
Search a space: train the weights that all its architectures share on one half of the training images, and move the
distribution over architectures by how well samples of it do on the other half.

  python -m asng_torch search --space mini --out runs/first
  python -m asng_torch search --space enas_micro --preset published --data cifar10 --data-folder DATA --device cuda
  python -m asng_torch search --out runs/first --resume
  torchrun --nproc-per-node 2 -m asng_torch search --space mini --out runs/first
  python -m asng_torch search --space mini --preset published --trainings 8 --workers 2 --out runs/trained
  python -m asng_torch search --network mine:network --data mine:data --limit 50000 100000 --out runs/mine

Files in the run folder:
  README.md            what was found, to read
  config.json          every setting, and the versions and device it ran with
  log.csv              one row a step: losses, learning rate, entropy (1 uniform, 0 certain), step size, cost
  distribution.csv     the distribution at 200 moments
  architecture.json    the architecture to derive, and what it costs
  losses.png, probabilities.png, and pictures of cells if the space has them
  search.safetensors   the whole state of the search
With --trainings, architecture.json is of the best network trained, and there are
  network.safetensors  its weights, which `evaluate` tests
  trainings.json       what was trained, and how far each kind of evidence could be trusted
  trainings/           every network trained, and the state of it

Ctrl-C (or SIGTERM) saves all of it; --resume then goes on as if nothing had happened.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command; None for those that a resumed search takes from config.json."""
    default = SearchConfig("")
    parser.add_argument("--space", choices=sorted(SPACES), metavar="SPACE", help="what to search: " + ", ".join(
        f"{name} ({space.task})" for name, space in sorted(SPACES.items())))
    parser.add_argument("--preset", help="published: the settings of the space's source; small: minutes on two CPU "
                                         f"cores (default: {default.preset})")
    parser.add_argument("--network", dest="space", type=_function, metavar="MODULE:FUNCTION",
                        help="instead of --space, your own: a function that returns a module with choices in it, and "
                             "is given in_channels= and classes= if it takes them; presets are those of mini")
    parser.add_argument("--data", type=_data, metavar="NAME",
                        help=f"{', '.join(NAMES)} (default: {default.data}); or module:function, which returns "
                             "training inputs and classes, test inputs and classes")
    arguments.add_data_folder(parser)
    parser.add_argument("--mask", choices=("center", "pixels", "half"),
                        help="what inpainting has to fill in (default: center)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="run folder (default: runs/SPACE)")
    arguments.add_resume(parser)
    parser.add_argument("--seed", type=arguments.seed, help=f"of everything random (default: {default.seed})")
    parser.add_argument("--steps", type=arguments.positive,
                        help="search steps (default: those of the preset's epochs)")
    parser.add_argument("--limit", type=arguments.number, metavar="COST", nargs="+",
                        help="find an architecture that costs at most this; several limits share the steps, and give "
                             "front.json, an architecture for each")
    parser.add_argument("--cost", choices=("parameters", "multiply_adds"),
                        help="what --limit counts (default: parameters)")
    parser.add_argument("--ema", type=arguments.number, metavar="DECAY",
                        help="judge and derive weights averaged over the steps, 0.999 for one")
    parser.add_argument("--trainings", type=arguments.positive, metavar="N",
                        help="then spend as much as N trainings from scratch on finding what trains best, "
                             "of several limits one for each; leaves the network, trained")
    parser.add_argument("--workers", type=arguments.positive, default=1, metavar="N",
                        help="trainings at a time, in processes that share the cores or take a GPU each; what is "
                             "trained then depends on which ends first, and repeats no more to the bit (default: 1)")
    parser.add_argument("--tensorboard", action="store_true", default=None,
                        help="write the records for TensorBoard too, into FOLDER/tensorboard (asng[tensorboard])")
    arguments.add_amp(parser)
    arguments.add_device(parser)
    parser.add_argument("--save-every", type=arguments.number, default=60.0, metavar="SECONDS",
                        help="between two checkpoints (default: 60)")
    parser.add_argument("--timeout", type=arguments.number, default=distributed.TIMEOUT, metavar="SECONDS",
                        help="that the processes of torchrun wait for one that does not come (default: 1800)")


def run(options: argparse.Namespace) -> None:
    """Search as the options say; exits with 130 if interrupted."""
    if options.out is None:
        if options.resume or options.space is None:
            raise CommandError("--resume needs --out, the run folder to go on with" if options.resume else
                               f"--space must name what to search, one of {', '.join(sorted(SPACES))}")
        options.out = Path("runs") / options.space.replace(":", ".")
    out: Path = options.out
    with distributed.joined(options.device, options.timeout) as device:
        if options.download and distributed.world_size() > 1:
            raise CommandError("--download is for one process. Fetch the files by a search without torchrun first")
        if options.trainings and distributed.world_size() > 1:
            raise CommandError("--trainings is for one process. Search without it, then go on alone: in Python, by "
                               "asng_torch.Staged")
        with distributed.together("reading the run folder", device, options.timeout):
            config = _config(options)
            if options.workers > 1 and not config.trainings:
                raise CommandError("--workers is of trainings. Give --trainings, too, or leave it out")
            recipe = Recipe(config, device, options.download)
            try:
                search = recipe.search()
            except ValueError as error:  # a limit that nothing meets
                raise CommandError(str(error)) from error
            search.timeout = options.timeout
        if options.resume and (out / CHECKPOINT).exists():
            try:
                search.resume(out / CHECKPOINT)
            except ValueError as error:
                raise CommandError(f"--resume: {error}") from error
        leading = distributed.rank() == 0
        if leading:
            folder.make(out)
            write_config(out, "search", config, device=device, processes=distributed.world_size(), sizes=recipe.sizes,
                         preset=asdict(recipe.preset))
            _say_what(recipe, search.step, search.steps)
        started, first = time.perf_counter(), search.step
        # all processes search; one writes
        finished, found = follow(search, out, save_every=options.save_every, space=config.space,
                                 tensorboard=config.tensorboard)
        if leading:
            if found is not None:
                recipe.space.draw(found.architecture, out)
            write_page(out, found)
            _say_found(out, found, search.step, search.steps, search.step - first, time.perf_counter() - started)
    if not finished:
        sys.exit(130)
    if config.trainings:
        spend(recipe, search, out, workers=options.workers, resume=options.resume)


def _function(text: str) -> str:
    if not is_own(text):
        raise argparse.ArgumentTypeError(f"must be module:function, got {text!r}")
    return text


def _data(text: str) -> str:
    if text not in NAMES and not is_own(text):
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(NAMES)}, or module:function, got {text!r}")
    return text


def _config(options: argparse.Namespace) -> SearchConfig:
    if not options.resume:
        if options.space is None:
            raise CommandError(f"--space must name what to search, one of {', '.join(sorted(SPACES))}")
        folder.make(options.out)
        folder.refuse_overwriting(options.out / CHECKPOINT)
    return settle(SearchConfig, "search", options)


def _say_what(recipe: Recipe, step: int, steps: int) -> None:
    config = recipe.config
    print(f"{'Searching' if step == 0 else f'From step {step}, searching'} {config.space} ({config.preset} preset) on "
          f"{len(recipe.data.train_images):,} images of {config.data}, half for the weights, half for the choice: "
          f"{steps:,} steps.")


def _say_found(out: Path, found: folder.Found | None, step: int, steps: int, done: int, seconds: float) -> None:
    if step < steps:
        print(f"Interrupted after step {step} of {steps}. Everything is saved in {out}; go on with\n"
              f"  python -m asng_torch search --out {out} --resume")
        return
    print(f"{done} steps in {seconds:.0f} s.")
    if found is None:
        raise CommandError("no architecture within --limit was found. Raise it, or search with more --steps")
    print(f"Found, with {found.metrics['parameters']:,} parameters (entropy {found.metrics['entropy']:.2f}; "
          f"1 is uniform, 0 certain):\n{in_words(found.architecture)}\n"
          f"Everything is in {out}, for people in {out / 'README.md'}. Next:\n"
          f"  python -m asng_torch derive --out {out}\n  python -m asng_torch retrain --out {out}")
