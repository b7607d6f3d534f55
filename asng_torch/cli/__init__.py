"""The command line: `python -m asng_torch`, one file per command."""

from .main import main

__all__ = ["main"]
