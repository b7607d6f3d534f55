"""Processes forked from one that has imported what they need: fresh interpreters would each import it again."""

import multiprocessing
import os
import sys
from multiprocessing import forkserver

import pytest


def context(*modules):
    """A way to begin such processes, as `multiprocessing.get_context` gives, with these modules imported."""
    forkserver._forkserver._stop()  # what a test before has begun knows other modules
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(modules))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sys.path)))
        forkserver.ensure_running()
    return made
