"""`make demo`: does the network that it returns beat random ones, and how long does that take?

The whole command with ten seeds, each in a process of its own on one thread, as a user runs it. It trains eight random
networks as it trained the one that it returns; both are tested on the 1,000 embedded test images.

    python -m benchmarks.demo            about 12 minutes on 2 cores
    python -m benchmarks.demo --quick    a check of the whole path, a minute
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from asng_torch.cli.config import DemoConfig

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

SEEDS = 10
BEFORE = 139  # seconds that it took, on both cores of an idle machine, before trainings followed its search


def run(seed: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Test accuracies of what it found and of `random` networks, its seconds, and those of its parts."""
    options = [f"--{name}={value}" for name, value in {"seed": seed, **settings}.items()]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "asng_torch", "demo", "--out", folder, *options], check=True,
                       capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
        seconds = time.perf_counter() - started
        metrics = json.loads((Path(folder) / "metrics.json").read_text())
    return {"accuracy": metrics["test_accuracy"], "random": metrics["random_test_accuracies"],
            "seconds": round(seconds, 1), "of": metrics["seconds"]}


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    config = DemoConfig(steps=20, trainings=2, epochs=1, controls=2) if quick else DemoConfig()
    settings = {name: value for name, value in asdict(config).items() if name not in ("seed", "data_folder")}
    return [{"seed": seed, "settings": settings} for seed in range(2 if quick else SEEDS)]


class Figures:
    """Test accuracies `found` `(n_seeds,)` and of the `random` networks `(n_seeds, n_random)`, of which so many are
    `beaten`; `seconds` of the whole."""

    def __init__(self, records: list[dict[str, Any]]) -> None:
        results = [record["result"] for record in sorted(records, key=lambda record: int(record["task"]["seed"]))]
        self.found, self.random, self.seconds = (np.array([result[name] for result in results])
                                                 for name in ("accuracy", "random", "seconds"))
        self.beaten = (self.random < self.found[:, None]).sum(axis=1)  # an equal accuracy is no win


def claims(figures: Figures) -> list[Claim]:
    n, n_random = figures.random.shape
    won, seconds = int((figures.beaten == n_random).sum()), float(np.median(figures.seconds))
    return [Claim("the network that `make demo` returns beats all eight random ones, trained alike, in at least 8 of "
                  "10 seeds", won >= 0.8 * n,
                  f"in {won} of {n}; {figures.beaten.sum()} of {figures.random.size} random networks are beaten"),
            Claim(f"`make demo` takes at most {BEFORE} s, on one thread, median", seconds <= BEFORE,
                  f"{seconds:.0f} s ({figures.seconds.min():.0f} to {figures.seconds.max():.0f})")]


def table(figures: Figures) -> str:
    return markdown.table(["seed", "returned", "median of random", "best of random", "beaten", "seconds"], (
        [str(seed), f"{found:.3f}", f"{np.median(random):.3f}", f"{random.max():.3f}", f"{beaten} of {len(random)}",
         f"{seconds:.0f}"]
        for seed, (found, random, beaten, seconds) in enumerate(zip(
            figures.found, figures.random, figures.beaten, figures.seconds, strict=True))))


def draw(figures: Figures, path: Path) -> None:
    """A dot a network, a row a seed."""
    n, n_random = figures.random.shape
    figure, axis = plots.figure(7, 0.25 * n + 1)
    axis.scatter(figures.random.ravel(), np.repeat(range(n), n_random), s=28, color="C7", alpha=0.6, linewidths=0,
                 label="random", zorder=3)  # not hidden by what it nearly equals
    axis.scatter(figures.found, range(n), s=40, color="C0", label="returned")
    axis.set_yticks(range(n))
    axis.set(xlabel="test accuracy", ylabel="seed")
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    axis.legend(fontsize=8, loc="upper left")
    plots.save(figure, path)


def pages(results: Path, name: str = "demo") -> list[Page]:
    figures = Figures(store.records(results / name))
    return [Page("demo", {name: "python -m benchmarks.demo"}, claims(figures), {"Test accuracy": table(figures)},
                 partial(draw, figures))]


def parts(_: dict[str, Any]) -> tuple[str, ...]:
    return "ASNG", "fidelities", "asng_torch"


def main() -> None:
    parser = store.parser("demo", __doc__)
    parser.add_argument("--quick", action="store_true", help="2 seeds of tiny demos: a check of the whole path")
    options = parser.parse_args()
    name = f"demo{'_quick' * options.quick}"
    store.measure(options.out / name, run, tasks(quick=options.quick), parts=parts, packages=("numpy", "torch"),
                  **store.how(options))
    pages(options.out, name)[0].show(options.out, name)


if __name__ == "__main__":
    main()
