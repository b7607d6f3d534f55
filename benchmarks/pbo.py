"""IOHprofiler's 25 pseudo-Boolean problems: evaluations until targets, noise-free and under additive noise.

  noise-free   a run ends at the optimum, else after 100 d evaluations; scored by the best point so far
  noisy        Gaussian noise of variance d/4 and d is added; scored by the true value of the recommended point

    python -m benchmarks.pbo noise-free                    every method, dimensions 16, 64 and 100; hours
    python -m benchmarks.pbo noisy --methods UMDA cGA      two methods, dimensions 16 and 64
    python -m benchmarks.pbo all --stored                  what the stored runs say
    python -m benchmarks.pbo noise-free --log FOLDER       with ioh's logs of what is measured, for IOHanalyzer
    python -m benchmarks.pbo all --ablate                  what each mechanism of ours is worth, dimension 16
    python -m benchmarks.pbo all --quick                   a check of the whole path, seconds
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import store
from .analysis import fixed_target, markdown, plots
from .analysis.fixed_target import Areas, Goal
from .analysis.scores import Grouped
from .page import Claim, Page
from .problems import pseudo_boolean
from .problems.pseudo_boolean import PROBLEMS
from .rivals import ABLATED, OURS

METHODS = (OURS, "ASNG", "SNG", "WA-ASNG", "cGA", "PBIL", "UMDA", "RLS", "(1+1) EA>0", "fast GA",
           "regularized evolution", "CatCMAwM", "nevergrad 1+1", "random search")
DRAWN = 8  # curves, as many as can be told apart: the best and ours
Records = list[dict[str, Any]]


@dataclass(frozen=True)
class Mode:
    """Which runs: variances of the noise over d, and dimension -> instances and runs of each, fewer for the slow."""

    noises: tuple[float, ...]
    runs: dict[int, tuple[int, int]]
    capped: dict[str, dict[int, tuple[int, int]]]
    problems: tuple[str, ...] = PROBLEMS


MODES = {
    "noise-free": Mode((0.0,), {16: (5, 5), 64: (5, 5), 100: (3, 1)},
                       {"nevergrad 1+1": {16: (5, 1), 64: (1, 1), 100: (1, 1)}}),
    "noisy": Mode((0.25, 1.0), {16: (5, 2), 64: (5, 1)}, {"nevergrad 1+1": {16: (2, 1), 64: (1, 1)}}),
}
ABLATED_MODES = {name: replace(mode, noises=mode.noises[:1], runs={16: (5, 2)}, capped={})
                 for name, mode in MODES.items()}
QUICK = (OURS, "cGA", "RLS")


def tasks(mode: Mode, methods: Sequence[str]) -> Records:
    """The runs of a mode, those of a method on a problem together."""
    return [{"method": method, "problem": problem, "dimension": dimension, "instances": instances, "repeats": repeats,
             "noise": noise}
            for method in methods for noise in mode.noises
            for dimension, (instances, repeats) in mode.capped.get(method, mode.runs).items()
            for problem in mode.problems]


def ablated(records: Records) -> Grouped:
    """method -> problem -> the areas of its runs, negative: lower is better."""
    return {method: {problem: (-runs).ravel().tolist() for (problem, _), runs in cells.items()}
            for method, cells in fixed_target.areas(records).items()}


def summary(found: Areas, records: Records) -> str:
    """Per method the area by dimension and over all with its interval, ranks over problems, and how its runs end."""
    dimensions = sorted({dimension for _, dimension in next(iter(found.values()))})
    ranks, rows = fixed_target.ranks(found), []
    for method in sorted(found, key=lambda method: -fixed_target.mean(found[method])):
        cells, rank = found[method], list(ranks[method].values())
        low, high = fixed_target.interval(fixed_target.redrawn(cells))
        met = [float(Goal.of(record).met(values[-1])) for record in records if record["task"]["method"] == method
               for instance in fixed_target.steps(record) for _, values in instance]
        rows.append([
            method, *(f"{fixed_target.mean(fixed_target.of_dimension(cells, d)):.3f}" for d in dimensions),
            f"{fixed_target.mean(cells):.3f} ({low:.3f} to {high:.3f})", f"{np.mean(rank):.1f}", str(max(rank)),
            f"{np.mean(met):.2f}", f"{np.mean(np.array(met) == 1):.2f}", str(len(met))])
    return markdown.table(["method", *(f"d={dimension}" for dimension in dimensions), "all (95%)", "mean rank",
                           "worst rank", "targets met at the end", "optimum at the end", "runs"], rows)


def by_problem(found: Areas) -> str:
    """The area per problem, mean over dimensions, the largest in bold, and the rank of ours."""
    ranks, rows = fixed_target.ranks(found), []
    for problem in ranks[next(iter(found))]:
        areas = [f"{fixed_target.mean(fixed_target.of_problem(cells, problem)):.3f}" for cells in found.values()]
        rows.append([problem, *(f"**{area}**" if ranks[method][problem] == 1 else area
                                for method, area in zip(found, areas, strict=True)),
                     *([str(ranks[OURS][problem])] if OURS in found else [])])
    return markdown.table(["problem", *found, *([f"rank of {OURS}"] if OURS in found else [])], rows)


def running_times(found: Areas, records: Records, dimension: int) -> str:
    """ERT of the optimum per problem, empty where no run found it."""
    times = {(record["task"]["method"], record["task"]["problem"]): fixed_target.expected_running_time(record)
             for record in records if record["task"]["dimension"] == dimension}
    return markdown.table(["problem", *found], (
        [problem, *(f"{time:,.0f}" if np.isfinite(time := times[method, problem]) else "" for method in found)]
        for problem in dict.fromkeys(problem for _, problem in times)))


def draw(by_noise: dict[float, tuple[Areas, Records]], path: Path) -> None:
    """The mean fraction of targets met against evaluations by variable, over all problems; a panel a noise."""
    figure, axes = plots.figure(1.6 + 4 * len(by_noise), 3.9, ncols=len(by_noise), sharey=True, squeeze=False)
    x = np.geomspace(0.1, 100, 80)
    overall = {method: np.mean([fixed_target.mean(areas[method]) for areas, _ in by_noise.values()])
               for method in next(iter(by_noise.values()))[0]}
    best = sorted(overall, key=lambda method: (method != OURS, -overall[method]))[:DRAWN]
    for axis, (noise, (_, records)) in zip(axes[0], by_noise.items(), strict=True):
        for method in (method for method in METHODS if method in best):
            curves = [np.mean([Goal.of(record).curve(*run, x * record["task"]["dimension"])
                               for instance in fixed_target.steps(record) for run in instance], axis=0)
                      for record in records if record["task"]["method"] == method]
            axis.plot(x, np.mean(curves, axis=0), label=method, **{**plots.style(method), "marker": None})
        plots.log_axis(axis, (0.1, 1, 10, 100))
        axis.set(xlabel="evaluations / d", title=_title(noise))
        axis.grid(alpha=0.3)
    axes[0, 0].set_ylabel("fraction of targets met")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def pages(results: Path, suffix: str = "") -> list[Page]:
    """A page a mode that has been run."""
    found = []
    for name, mode in MODES.items():
        file = f"pbo_{name}{suffix}"
        if file not in store.names(results):
            continue
        by_noise: dict[float, tuple[Areas, Records]] = {}
        for noise, records in _by_noise(store.records(results / file)).items():
            areas = fixed_target.areas(records)
            by_noise[noise] = areas, [record for record in records if record["task"]["method"] in areas]
        found.append(Page(file, {file: f"python -m benchmarks.pbo {name}"},
                          [claim for noise, (areas, _) in by_noise.items() for claim in claims(noise, areas)],
                          tables(by_noise), partial(draw, by_noise), caps(mode)))
    return found


def tables(by_noise: dict[float, tuple[Areas, Records]]) -> dict[str, str]:
    """The first of one noise, or both noises' areas beside each other; then all of them."""
    found = {}
    if len(by_noise) > 1:
        every = [areas for areas, _ in by_noise.values()]
        ranks, rows = [fixed_target.ranks(areas) for areas in every], []
        for method in sorted(every[0], key=lambda method: -fixed_target.mean(every[0][method])):
            rows.append([method])
            for areas, each in zip(every, ranks, strict=True):
                low, high = fixed_target.interval(fixed_target.redrawn(areas[method]))
                rank = np.mean(list(each[method].values()))
                rows[-1] += [f"{fixed_target.mean(areas[method]):.3f} ({low:.3f} to {high:.3f})", f"{rank:.1f}"]
        found["Area under the curve of targets met, 1 is the optimum at once"] = markdown.table(
            ["method", *(f"{_title(noise)}: {what}" for noise in by_noise for what in ("area (95%)", "mean rank"))],
            rows)
    for noise, (areas, records) in by_noise.items():
        found[f"Areas, {_title(noise)}"] = summary(areas, records)
        found[f"Areas by problem, {_title(noise)}"] = by_problem(areas)
        if not noise:
            for dimension in sorted({record["task"]["dimension"] for record in records}):
                found[f"Expected running time to the optimum, d={dimension}"] = running_times(areas, records, dimension)
    return found


