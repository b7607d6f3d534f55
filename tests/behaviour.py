"""What seeded runs give, recorded, and two records compared to the bit: that a change of the code changed nothing.

    python tests/behaviour.py record before.npz     # at one commit
    python tests/behaviour.py record after.npz      # at another one, on the same machine
    python tests/behaviour.py compare before.npz after.npz

A scenario is a row of `SCENARIOS`. Only what is public is used, so that a record outlives any restructuring.
"""
# ruff: noqa: T201

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import hashlib
import io
import itertools
import json
import math
import os
import re
import runpy
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

import asng_core
from asng_core import ASNG, Boolean, Categorical, Integer, MeanStd, Minimizer, Ordinal, Real, Space

Row = dict[str, Any]  # name -> array, row, or what JSON can hold

# spaces and objectives

_STEPPED = {"op": Categorical(["conv", "pool", None]), "flag": Boolean(), "kernel": Ordinal([1, 3, 5, (7, 7)]),
            "width": Integer(16, 256, step=8), "depth": Integer(1, 1000, log=True), "rate": Real(0, 1, step=0.1),
            "decay": Real(0.001, 1, step=0.001, log=True), "constant": Integer(3, 3)}
_CONDITIONAL = {"op": Categorical(["conv", "pool", "skip"]), "kernel": Ordinal([1, 3, 5]), "dilated": Boolean(),
                "dilation": Integer(2, 9), "width": Integer(8, 256, log=True)}
_TARGETS = {"width": 96, "depth": 30, "rate": 0.7, "decay": 0.02, "x": 1.5, "speed": 0.003, "momentum": 0.9}
SPACES: dict[str, Callable[[], Space]] = {
    "categorical": lambda: Space.categorical([5] * 30),
    "binary": lambda: Space.binary(100),
    "tiny": lambda: Space.categorical([3, 4, 5]),
    "small": lambda: Space.categorical([3] * 8),
    "stepped": lambda: Space(_STEPPED),
    "mixed": lambda: Space({**_STEPPED, "x": Real(-5, 5), "speed": Real(1e-5, 1, log=True), "flat": Real(2, 2)}),
    "conditional": lambda: Space(_CONDITIONAL, active_if={
        "kernel": {"op": ["conv", "pool"]}, "dilated": {"op": ["conv"]},
        "dilation": [{"dilated": [True], "kernel": [3, 5]}, {"op": ["skip"]}]}),
    "conditional reals": lambda: Space(
        {"speed": Real(1e-4, 1, log=True), "kind": Categorical(["sgd", "adam"]), "momentum": Real(0, 1)},
        active_if={"momentum": {"kind": ["sgd"]}}),
    "constrained": lambda: Space(_STEPPED, constraints=[lambda point: point["width"] <= 96 or point["flag"]]),
    "constrained binary": lambda: Space(Space.binary(40).variables,
                                        constraints=[lambda point: sum(point.values()) <= 14]),
}


def distance(point: Mapping[str, Any], salt: str = "") -> float:
    """From targets where there are any; else each value of each name has a cost of its own."""
    terms = [abs(value - _TARGETS[name]) / (1 + abs(value)) if name in _TARGETS and not salt
             else zlib.crc32(f"{salt}{name} {value!r}".encode()) % 8 / 8 for name, value in point.items()]
    return sum(terms) + 0.5 * terms[0] * terms[-1]


LOSSES: dict[str, Callable[[Any], Any]] = {
    "distance": distance,
    "awkward": lambda point: (math.nan if point.id % 7 == 3 else math.inf if point.id % 11 == 5
                              else round(distance(point), 1)),
    "plateaus": lambda point: distance(point) // 1,
    "two": lambda point: [distance(point), distance(point, "other")],
    "three": lambda point: [distance(point, salt) for salt in ("", "other", "third")],
    "failing": lambda point: 1 / (point["op"] != "pool") + distance(point),
    "columns": lambda values: np.array([  # of a population at once
        distance({name: value for name, value in zip(values, row, strict=True) if value is not None})
        for row in zip(*(column.tolist() for column in values.values()), strict=True)]),
}


