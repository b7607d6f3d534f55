"""How well supernets rank networks, the best of them above all, by the way in which their weights are trained.

    python -m benchmarks.one_shot.supernets            about an hour of one core
    python -m benchmarks.one_shot.supernets --quick    a check of the whole path, half a minute

Every network of the grounds has been trained from scratch (`grounds.curves`): their mean test accuracy is the truth.
The ways are those of `sharing`, each with the same passes, made and settled on `images` before anything was run on the
ground that was left out.
"""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from asng_core import ranking
from asng_core.arrays import Floats

from .. import store
from ..analysis import markdown, plots, scores
from ..page import Claim, Page
from .found import by_seed, kendall
from .grounds import GROUNDS, LEFT_OUT
from .grounds.apart import SHARED
from .grounds.curves import Curves
from .sharing import APART, OPTIONS, UNIFORM, Shared

NAME, SEEDS, QUARTER, BAR = "one_shot_supernets", 20, 0.25, 0.30
CEILING = "one training of each"
MEASURED = ("images", LEFT_OUT)  # the other one has no trainings yet
WITHOUT = {(LEFT_OUT, "recalibrated")}  # it has no batch normalization
PASSES = 480  # which cost, with the judging of all networks, what two trainings do


def run(ground: str, option: str, seed: int, passes: int) -> dict[str, Any]:
    """`losses` of all networks in the order of `Ground.architectures`, processor seconds of training and `judging`."""
    torch.set_num_threads(1)  # the processes are the parallelism
    shared = Shared(GROUNDS[ground], seed, passes, APART.get(option, SHARED))
    started = time.process_time()
    judge = OPTIONS[option](shared)
    trained = time.process_time()
    losses = judge()
    return {"losses": losses.round(4).tolist(), "seconds": round(trained - started, 3),
            "judging": round(time.process_time() - trained, 3)}


def load(ground: str, option: str, path: Path = store.RESULTS / NAME) -> list[tuple[Floats, float]]:
    """By seed the losses of all networks, and the processor seconds until they were known."""
    return [(np.array(record["result"]["losses"]), record["result"]["seconds"] + record["result"]["judging"])
            for record in by_seed(store.records(path))
            if (record["task"]["ground"], record["task"]["option"]) == (ground, option)]


def tasks(*, quick: bool = False) -> list[dict[str, Any]]:
    """All seeds of an option after the other."""
    grounds, seeds, passes = (MEASURED[:1], 1, 20) if quick else (MEASURED, SEEDS, PASSES)
    return [{"ground": ground, "option": option, "seed": seed, "passes": passes} for ground in grounds
            for option in OPTIONS if (ground, option) not in WITHOUT for seed in range(seeds)]


class Ranked:
    """A ground, and how each kind of evidence ranks its networks.

    `found`: evidence -> `(n_seeds, 3)`: Kendall's tau over all and within the truly best quarter, and the true rank of
    the one that it holds for the best. `seconds` of each way, training and judging; `training`: of a full one.
    """

    def __init__(self, ground: str, path: Path, truths: Path) -> None:
        made, curves = GROUNDS[ground], Curves.load(ground, truths)
        self.truth, self.training = curves.means(), float(curves.seconds[:, :, -1].mean())
        runs = {option: runs for option in OPTIONS if (runs := load(ground, option, path))}
        self.seconds = {option: float(np.mean([seconds for _, seconds in each])) for option, each in runs.items()}
        self.found = {option: np.array([judged(losses, self.truth) for losses, _ in each])
                      for option, each in runs.items()}
        supernet = made.supernet(0)
        costs = np.array([supernet.cost(made.architecture(words)).multiply_adds for words in made.architectures])
        for name, losses in (("multiply-adds", -costs), ("fewer multiply-adds", costs)):
            self.found[name] = np.array([judged(losses, self.truth)])
            self.found[f"{UNIFORM}, {name}"] = np.array([
                judged(places(each) + places(losses), self.truth) for each, _ in runs[UNIFORM]])
        self.found[CEILING] = np.array([
            judged(-curves.accuracies[:, seed, -1], curves.means(but=seed))
            for seed in range(curves.accuracies.shape[1])])

    def mean(self, name: str, column: int) -> tuple[float, float, float]:
        """And its 95% interval over the seeds."""
        return scores.mean_interval({"": self.found[name][:, column].tolist()})

    def gain(self, name: str, column: int) -> tuple[float, float, float]:
        """Its difference from the uniformly trained supernets of the same seeds."""
        ours, theirs = (self.found[each][:, column].tolist() for each in (name, UNIFORM))
        return scores.paired_bootstrap({"": ours}, {"": theirs})

    @property
    def best(self) -> str:
        """What ranks the best quarter best without a training."""
        return max((name for name in self.found if name != CEILING), key=lambda name: self.mean(name, 1)[0])


