"""One-shot strategies side by side: same supernet, data, seeds and number of passes, judged by the ground truth.

    python -m benchmarks.one_shot.side_by_side --data /usr/share/datasets/fashion-mnist    about 40 minutes on one core
    python -m benchmarks.one_shot.side_by_side --quick                 a check of the whole path, seconds

What the strategies are is in `strategies.py`, the fixed designs in `designs.py`, the truth in `truth.py`.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import store
from ..claims import Claim
from ..scores import paired_bootstrap
from . import designs, space, strategies, truth

NAME, SEEDS, OURS = "one_shot_side_by_side", 10, "ASNG"
UNIFORM, MORE_COMPUTE = "uniform", "uniform, exhaustive"
QUICK = {"steps": 20, "judged": 64}
COMMAND = "python -m benchmarks.one_shot.side_by_side --data FOLDER"
Floats = NDArray[np.float64]


def run(kind: str, seed: int, recipe: dict[str, Any] | None = None, epochs: int | None = None,
        data: str | None = None) -> dict[str, Any]:
    """Search by a strategy, train the uniform supernet, or train a fixed design; what it took."""
    torch.set_num_threads(1)  # the processes are the parallelism
    if epochs is not None:
        return {"accuracy": space.from_scratch(designs.network(kind, seed), seed, data, epochs)}
    setup = strategies.Setup(strategies.Recipe(**recipe or {}), seed)
    search: Callable[[strategies.Setup], str | None] = strategies.SEARCHES.get(kind, strategies.uniform)
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
    recipe, epochs, seeds = ((QUICK, 1, 2) if quick else ({"steps": strategies.Recipe().steps}, space.EPOCHS, SEEDS))
    return [task for seed in range(seeds) for task in
            [*({"kind": kind, "seed": seed, "recipe": recipe} for kind in (*strategies.SEARCHES, UNIFORM)),
             *({"kind": kind, "seed": seed, "epochs": epochs} for kind in designs.DESIGNS)]]


def parts(task: dict[str, Any]) -> tuple[str, ...]:
    """Of asng, what a task depends on."""
    return "Minimizer" if task["kind"] == "HPO, Minimizer" else "ASNG", "asng_torch"


@dataclass(frozen=True)
class Found:
    """By one run: the architecture in words, and what it took."""

    words: str
    training_passes: int
    validation_passes: int
    seconds: float
    wall: float
    memory: float


def found(records: Sequence[dict[str, Any]]) -> dict[str, list[Found]]:
    """Strategy -> its runs by seed; those on the uniformly trained supernet look up the stored losses."""
    runs: dict[str, list[Found]] = {name: [] for name in (*strategies.SEARCHES, *strategies.ON_UNIFORM)}
    for record in by_seed(records):
        task, result = record["task"], record["result"]
        if task["kind"] in strategies.SEARCHES:
            runs[task["kind"]].append(Found(*(result[key] for key in (
                "found", "training_passes", "validation_passes", "seconds", "wall", "memory"))))
        elif task["kind"] == UNIFORM:
            for name in strategies.ON_UNIFORM:
                runs[name].append(looked_up(name, task, result))
    return {name: each for name, each in runs.items() if each}


def looked_up(name: str, task: dict[str, Any], result: dict[str, Any]) -> Found:
    """What a strategy would have found on the trained supernet, judging as many networks as it can afford."""
    recipe = strategies.Recipe(**task["recipe"])
    losses = dict(zip(space.architectures(), result["losses"], strict=True))
    judged = 0

    def judge(words: list[str]) -> Floats:
        nonlocal judged
        judged += len(words)
        return np.array([losses[each] for each in words])

    words = strategies.ON_UNIFORM[name](judge, recipe.affordable, task["seed"])
    share, judging = judged / len(losses), result["judging"]
    return Found(words, result["training_passes"], judged * recipe.judging_passes,
                 result["seconds"] + share * judging["seconds"], result["wall"] + share * judging["wall"],
                 max(result["memory"], judging["memory"]))


def by_seed(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda record: int(record["task"]["seed"]))


def taus(records: Sequence[dict[str, Any]], kind: str, table: truth.Table, share: float = 1.0) -> list[float]:
    """By seed, how that supernet's ranking of the truly best `share` of all networks agrees with the truth."""
    best = np.argsort(-table.means, kind="stable")[:round(share * len(table))]
    return [kendall(-np.array(record["result"]["losses"])[best], table.means[best]) for record in by_seed(records)
            if record["task"]["kind"] == kind]


