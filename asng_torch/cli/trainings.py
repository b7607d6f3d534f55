"""The second half of `python -m asng_torch search --trainings N`: what it trains, and what it leaves."""

from __future__ import annotations

import shutil
import sys
from concurrent.futures import BrokenExecutor, Executor
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..search.search import Search
from ..staged.jobs import Trained
from ..staged.staged import Staged
from ..staged.trainer import lengths
from ..supernet.architecture import save_architecture
from .arguments import CommandError
from .folder import ARCHITECTURE, Found, write_json
from .page import in_words, write_page
from .recipe import Recipe
from .workers import Training, processes

TRAININGS = "trainings"  # folder of the networks, in the run folder


def spend(recipe: Recipe, search: Search, out: Path, *, workers: int, resume: bool) -> None:
    """Train as the configuration says, and leave the best network; exits with 130 if interrupted."""
    try:
        with processes(workers, recipe.device) as executor:
            staged = _train(recipe, search, out, executor=executor, n_workers=workers, resume=resume)
    except KeyboardInterrupt:
        print(f"\nInterrupted. What was trained before is saved; go on with\n"
              f"  python -m asng_torch search --out {out} --resume")
        sys.exit(130)
    except BrokenExecutor as error:
        raise CommandError(f"a process that trained has died: {error} What was trained before is saved; go on by "
                           "--resume, with fewer --workers if memory was short") from error
    except OSError as error:
        raise CommandError(f"--out: {error}. What was trained before is saved; go on by --resume once it can be "
                           "written to") from error
    best = staged.best
    if best is None:
        raise CommandError("no training came to its end with a finite loss. Lower the learning rate of the preset")
    shutil.copyfile(best.weights, out / "network.safetensors")
    found = found_in(search, recipe.config.space, best)
    save_architecture(out / ARCHITECTURE, *found)
    recipe.space.draw(found.architecture, out)
    write_page(out, found)
    print(f"The best of {sum(each.epochs == best.epochs for each in staged.trained)} networks trained in full, of a "
          f"validation loss of {best.loss:.4g}:\n{in_words(best.architecture)}\nIts weights are in "
          f"{out / 'network.safetensors'}{_others(search, staged)}. Next:\n  python -m asng_torch evaluate --out {out}")


def _train(recipe: Recipe, search: Search, out: Path, *, executor: Executor | None, n_workers: int,
           resume: bool) -> Staged:
    """The staged search, once its budget is spent."""
    folder, n = out / TRAININGS, recipe.config.trainings
    train = recipe.trainer() if executor is None else Training(out, recipe.device)
    try:
        staged = Staged.after(
            search, train, trainings=n or 0, epochs=lengths(recipe.preset.retrain.epochs), folder=folder,
            seed=recipe.config.seed, executor=executor, n_workers=n_workers,
            resume=resume and any(folder.glob("staged.safetensors")))
    except ValueError as error:
        raise CommandError(f"--trainings: {error}") from error
    print(f"Training networks of {staged.epochs[-1]} epochs, or the first {' or '.join(map(str, staged.epochs[:-1]))} "
          f"of them, as many as {n} full trainings allow." if len(staged.epochs) > 1 else
          f"Training {n} networks of {staged.epochs[-1]} epochs.")
    _tell(staged, out)
    with tqdm(total=n, initial=round(staged.spent, 2), desc="train", unit="training") as bar:
        for _ in staged:
            if staged.best is not None:
                bar.set_postfix_str(f"best loss {staged.best.loss:.4g}", refresh=False)
            bar.update(round(staged.spent - bar.n, 2))
            _tell(staged, out)
    return staged


def _others(search: Search, staged: Staged) -> str:
    """Of several limits, where the network within each is."""
    if len(search.budgets) == 1:
        return ""
    return "; within each limit " + ", ".join(
        f"{budget.limit:g}: none" if each is None else f"{budget.limit:g}: {each.weights} ({each.loss:.4g})"
        for budget, each in zip(search.budgets, staged.front(), strict=True))


def found_in(search: Search, space: str, best: Trained) -> Found:
    """What architecture.json says of the best network trained after a search."""
    cost = search.supernet.cost(best.architecture)
    return Found(space, best.architecture, {
        "step": search.step, "steps": search.steps, "entropy": search.optimizer.entropy, "parameters": cost.parameters,
        "multiply_adds": cost.multiply_adds, "epochs": best.epochs, "validation_loss": best.loss})


def _tell(staged: Staged, out: Path) -> None:
    """trainings.json: all networks, what would be derived now, and how sure that is."""
    estimate = staged.estimate()
    write_json(out / "trainings.json", {
        "spent": staged.spent, "derived": staged.recommend(),
        "believed_loss": None if estimate is None else {"mean": estimate.mean, "deviation": estimate.deviation},
        "trust": {str(name): trust for name, trust in staged.trust().items()},
        "front": [_listed(each) for each in staged.front()], "trained": list(map(_listed, staged.trained))})


def _listed(trained: Trained | None) -> dict[str, Any] | None:
    return None if trained is None else {**asdict(trained), "weights": trained.weights.name}
