"""IOHprofiler's 25 pseudo-Boolean problems: evaluations until targets, noise-free and under additive noise.

  noise-free   a run ends at the optimum, else after 100 d evaluations; scored by the best point so far
  noisy        Gaussian noise of variance d/4 and d is added; scored by the true value of the recommended point

    python -m benchmarks.pbo noise-free                    every method, dimensions 16, 64 and 100; hours
    python -m benchmarks.pbo noisy --methods UMDA cGA      two methods, dimensions 16 and 64
    python -m benchmarks.pbo all --stored                  what the stored runs say
    python -m benchmarks.pbo noise-free --log FOLDER       with ioh's logs of what is measured, for IOHanalyzer
    python -m benchmarks.pbo all --quick                   a check of the whole path, seconds
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from . import fixed_target, pseudo_boolean, store
from .claims import Claim
from .fixed_target import Areas, Goal
from .pseudo_boolean import PROBLEMS
from .rivals import ENTRIES, OURS

METHODS = (OURS, "ASNG, plain", "SNG", "WA-ASNG", "cGA", "PBIL", "UMDA", "RLS", "(1+1) EA>0", "fast GA",
           "regularized evolution", "CatCMAwM", "nevergrad 1+1", "random search")
SHOWN = 9  # curves of a panel, the best and ours
SCORES = f"""\
Score: {fixed_target.N_TARGETS} targets per problem, equally spaced from the median of random points (from 0 for MIS and
NQueens, where those are infeasible) to the optimum; the area under the fraction of them met, over log(evaluations)
from 1 to 100 d: 1 is the optimum at once. Means over runs, then over problems and dimensions; 95 % intervals redraw
instances and runs (where there is one run, they are too narrow). ERT: the evaluations of all runs over the runs that
found the optimum. The optima are ioh's, but for LABS, NKLandscapes and ConcatenatedTrap, where it knows none or a wrong
one (`pseudo_boolean.OPTIMA`).
"""
NOISE = """\
every evaluation gets Gaussian noise of that variance; the true value of the recommended point counts (30 checkpoints).
The noise is the same whatever a problem's range: it drowns LABS and NKLandscapes and hardly touches Linear.
"""
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
QUICK = (OURS, "cGA", "RLS")


def tasks(mode: Mode, methods: Sequence[str]) -> Records:
    """The runs of a mode, those of a method on a problem together."""
    return [{"method": method, "problem": problem, "dimension": dimension, "instances": instances, "repeats": repeats,
             "noise": noise}
            for method in methods for noise in mode.noises
            for dimension, (instances, repeats) in mode.capped.get(method, mode.runs).items()
            for problem in mode.problems]


def summary(found: Areas, records: Records) -> str:
    """Per method the area by dimension and over all with its interval, ranks over problems, and how its runs end."""
    dimensions = sorted({dimension for _, dimension in next(iter(found.values()))})
    head = ["method", *(f"d={dimension}" for dimension in dimensions), "all (95 %)", "mean rank", "worst rank",
            "targets met at the end", "optimum at the end", "runs"]
    lines, ranks = [_row(head), _row(["---"] * len(head))], fixed_target.ranks(found)
    for method in sorted(found, key=lambda method: -fixed_target.mean(found[method])):
        cells, rank = found[method], list(ranks[method].values())
        low, high = fixed_target.interval(fixed_target.redrawn(cells))
        met = [float(Goal.of(record).met(values[-1])) for record in records if record["task"]["method"] == method
               for instance in fixed_target.steps(record) for _, values in instance]
        lines.append(_row([
            method, *(f"{fixed_target.mean(fixed_target.of_dimension(cells, d)):.3f}" for d in dimensions),
            f"{fixed_target.mean(cells):.3f} ({low:.3f} to {high:.3f})", f"{np.mean(rank):.1f}", str(max(rank)),
            f"{np.mean(met):.2f}", f"{np.mean(np.array(met) == 1):.2f}", str(len(met))]))
    return "\n".join(lines)


def by_problem(found: Areas) -> str:
    """The area per problem, mean over dimensions, the largest in bold, and the rank of ours."""
    ranks = fixed_target.ranks(found)
    head = ["problem", *found, *([f"rank of {OURS}"] if OURS in found else [])]
    lines = [_row(head), _row(["---"] * len(head))]
    for problem in ranks[next(iter(found))]:
        cells = [f"{fixed_target.mean(fixed_target.of_problem(cells, problem)):.3f}" for cells in found.values()]
        cells = [f"**{cell}**" if ranks[method][problem] == 1 else cell
                 for method, cell in zip(found, cells, strict=True)]
        lines.append(_row([problem, *cells, *([str(ranks[OURS][problem])] if OURS in found else [])]))
    return "\n".join(lines)


def running_times(found: Areas, records: Records, dimension: int) -> str:
    """ERT of the optimum per problem, empty where no run found it."""
    times = {(record["task"]["method"], record["task"]["problem"]): fixed_target.expected_running_time(record)
             for record in records if record["task"]["dimension"] == dimension}
    head = ["problem", *found]
    lines = [_row(head), _row(["---"] * len(head))]
    for problem in dict.fromkeys(problem for _, problem in times):
        cells = [times[method, problem] for method in found]
        lines.append(_row([problem, *(f"{cell:,.0f}" if np.isfinite(cell) else "" for cell in cells)]))
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def draw(panels: dict[str, Records], path: Path) -> None:
    """The ECDF over all problems against evaluations; title -> its records."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, len(panels), figsize=(1 + 4.2 * len(panels), 4.6), sharey=True, squeeze=False,
                                layout="constrained")
    for axis, (title, records) in zip(axes[0], panels.items(), strict=True):
        found = fixed_target.areas(records)
        best = sorted(found, key=lambda method: (method != OURS, -fixed_target.mean(found[method])))[:SHOWN]
        x = np.unique(np.geomspace(1, Goal.of(records[0]).budget, 100).round())
        for method in (method for method in METHODS if method in best):
            number = METHODS.index(method)  # a method has one colour and line throughout
            curves = [np.mean([Goal.of(record).curve(*run, x) for instance in fixed_target.steps(record)
                               for run in instance], axis=0)
                      for record in records if record["task"]["method"] == method]
            axis.plot(x, np.mean(curves, axis=0), label=method, color=f"C{number % 10}",
                      linestyle=("-", "--", ":", "-.")[number % 4], linewidth=2.5 if method == OURS else 1.3)
        axis.set(xscale="log", xlabel="evaluations", title=title)
        axis.grid(alpha=0.3)
        axis.legend(fontsize=8)
    axes[0, 0].set_ylabel("fraction of targets met")
    figure.savefig(path, dpi=130)
    plt.close(figure)