def own_ranks(records: Sequence[dict[str, Any]]) -> list[int]:
    """By seed, the rank of ASNG's network among all by the losses on its own supernet's weights."""
    results = [record["result"] for record in by_seed(records) if record["task"]["kind"] == OURS]
    at = [result["losses"][space.architectures().index(result["found"])] for result in results]
    return [int((np.array(result["losses"]) < loss).sum()) + 1 for result, loss in zip(results, at, strict=True)]


def kendall(a: Floats, b: Floats) -> float:
    """Kendall's tau-b."""
    signs = [np.sign(np.subtract.outer(values, values)) for values in (a, b)]
    return float((signs[0] * signs[1]).sum() / np.sqrt(np.prod([np.abs(sign).sum() for sign in signs])))


def compared(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float, float]:
    """Mean difference over the seeds and its 95% interval."""
    return paired_bootstrap({"": list(ours)}, {"": list(theirs)})


def interval(difference: tuple[float, float, float], decimals: int) -> str:
    return "{:+.{d}f} ({:+.{d}f} to {:+.{d}f})".format(*difference, d=decimals)


def mean_interval(values: Sequence[float], decimals: int = 2) -> str:
    mean, low, high = compared(values, [0.0] * len(values))
    return f"{mean:.{decimals}f} ({low:.{decimals}f} to {high:.{decimals}f})"


def judged(words: str, seed: int, table: truth.Table) -> tuple[int, float, float]:
    """True rank, regret, and the accuracy of a training of that seed."""
    return table.rank(words), table.regret(words), table.accuracy(words, seed % table.accuracies.shape[1])


def fewer(runs: Sequence[Found], all_runs: Sequence[Found]) -> str:
    """Says so where some seeds have not been run."""
    return f" ({len(runs)} seeds)" if len(runs) < len(all_runs) else ""


def report(records: Sequence[dict[str, Any]], table: truth.Table) -> str:
    """All strategies in a row each."""
    runs = found(records)
    quality = {name: np.array([judged(run.words, seed, table) for seed, run in enumerate(each)])
               for name, each in runs.items()}
    ours = quality[OURS]
    lines = ["| strategy | true rank: median (quartiles) | regret | accuracy: mean, std | ASNG minus it: rank | "
             "regret | accuracy | passes: training + validation | processor s | wall s | peak MB |", "|---" * 11 + "|"]
    for name, each in runs.items():
        theirs = quality[name]
        low, median, high = np.quantile(theirs[:, 0], [0.25, 0.5, 0.75])
        differences = ["" if name == OURS else interval(compared(ours[:, i].tolist(), theirs[:, i].tolist()), decimals)
                       for i, decimals in enumerate((1, 2, 4))]
        medians = {key: np.median([asdict(run)[key] for run in each]) for key in asdict(each[0]) if key != "words"}
        lines.append("| " + " | ".join([
            name + (" (more compute)" if name == MORE_COMPUTE else "") + fewer(each, runs[OURS]),
            f"{median:.1f} ({low:.1f} to {high:.1f})",
            f"{theirs[:, 1].mean():.2f}", f"{theirs[:, 2].mean():.4f}, {theirs[:, 2].std(ddof=1):.4f}", *differences,
            f"{medians['training_passes']:.0f} + {medians['validation_passes']:.0f}",
            f"{medians['seconds']:.1f}", f"{medians['wall']:.1f}", f"{medians['memory']:.0f}"]) + " |")
    for name in designs.DESIGNS:
        accuracies = [record["result"]["accuracy"] for record in by_seed(records) if record["task"]["kind"] == name]
        lines.append(f"| {name} | | | {np.mean(accuracies):.4f}, {np.std(accuracies, ddof=1):.4f} | | | "
                     f"{interval(compared(ours[:, 2].tolist(), accuracies), 4)} | | | | |")
    trained = [f"{mean_interval(taus(records, kind, table))}, within the truly best quarter "
               f"{mean_interval(taus(records, kind, table, 0.25))}, by {which}" for kind, which in (
                   (UNIFORM, "the uniformly trained supernet"), (OURS, "the one that ASNG's search has trained"))]
    return "\n".join([
        *lines, "", f"{len(runs[OURS])} seeds; rank among {len(table)} networks, regret in standard deviations of a "
        f"training ({table.seed_std:.4f}); differences are means with 95% intervals, paired by seed.", "",
        "Kendall's tau with the truth, of the ranking of all networks: " + "; ".join(trained) + ".", "",
        f"Among all networks on its own supernet's weights, ASNG's ranks {np.median(own_ranks(records)):.1f} (median; "
        f"{', '.join(map(str, sorted(own_ranks(records))))})."])


