"""Every reader of a file or text, as something that takes bytes: the content behind the digests, which `sealed` renews.

What is fuzzed is JSON, a line or several, and after a zero byte what is no text: an enemy has no digest in the way.
"""

import contextlib
import functools
import hashlib
import json
import shutil
import tempfile
import warnings
import zlib
from pathlib import Path
from typing import NamedTuple

import oracles

from asng_core import ASNG, Categorical, CheckpointError, Integer, Minimizer, Real, Space, SpaceExhausted, minimize
from asng_core import checkpoint as files

SPACE = Space({"op": Categorical(["a", "b", "c"]), "n": Integer(1, 30, log=True), "x": Real(0, 1), "k": Integer(0, 9)},
              active_if={"x": {"op": ["a", "b"]}})
MADE = {"ASNG": lambda: ASNG(SPACE, seed=1, population_size=4), "Minimizer": lambda: Minimizer(SPACE, seed=1),
        "noisy": lambda: Minimizer(SPACE, seed=1, noisy=True), "two": lambda: Minimizer(SPACE, seed=1)}
_FOLDER = tempfile.TemporaryDirectory()
PLACE = Path(_FOLDER.name)


class Reader(NamedTuple):
    """`seeds()`: inputs that are read; `read(data)` raises nothing, unless an error is not the documented one."""

    seeds: object
    read: object


def loss(point):
    return point["n"] % 7 + point["k"] / 10 + point.get("x", 0.5)


# our own files: a header of JSON and arrays


def sealed(data):
    """A file of this header and these arrays."""
    header, _, arrays = data.partition(b"\0")
    body = len(header).to_bytes(8, "little") + header + arrays
    return files.MAGIC + hashlib.sha256(body).digest() + body


def opened(content):
    """What `sealed` makes that file of."""
    length = int.from_bytes(content[40:48], "little")
    return content[48 : 48 + length] + b"\0" + content[48 + length :]


def saved(name):
    """The file of a run with open points, some late, some failed."""
    optimizer = MADE[name]()
    for round_ in range(8 if name == "ASNG" else 4):
        batch = optimizer.ask(4)
        losses = [loss(point) for point in batch[:3]]
        if name == "two":
            optimizer.tell(batch[:3], [(each, -each) for each in losses], [0.0, 1.0, 0.0])
        else:
            optimizer.tell(batch[:3], [*losses[:2], float("nan")] if round_ % 2 else losses)
    optimizer.save(PLACE / "seed")
    return (PLACE / "seed").read_bytes()


def used(optimizer):
    """A loaded file is good for the next calls."""
    with contextlib.suppress(SpaceExhausted):
        points, several = optimizer.ask(2), isinstance(optimizer, Minimizer) and optimizer.history.losses.ndim == 2
        n = optimizer.history.losses.shape[1] if several else 0
        optimizer.tell(points, [(1.0, *[2.0] * (n - 1)), (2.0, *[1.0] * (n - 1))] if several else [1.0, 2.0])
    with contextlib.suppress(RuntimeError):  # of several objectives none is the best
        optimizer.best  # noqa: B018
    optimizer.mode(), optimizer.summary(), oracles.exact(optimizer.state_dict())


def load(kind, data):
    (PLACE / "a").write_bytes(sealed(data))
    with contextlib.suppress(CheckpointError):
        used(kind.load(PLACE / "a"))


def load_as_is(data):
    (PLACE / "a").write_bytes(data)
    with contextlib.suppress(CheckpointError):
        used(ASNG.load(PLACE / "a"))


# minimize: a checkpoint and its journal


@functools.cache
def killed():
    """Checkpoint and journal of a run that was killed after going on once."""
    folder = PLACE / "run"
    folder.mkdir(exist_ok=True)
    minimize(loss, SPACE, budget=9, seed=1, checkpoint=folder / "a")

    def copied(progress):
        if progress.n_evaluations == 15:
            shutil.copy(folder / "a", folder / "b")
            shutil.copy(folder / "a.journal", folder / "b.journal")

    minimize(failing, SPACE, budget=16, seed=1, checkpoint=folder / "a", callback=copied, catch=ArithmeticError)
    return (folder / "b").read_bytes(), (folder / "b.journal").read_bytes()


def failing(point):
    if point["k"] == 3:
        raise ArithmeticError("three")
    return loss(point)


