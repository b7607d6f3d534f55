"""Which checks of `asng_core.testing` the libraries pass: python -m benchmarks.conformance writes docs/CONFORMANCE.md.

One name at a time with --only; results are kept in benchmarks/results/conformance, one file per optimizer.
"""

from __future__ import annotations

import argparse
import json
import signal
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

from asng_core import ASNG, Minimizer
from asng_core.testing import CHECKS, check_optimizer

ROOT = Path(__file__).parent.parent
STORED, PAGE = ROOT / "benchmarks" / "results" / "conformance", ROOT / "docs" / "CONFORMANCE.md"
LIMIT = 60  # seconds for one check
MARKS = {"passed": "yes", "failed": "**no**", "not applicable": "-"}


def _adapter(name: str) -> Callable[[], Any]:
    return lambda: getattr(import_module("benchmarks.adapters"), name)


# name -> the library's package, and what makes its factory
OPTIMIZERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "ASNG": ("numpy", lambda: ASNG), "Minimizer": ("numpy", lambda: Minimizer),
    "Minimizer, noisy": ("numpy", lambda: partial(Minimizer, noisy=True)),
    "cmaes CatCMAwM": ("cmaes", _adapter("CatCMAWithMargin")), "cmaes CMAwM": ("cmaes", _adapter("CMAWithMargin")),
    "pycma": ("cma", _adapter("PyCMA")), "nevergrad NGOpt": ("nevergrad", _adapter("Nevergrad")),
    "nevergrad (1+1)": ("nevergrad", _adapter("OnePlusOne")), "Optuna TPE": ("optuna", _adapter("Optuna")),
    "SMAC3": ("smac", _adapter("SMAC")),
}


def _late(*_: object) -> None:
    raise NotImplementedError(f"not ended within {LIMIT} s")


def run(name: str) -> dict[str, Any]:
    """Every check on one optimizer; one that takes too long is not applicable."""
    package, make = OPTIMIZERS[name]
    factory, outcomes = make(), {}
    signal.signal(signal.SIGALRM, _late)
    for check in CHECKS:
        signal.alarm(LIMIT)
        try:
            outcome = check_optimizer(factory, checks=[check]).outcomes[check]
            outcomes[check] = [outcome.status, outcome.reason[:200]]
        except NotImplementedError as late:  # between two lines of the suite's own
            outcomes[check] = ["not applicable", str(late)]
        finally:
            signal.alarm(0)
    return {"package": package, "version": version(package), "outcomes": outcomes}


def page(found: dict[str, Any]) -> str:
    """The table, and the reasons below it."""
    head = [f"{name}<br>{each['package']} {each['version']}" for name, each in found.items()]
    lines = ["# Conformance", "", "Which checks of `asng_core.testing.check_optimizer` ask/tell optimizers pass, each "
             "driven as its documentation says", "through an adapter of [benchmarks/adapters.py]"
             "(../benchmarks/adapters.py). Written by `python -m benchmarks.conformance`; -: not", "applicable, since "
             f"the library has no such thing (or did not end within {LIMIT} s, of SMAC3 20 s).", "",
             "| check | " + " | ".join(head) + " |", "|---" * (len(head) + 1) + "|"]
    for check, function in CHECKS.items():
        marks = [MARKS[each["outcomes"].get(check, ["not applicable"])[0]] for each in found.values()]
        lines.append(f"| {(function.__doc__ or check).strip()} | " + " | ".join(marks) + " |")
    for status in ("passed", "failed", "not applicable"):
        counts = [sum(outcome[0] == status for outcome in each["outcomes"].values()) for each in found.values()]
        lines.append(f"| {status} | " + " | ".join(map(str, counts)) + " |")
    lines += ["", "## What failed, in the suite's words", ""]
    for name, each in found.items():
        failures = {check: reason for check, (status, reason) in each["outcomes"].items() if status == "failed"}
        lines += [f"**{name}**" + ("" if failures else ": nothing"), ""]
        lines += [f"- {check}: {reason.replace('|', '/')}" for check, reason in failures.items()]
        lines += [""] * bool(failures)
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=OPTIMIZERS, nargs="*", help="run these; [] writes the page alone")
    STORED.mkdir(parents=True, exist_ok=True)
    only = parser.parse_args().only
    for name in OPTIMIZERS if only is None else only:
        (STORED / f"{name}.json").write_text(json.dumps(run(name), indent=1) + "\n")
        print(name)
    files = {name: STORED / f"{name}.json" for name in OPTIMIZERS}
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page({name: json.loads(file.read_text()) for name, file in files.items() if file.exists()}))


if __name__ == "__main__":
    main()
