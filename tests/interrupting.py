"""Calls that are broken off at a line of the package, as Ctrl-C may break them off."""

import itertools
import sys


class Torn(BaseException):
    """Nothing in the package can catch it by name."""


def broken_off(call, line, error):
    """Run `call` with `error` raised at the line of the package that is executed as number `line`: whether it was."""
    counter, reached = itertools.count(), False

    def trace(frame, event, argument):
        nonlocal reached
        if "asng_core" not in frame.f_code.co_filename or "/tests/" in frame.f_code.co_filename:
            return None
        if event == "line" and next(counter) == line:
            reached = True
            raise error
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except BaseException:
        if not reached:
            raise
    finally:
        sys.settrace(before)
    return reached