def blocks(results: Path) -> dict[str, str]:
    """The table and its picture."""
    records, table = store.records(results / f"{NAME}.json"), truth.Table.load(results / f"{truth.NAME}.json")
    draw(records, table, results / f"{NAME}.png")
    return {"one-shot strategies": f"{report(records, table)}\n\n![ranks by strategy](results/{NAME}.png)"}


def claims(results: Path) -> list[Claim]:
    records, table = store.records(results / f"{NAME}.json"), truth.Table.load(results / f"{truth.NAME}.json")
    runs = found(records)
    ranks = [table.rank(run.words) for run in runs[OURS]]
    regrets = {name: [table.regret(run.words) for run in each] for name, each in runs.items() if name != MORE_COMPUTE}
    against = {name: compared(regrets[OURS], theirs) for name, theirs in regrets.items()
               if name.partition(",")[0] != OURS}
    tau = taus(records, UNIFORM, table)
    bar, median = 0.05 * len(table), float(np.median(ranks))
    return [
        Claim(f"Median true rank of ASNG's network in the best 5% (at most {bar:.1f} of {len(table)})", median <= bar,
              f"{median:.1f}; ranks {', '.join(map(str, sorted(ranks)))}", f"{NAME}.json", COMMAND),
        Claim("ASNG better than every other strategy at equal compute, intervals of the paired difference apart from 0",
              all(high < 0 for _, _, high in against.values()), "regret, ASNG minus: "
              + "; ".join(f"{name}{fewer(runs[name], runs[OURS])} {interval(difference, 2)}"
                          for name, difference in against.items()),
              f"{NAME}.json", COMMAND),
        Claim("Kendall's tau of the uniformly trained supernet at least 0.5", float(np.mean(tau)) >= 0.5,
              mean_interval(tau), f"{NAME}.json", COMMAND)]


def draw(records: Sequence[dict[str, Any]], table: truth.Table, path: Path) -> None:
    """The ranks that each strategy found; and the two supernets' losses against the truth, for the first seed."""
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    runs = found(records)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", width_ratios=(1.4, 1))
    ranks = [[table.rank(run.words) for run in each] for each in runs.values()]
    left.boxplot(ranks, orientation="horizontal", showfliers=False, medianprops={"color": "C0", "linewidth": 2})
    for height, each in enumerate(ranks, 1):
        left.scatter(each, height + np.linspace(-0.2, 0.2, len(each)), s=12, color="k", alpha=0.5, linewidths=0)
    left.axvline(0.05 * len(table), color="grey", linestyle="--", linewidth=1, label="best 5%")
    left.set(xscale="log", xlabel=f"true rank of {len(table)}", yticks=range(1, len(runs) + 1), yticklabels=list(runs))
    left.invert_yaxis()
    left.grid(alpha=0.3, axis="x")
    left.legend(fontsize=8)
    for kind, marker in ((UNIFORM, "o"), (OURS, "^")):
        losses = next(record["result"]["losses"] for record in by_seed(records) if record["task"]["kind"] == kind)
        right.scatter(losses, table.means, s=10, marker=marker, alpha=0.6, linewidths=0,
                      label=f"{kind}, tau {taus(records, kind, table)[0]:.2f}")
    right.set(xlabel="validation loss on the supernet's weights", ylabel="accuracy trained from scratch", xscale="log")
    right.legend(title="supernet trained by", fontsize=8)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main() -> None:
    parser = store.parser("one_shot.side_by_side", __doc__)
    parser.add_argument("--data", help="folder of the full Fashion-MNIST, whose test images judge the fixed designs")
    parser.add_argument("--quick", action="store_true", help="2 seeds, 20 steps: a check of the whole path")
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    options = parser.parse_args()
    path, wanted = options.out / f"{NAME}{'_quick' * options.quick}.json", tasks(quick=options.quick)
    records = store.stored(path, wanted) if options.stored else store.measure(
        path, partial(run, data=options.data), wanted, parts=parts, packages=("numpy", "torch"),
        jobs=options.jobs, restart=options.restart)
    table = truth.Table.load(store.RESULTS / f"{truth.NAME}.json")
    draw(records, table, path.with_suffix(".png"))
    print(report(records, table))


if __name__ == "__main__":
    main()
