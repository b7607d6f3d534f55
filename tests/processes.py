"""One of two processes that search together, `main(RANK, FOLDER)`; what it saw goes into FOLDER.

The scenarios follow each other in the same two processes: a search that was stopped leaves them able to go on.
"""

import json
import os
import time
from datetime import timedelta

import numpy as np
import torch
from searches import build, build_enas, criterion
from torch import distributed, nn

from asng_core import ASNG
from asng_torch import LayerChoice, Search, Supernet
from asng_torch.data import TensorLoader


def group_norm():
    """No batch statistics, in float64: the gradient of a batch is the mean of those of its halves."""
    def conv(inputs):
        return nn.Sequential(nn.Conv2d(inputs, 4, 3, padding=1), nn.GroupNorm(2, 4), nn.ReLU())

    return nn.Sequential(conv(1), LayerChoice({"conv": conv(4), "skip": nn.Identity()}),
                         LayerChoice({"conv": conv(4), "skip": nn.Identity()}),
                         nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 3)).double()


def sharded(rank, world, steps=12, **options):
    """Batch i of all processes together holds the images of batch i of one process alone."""
    torch.manual_seed(rank)  # other weights on each process: those of process 0 count
    supernet = Supernet(group_norm())
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(64, 1, 8, 8, generator=generator, dtype=torch.float64)
    y = torch.randint(3, (64,), generator=generator)
    loaders = [TensorLoader(x[half], y[half], 8 // world, shard=(rank, world))
               for half in (slice(0, 32), slice(32, 64))]
    weights = torch.optim.SGD(supernet.parameters(), 0.1, momentum=0.9)
    return Search(supernet, ASNG(supernet.space, population_size=2, seed=rank), weights, criterion, *loaders,
                  steps=steps, **options)


def final(search):
    """Weights and theta, as numbers that JSON holds exactly."""
    return {"theta": search.optimizer.state_dict()["theta"].tolist(),
            "weights": torch.cat([each.detach().flatten() for each in search.judged.parameters()]).tolist()}


def error(run):
    """The error that `run` ends with, and the seconds until then."""
    started = time.perf_counter()
    try:
        run()
    except Exception as raised:
        return f"{type(raised).__name__}: {raised}", time.perf_counter() - started
    return None, time.perf_counter() - started


def equal(rank, folder):
    search, thetas = sharded(rank, 2, clip=1.0, ema=0.9), []
    records = []
    for record in search:
        records.append((record.train_loss, *record.valid_losses))
        thetas.append(search.optimizer.state_dict()["theta"].tolist())
    return {**final(search), "thetas": thetas, "records": records}


def enas(rank, folder):
    """Batch statistics, augmentation and two workers on each process's own share of the images."""
    search, thetas = build_enas(seed=rank, steps=6, shard=(rank, 2)), []
    losses = []
    for record in search:
        losses.append((record.train_loss, *record.valid_losses))
        thetas.append(search.optimizer.state_dict()["theta"].tolist())
    return {**final(search), "thetas": thetas, "records": losses}


def resumed(rank, folder):
    """Dropout draws from every process's own generator."""
    options = {"seed": rank, "optimizer": lambda space: ASNG(space, population_size=2, seed=0)}
    whole, broken = build(**options), build(**options)
    torch.manual_seed(100 + rank)
    list(whole)
    torch.manual_seed(100 + rank)
    for record in broken:
        if record.step == 5:
            broken.save(folder / "search")
            break
    again = build(**options)
    again.resume(folder / "search")
    list(again)
    return {"whole": final(whole), "again": final(again), "files": sorted(path.name for path in folder.glob("search*"))}


def skipped(rank, folder):
    """NaN on one process alone: neither moves."""
    search = sharded(rank, 2, steps=4)
    search.objective.criterion = lambda outputs, targets: criterion(outputs, targets) * (
        float("nan") if rank == 1 and search.step == 1 and torch.is_grad_enabled() else 1)
    list(search)
    return {**final(search), "skipped": search.n_skipped}


def diverging(rank, folder):
    search, steps = sharded(rank, 2), []

    def run():
        for record in search:
            steps.append(record.step)
            if rank == 1 and record.step == 3:
                search.optimizer.tell(search.optimizer.ask(2), [0.0, 1.0])

    message, seconds = error(run)
    return {"error": message, "seconds": seconds, "steps": steps}


def failing(rank, folder, where):
    search = sharded(rank, 2)

    def loss(outputs, targets):
        if rank == 1 and search.step == 3 and torch.is_grad_enabled() == (where == "training"):
            raise KeyError("a bug")
        return criterion(outputs, targets)

    search.objective.criterion = loss
    message, seconds = error(lambda: list(search))
    return {"error": message, "seconds": seconds, "step": search.step}


def unwritable(rank, folder):
    search = sharded(rank, 2)
    message, seconds = error(lambda: search.save(folder / "missing" / "search"))
    return {"error": message, "seconds": seconds}


def dying(rank, folder):
    """Without a word, as a process that is killed does."""
    search = sharded(rank, 2)

    def run():
        for record in search:
            if rank == 1 and record.step == 3:
                os._exit(1)

    message, seconds = error(run)
    return {"error": message, "seconds": seconds}


def main(rank, folder):
    torch.set_num_threads(1)
    np.seterr(all="raise")
    distributed.init_process_group("gloo", init_method=f"file://{folder / 'rendezvous'}", rank=rank, world_size=2,
                                   timeout=timedelta(seconds=60))
    found = {}
    for name, scenario in {"equal": equal, "enas": enas, "resumed": resumed, "skipped": skipped, "diverging": diverging,
                           "training": lambda *where: failing(*where, "training"),
                           "validating": lambda *where: failing(*where, "validating"),
                           "unwritable": unwritable, "dying": dying}.items():
        found[name] = scenario(rank, folder)
        (folder / f"{rank}.json").write_text(json.dumps(found))
    os._exit(0)  # the other is gone: nothing to take leave of
