"""One-shot strategies side by side: same supernet, data, seeds and number of passes, judged by the ground truth.

    python -m benchmarks.one_shot.side_by_side --data /usr/share/datasets/fashion-mnist    about 40 minutes on one core
    python -m benchmarks.one_shot.side_by_side --quick                 a check of the whole path, seconds

What the strategies are is in `strategies/`, the fixed designs in `designs.py`, the truth in `truth.py`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from .. import store
from ..analysis import markdown, plots, scores
from ..page import Claim, Page
from . import designs, space, strategies, truth
from .found import OURS, UNIFORM, Found, by_seed, found, own_ranks, taus
from .strategies.setup import Recipe, Setup

NAME, SEEDS = "one_shot_side_by_side", 10
MORE_COMPUTE = "uniform, exhaustive"
QUICK = {"steps": 20, "judged": 64}


def run(kind: str, seed: int, recipe: dict[str, Any] | None = None, epochs: int | None = None,
        data: str | None = None) -> dict[str, Any]:
    """Search by a strategy, train the uniform supernet, or train a fixed design; what it took."""
    torch.set_num_threads(1)  # the processes are the parallelism
    if epochs is not None:
        return {"accuracy": space.from_scratch(designs.network(kind, seed), seed, data, epochs)}
    setup = Setup(Recipe(**recipe or {}), seed)
    search: Callable[[Setup], str | None] = strategies.SEARCHES.get(kind, strategies.uniform.uniform)
    result = measured(partial(search, setup))
    result |= {"training_passes": setup.passes.training, "validation_passes": setup.passes.validation}
    if kind in (OURS, UNIFORM):
        judged = measured(lambda: setup.judge(space.architectures()).round(4).tolist())
        result |= {"losses": judged.pop("found"), "judging": judged}
    return result


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """What `work` found, its processor and wall time in seconds, and the process' peak memory in MB."""
    status, since = Path("/proc/self/status"), resource.getrusage(resource.RUSAGE_SELF)
    if status.exists():
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    wall = time.perf_counter()
    found = work()
    wall, used = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    peak = used.ru_maxrss
    if status.exists():
        peak = int(status.read_text().split("VmHWM:")[1].split()[0])
    seconds = used.ru_utime + used.ru_stime - since.ru_utime - since.ru_stime
    return {"found": found, "seconds": round(seconds, 2), "wall": round(wall, 2), "memory": round(peak / 1024)}


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    """Seed by seed."""
    recipe, epochs, seeds = ((QUICK, 1, 2) if quick else ({"steps": Recipe().steps}, space.EPOCHS, SEEDS))
    return [task for seed in range(seeds) for task in
            [*({"kind": kind, "seed": seed, "recipe": recipe} for kind in (*strategies.SEARCHES, UNIFORM)),
             *({"kind": kind, "seed": seed, "epochs": epochs} for kind in designs.DESIGNS)]]


def parts(task: dict[str, Any]) -> tuple[str, ...]:
    """Of asng, what a task depends on."""
    return "Minimizer" if task["kind"] == "HPO, Minimizer" else "ASNG", "asng_torch"


