"""`python -m asng_torch report`."""

from __future__ import annotations

import argparse
import csv
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from asng_core.html import table
from asng_core.report import about, page
from asng_core.report.page import Page

from ..cells.probable import drawings
from . import report_charts as charts
from .arguments import CommandError
from .distribution_log import read_table
from .folder import Found, make, read_found, read_json
from .own import is_own, space_of
from .page import measured

TRAININGS = "trainings.json"
SUMMARY = "write one HTML file of a run folder, to look at"
HELP = """\
Write what a run folder holds as one HTML file, which loads nothing: the architecture, the network with its
probabilities, how they came to be, losses, cost against accuracy, the control, and the command that repeats it.

  python -m asng_torch report runs/first

Writes report.html into the run folder, from config.json, log.csv, distribution.csv and, as far as they are there,
architecture.json, trainings.json, front.json and metrics.json. A search that is under way has one too. Needs
asng[report].
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of this command."""
    parser.add_argument("out", type=Path, metavar="RUN", help="run folder")


def run(options: argparse.Namespace) -> None:
    """Write report.html."""
    out: Path = options.out
    config = read_json(out / "config.json", "python -m asng_torch search")
    make(out)
    found = read_found(out)
    metrics = read_json(out / "metrics.json", "") if (out / "metrics.json").exists() else {}
    made = Page(f"Architecture search: {found.space if found else out.name}")
    _top(made, found, metrics)
    if (out / "distribution.csv").exists():
        _distribution(made, out / "distribution.csv", found)
    if (out / "log.csv").exists():
        _losses(made, out / "log.csv")
    if (out / TRAININGS).exists():
        _trainings(made, read_json(out / TRAININGS, "python -m asng_torch search --trainings"))
    _costs(made, out, found, metrics)
    about.repeat(made, "\n".join(_command(section, content["asked"], out) for section, content in config.items()),
                 "; ".join(f"{section}: " + ", ".join(f"{name} {value}" for name, value in content["made_with"].items())
                           for section, content in config.items()))
    try:
        made.write(out / "report.html")
    except ImportError as error:
        raise CommandError(str(error)) from error
    print(out / "report.html")


def _top(made: Page, found: Found | None, metrics: Mapping[str, Any]) -> None:
    if found is None:
        made.intro(page.paragraph("No architecture was found yet."))
        return
    known = found.metrics
    accuracy = metrics.get("test_accuracy", metrics.get("evaluate retrained", {}).get("test_accuracy"))
    made.intro(page.facts([
        *([("test accuracy, retrained", f"{accuracy:.2%}")] if accuracy is not None else []),
        ("parameters in the supernet", f"{known['parameters']:,}"),
        ("multiply-adds an image", f"{known['multiply_adds']:,}"),
        ("steps", f"{known['step']:,} of {known['steps']:,}"),
        ("entropy (1 uniform, 0 certain)", f"{known['entropy']:.2f}")]))
    published = None if is_own(found.space) else space_of(found.space).published(found.architecture)
    lines = [each.removeprefix("- ") for each in measured(metrics)]
    made.section("Found", *([page.code(published)] if published else []), table(
        ("variable", "value"), [(name, str(value)) for name, value in found.architecture.items()]),
        *map(page.paragraph, lines))


def _distribution(made: Page, path: Path, found: Found | None) -> None:
    steps, categorical, ordered = read_table(path)
    if not len(steps):
        return
    last = {name: {value: float(column[-1]) for value, column in values.items()}
            for name, values in categorical.items()}
    last |= {name: {f"{mean[-1]:.4g} ± {std[-1]:.2g}": 1.0} for name, (mean, std) in ordered.items()}
    chosen = {name: str(value) for name, value in found.architecture.items()} if found else {}
    chosen |= {name: next(iter(last[name])) for name in ordered if name in chosen}
    made.section("The network, with probabilities", page.paragraph(
        f"As the distribution was after step {steps[-1]:.0f}: a line is as thick as it is likely; what was found "
        "stands out."), *[part for title, svg in drawings(last, chosen).items() for part in (page.heading(title), svg)])
    made.section("How the distribution moved", page.grid(
        [made.chart(charts.shares(steps, values, name), f"Probabilities of {name}")
         for name, values in charts.most_moved(categorical).items()]
        + [made.chart(charts.band(steps, mean, std, name), f"{name}: mean and standard deviation")
           for name, (mean, std) in list(ordered.items())[:charts.DRAWN]]))


