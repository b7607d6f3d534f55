"""Which networks to train: regret against compute on grounds whose every network has been trained.

    python -m benchmarks.one_shot.trainings            every ground of which trainings are stored; an hour
    python -m benchmarks.one_shot.trainings --ground images
    python -m benchmarks.one_shot.trainings --stored   what the stored runs say
    python -m benchmarks.one_shot.trainings --quick    a check of the whole path

The strategies are those of `spending`. A run is given one supernet and looks up one seed of trainings; what it would
return at a budget is judged by the other seeds, so that no truth leaks: by the accuracy of a full training.
"""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from asng_core.arrays import Floats

from .. import store
from ..analysis import markdown, plots, scores
from ..page import Claim, Page
from ..rivals import FIDELITIES
from . import lookups, side_by_side
from .grounds import GROUNDS, LEFT_OUT
from .grounds.curves import SEEDS
from .grounds.ground import TESTED
from .lookups import PRESENT, Book, Known, Spent
from .spending import OURS, PLANNED, RIVAL, STRATEGIES, parts, strategies

NAME, RUNS = "one_shot_trainings", 20
BUDGETS = (0.5, 1, 2, 4, 8, 16, 32)  # in trainings of a mean network
SLOW = {"SMAC3 multi-fidelity": 0, "ASHABORE": 0}  # runs; half a minute each
FROM, SURE, LATE, SHARE = 2, (8, 16), (8, 16, 32), 0.02


def run(ground: str, method: str, number: int, seed: int, budgets: list[float]) -> dict[str, Any]:
    """Of each budget the network that is returned, in words. number: of the supernet; seed: that is looked up."""
    torch.set_num_threads(1)  # the processes are the parallelism
    known, weights = lookups.known(ground), lookups.shared(ground)[number]
    returned: list[str] = []
    for together in [[budget] for budget in budgets] if method in PLANNED else [budgets]:
        book = Book(known, weights, seed, max(together) * known.unit, number)
        with suppress(Spent):
            STRATEGIES[method](book, number)
        returned += [known.words[book.returned(budget * known.unit)] for budget in together]
    return {"returned": returned}


def tasks(grounds: list[str], *, quick: bool = False) -> list[dict[str, Any]]:
    """A run of all strategies after the other."""
    budgets, runs = ((1, 4), 3) if quick else (BUDGETS, RUNS)
    return [{"ground": ground, "method": name, "number": number, "seed": number % SEEDS,
             "budgets": list(budgets)} for ground in grounds for number in range(runs)
            for name in strategies(1 if ground == PRESENT else len(TESTED)) if number < SLOW.get(name, runs)]


class Judged:
    """Of one ground the `regrets` and `ranks` of each strategy `(n_runs, n_budgets)`, by run."""

    def __init__(self, records: list[dict[str, Any]], known: Known) -> None:
        self.budgets: list[float] = records[0]["task"]["budgets"]
        self.n, self.ceiling = len(known.words), known.ceiling()
        found: dict[str, list[list[tuple[float, int]]]] = {}
        for record in sorted(records, key=lambda record: int(record["task"]["number"])):
            found.setdefault(record["task"]["method"], []).append([
                known.judged(known.words.index(words), record["task"]["seed"])
                for words in record["result"]["returned"]])
        every = {name: np.array(found[name]) for name in STRATEGIES if name in found}
        self.regrets: dict[str, Floats] = {name: each[:, :, 0] for name, each in every.items()}
        self.ranks: dict[str, Floats] = {name: each[:, :, 1] for name, each in every.items()}

    def difference(self, name: str, budget: float) -> tuple[float, float, float]:
        """Regret of ours minus its own, of the runs that both have: mean and 95% interval."""
        ours, theirs = (self.regrets[each][:, self.budgets.index(budget)] for each in (OURS, name))
        return scores.paired_bootstrap({"": ours.tolist()}, {"": theirs.tolist()})

    def differences(self, budget: float) -> dict[str, tuple[float, float, float]]:
        return {name: self.difference(name, budget) for name in self.regrets if name != OURS}

    def among(self, budgets: tuple[float, ...]) -> list[float]:
        return [budget for budget in budgets if budget in self.budgets]