def judged(losses: ArrayLike, truth: Floats) -> tuple[float, float, int]:
    guess, best = -np.asarray(losses), np.argsort(-truth, kind="stable")[: round(QUARTER * len(truth))]
    return kendall(guess, truth), kendall(guess[best], truth[best]), 1 + int((truth > truth[guess.argmax()]).sum())


def places(losses: ArrayLike) -> Floats:
    """`(n,)`, equals sharing theirs."""
    return ranking.midranks(ranking.ranks(np.asarray(losses, dtype=np.float64)))


def claims(ranked: dict[str, Ranked]) -> list[Claim]:
    settled, on_it = next(iter(ranked.items()))
    best, taus = on_it.best, {ground: each.mean(on_it.best, 1) for ground, each in ranked.items()}
    text = f"within the truly best quarter tau at least {BAR:.2f} without a training, by what is best on {settled}"
    figure = ", ".join(f"{scores.interval(*taus[ground], sign='')} on {ground}" if ground in taus else
                       f"{ground} is not trained yet" for ground in MEASURED)
    return [Claim(text, all(tau >= BAR for tau, _, _ in taus.values()), f"{best}: {figure}")]


def table(ranked: Ranked) -> str:
    rows = [[name, str(len(found)) if len(found) > 1 else "",
             f"{ranked.seconds[name]:.1f}" if name in ranked.seconds else "",
             *(scores.interval(*ranked.mean(name, column), sign="") for column in (0, 1)),
             scores.interval(*ranked.gain(name, 1)) if name not in (UNIFORM, CEILING) and len(found) > 1 else "",
             f"{np.median(found[:, 2]):.1f}"] for name, found in ranked.found.items()]
    return markdown.table(["evidence", "seeds", "processor s", "tau over all", "within the best quarter",
                           "minus uniform", "true rank, median"], rows)


def pages(results: Path, name: str = NAME, truths: Path | None = None) -> list[Page]:
    """Of the grounds whose trainings `truths`, else `results`, holds."""
    truths, grounds = truths or results, {record["task"]["ground"] for record in store.records(results / name)}
    trained = [ground for ground in MEASURED if f"one_shot_{ground}" in store.names(truths)]
    ranked = {ground: Ranked(ground, results / name, truths) for ground in trained if ground in grounds}
    files = {name: "python -m benchmarks.one_shot.supernets", **{
        f"one_shot_{ground}": f"python -m benchmarks.one_shot.grounds.curves {ground}" for ground in ranked}}
    note = "A full training takes " + ", ".join(f"{each.training:.1f} s on `{ground}`"
                                                for ground, each in ranked.items()) + "."
    return [Page(name, files, claims(ranked), {
        f"`{ground}`: Kendall's tau with the truth" + ", left out while the ways were settled" * (ground == LEFT_OUT):
        table(each) for ground, each in ranked.items()}, partial(draw, ranked), note)]


def draw(ranked: dict[str, Ranked], path: Path) -> None:
    """Tau within the best quarter, a panel a ground: the seeds, their mean and its interval."""
    names = list(dict.fromkeys(name for each in ranked.values() for name in each.found))
    figure, axes = plots.figure(3.2 * len(ranked) + 2, 0.27 * len(names) + 1, ncols=len(ranked), sharey=True,
                                squeeze=False)
    for axis, (ground, each) in zip(axes[0], ranked.items(), strict=True):
        for y, name in enumerate(names):
            if name in each.found:
                taus = each.found[name][:, 1]
                mean, low, high = each.mean(name, 1)
                axis.scatter(taus, np.full(len(taus), y), s=8, color="k", alpha=0.3, linewidths=0)
                axis.errorbar(mean, y, xerr=[[mean - low], [high - mean]], fmt="o", markersize=5,
                              color="C0" if name in each.seconds else "C1")
        axis.axvline(each.mean(UNIFORM, 1)[0], color="grey", linewidth=1)
        axis.axvline(BAR, color="grey", linestyle="--", linewidth=1)
        axis.set(title=ground, xlabel="Kendall's tau within the best quarter")
        axis.set_yticks(range(len(names)), names, fontsize=9)
        axis.grid(alpha=0.3, axis="x")
    axes[0, 0].invert_yaxis()
    plots.save(figure, path)


def main() -> None:
    parser = store.parser("one_shot.supernets", __doc__)
    parser.add_argument("--grounds", nargs="+", choices=MEASURED, default=list(MEASURED))
    parser.add_argument("--quick", action="store_true", help="1 seed, 20 passes: a check of the whole path")
    options = parser.parse_args()
    name, wanted = f"{NAME}{'_quick' * options.quick}", tasks(quick=options.quick)
    store.measure(options.out / name, run, [task for task in wanted if task["ground"] in options.grounds],
                  parts=lambda _: ("asng_torch",), packages=("numpy", "torch"), **store.how(options))
    (page,) = pages(options.out, name, store.RESULTS)
    page.show(options.out, name)


if __name__ == "__main__":
    main()