def claims(noise: float, areas: Areas) -> list[Claim]:
    """The bars, if ours is among several that have run."""
    if OURS not in areas or len(areas) == 1:
        return []
    rival = max((method for method in areas if method != OURS), key=lambda method: fixed_target.mean(areas[method]))
    ours, theirs = (fixed_target.redrawn(areas[method], seed=i) for i, method in enumerate((OURS, rival)))
    low, high = fixed_target.interval(ours - theirs)
    margin = fixed_target.mean(areas[OURS]) - fixed_target.mean(areas[rival])
    apart = fixed_target.interval(ours)[0] > fixed_target.interval(theirs)[1]
    found = [Claim(f"{_title(noise)}: `{OURS}` has the largest area of all {len(areas)} compared"
                   + (", by a clear margin" if noise else ""), apart if noise else margin > 0,
                   f"{fixed_target.mean(areas[OURS]):.3f} against {fixed_target.mean(areas[rival]):.3f} of {rival}, "
                   f"difference {margin:+.3f} ({low:+.3f} to {high:+.3f})", (OURS,))]
    if not noise:
        ranks = fixed_target.ranks(areas)[OURS]
        missed = [f"{problem} ({rank})" for problem, rank in ranks.items() if rank > 3]
        found.append(Claim("noise-free: on no problem worse than third", not missed,
                           f"in the first three on {len(ranks) - len(missed)} of {len(ranks)}"
                           + (f"; not on {', '.join(missed)}" if missed else ""), (OURS,)))
    return found