def claims(grounds: dict[str, Judged]) -> list[Claim]:
    """Each on every ground."""
    first = next(iter(grounds.values()))
    late, sure = first.among(LATE), first.among(SURE)
    each = {name: judged.differences for name, judged in grounds.items()}

    def better(name: str) -> str:
        """The budgets at which others have less mean regret, and who has the least."""
        found = []
        for budget in (budget for budget in first.budgets if budget >= FROM):
            gaps = each[name](budget)
            worst = max(gaps, key=lambda rival: gaps[rival][0])
            if gaps[worst][0] > 0:
                found.append(f"{budget:g} ({worst} by {gaps[worst][0]:.2f})")
        return ", ".join(found)

    def unsure(name: str) -> list[list[str]]:
        return [[rival for rival, (_, _, high) in each[name](budget).items() if high >= 0] for budget in sure]

    gaps = {name: [judged.difference(RIVAL, budget) for budget in late] for name, judged in grounds.items()}
    at = first.budgets.index(16 if 16 in first.budgets else first.budgets[-1])
    ranks = {name: float(np.median(judged.ranks[OURS][:, at])) for name, judged in grounds.items()}
    return [
        Claim(f"from {FROM} trainings on no strategy has less mean regret at any budget, on any ground",
              not any(map(better, grounds)),
              "; ".join(f"{name}: at {better(name)}" if better(name) else f"{name}: none" for name in grounds)),
        Claim(f"{_list(sure)} trainings: ahead of all strategies but at most one by more than chance",
              all(len(rivals) <= 1 for name in grounds for rivals in unsure(name)),
              "; ".join(f"{name}: not of {' / '.join(map(_named, unsure(name)))}" for name in grounds)),
        Claim(f"{_list(late)} trainings: less regret than the {RIVAL} of the uniform supernet, beyond chance at two; a "
              "median true rank within the best 2% at 16",
              all(all(gap[0] < 0 for gap in found) and sum(gap[2] < 0 for gap in found) >= 2
                  and ranks[name] <= SHARE * grounds[name].n for name, found in gaps.items()),
              "; ".join(f"{name}: {', '.join(scores.interval(*gap) for gap in found)}, rank {ranks[name]:g} of "
                        f"{grounds[name].n}" for name, found in gaps.items()))]


def _named(rivals: list[str]) -> str:
    return ", ".join(rivals) or "none" if len(rivals) < 4 else f"{len(rivals)} others"


def _list(budgets: list[float]) -> str:
    return " / ".join(f"{budget:g}" for budget in budgets)


def table_of(judged: Judged) -> str:
    rows = [[name, *(f"{regrets[:, i].mean():.2f} ({np.median(judged.ranks[name][:, i]):g})"
                     for i in range(len(judged.budgets))), str(len(regrets))]
            for name, regrets in judged.regrets.items()]
    return markdown.table(["strategy", *(f"{budget:g}" for budget in judged.budgets), "runs"], rows)


def differences(judged: Judged) -> str:
    return markdown.table(["strategy", *(f"{budget:g}" for budget in judged.budgets)], (
        [name, *(scores.interval(*judged.difference(name, budget)) for budget in judged.budgets)]
        for name in judged.regrets if name != OURS))


def shown(grounds: dict[str, Judged]) -> dict[str, str]:
    """The tables, caption -> Markdown."""
    found = {}
    for name, judged in grounds.items():
        left_out = ", left out while tuning" if name == LEFT_OUT else ""
        found[f"Ground `{name}`{left_out}: mean regret, and median true rank, by the budget in trainings"] = table_of(
            judged)
    for name, judged in grounds.items():
        found[f"Ground `{name}`: regret of {OURS} minus that of each (95%)"] = differences(judged)
    return found