def noisy(loss: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """With noise that depends on nothing but the order of calls."""
    rng = np.random.default_rng(9)
    return lambda point: (np.array(loss(point)) + 0.5 * rng.normal(size=np.shape(loss(point)))).tolist()


# optimizers


def outcome(function: Callable[[], Any]) -> Any:
    """What it returns, or why there is nothing to return."""
    try:
        return function()
    except RuntimeError as error:
        return f"{type(error).__name__}: {error}"


def reloaded(optimizer: Any) -> Any:
    """Through a file, and through the state as it is."""
    with tempfile.TemporaryDirectory() as folder:
        optimizer.save(f"{folder}/state.npz")
        read = type(optimizer).load(f"{folder}/state.npz", space=optimizer.space)
    made = type(optimizer)(optimizer.space)
    made.load_state_dict(read.state_dict())
    return made


def moments(optimizer: Any) -> Row:
    """The distribution and its step size."""
    state = optimizer.state_dict()
    step_size = state["step_size"]
    return {"theta": state["theta"], "s": step_size["s"], "Delta, gamma, entropy, length": np.array(
        [step_size["Delta"], step_size["gamma"], optimizer.entropy, optimizer.step_size])}


def found(optimizer: Any) -> Row:
    """All that an optimizer tells at the end."""
    row = {"best": outcome(lambda: optimizer.best), "mode": optimizer.mode(), "margin": optimizer.margin,
           "recommended": outcome(optimizer.recommend), "converged": optimizer.converged, "end": moments(optimizer),
           "summary": optimizer.summary().splitlines(), "distribution": optimizer.distribution(),
           "counts": [optimizer.n_asked, optimizer.n_told, optimizer.n_failed, optimizer.generation],
           "pending": list(optimizer.pending.ids), "pending codes": optimizer.pending.codes,
           "sampled": optimizer.sample(5).codes, "sampled in pairs": optimizer.sample(5, mirrored=True).codes,
           "likeliest": outcome(lambda: optimizer.likeliest(lambda point: distance(point, "odd") * 8 % 2 >= 1))}
    return {**row, **history(optimizer)} if isinstance(optimizer, Minimizer) else row


def history(source: Any) -> Row:
    return {"front": source.front, "history": {name: getattr(source.history, name)
                                               for name in ("codes", "losses", "violations", "ids")}}


def run(kind: str, space: str, loss: str = "distance", n: int = 260, batch: int = 4, *, settings: Row | None = None,
        asking: Sequence[Row] = ({},), violations: bool = False, late: bool = False, reload: bool = False,
        inject: bool = False, restarts: bool = False, ends: bool = False) -> Row:
    """Ask `batch` and tell them until `n` are told.

    asking: options of `ask`, in turns. late: tell some of all those asked, in any order. reload: midway. inject: after
    each tell. restarts, ends: whether the run must start anew, run out of points.
    """
    makers = {"ASNG": ASNG, "Minimizer": Minimizer, "noisy": partial(Minimizer, noisy=True)}
    optimizer: Any = makers[kind](SPACES[space](), seed=1, **settings or {})
    evaluate = noisy(LOSSES[loss]) if kind == "noisy" else LOSSES[loss]
    injected = iter(ASNG(optimizer.space, seed=3).sample(12) if inject else ())
    rng, open_, asked, seen, stopped, n_fresh = np.random.default_rng(7), [], [], [], "", 0
    first = optimizer.state_dict()["theta"]
    for each in itertools.cycle(asking):
        if optimizer.n_told >= n:
            break
        try:
            new = list(optimizer.ask(batch, **each)) if batch > 1 else [optimizer.ask(**each)]
        except asng_core.SpaceExhausted as error:
            stopped = str(error)
            break
        asked, open_, before = asked + new, open_ + new, optimizer.n_told
        if late:
            rng.shuffle(open_)
        told = int(rng.integers(1, 2 * batch)) if late else len(open_)
        candidates, open_ = open_[:told], open_[told:]
        losses = [evaluate(point) for point in candidates]
        over = [(distance(point, "a") - 3, distance(point, "b") - 4) for point in candidates] if violations else None
        if len(candidates) == 1:
            optimizer.tell(candidates[0], losses[0], over and over[0])
        else:
            optimizer.tell(candidates, losses, over)
        for i, point in itertools.islice(enumerate(injected, optimizer.generation), 1):
            optimizer.inject(dict(point), math.nan if i % 5 == 4 else distance(point), violation=0.5 * (i % 4 == 3))
        if optimizer.n_told * 10 // n > before * 10 // n:
            seen.append(moments(optimizer))
        n_fresh += optimizer.generation > 2 and np.array_equal(optimizer.state_dict()["theta"], first)
        if reload and optimizer.n_told >= n // 2:
            optimizer, reload = reloaded(optimizer), False
    if (restarts and not n_fresh) or bool(stopped) != ends or reload:
        raise AssertionError(f"{n_fresh} tells at the start, stopped by {stopped!r}: not what the scenario is for")
    return {"asked": np.array([each.codes for each in asked]), "ids": [each.id for each in asked], "stopped": stopped,
            "seen": {name: np.array([each[name] for each in seen]) for name in seen[0]},
            "tells at the start": int(n_fresh), **found(optimizer)}


def call(function: Callable[..., Any] = asng_core.minimize, space: str = "stepped",
         loss: str = "distance", budget: int = 120, resumed: bool = False, **options: Any) -> Row:
    """minimize or maximize; `resumed` by a second call from its checkpoint."""
    heard: list[Any] = []
    evaluate, made_of = noisy(LOSSES[loss]) if options.get("noisy") else LOSSES[loss], SPACES[space]()
    with tempfile.TemporaryDirectory() as folder:
        if resumed:
            options["checkpoint"] = f"{folder}/run.npz"
            function(evaluate, made_of, budget=budget // 2, seed=4, **options)
        made = function(evaluate, made_of, budget=budget, seed=4, callback=heard.append, **options)
        loaded = found(Minimizer.load(f"{folder}/run.npz", space=made_of)) if resumed else {}
    return {"text": repr(made), "values": outcome(lambda: made.values), "loss": outcome(lambda: made.loss),
            "counts": [made.n_evaluations, made.n_failed, made.n_objectives], "stop": made.stop_reason,
            "best": made.best, "heard": [each[:4] for each in heard], "loaded": loaded, **history(made)}


# networks


def arrays(tensors: Mapping[str, Any]) -> Row:
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def mini() -> Any:
    from torch import nn

    from asng_torch.spaces import mini_network

    return nn.Sequential(mini_network(widths=(4, 6), depth=2), nn.Dropout(0.3))


def elastic_network() -> Any:
    from torch import nn

    from asng_torch import KernelChoice, LayerChoice, Repeat, WidthChoice, elastic

    return nn.Sequential(
        elastic.Conv2d(1, WidthChoice([4, 8]), KernelChoice([3, 5]), padding=2, stride=2), elastic.BatchNorm2d(8),
        nn.ReLU(), elastic.Conv2d(8, 4, 1), Repeat([nn.Sequential(nn.Conv2d(4, 4, 1), LayerChoice(
            {"relu": nn.ReLU(), "tanh": nn.Tanh()})) for _ in range(3)], minimum=0, label="depth"),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), elastic.Linear(16, WidthChoice(Integer(4, 12, step=4))),
        elastic.Linear(12, 10))


def search(build: Callable[[], Any] = mini, *, resumed: bool = False, limits: Sequence[float] = (),
           population_size: int = 2, steps: int = 30, **options: Any) -> Row:
    """A search, what it yields, and what is derived; `resumed` in the middle from a file."""
    import torch

    from asng_torch import Search, Supernet, derive, evaluate, recalibrate, train
    from asng_torch.data import Augment, ResumableLoader, TensorLoader

    x, y = torch.randn(70, 1, 28, 28, generator=torch.Generator().manual_seed(5)), torch.arange(70) % 10

    def made() -> Search:
        torch.manual_seed(5)
        supernet = Supernet(build(), example=x[:1])
        loaders = [TensorLoader(x[:36], y[:36], 8, seed=5, augment=Augment(2, True, 4)),
                   ResumableLoader(torch.utils.data.TensorDataset(x[36:], y[36:]), 8, seed=5)]
        weights = torch.optim.SGD(supernet.parameters(), 0.05, momentum=0.9, weight_decay=1e-3)
        optimizers[:] = [ASNG(supernet.space, population_size=population_size, seed=i) for i in range(len(limits) or 1)]
        scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(weights, steps)
        costs = {"cost": "parameters", "limit": list(limits)} if limits else {}
        return Search(supernet, optimizers, weights, torch.nn.functional.cross_entropy, *loaders, steps=steps,
                      scheduler=scheduler, **costs, **options)

    optimizers: list[ASNG] = []
    searched = made()
    records = list(itertools.islice(searched, steps // 2 if resumed else steps))
    if resumed:
        with tempfile.TemporaryDirectory() as folder:
            searched.save(f"{folder}/search.safetensors")
            searched = made()
            searched.resume(f"{folder}/search.safetensors")
        records += list(searched)
    random_state, best = torch.get_rng_state().numpy(), searched.recommend()
    network, fresh = (derive(searched.judged, best, weights=weights) for weights in ("inherit", "reset"))
    recalibrate(network, [x[:40], x[40:]])
    losses = train(fresh, TensorLoader(x, y, 10, seed=1), epochs=2, learning_rate=0.05)
    return {"records": {name: np.array([getattr(each, name) for each in records])
                        for name in ("step", "train_loss", "learning_rate", "entropy", "step_size")},
            "judged": [[each.valid_losses.tolist(), each.costs.tolist(), list(map(dict, each.architectures))]
                       for each in records], "skipped": searched.n_skipped, "random state": random_state,
            "optimizers": {str(i): moments(each) for i, each in enumerate(optimizers)}, "recommended": best,
            "summary": searched.supernet.summary().splitlines(), "cost": searched.supernet.cost(best),
            "front": searched.front() if limits else [], "shared": arrays(searched.supernet.state_dict()),
            "averaged": arrays(searched.judged.state_dict()), "derived": arrays(network.state_dict()),
            "text": repr(network).splitlines(), "trained": arrays(fresh.state_dict()), "train losses": losses,
            "accuracies": [evaluate(each, TensorLoader(x, y, 10)) for each in (network, fresh)]}


# the command line


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """A folder to run commands in, with few images of Fashion-MNIST's format in which a class is a bright row."""
    rng, before = np.random.default_rng(0), Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "images").mkdir()
        for name, n in (("train", 200), ("t10k", 40)):
            labels, pictures = np.arange(n, dtype=np.uint8) % 10, rng.integers(60, size=(n, 28, 28), dtype=np.uint8)
            pictures[np.arange(n), 2 * labels + 4] = 250
            for kind, array in (("images-idx3", pictures), ("labels-idx1", labels)):
                head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
                (Path(folder) / f"images/{name}-{kind}-ubyte").write_bytes(head + array.tobytes())
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


def masked(text: str) -> list[str]:
    """Lines without what may differ: times, versions, addresses, and in which module a class is."""
    text = re.sub(r"\(asng [^)]*\)", "(VERSIONS)", re.sub(r"\b\d+(\.\d+)? s\b| at 0x\w+", "#", text))
    return re.sub(r"\basng_(core|torch)\.[\w.]*\.(\w+)", r"\2", text).splitlines()


def command(line: str) -> Row:
    """Its exit code and output; what it says of errors only if it failed, as there are progress bars too."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with (mock.patch.object(sys, "argv", ["asng_torch", *line.split()]), contextlib.redirect_stdout(out),
          contextlib.redirect_stderr(err), mock.patch.dict(os.environ, COLUMNS="120", NO_COLOR="1")):
        try:
            runpy.run_module("asng_torch", run_name="__main__", alter_sys=True)
        except SystemExit as stop:
            code = stop.code
    return {"command": line, "code": code, "out": masked(out.getvalue()), "err": masked(err.getvalue()) if code else []}


def commands(*lines: str) -> Row:
    """One after the other in one folder, and what they leave in its folder `run`, but for checkpoints."""
    from safetensors.numpy import load_file

    def unversioned(pairs: list[tuple[str, Any]]) -> Row:
        return {key: value for key, value in pairs if key not in ("made_with", "seconds")}

    readers: dict[str, Callable[[Path], Any]] = {
        ".json": lambda path: json.loads("\n".join(masked(path.read_text())), object_pairs_hook=unversioned),
        ".csv": lambda path: masked(path.read_text()), ".md": lambda path: masked(path.read_text()),
        ".png": lambda path: hashlib.sha256(path.read_bytes()).hexdigest()}
    with workplace() as folder:
        row: Row = {"commands": [command(line) for line in lines]}
        files = sorted(folder.glob("run/*"))
        row["files"] = [file.name for file in files]
        for file in files:
            if file.name in ("derived.safetensors", "network.safetensors"):
                row[file.name] = load_file(file)
            elif file.suffix in readers:
                row[file.name] = readers[file.suffix](file)
    return row


def from_search_to_test(space: str, *options: str) -> Row:
    with_data = "--out run --data-folder images"
    return commands(" ".join(["search", "--space", space, *options, with_data]), "derive --out run",
                    "evaluate --out run", f"retrain --epochs 1 {with_data}", "evaluate --out run",
                    "evaluate --out run --weights derived --batch-norm batch", "search --out run --resume")


# scenarios

_PINNED: Row = {"asking": ({}, {"fixed": {"op": "pool"}}, {"fixed": {"op": "conv", "kernel": 3}})}
_MIRRORED: Row = {"asking": ({"mirrored": True}, {"mirrored": True, "fixed": {"flag": True}}, {})}
_INIT = {"op": {"conv": 0.7, "pool": 0.2, None: 0.1}, "flag": [0.3, 0.7], "width": 64, "depth": MeanStd(20.0, 0.5),
         "speed": 0.01, "x": MeanStd(1.0, 0.3)}
_SNG = {"adapt": False, "initial_step_size": 0.3}

_RUNS: dict[str, Row] = {  # the first word is the kind
    "ASNG categorical": {"space": "categorical", "n": 2000, "batch": 8},
    "ASNG binary": {"space": "binary", "n": 2000, "batch": 12},
    "ASNG one by one": {"space": "binary", "n": 400, "batch": 1, "settings": {"population_size": 2}},
    "ASNG stepped": {"space": "stepped", "n": 600},
    "ASNG mixed": {"space": "mixed", "n": 1200},
    "ASNG conditional": {"space": "conditional"},
    "ASNG conditional reals": {"space": "conditional reals"},
    "ASNG constrained": {"space": "constrained", "n": 600},
    "ASNG constrained binary": {"space": "constrained binary", "n": 600},
    "ASNG pinned": {"space": "stepped", **_PINNED},
    "ASNG mirrored": {"space": "mixed", **_MIRRORED},
    "ASNG late": {"space": "categorical", "n": 1000, "batch": 8, "late": True},
    "ASNG late, pinned": {"space": "constrained", "late": True, "reload": True, **_PINNED},
    "ASNG late, small batches": {"space": "mixed", "batch": 2, "late": True, "inject": True, "reload": True},
    "ASNG without adaptation": {"space": "mixed", "settings": _SNG},
    "ASNG sigma_min": {"space": "stepped", "settings": {"sigma_min": 0.4, "margin": 0.02, "alpha": 1.2}},
    "ASNG init": {"space": "mixed", "settings": {"init": _INIT}},
    "ASNG awkward losses": {"space": "stepped", "loss": "awkward"},
    "ASNG violations": {"space": "stepped", "loss": "awkward", "violations": True},
    "ASNG inject": {"space": "conditional", "inject": True},
    "Minimizer categorical": {"space": "categorical", "n": 450, "batch": 1},
    "Minimizer binary": {"space": "binary", "n": 450},
    "Minimizer stepped": {"space": "stepped", "n": 450},
    "Minimizer mixed": {"space": "mixed", "n": 450},
    "Minimizer conditional": {"space": "conditional"},
    "Minimizer conditional reals": {"space": "conditional reals"},
    "Minimizer constrained": {"space": "constrained", "n": 400},
    "Minimizer constrained binary": {"space": "constrained binary"},
    "Minimizer pinned": {"space": "conditional", "late": True, **_PINNED},
    "Minimizer mirrored": {"space": "mixed", **_MIRRORED},
    "Minimizer late": {"space": "categorical", "n": 400, "batch": 8, "late": True},
    "Minimizer late, mixed": {"space": "mixed", "batch": 8, "late": True, "reload": True},
    "Minimizer init": {"space": "mixed", "settings": {"init": _INIT, "population_size": 6, "margin": 0.05}},
    "Minimizer inject": {"space": "stepped", "inject": True, "reload": True},
    "Minimizer awkward losses": {"space": "stepped", "loss": "awkward"},
    "Minimizer violations": {"space": "mixed", "loss": "awkward", "violations": True, "late": True, "inject": True},
    "Minimizer two objectives": {"space": "stepped", "loss": "two", "n": 300},
    "Minimizer two objectives, late": {"space": "constrained", "loss": "two", "late": True, "reload": True},
    "Minimizer three objectives": {"space": "mixed", "loss": "three"},
    "Minimizer restarts": {"space": "small", "loss": "plateaus", "n": 600, "restarts": True},
    "Minimizer restarts, late": {"space": "small", "loss": "plateaus", "n": 600, "late": True, "restarts": True},
    "Minimizer runs out of points": {"space": "tiny", "ends": True},
    "noisy categorical": {"space": "categorical", "n": 300, "batch": 1},
    "noisy mixed": {"space": "mixed"},
    "noisy conditional": {"space": "conditional", "inject": True},
    "noisy constrained": {"space": "constrained"},
    "noisy late": {"space": "stepped", "batch": 8, "late": True, "reload": True},
    "noisy pinned": {"space": "conditional", **_PINNED},
    "noisy violations": {"space": "stepped", "violations": True},
    "noisy two objectives": {"space": "stepped", "loss": "two"},
}
SCENARIOS: dict[str, Callable[[], Row]] = {
    **{name: partial(run, name.split()[0], **options) for name, options in _RUNS.items()},
    "minimize": call,
    "minimize mixed": partial(call, space="mixed"),
    "minimize noisy": partial(call, noisy=True, budget=200),
    "minimize to a target": partial(call, target=1.0, budget=400),
    "minimize vectorized": partial(call, space="conditional", loss="columns", vectorized=True),
    "minimize catch": partial(call, loss="failing", catch=ZeroDivisionError),
    "minimize two objectives": partial(call, loss="two"),
    "minimize all there is": partial(call, space="tiny"),
    "minimize in a thread": partial(call, executor=partial(ThreadPoolExecutor, 1)),
    "minimize resumed": partial(call, space="mixed", resumed=True),
    "maximize": partial(call, asng_core.maximize, "categorical"),
    "maximize noisy": partial(call, asng_core.maximize, "conditional", noisy=True, budget=170, resumed=True),
    "search": search,
    "search resumed": partial(search, resumed=True),
    "search with options": partial(search, warmup=6, accumulate=2, clip=0.5, ema=0.8, set_to_none=False,
                                   limits=(700, 500), resumed=True),
    "search, elastic": partial(search, elastic_network, mirrored=True, population_size=4),
    "commands, mini": partial(from_search_to_test, "mini", "--steps", "12", "--limit", "700", "--seed", "3"),
    "commands, enas_micro": partial(from_search_to_test, "enas_micro", "--steps", "3"),
    "commands, nasbench201": partial(from_search_to_test, "nasbench201", "--steps", "4"),
    "commands, cae_integer": partial(from_search_to_test, "cae_integer", "--steps", "2", "--mask", "half"),
    "commands, demo": partial(commands, "demo --out run --steps 6 --epochs 1 --controls 2 --data-folder images"),
    "commands, help": partial(commands, *(f"{name} --help".strip() for name in (
        "", "search", "derive", "retrain", "evaluate", "demo"))),
    "commands, refused": partial(commands, "", "search", "search --space mini --steps 0", "derive --out nowhere",
                                 "search --space mini --data-folder nowhere --out run", "search --resume"),
}

# a record: one file of arrays, and of all else as JSON


def flat(row: Mapping[Any, Any], within: str = "") -> Row:
    """Rows within rows by names joined by "/", each an array or what JSON gives back."""
    entries: Row = {}
    for name, value in row.items():
        if isinstance(value, Mapping) and any(isinstance(each, (np.ndarray, Mapping)) for each in value.values()):
            entries |= flat(value, f"{within}{name}/")
        else:
            array = isinstance(value, np.ndarray)
            entries[f"{within}{name}"] = value if array else json.loads(json.dumps(value, default=repr))
    return entries


def record(path: Path, only: str) -> int:
    """Run the scenarios; the number of those that failed, which the file then lacks."""
    import torch
    from tqdm import tqdm

    torch.set_num_threads(1)
    kept: Row = {}
    rest: dict[str, Row] = {}
    names = fnmatch.filter(SCENARIOS, only)
    for name in tqdm(names):
        started = time.process_time()
        try:
            entries = flat(SCENARIOS[name]())
            if not any(value.size if isinstance(value, np.ndarray) else value for value in entries.values()):
                raise AssertionError("nothing to record")
        except Exception as error:
            tqdm.write(f"{name}: {type(error).__name__}: {error}")
            continue
        rest[name] = {key: value for key, value in entries.items() if not isinstance(value, np.ndarray)}
        kept |= {f"{name}|{key}": value for key, value in entries.items() if isinstance(value, np.ndarray)}
        tqdm.write(f"{name}: {len(entries)} entries, {time.process_time() - started:.1f} s of CPU")
    np.savez_compressed(path, **kept, rest=np.array(json.dumps(rest)))
    return len(names) - len(rest) or not names


def read(path: Path) -> dict[str, Row]:
    with np.load(path) as file:
        scenarios: dict[str, Row] = json.loads(str(file["rest"]))
        for key in file.files:
            name, _, entry = key.partition("|")
            if entry:
                scenarios[name][entry] = file[key]
    return scenarios


def difference(before: Any, after: Any, where: str = "") -> str:
    """The first one, in words; "" if there is none."""
    if isinstance(before, np.ndarray) and isinstance(after, np.ndarray):
        if (before.dtype, before.shape) != (after.dtype, after.shape):
            return f"{where}: {before.dtype} {before.shape}, now {after.dtype} {after.shape}"
        if before.tobytes() == after.tobytes():
            return ""
        bits = [np.frombuffer(each.tobytes(), np.uint8).reshape(each.size, -1) for each in (before, after)]
        first = int(np.argmax((bits[0] != bits[1]).any(axis=1)))
        index = [int(i) for i in np.unravel_index(first, before.shape)]
        return f"{where}{index}: {before.flat[first]!r}, now {after.flat[first]!r}"
    if type(before) is type(after) and isinstance(before, (dict, list)) and len(before) == len(after):
        keys = list(before) if isinstance(before, dict) else range(len(before))
        if isinstance(before, dict) and keys != list(after):
            return f"{where}: {keys}, now {list(after)}"
        return next(filter(None, (difference(before[key], after[key], f"{where}[{key!r}]") for key in keys)), "")
    return "" if repr(before) == repr(after) else f"{where}: {before!r:.300}, now {after!r:.300}"


def compare(before: Path, after: Path, only: str) -> int:
    """Say of each scenario whether it is the same; the number of those that are not."""
    first, second = read(before), read(after)
    names = fnmatch.filter({**first, **second}, only)
    n_differing = int(not names)
    for name in names:
        text = f"only in {before if name in first else after}"
        if name in first and name in second:
            one, other = first[name], second[name]
            keys = [key for key in {**one, **other} if key not in one or key not in other]
            text = f"only in one of them: {keys}" if keys else difference(one, other)
        n_differing += bool(text)
        print(f"{name}: {text or 'same'}")
    return n_differing


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("record", "compare"))
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--only", default="*", help="scenarios by a pattern such as 'noisy *'")
    options = parser.parse_args()
    if len(options.files) != (1 if options.action == "record" else 2):
        parser.error("record takes one file, compare two")
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    if options.action == "record" and not threads.items() <= os.environ.items():  # NumPy's last bits depend on them
        os.execve(sys.executable, sys.orig_argv, {**os.environ, **threads})
    sys.exit(bool((record if options.action == "record" else compare)(*options.files, options.only)))


if __name__ == "__main__":
    main()