def _by_noise(records: Records) -> dict[float, Records]:
    found: dict[float, Records] = {}
    for record in records:
        found.setdefault(record["task"]["noise"], []).append(record)
    return found


def _title(noise: float) -> str:
    return f"noise {'d' if noise == 1 else f'd/{1 / noise:g}'}" if noise else "noise-free"


def caps(mode: Mode) -> str:
    """How much is run, and of the slow methods."""
    def words(runs: dict[int, tuple[int, int]]) -> str:
        return ", ".join(f"{instances} x {repeats} at d={d}" for d, (instances, repeats) in runs.items())
    return f"Instances x runs: {words(mode.runs)}; " + "; ".join(
        f"{method} capped to {words(runs)}" for method, runs in mode.capped.items()) + "."


def main() -> None:
    parser = store.parser("pbo", __doc__)
    parser.add_argument("mode", choices=[*MODES, "all"])
    parser.add_argument("--methods", nargs="+", choices=(*METHODS, *ABLATED), metavar="METHOD",
                        help="of " + ", ".join(METHODS) + ", or with --ablate variants of ours")
    parser.add_argument("--ablate", action="store_true", help="ours, and ours with one mechanism taken out")
    parser.add_argument("--log", type=Path, metavar="FOLDER", help="have ioh log what is measured, for IOHanalyzer")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    parser.add_argument("--quick", action="store_true", help="three problems and methods, d=9")
    options = parser.parse_args()
    suffix = "_quick" if options.quick else ""
    for name in MODES if options.mode == "all" else (options.mode,):
        mode, methods = MODES[name], options.methods or METHODS
        if options.ablate:
            mode, suffix = ABLATED_MODES[name], "_ablation"
            methods = options.methods or (OURS, *(method for method, entry in ABLATED.items()
                                                  if name in (entry.only or MODES)))
        if options.quick:
            mode, methods = replace(mode, runs={9: (1, 2)}, problems=PROBLEMS[:3]), QUICK
        if not options.stored:
            store.measure(options.out / f"pbo_{name}{suffix}", partial(pseudo_boolean.run, log=options.log),
                          tasks(mode, methods), packages=("numpy", "ioh"), **store.how(options))
    for page in [] if options.ablate else pages(options.out, suffix):
        page.draw(options.out / f"{page.name}.png")
        print(f"## {page.name}\n\n{page.summary()}\n")
        for claim in page.claims:
            print(f"{'met' if claim.met else 'MISSED'}: {claim.text}: {claim.figure}")


if __name__ == "__main__":
    main()