def _losses(made: Page, path: Path) -> None:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows:
        return
    columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    curves = {"weights, training batch": columns["train_loss"], "fresh samples, validation batch":
              columns["valid_loss"]}
    judged = np.flatnonzero(np.isfinite(columns["valid_loss"]))  # steps after the warm-up
    parts = [made.chart(charts.curves(columns["step"], curves, "mean loss",
                                      begin=columns["step"][judged[0]] - 0.5 if len(judged) and judged[0] else None),
                        "Mean losses of the sampled architectures, and running means; a line where the warm-up ends"),
             made.chart(charts.curves(columns["step"], {"entropy": columns["entropy"]}, "entropy"),
                        "Entropy of the distribution: 1 is uniform, 0 certain")]
    if np.isfinite(columns["cost"]).any():
        parts.append(made.chart(charts.scatter(columns["cost"], columns["valid_loss"], columns["step"],
                                               "cost", "validation loss", "step"),
                                "Cost against loss of the sampled architectures, step by step"))
    made.section("Losses", *parts)


def _trainings(made: Page, kept: Mapping[str, Any]) -> None:
    """What was trained after the shared weights, and how far cheaper evidence went with it."""
    trained, believed = kept["trained"], kept["believed_loss"]
    losses = np.array([float("nan" if each["loss"] is None else each["loss"]) for each in trained])
    made.section(
        "Trainings after the search", page.paragraph(
            f"{len(trained)} networks were trained, for the price of {kept['spent']:.3g} full trainings. " + (
                "None is trained in full yet." if believed is None else
                f"What it would derive is believed to reach a validation loss of {believed['mean']:.4g} ± "
                f"{believed['deviation']:.2g} in a full one.")),
        made.chart(charts.scatter(np.array([float(each["epochs"]) for each in trained]), losses,
                                  np.arange(1.0, len(trained) + 1), "epochs", "validation loss", "training"),
                   "Validation loss against epochs, network by network", table(
                       ("network", "epochs", "validation loss", "architecture"), [
                           (each["weights"], each["epochs"], float(loss),
                            ", ".join(f"{name}={value}" for name, value in each["architecture"].items()))
                           for each, loss in zip(trained, losses, strict=True)])),
        page.heading("How far the losses of each kind go with those of full trainings"),
        table(("evidence", "correlation, as believed"), list(kept["trust"].items())))


def _costs(made: Page, out: Path, found: Found | None, metrics: Mapping[str, Any]) -> None:
    """The control, and what fronts there are."""
    accuracies = metrics.get("random_test_accuracies", [])
    if accuracies:
        costs = metrics.get("random_parameters", [0] * len(accuracies))  # not in files of earlier releases
        own = metrics.get("parameters", found.metrics["parameters"] if found and any(costs) else 0)
        made.section("The control: cost against accuracy", page.paragraph(
            f"{len(accuracies)} random architectures of the same space, retrained alike; "
            f"{metrics['random_networks_beaten']} of them are beaten."), made.chart(
                charts.control(metrics["test_accuracy"], own, accuracies, costs),
                "Test accuracy against parameters", table(("network", "parameters", "test accuracy"), [
                    ("found", float(own), float(metrics["test_accuracy"])),
                    *(("random", float(cost), float(each)) for cost, each in zip(costs, accuracies, strict=True))])))
    if (out / "front.json").exists():
        points = read_json(out / "front.json", "python -m asng_torch search")["front"]
        made.section("Front", page.paragraph("What was found within each limit."), table(
            ("limit", "cost", "architecture"), [
                (float(each["limit"]), float("nan" if each["cost"] is None else each["cost"]),
                 ", ".join(f"{name}={value}" for name, value in (each["architecture"] or {}).items()))
                for each in points]))


def _command(section: str, asked: Mapping[str, Any], out: Path) -> str:
    """As it was typed."""
    words = ["python", "-m", "asng_torch", section, "--out", str(out)]
    for name, value in asked.items():
        if value is None or value is False:
            continue
        option = "network" if name == "space" and is_own(str(value)) else name.replace("_", "-")
        values = [] if value is True else [str(each) for each in value] if isinstance(value, list) else [str(value)]
        words += [f"--{option}", *values]
    return shlex.join(words)