def blocks(results: Path, suffix: str = "") -> dict[str, str]:
    """The report's tables and pictures, of what is stored."""
    found = {}
    for name, mode in MODES.items():
        path = results / f"pbo_{name}{suffix}.json"
        for noise, records in _by_noise(path).items():
            areas = fixed_target.areas(records)
            title = _title(noise)
            records = [record for record in records if record["task"]["method"] in areas]
            dimensions = sorted({record["task"]["dimension"] for record in records})
            picture = path.with_name(f"{path.stem}_{noise:g}.png") if noise else path.with_suffix(".png")
            draw({f"d={d}": [record for record in records if record["task"]["dimension"] == d] for d in dimensions},
                 picture)
            found[f"pbo {title}"] = "\n\n".join([
                f"{'Noise: ' + NOISE if noise else SCORES}{caps(mode)}", summary(areas, records), by_problem(areas),
                f"![ECDF](results/{picture.name})"])
            if not noise:
                found["pbo running times"] = "\n\n".join(
                    f"d={dimension}\n\n{running_times(areas, records, dimension)}" for dimension in dimensions)
    return found


def claims(results: Path, suffix: str = "") -> list[Claim]:
    """The bars."""
    found = []
    for name in MODES:
        path = results / f"pbo_{name}{suffix}.json"
        for noise, records in _by_noise(path).items():
            areas = fixed_target.areas(records)
            if OURS not in areas or len(areas) == 1:
                continue
            command = f"python -m benchmarks.pbo {name}"
            rival = max((method for method in areas if method != OURS),
                        key=lambda method: fixed_target.mean(areas[method]))
            ours, theirs = (fixed_target.redrawn(areas[method], seed=i) for i, method in enumerate((OURS, rival)))
            low, high = fixed_target.interval(ours - theirs)
            margin = fixed_target.mean(areas[OURS]) - fixed_target.mean(areas[rival])
            apart = fixed_target.interval(ours)[0] > fixed_target.interval(theirs)[1]
            found.append(Claim(
                f"Pseudo-Boolean problems, {_title(noise)}: the largest area of all compared"
                + (", by a clear margin" if noise else ""), apart if noise else margin > 0,
                f"{fixed_target.mean(areas[OURS]):.3f} against {fixed_target.mean(areas[rival]):.3f} of {rival}, "
                f"difference {margin:+.3f} ({low:+.3f} to {high:+.3f})", path.name, command, headline=True))
            if not noise:
                ranks = fixed_target.ranks(areas)[OURS]
                missed = [f"{problem} ({rank})" for problem, rank in ranks.items() if rank > 3]
                found.append(Claim(
                    "Pseudo-Boolean problems, noise-free: on no problem worse than third", not missed,
                    f"in the first three on {len(ranks) - len(missed)} of {len(ranks)}"
                    + (f"; not on {', '.join(missed)}" if missed else ""), path.name, command))
    return found


def _by_noise(path: Path) -> dict[float, Records]:
    found: dict[float, Records] = {}
    if path.exists():
        for record in json.loads(path.read_text())["records"]:
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
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS, metavar="METHOD",
                        help="of " + ", ".join(METHODS))
    parser.add_argument("--log", type=Path, metavar="FOLDER", help="have ioh log what is measured, for IOHanalyzer")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    parser.add_argument("--quick", action="store_true", help="three problems and methods, d=9")
    options = parser.parse_args()
    suffix = "_quick" if options.quick else ""
    for name in MODES if options.mode == "all" else (options.mode,):
        mode, methods = MODES[name], options.methods
        if options.quick:
            mode, methods = replace(mode, runs={9: (1, 2)}, problems=PROBLEMS[:3]), QUICK
        libraries = dict.fromkeys(library for method in methods if (library := ENTRIES[method].library))
        if not options.stored:
            store.measure(options.out / f"pbo_{name}{suffix}.json", partial(pseudo_boolean.run, log=options.log),
                          tasks(mode, methods), packages=("numpy", "ioh", *libraries), jobs=options.jobs,
                          restart=options.restart)
    for name, block in blocks(options.out, suffix).items():
        print(f"## {name}\n\n{block}\n")
    for claim in claims(options.out, suffix):
        print(f"{'met' if claim.met else 'MISSED'}: {claim.text}: {claim.figure}")


if __name__ == "__main__":
    main()
