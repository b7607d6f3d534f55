"""`check_optimizer`: every check on one factory."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterable

from . import asking, endurance, kinds, losses, state, telling  # noqa: F401  # they enter themselves
from .driving import Failed, Maker
from .protocol import Factory
from .registry import CHECKS, Check
from .report import NonconformingError, Outcome, Report, Status


def check_optimizer(factory: Factory, *, checks: Iterable[str] | None = None, raise_on_failure: bool = False) -> Report:
    """Run the conformance suite on an ask/tell optimizer.

    >>> from asng_core import ASNG
    >>> from asng_core.testing import check_optimizer
    >>> report = check_optimizer(ASNG, checks=["asks_legal_points", "refuses_text_as_a_loss"])
    >>> print(report)
    ASNG: 2 passed, 0 failed, 0 not applicable
    asks_legal_points       passed
    refuses_text_as_a_loss  passed

    factory: `factory(space, seed=...)` makes an optimizer; `asng_core.testing.protocol` says what it must and may
        have. What it lacks makes checks "not applicable".
    checks: names of those to run, by default all of `CHECKS`.
    raise_on_failure: raise NonconformingError, which lists every failure, if there is one.
    """
    names = list(CHECKS if checks is None else checks)
    unknown = [name for name in names if name not in CHECKS]
    if unknown:
        raise ValueError(f"check_optimizer(checks=...) must hold names of CHECKS, got {', '.join(unknown)}.")
    report = Report(_named(factory), {name: _outcome(CHECKS[name], factory) for name in names})
    if raise_on_failure and not report.passed:
        raise NonconformingError(report)
    return report


def _outcome(check: Check, factory: Factory) -> Outcome:
    start, status, reason = time.perf_counter(), "passed", ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            check(Maker(factory))
        except NotImplementedError as error:
            status, reason = "not applicable", str(error) or "it raises NotImplementedError"
        except Failed as error:
            status, reason = "failed", str(error)
        except Exception as error:
            status, reason = "failed", f"{type(error).__name__}: {error}"
    found: Status = status  # type: ignore[assignment]
    return Outcome(found, " ".join(reason.split()), time.perf_counter() - start)


def _named(factory: object) -> str:
    """How a report calls a factory."""
    name = getattr(factory, "__name__", None)
    return name if isinstance(name, str) else repr(factory)
