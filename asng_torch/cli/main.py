"""Parse the command line, and run the command it names."""

from __future__ import annotations

import argparse
import sys

from . import demo, derive, evaluate, report, retrain, search
from .arguments import CommandError
from .interruption import terminable

_ABOUT = """\
One-shot architecture search with ASNG, from images to a tested network. Each command leaves its results in a
run folder, where the next one finds them:

  search    train a supernet, whose architectures share weights, and the distribution over them
  derive    take the likeliest architecture out of it, as a plain network with the weights it has
  retrain   train the network of that architecture from scratch: usually wider, deeper and longer
  evaluate  test either network on images that nothing has seen
  report    one HTML file of a run folder, to look at
  demo      all of it on embedded images, with random architectures as a control, in minutes

For example, on the 7,000 images that come with the package:

  python -m asng_torch search --space mini --out runs/first
  python -m asng_torch derive --out runs/first
  python -m asng_torch retrain --out runs/first
  python -m asng_torch evaluate --out runs/first
  python -m asng_torch report runs/first

`python -m asng_torch COMMAND --help` tells what a command does and which files it writes.
"""


def main(arguments: list[str] | None = None) -> None:
    """Run a command; exits with 2 if it cannot be carried out as given, with 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m asng_torch", description=_ABOUT,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in (search, derive, retrain, evaluate, report, demo):
        # a command is named as its file
        name = each.__name__.rpartition(".")[2]
        command = commands.add_parser(name, help=each.SUMMARY, description=each.HELP,
                                      formatter_class=argparse.RawDescriptionHelpFormatter)
        each.add_arguments(command)
        command.set_defaults(run=each.run, parser=command)
    options = parser.parse_args(arguments)
    try:
        with terminable():
            options.run(options)
    except CommandError as error:
        options.parser.error(str(error))
    except KeyboardInterrupt:
        print("\nInterrupted.")
        sys.exit(130)
