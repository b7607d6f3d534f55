"""One network trained from scratch up to some epoch, as the staged search asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import RandomSampler

from .. import checkpoint
from ..networks.normalization import device_of, eval_mode
from ..supernet.architecture import Architecture
from ..train.settings import TrainSettings
from ..train.training import Criterion, Loader, Training

_STATE = ".state.safetensors"


@dataclass(frozen=True)
class Trainer:
    """Trains by `asng_torch`'s own `Training`, judges by the mean validation loss in eval mode.

    >>> import tempfile
    >>> batches = [(torch.ones(8, 4), torch.zeros(8, dtype=torch.long))]
    >>> train = Trainer(lambda architecture: nn.Linear(4, architecture["classes"]), lambda: batches, batches,
    ...                 TrainSettings(epochs=3, batch_size=8, learning_rate=0.1))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     loss = train({"classes": 2}, epochs=1, seed=0, path=Path(folder) / "network")

    network: architecture -> its network with fresh weights, such as `partial(derive, supernet, weights="reset")`, on
        the device where it is to be trained.
    loader: a function without arguments that makes the training batches (inputs, targets), for every run anew.
    valid_loader: batches that a network is judged on, the same each time: with shuffle=False. Raises ValueError if not,
        since a shuffled loader leaves out other examples each time, and adds up the rest in another order.
    settings: of a full training; a short one is its beginning.

    For an executor of processes all of these must pickle: then the functions are no lambdas.
    """

    network: Callable[[Architecture], nn.Module]
    loader: Callable[[], Loader]
    valid_loader: Iterable[tuple[Any, Tensor]]
    settings: TrainSettings
    criterion: Criterion = nn.functional.cross_entropy
    autocast: torch.dtype | None = None

    def __post_init__(self) -> None:
        if getattr(self.valid_loader, "shuffle", False) or isinstance(
                getattr(self.valid_loader, "sampler", None), RandomSampler):
            raise ValueError("Trainer(valid_loader) must give the same batches each time, so that networks are judged "
                             "alike, got a shuffled one. Make it with shuffle=False.")

    def __call__(self, architecture: Architecture, epochs: int, seed: int, path: Path) -> float:
        """The validation loss after so many epochs; NaN if training diverges.

        path: of the run's state. It is gone on with if there is one, and left there; beside it the weights, see
            `weights_of`.
        """
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network = self.network(architecture)
            training = Training(network, self.loader(), self.settings, criterion=self.criterion, autocast=self.autocast)
            if path.exists():
                training.resume(path)
            try:
                for _ in training if len(training.losses) < epochs else ():
                    if len(training.losses) == epochs:
                        break
            except FloatingPointError:
                return float("nan")
            training.save(path)
        checkpoint.write_tensors(weights_of(path), network.state_dict())
        return self.judged(network)

    @torch.no_grad()
    def judged(self, network: nn.Module) -> float:
        """Mean validation loss."""
        device, total, n = device_of(network), 0.0, 0
        with eval_mode(network):
            for x, y in self.valid_loader:
                total += float(self.criterion(network(x.to(device)), y.to(device))) * len(y)
                n += len(y)
        if not n:
            raise ValueError("Trainer(valid_loader) must yield at least one batch, got none.")
        return total / n


def lengths(epochs: int) -> list[int]:
    """Of short trainings, and of the full one: a ninth, a third and all of its epochs."""
    return sorted({max(1, epochs // part) for part in (9, 3, 1)})


def state_of(folder: Path, run: str) -> Path:
    """Where a run leaves its state, from which it can go on."""
    return folder / f"{run}{_STATE}"


def weights_of(state: Path) -> Path:
    """Where a run whose state is at that path leaves the weights alone, a plain safetensors file."""
    return state.with_name(state.name.removesuffix(_STATE) + ".safetensors")