def resume(checkpoint, journal):
    path = PLACE / "c"
    path.write_bytes(checkpoint)
    path.with_name("c.journal").write_bytes(journal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            result = minimize(loss, SPACE, budget=18, checkpoint=path)
        except CheckpointError:
            return
        except ValueError as error:  # a file of another kind of run
            if "goes on in one only" in str(error) or "as many losses" in str(error):
                return
            raise
    assert result.stop_reason


def resume_checkpoint(data):
    resume(sealed(data), b"")


def resume_journal(data):
    checkpoint, crc, lines = killed()[0], 0, []
    for text in data.replace(b'"@"', f'"{checkpoint[8:40].hex()}"'.encode()).split(b"\n"):
        crc = zlib.crc32(text, crc)
        lines.append(b"%08x %s\n" % (crc, text))
    resume(checkpoint, b"".join(lines))


def journals():
    checkpoint, journal = killed()
    lines = [line[9:] for line in journal.splitlines()]
    return [b"\n".join(lines).replace(f'"{checkpoint[8:40].hex()}"'.encode(), b'"@"')]


# asng_torch


def sealed_tensors(data):
    """The like of `sealed` for safetensors."""
    header, _, tensors = data.partition(b"\0")
    content = len(header).to_bytes(8, "little") + header + tensors
    digest = hashlib.sha256(content).hexdigest().encode()
    return content.replace(b'"asng_sha256":"' + b"0" * 64, b'"asng_sha256":"' + digest, 1)


def opened_tensors(content):
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"]["asng_sha256"] = "0" * 64
    return json.dumps(header, separators=(",", ":")).encode() + b"\0" + content[8 + length :]


@functools.cache
def trained():
    """A small training after one epoch."""
    import torch

    from asng_torch.data import TensorLoader
    from asng_torch.train.settings import TrainSettings
    from asng_torch.train.training import Training

    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2), torch.nn.BatchNorm1d(2))
    loader = TensorLoader(torch.randn(8, 1, 2, 2), torch.randint(2, (8,)), 4, seed=0)
    training = Training(network, loader, TrainSettings(epochs=2, batch_size=4, learning_rate=0.1))
    next(iter(training))
    training.save(PLACE / "training")
    return training, (PLACE / "training").read_bytes()


def read_tensors(data):
    from asng_torch import checkpoint
    (PLACE / "t").write_bytes(sealed_tensors(data))
    with contextlib.suppress(CheckpointError):
        checkpoint.read(PLACE / "t", "asng_torch.Training")


def resume_training(data):
    (PLACE / "t").write_bytes(sealed_tensors(data))
    with contextlib.suppress(ValueError):
        trained()[0].resume(PLACE / "t")


@functools.cache
def searched():
    """A small search after two steps."""
    from searches import build

    from asng_torch.spaces import mini_network
    search = build(net=lambda: mini_network(widths=(2, 2), depth=1), steps=2)
    assert len(list(search)) > 0
    search.save(PLACE / "search")
    return search, (PLACE / "search").read_bytes()


def resume_search(data):
    (PLACE / "s").write_bytes(sealed_tensors(data))
    search = searched()[0]
    with contextlib.suppress(ValueError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search.resume(PLACE / "s")
    assert type(search.step) is type(search.failures.in_a_row) is int
    search.state_dict()


def architecture(data):
    from asng_torch import load_architecture
    (PLACE / "j").write_bytes(data)
    with contextlib.suppress(CheckpointError):
        load_architecture(PLACE / "j", NESTED)


NESTED = Space({"k": Categorical([(1, 2), "a", None, 3, True]), "x": Real(0, 1, step=0.1), "n": Integer(0, 2**53)},
               active_if={"x": {"k": ["a"]}})
ARCHITECTURES = [b'{"space": "mini", "architecture": {"k": [1, 2], "n": 7}, "metrics": {}}',
                 b'{"space": "mini", "architecture": {"k": "a", "x": 0.3, "n": 9}, "metrics": {"top1": 0.5}}']


def genotype(data):
    from asng_torch import from_genotype
    with contextlib.suppress(UnicodeDecodeError, ValueError):
        from_genotype(data.decode())


GENOTYPES = [b"Genotype(normal=[('a', 1), ('b', 0), ('a', 2), ('b', 1)], normal_concat=range(3, 4), "
             b"reduce=[('a', 0), ('b', 1)], reduce_concat=[2])"]


READERS = {
    "file": Reader(lambda: [saved("ASNG")], load_as_is),
    "ASNG": Reader(lambda: [opened(saved("ASNG"))], functools.partial(load, ASNG)),
    "Minimizer": Reader(lambda: [opened(saved(name)) for name in ("Minimizer", "noisy", "two")],
                        functools.partial(load, Minimizer)),
    "minimize": Reader(lambda: [opened(killed()[0])], resume_checkpoint),
    "journal": Reader(journals, resume_journal),
    "tensors": Reader(lambda: [opened_tensors(trained()[1])], read_tensors),
    "Training": Reader(lambda: [opened_tensors(trained()[1])], resume_training),
    "Search": Reader(lambda: [opened_tensors(searched()[1])], resume_search),
    "architecture": Reader(lambda: ARCHITECTURES, architecture),
    "genotype": Reader(lambda: GENOTYPES, genotype),
}
