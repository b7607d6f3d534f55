"""The second half of `python -m asng_torch search --trainings N`: what it trains, and what it leaves."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tqdm import tqdm

from ..search.search import Search
from ..staged.jobs import Trained
from ..staged.staged import Staged
from ..supernet.architecture import save_architecture
from .arguments import CommandError
from .folder import ARCHITECTURE, Found, write_json
from .page import in_words, write_page
from .recipe import Recipe

TRAININGS = "trainings"  # folder of the networks, in the run folder


def spend(recipe: Recipe, search: Search, out: Path, *, resume: bool) -> None:
    """Train as the configuration says, and leave the best network; exits with 130 if interrupted."""
    folder, n = out / TRAININGS, recipe.config.trainings
    try:
        staged = recipe.staged(search, folder, resume=resume and any(folder.glob("staged.safetensors")))
    except ValueError as error:
        raise CommandError(f"--trainings: {error}") from error
    print(f"Training networks of {staged.epochs[-1]} epochs, or the first {' or '.join(map(str, staged.epochs[:-1]))} "
          f"of them, as many as {n} full trainings allow." if len(staged.epochs) > 1 else
          f"Training {n} networks of {staged.epochs[-1]} epochs.")
    try:
        with tqdm(total=n, initial=round(staged.spent, 2), desc="train", unit="training") as bar:
            for _ in staged:
                bar.update(round(staged.spent - bar.n, 2))
                _tell(staged, out)
    except KeyboardInterrupt:
        print(f"\nInterrupted. What was trained before is saved; go on with\n"
              f"  python -m asng_torch search --out {out} --resume")
        sys.exit(130)
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
          f"{out / 'network.safetensors'}. Next:\n  python -m asng_torch evaluate --out {out}")


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