def compared(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference over the seeds and its 95% interval."""
    return scores.paired_bootstrap({"": list(ours)}, {"": list(theirs)})


def mean_interval(values: Sequence[float]) -> str:
    return scores.interval(*compared(values, [0.0] * len(values)), sign="")


def judged(words: str, seed: int, table: truth.Table) -> tuple[int, float, float]:
    """True rank, regret, and the accuracy of a training of that seed."""
    return table.rank(words), table.regret(words), table.accuracy(words, seed % table.accuracies.shape[1])


def fewer(runs: Sequence[Found], all_runs: Sequence[Found]) -> str:
    """Says so where some seeds have not been run."""
    return f" ({len(runs)} seeds)" if len(runs) < len(all_runs) else ""


def tables(records: Sequence[dict[str, Any]], table: truth.Table) -> dict[str, str]:
    """A row a strategy: what it found and what that took; then what ours is ahead by."""
    runs = found(records)
    quality = {name: np.array([judged(run.words, seed, table) for seed, run in enumerate(each)])
               for name, each in runs.items()}
    ours, rows, differences = quality[OURS], [], []
    for name, each in runs.items():
        theirs = quality[name]
        low, median, high = np.quantile(theirs[:, 0], [0.25, 0.5, 0.75])
        paired = [scores.interval(*compared(ours[:, i].tolist(), theirs[:, i].tolist()), decimals)
                  if name != OURS else "" for i, decimals in enumerate((1, 2, 4))]
        cost = {key: np.median([asdict(run)[key] for run in each]) for key in asdict(each[0]) if key != "words"}
        full = name + (" (more compute)" if name == MORE_COMPUTE else "") + fewer(each, runs[OURS])
        rows.append([full, f"{median:.1f} ({low:.1f} to {high:.1f})", f"{theirs[:, 1].mean():.2f}", paired[1],
                     f"{theirs[:, 2].mean():.4f}, {theirs[:, 2].std(ddof=1):.4f}",
                     f"{cost['training_passes']:.0f} + {cost['validation_passes']:.0f}", f"{cost['seconds']:.1f}"])
        differences.append([full, *paired, f"{cost['wall']:.1f}", f"{cost['memory']:.0f}"])
    for name in designs.DESIGNS:
        accuracies = [record["result"]["accuracy"] for record in by_seed(records) if record["task"]["kind"] == name]
        rows.append([name, "", "", "", f"{np.mean(accuracies):.4f}, {np.std(accuracies, ddof=1):.4f}"])
        differences.append([name, "", "", scores.interval(*compared(ours[:, 2].tolist(), accuracies), 4)])
    return {"What each strategy finds": markdown.table(
                ["strategy", "true rank: median (quartiles)", "regret", "regret, ASNG minus it (95%)",
                 "accuracy: mean, std", "passes: training + validation", "processor s"], rows),
            "ASNG minus it, paired by seed (95%)": markdown.table(
                ["strategy", "rank", "regret", "accuracy", "its wall s", "its peak MB"], differences)}


def note(records: Sequence[dict[str, Any]], table: truth.Table) -> str:
    """How well the supernets rank, and how well ours ranks on its own."""
    trained = [f"{mean_interval(taus(records, kind, table))}, within the truly best quarter "
               f"{mean_interval(taus(records, kind, table, 0.25))}, by {which}" for kind, which in (
                   (UNIFORM, "the uniformly trained supernet"), (OURS, "the one that ASNG's search has trained"))]
    own = own_ranks(records)
    return (f"{len(own)} seeds; rank among {len(table)} networks, regret in standard deviations of a training "
            f"({table.seed_std:.4f}). Kendall's tau with the truth, of the ranking of all networks: "
            f"{'; '.join(trained)}. Among all networks on its own supernet's weights, ASNG's ranks "
            f"{np.median(own):.1f} (median; {', '.join(map(str, sorted(own)))}).")


def pages(results: Path, name: str = NAME) -> list[Page]:
    """`results` must hold the truth too."""
    records, table = store.records(results / name), truth.Table.load(results / truth.NAME)
    return [Page(name, {name: "python -m benchmarks.one_shot.side_by_side --data FOLDER"}, claims(records, table),
                 tables(records, table), partial(draw, records, table), note(records, table))]


def claims(records: Sequence[dict[str, Any]], table: truth.Table) -> list[Claim]:
    runs = found(records)
    ranks = [table.rank(run.words) for run in runs[OURS]]
    regrets = {name: [table.regret(run.words) for run in each] for name, each in runs.items() if name != MORE_COMPUTE}
    against = {name: compared(regrets[OURS], theirs) for name, theirs in regrets.items()
               if name.partition(",")[0] != OURS}
    ahead = [name for name, (_, _, high) in against.items() if high < 0]
    least = max(against, key=lambda name: against[name][0])
    tau = taus(records, UNIFORM, table)
    bar, median = 0.05 * len(table), float(np.median(ranks))
    return [
        Claim(f"median true rank of ASNG's network in the best 5% (at most {bar:.1f} of {len(table)})", median <= bar,
              f"{median:.1f}; ranks {', '.join(map(str, sorted(ranks)))}"),
        Claim("ASNG better than every other strategy at equal compute, intervals of the paired difference apart from 0",
              len(ahead) == len(against), f"regret: ahead of {', '.join(ahead) or 'none'}, of {len(against)}; least of "
              f"{least}{fewer(runs[least], runs[OURS])}, {scores.interval(*against[least])}"),
        Claim("Kendall's tau of the uniformly trained supernet at least 0.5", float(np.mean(tau)) >= 0.5,
              mean_interval(tau))]


def draw(records: Sequence[dict[str, Any]], table: truth.Table, path: Path) -> None:
    """The true ranks that each strategy found."""
    runs = found(records)
    figure, axis = plots.figure(7, 0.32 * len(runs) + 1)
    ranks = [[table.rank(run.words) for run in each] for each in runs.values()]
    axis.boxplot(ranks, orientation="horizontal", showfliers=False, medianprops={"color": "C0", "linewidth": 2})
    for height, each in enumerate(ranks, 1):
        axis.scatter(each, height + np.linspace(-0.2, 0.2, len(each)), s=12, color="k", alpha=0.5, linewidths=0)
    axis.axvline(0.05 * len(table), color="grey", linestyle="--", linewidth=1, label="best 5%")
    plots.log_axis(axis, (1, 3, 10, 30, 100, 250))
    axis.set(xlabel=f"true rank of {len(table)}", yticks=range(1, len(runs) + 1), yticklabels=list(runs))
    axis.invert_yaxis()
    axis.grid(alpha=0.3, axis="x")
    axis.legend(fontsize=8)
    plots.save(figure, path)


def main() -> None:
    parser = store.parser("one_shot.side_by_side", __doc__)
    parser.add_argument("--data", help="folder of the full Fashion-MNIST, whose test images judge the fixed designs")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 20 steps: a check of the whole path")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options = parser.parse_args()
    name, wanted = f"{NAME}{'_quick' * options.quick}", tasks(quick=options.quick)
    records = store.stored(options.out / name, wanted) if options.stored else store.measure(
        options.out / name, partial(run, data=options.data), wanted, parts=parts, packages=("numpy", "torch"),
        **store.how(options))
    table = truth.Table.load(store.RESULTS / truth.NAME)
    draw(records, table, options.out / f"{name}.png")
    print("\n\n".join([*tables(records, table).values(), note(records, table)]))


if __name__ == "__main__":
    main()
