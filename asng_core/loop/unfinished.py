"""Errors that end a run, and the result so far that they carry."""

from __future__ import annotations

import contextlib

from .result import Result

_NOTE = "What was evaluated until then is in this exception's attribute `result`."


class Unfinished(RuntimeError):
    """Raised from an error that has a `result` of its own, so that it cannot carry ours; `result`: ours."""

    def __init__(self, message: str, result: Result) -> None:
        super().__init__(message)
        self.result = result


def carrying(error: BaseException, result: Result) -> BaseException:
    """The same error, with the result so far as its attribute `result`; or an Unfinished to be raised from it."""
    if isinstance(getattr(error, "result", result), Result):
        try:
            object.__setattr__(error, "result", result)  # of frozen classes too
            carried = getattr(error, "result", None) is result
        except (AttributeError, TypeError):
            carried = False
        if carried:
            # add_note is of Python 3.11, and may be refused where attributes are
            with contextlib.suppress(AttributeError, TypeError):
                if _NOTE not in getattr(error, "__notes__", ()):
                    error.add_note(_NOTE)  # type: ignore[attr-defined,unused-ignore]
            return error
    return Unfinished(f"{type(error).__name__}: {error} ({_NOTE})", result)
