"""What each mechanism of `Minimizer` is worth: it, and it with one of them left out, on sets of problems.

    python -m benchmarks.tables noise-free --ablate
    python -m benchmarks.noisy_functions --ablate
    python -m benchmarks.functions --ablate
    python -m benchmarks.pbo noise-free --ablate
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from . import functions, noisy_functions, pbo, store, tables
from .analysis import markdown, plots, scores
from .analysis.scores import Grouped, Records
from .page import Page
from .problems.synthetic import RUGGED, SUITE
from .rivals import OURS

FILES = {"tables, noise-free": ("tables_noise-free_ablation", "python -m benchmarks.tables noise-free --ablate"),
         "generated, noisy": ("noisy_functions_ablation", "python -m benchmarks.noisy_functions --ablate"),
         "synthetic": ("functions_ablation", "python -m benchmarks.functions --ablate"),
         "pseudo-Boolean": ("pbo_noise-free_ablation", "python -m benchmarks.pbo noise-free --ablate")}
Difference = tuple[float, float, float]


def columns(found: dict[str, Records]) -> dict[str, Grouped]:
    """heading -> method -> table -> scores, or log2 evaluations to the optimum; lower is better in all."""
    made = {f"tables, noise-free, {budget}": grouped for budget in (20, 50, 100, 200)
            if (grouped := tables.columns("noise-free", found["tables, noise-free"]).get(f"{budget} evaluations"))}
    made |= {f"generated, noisy, {budget}": grouped for budget in (100, 200)
             if (grouped := noisy_functions.columns(found["generated, noisy"])[f"{budget} evaluations"])}
    areas = {f"{name}, area": pbo.ablated(records) for name, records in found.items() if name.startswith("pseudo")}
    logs = functions.logarithms(found["synthetic"])
    for name, suite in (("synthetic", SUITE), ("small and rugged", RUGGED)):
        of_suite = {method: {problem: runs for problem, runs in each.items() if problem in suite}
                    for method, each in logs.items()}
        if any(of_suite.values()):
            made[f"{name}, log2 evaluations"] = {method: each for method, each in of_suite.items() if each}
    return made | areas


def compared(found: dict[str, Grouped]) -> dict[str, dict[str, Difference]]:
    """heading -> variant -> `Minimizer` minus it, with the 95% interval."""
    return {heading: scores.differences(grouped, OURS) for heading, grouped in found.items()}


def table(differences: dict[str, dict[str, Difference]]) -> str:
    """A row a variant; bold where the interval is apart from 0."""
    variants = sorted({variant for each in differences.values() for variant in each}, key=scores.place)
    return markdown.table(["`Minimizer` minus", *differences], (
        [_short(variant), *(_cell(each.get(variant)) for each in differences.values())] for variant in variants))


def _short(variant: str) -> str:
    return variant.removeprefix(f"{OURS}, ")


def _cell(difference: Difference | None) -> str:
    if difference is None:
        return ""
    text = scores.interval(*difference)
    return f"**{text}**" if max(difference[1:]) < 0 or min(difference[1:]) > 0 else text


def finding(differences: dict[str, dict[str, Difference]], synthetic: Records) -> str:
    """Who carries the result over all problems, and where the others pay."""
    variants = sorted({variant for each in differences.values() for variant in each}, key=scores.place)
    worse = {variant: [heading for heading, each in differences.items() if variant in each and each[variant][2] < 0]
             for variant in variants}
    carrying = [f'"{_short(variant)}"' for variant in variants if worse[variant]]
    logs = functions.logarithms(synthetic)
    others = []
    for variant in (variant for variant in variants if not worse[variant]):
        pays = [problem for problem in logs.get(variant, {}) if scores.paired_bootstrap(
            {problem: logs[OURS][problem]}, {problem: logs[variant][problem]})[2] < 0]
        others.append(f'"{_short(variant)}"' + (f" (yet worse on {', '.join(pays)})" if pays else ""))
    return (f"What it shows: `{OURS}` is worse by more than chance in some column with "
            f"{', '.join(carrying) or 'none'}; within chance in all of them are {', '.join(others) or 'none'}.")


def draw(differences: dict[str, dict[str, Difference]], path: Path) -> None:
    """A row a variant, the differences with their intervals, by colour the heading."""
    variants = sorted({variant for each in differences.values() for variant in each}, key=scores.place)
    figure, axis = plots.figure(7, 0.5 * len(variants) + 1.2)
    for i, (heading, each) in enumerate(differences.items()):
        rows = [variants.index(variant) + 0.12 * (i - (len(differences) - 1) / 2) for variant in each]
        mean, low, high = np.array(list(each.values())).reshape(-1, 3).T
        axis.errorbar(mean, rows, xerr=[mean - low, high - mean], fmt="osD^vPX*"[i % 8], color=f"C{i}", markersize=4,
                      linewidth=1, label=heading)
    axis.axvline(0, color="grey", linewidth=0.8)
    axis.set_yticks(range(len(variants)), map(_short, variants))
    axis.set(xlabel=f"{OURS} minus it, 95% interval (left: the mechanism helps)")
    axis.invert_yaxis()
    axis.grid(axis="x", alpha=0.3)
    figure.legend(loc="outside upper center", ncols=3, fontsize=8, frameon=False)
    plots.save(figure, path)


def pages(results: Path) -> list[Page]:
    found = {name: store.records(results / file) for name, (file, _) in FILES.items()}
    differences = compared(columns(found))
    shown = {"Score, or log2 of the evaluations to the optimum: paired differences (95%)": table(differences)}
    for what, each in (("Tables, noise-free", tables.shown("noise-free", found["tables, noise-free"])),
                       ("Generated problems under noise", noisy_functions.tables(found["generated, noisy"]))):
        shown |= {f"{what}: {caption[0].lower()}{caption[1:]}": rows for caption, rows in each.items()}
    shown |= {f"Synthetic problems: {caption[0].lower()}{caption[1:]}": each
              for caption, each in functions.tables(found["synthetic"]).items()}
    return [Page("ablations", dict(FILES.values()), [], shown,
                 partial(draw, differences), finding(differences, found["synthetic"]))]
