"""From a search's configuration to its data, supernet, loops and networks."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ..data import ImageData, Inpainting, TensorLoader, images, padded, split, standardized
from ..search.distributed import rank, world_size
from ..search.search import Search
from ..spaces.preset import Preset, SearchSpace
from ..staged.trainer import Trainer
from ..supernet.architecture import load_architecture
from ..supernet.derive import derive
from ..supernet.supernet import Supernet
from ..train.settings import cosine
from ..train.training import Training
from .arguments import CommandError
from .config import RetrainConfig, SearchConfig, read_config
from .folder import ARCHITECTURE, Found, make, read_found, read_json
from .own import data_of, is_own, space_of

Loader = TensorLoader | Inpainting
_Network = TypeVar("_Network", bound=nn.Module)
_MADE_BY = "python -m asng_torch search"
_TEST_BATCH, _CALIBRATION = 500, 10_000  # images: what fits any memory, and enough for a channel's mean and variance


class Recipe:
    """Everything that a search's configuration decides.

    download: whether to fetch images that are not in the data folder. sizes: the arguments of the space's networks, so
        that they can be built without the images; None to see the images.
    """

    def __init__(self, config: SearchConfig, device: torch.device, download: bool = False,
                 sizes: Mapping[str, int] | None = None) -> None:
        self.config, self.device, self._download, self._sizes = config, device, download, sizes
        self.space: SearchSpace = space_of(config.space)
        if config.preset not in self.space.presets:
            raise CommandError(f"--preset must be one of {', '.join(self.space.presets)} for {config.space}, "
                               f"got {config.preset!r}")
        self.preset: Preset = self.space.presets[config.preset]
        self.side = self.preset.side or self.space.side
        self.inpainting = self.space.task == "inpainting"
        if config.mask and not self.inpainting:
            raise CommandError(f"--mask is for inpainting, but {config.space} is for {self.space.task}. Leave it out")
        if config.ema is not None and not 0 < config.ema < 1:
            raise CommandError(f"--ema must be greater than 0 and less than 1, got {config.ema}")
        if config.cost and not config.limit:
            raise CommandError("--cost says what --limit counts. Give a --limit, too")
        if config.trainings and config.trainings < len(config.limit or ()):  # known before the search, not after it
            raise CommandError(f"--trainings must allow one for each --limit, {len(config.limit or ())}, "
                               f"got {config.trainings}")
        self.criterion = nn.functional.mse_loss if self.inpainting else nn.functional.cross_entropy
        self.autocast = torch.bfloat16 if config.amp else None

    @cached_property
    def data(self) -> ImageData:
        """The images, zero-padded to the space's side."""
        try:
            data = data_of(self.config.data) if is_own(self.config.data) else \
                images(self.config.data, self.config.data_folder, download=self._download)
        except (ImportError, OSError, RuntimeError, ValueError) as error:
            raise CommandError(f"--data {self.config.data}: {error}") from error
        if not (self.inpainting or data.classes):
            raise CommandError(f"--data {self.config.data} has no classes to tell apart, which {self.config.space} "
                               "searches for. Choose another data set, or a space for inpainting")
        if not self.side or not data.mean:  # a network, or data, of one's own
            return data
        try:
            return data._replace(train_images=padded(data.train_images, self.side),
                                 test_images=padded(data.test_images, self.side))
        except ValueError:
            height, width = data.train_images.shape[-2:]
            raise CommandError(f"--data {self.config.data}: its images of {height}x{width} cannot be padded to the "
                               f"{self.side}x{self.side} of {self.config.space}, {self.config.preset}") from None

    @property
    def sizes(self) -> Mapping[str, int]:
        """Arguments of the space's networks: the images' channels, and their classes."""
        return self._sizes or {"in_channels": self.data.train_images.shape[1], "classes": len(self.data.classes)}

    @property
    def example(self) -> Tensor:
        """One input."""
        if not self.side or is_own(self.config.data):
            return torch.zeros(1, *self.data.train_images.shape[1:])
        return torch.zeros(1, self.sizes["in_channels"], self.side, self.side)

    def supernet(self) -> Supernet:
        """The supernet, on the CPU."""
        return Supernet(self.space.network(**self.sizes, **self.preset.network), example=self.example)

    def inherited(self, architecture: Mapping[str, Any]) -> nn.Module:
        """The architecture's network as it was part of the supernet, with fresh weights to be loaded over."""
        with torch.device("meta"):
            supernet = self.supernet()
        return derive(supernet, architecture, weights="reset")

    def final(self, architecture: Mapping[str, Any]) -> nn.Module:
        """The architecture's network as it is retrained, with fresh weights."""
        if is_own(self.config.space):  # whatever is elastic in it is cut to the inputs
            return derive(self.supernet(), architecture, weights="reset")
        return self.space.final(architecture, **self.sizes, **self.preset.final)

    def search(self) -> Search:
        """The search: one half of the training images trains the weights, the other judges architectures."""
        config, settings = self.config, self.preset.search
        batch_size, left = divmod(settings.batch_size, world_size())
        if left:
            raise CommandError(f"the batch of {settings.batch_size} must be divisible among the processes, "
                               f"got {world_size()}")
        torch.manual_seed(config.seed)
        supernet = self._placed(self.supernet())
        train, valid = (self._loader(self.data.train_images[half], self.data.train_labels[half], batch_size,
                                     seed=config.seed, augment=settings.augment, shard=(rank(), world_size()))
                        for half in split(len(self.data.train_images), seed=config.seed))
        # one step takes one batch of the half that trains weights, so an epoch is a pass over that half
        steps = config.steps or settings.epochs * len(train)
        weights = torch.optim.SGD(supernet.parameters(), settings.learning_rate, momentum=settings.momentum,
                                  nesterov=settings.nesterov, weight_decay=settings.weight_decay)
        schedule = cosine(weights, steps, every=len(train) if settings.anneal == "epoch" else 1,
                          floor=settings.last_learning_rate / settings.learning_rate)
        optimizers = [settings.optimizer(supernet.space, population_size=settings.population_size, seed=config.seed + i)
                      for i in range(len(config.limit or [None]))]
        return Search(supernet, optimizers, weights, self.criterion, train, valid, steps=steps,
                      warmup=int(settings.warmup_share * steps), scheduler=schedule, set_to_none=settings.set_to_none,
                      clip=settings.clip, autocast=self.autocast, mirrored=settings.mirrored,
                      cost=(config.cost or "parameters") if config.limit else None, limit=config.limit, ema=config.ema)

    def training(self, architecture: Mapping[str, Any], config: RetrainConfig) -> Training:
        """The training of the architecture's network from scratch, on all training images."""
        settings = self.preset.retrain
        settings = replace(settings, epochs=config.epochs or settings.epochs)
        torch.manual_seed(config.seed)
        loader = self._loader(self.data.train_images, self.data.train_labels, settings.batch_size, seed=config.seed,
                              augment=settings.augment)
        return Training(self._placed(self.final(architecture)), loader, settings, criterion=self.criterion,
                        autocast=torch.bfloat16 if config.amp else None)

    def _placed(self, network: _Network) -> _Network:
        """On the device; on the CPU in the order of memory in which it computes images by far faster."""
        network = network.to(self.device)
        # one's own network may lay hands on its memory, by `view`, and then needs the default
        own = is_own(self.config.space)
        return network if own or self.device.type != "cpu" else network.to(memory_format=torch.channels_last)

    def trainer(self) -> Trainer:
        """Of trainings after a search, on five sixths of the training images; the others judge them."""
        settings, (pictures, labels) = self.preset.retrain, (self.data.train_images, self.data.train_labels)
        train, valid = split(len(pictures), 5 / 6, seed=self.config.seed)
        loader = partial(self._loader, pictures[train], labels[train], settings.batch_size, seed=self.config.seed,
                         augment=settings.augment)
        return Trainer(lambda architecture: self._placed(self.final(architecture)), loader,
                       self._in_order(pictures[valid], labels[valid]), settings, self.criterion, self.autocast)

    def test_loader(self) -> Loader:
        """All test images in order; for inpainting, with the same masks every time."""
        return self._in_order(self.data.test_images, self.data.test_labels)

    def calibration(self) -> Loader:
        """Some training images as they are, to recompute running statistics from."""
        return self._in_order(self.data.train_images[:_CALIBRATION], self.data.train_labels[:_CALIBRATION])

    def _in_order(self, pictures: Tensor, labels: Tensor) -> Loader:
        return self._loader(pictures, labels, min(_TEST_BATCH, len(pictures)), shuffle=False)

    def _loader(self, pictures: Tensor, labels: Tensor, batch_size: int, **options: Any) -> Loader:
        pictures, labels = pictures.to(self.device), labels.to(self.device)
        if self.inpainting:
            return Inpainting(TensorLoader(pictures, labels, batch_size, **options), self.config.mask or "center",
                              seed=options.get("seed", 0))
        inputs = standardized(pictures, self.data.mean, self.data.std) if self.data.mean else pictures
        return TensorLoader(inputs, labels, batch_size, **options)


def recipe_of(options: argparse.Namespace) -> tuple[Recipe, Found]:
    """The recipe of the folder's search, and what it found, checked against its space."""
    out: Path = options.out
    config = read_config(out, "search", SearchConfig)
    config = replace(config, data_folder=options.data_folder or config.data_folder)
    make(out)  # every command leaves something there
    sizes = read_json(out / "config.json", _MADE_BY)["search"]["sizes"]
    recipe = Recipe(config, options.device, options.download, sizes)
    path, found = out / ARCHITECTURE, read_found(out)
    if found is None:
        raise CommandError(f"there is no {str(path)!r}. First run `{_MADE_BY}` with this --out, to its end")
    with torch.device("meta"):
        space = recipe.supernet().space
    try:
        architecture = load_architecture(path, space, space_name=config.space)  # its values are the space's own
    except (OSError, ValueError) as error:
        raise CommandError(str(error)) from error
    return recipe, found._replace(architecture=architecture)