def note(grounds: dict[str, Judged]) -> str:
    ceilings = [f"{judged.ceiling[0]:.2f} ({judged.ceiling[1]:g}) on {name}" for name, judged in grounds.items()]
    return ("Regret in standard deviations of a training. The ceiling, one training of every network known: "
            f"{'; '.join(ceilings)}.")


def judged_of(records: list[dict[str, Any]], results: Path) -> dict[str, Judged]:
    by_ground = {name: [record for record in records if record["task"]["ground"] == name] for name in GROUNDS}
    return {name: Judged(each, lookups.known(name, results)) for name, each in by_ground.items() if each}


def page_of(records: list[dict[str, Any]], results: Path, name: str) -> Page:
    grounds = judged_of(records, results)
    files = {each: "python -m benchmarks.one_shot.trainings" for each in store.names(results)
             if each in (NAME, lookups.SUPERNETS)}
    return Page(name, files, claims(grounds), shown(grounds), partial(draw, grounds), note(grounds))


def pages(results: Path, name: str = NAME) -> list[Page]:
    """`results` must hold the truths too."""
    return [page_of(store.records(results / name), results, name)]


def draw(grounds: dict[str, Judged], path: Path) -> None:
    """Mean regret against compute, a panel a ground."""
    figure, axes = plots.figure(3.2 * len(grounds) + 2.2, 3.9, ncols=len(grounds), squeeze=False)
    looks = {name: {"color": plots.HUES[i], "marker": "o^sDv<>Pp*X"[i % 11], "markersize": 4,
                    "linewidth": 2.5 if name == OURS else 1.2, "linestyle": "--" if name in FIDELITIES else "-"}
             for i, name in enumerate(STRATEGIES)}
    drawn = {}
    for (ground, judged), axis in zip(grounds.items(), axes[0], strict=True):
        for name, regrets in judged.regrets.items():
            (drawn[name],) = axis.plot(judged.budgets, regrets.mean(axis=0), label=name, **looks[name])
        drawn["ceiling"] = axis.axhline(judged.ceiling[0], color="grey", linewidth=1, linestyle=":", label="ceiling")
        plots.log_axis(axis, judged.budgets, "x")
        plots.log_axis(axis, (0.3, 0.5, 1, 2, 5, 10, 20), "y")
        axis.set(title=ground, xlabel="compute, in full trainings")
        axis.grid(alpha=0.3)
    axes[0, 0].set(ylabel="regret, deviations of a training")
    figure.legend(handles=list(drawn.values()), loc="outside right upper", fontsize=8, frameon=False)
    plots.save(figure, path)


def main() -> None:
    parser = store.parser("one_shot.trainings", __doc__)
    stored = [name for name in GROUNDS if name == PRESENT or f"one_shot_{name}" in store.names(store.RESULTS)]
    parser.add_argument("--ground", nargs="+", choices=stored, default=stored, metavar="GROUND",
                        help="of " + ", ".join(stored) + "; their trainings are measured by one_shot.truth and "
                             "one_shot.grounds.curves, their supernets by one_shot.supernets")
    parser.add_argument("--methods", nargs="+", choices=list(STRATEGIES), default=list(STRATEGIES), metavar="METHOD",
                        help="of " + ", ".join(STRATEGIES))
    parser.add_argument("--stored", action="store_true", help="measure nothing, show what is stored")
    parser.add_argument("--quick", action="store_true", help="3 runs up to 4 trainings: a check of the path")
    options = parser.parse_args()
    name = f"{NAME}{'_quick' * options.quick}"
    wanted = [task for task in tasks([PRESENT] if options.quick else options.ground, quick=options.quick)
              if task["method"] in options.methods]
    if not options.stored and not options.quick:
        store.measure(store.RESULTS / lookups.SUPERNETS, side_by_side.run, lookups.supernet_tasks(),
                      parts=side_by_side.parts, packages=("numpy", "torch"), jobs=options.jobs,
                      refresh=options.refresh)
    records = store.compared(options, name, run, wanted, parts=parts, packages=("numpy", "torch"))
    page_of(records, store.RESULTS, name).show(options.out, name)


if __name__ == "__main__":
    main()
