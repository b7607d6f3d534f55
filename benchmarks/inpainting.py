"""The inpainting autoencoders: does a search of minutes on a CPU find better ones than chance, in both encodings?

Fashion-MNIST padded to 32x32, the middle half of each side hidden. Measured on the test images:

  baselines  the masked image itself, the training images' mean in the hole, linear regression of the hidden
             from the visible pixels on all training images (its outputs, too, hold the visible ones as they are)
  search     the spaces' small presets: channels 8, 16, 32 (or 8..32) in place of 64, 128, 256, else as
             published; one half of the training images for the weights, one for the distribution
  retrain    the found networks, and 5 drawn uniformly from the categorical encoding, from scratch with the
             same steps and seed by the small preset, on all training images

Times are those of the processor, of one thread: on a core of its own, a clock on the wall shows the same.

    python -m benchmarks.inpainting --data /usr/share/datasets/fashion-mnist     about half an hour on one core
    python -m benchmarks.inpainting --quick      a check of the whole path on the embedded images, seconds
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from asng_core import ASNG
from asng_torch import Supernet, count
from asng_torch.data import Augment, ImageData, Inpainting, TensorLoader, images, padded, split
from asng_torch.spaces import SPACES
from asng_torch.spaces.preset import Preset, SearchSettings, SearchSpace
from asng_torch.train.metrics import evaluate_inpainting

from . import store
from .analysis import markdown, plots
from .page import Claim, Page

ENCODINGS, RANDOM, SIDE = ("categorical", "integer"), 5, 32


def run(kind: str, data: str | None, **arguments: Any) -> dict[str, Any]:
    """One record: kind "baselines", "search" or "retrain"."""
    torch.set_num_threads(1)
    torch.manual_seed(arguments.get("seed", 0))
    started = time.process_time()
    kinds: dict[str, Callable[..., dict[str, Any]]] = {"baselines": baselines, "search": search, "retrain": retrain}
    result = kinds[kind](images("fashion-mnist", data), **arguments)
    return {**result, "seconds": time.process_time() - started}


def baselines(data: ImageData) -> dict[str, Any]:
    """What needs no network, on the test images."""
    train, test = (padded(part, SIDE).flatten(1).double() / 255 for part in (data.train_images, data.test_images))
    one = torch.ones(1, 1, SIDE, SIDE)
    masked, _ = next(iter(Inpainting(TensorLoader(one, torch.zeros(1), 1))))
    hidden = masked.flatten() == 0
    x, x_test = (functional.pad(part[:, ~hidden], [0, 1], value=1.0) for part in (train, test))
    gram = x.T @ x + 1e-3 * torch.eye(x.shape[1], dtype=x.dtype)  # a little ridge, for pixels that are always black
    coefficients = torch.linalg.solve(gram, x.T @ train[:, hidden])
    fillings = {"corrupted": torch.zeros(int(hidden.sum()), dtype=x.dtype), "mean image": train[:, hidden].mean(dim=0),
                "linear regression": x_test @ coefficients}
    found = {}
    for name, filling in fillings.items():
        outputs = test.clone()
        outputs[:, hidden] = filling.expand(len(test), -1)
        both = [each.view(-1, 1, SIDE, SIDE).float() for each in (outputs, test)]
        found[name] = evaluate_inpainting(nn.Identity(), [(both[0], both[1])])
    return found


def search(data: ImageData, encoding: str, seed: int, limit: float) -> dict[str, Any]:
    """The architecture found within `limit` seconds, and the number of steps these sufficed for."""
    space, preset, arguments = _small(encoding)
    supernet, settings = Supernet(space.network(1, 10, **arguments)), preset.search
    optimizer = settings.optimizer(supernet.space, population_size=settings.population_size, seed=seed)
    weights = torch.optim.SGD(supernet.parameters(), settings.learning_rate, settings.momentum)
    train, valid = (_endless(_loader(data.train_images[half], data.train_labels[half], settings.batch_size, seed))
                    for half in split(len(data.train_images), seed=seed))
    started, steps, share = time.process_time(), 0, 0.0
    while share < 1:
        for group in weights.param_groups:
            group["lr"] = settings.learning_rate * (1 + math.cos(math.pi * share)) / 2
        _step(supernet, optimizer, weights, next(train), next(valid), settings)
        steps, share = steps + 1, (time.process_time() - started) / limit
    return {"architecture": optimizer.mode(), "steps": steps, "entropy": optimizer.entropy}


def _step(supernet: Supernet, optimizer: ASNG, weights: torch.optim.Optimizer, train: tuple[Tensor, Tensor],
          valid: tuple[Tensor, Tensor], settings: SearchSettings) -> None:
    n = settings.population_size
    for architecture in optimizer.sample(n, mirrored=settings.mirrored):
        with supernet.active(architecture):
            (functional.mse_loss(supernet(train[0]), train[1]) / n).backward()
    _move(supernet, weights, settings.clip)
    batch = optimizer.ask(n, mirrored=settings.mirrored)
    optimizer.tell(batch, supernet.losses(batch, lambda net: functional.mse_loss(net(valid[0]), valid[1])))


def _move(network: nn.Module, weights: torch.optim.Optimizer, clip: float | None) -> None:
    if clip is not None:
        nn.utils.clip_grad_norm_(network.parameters(), clip)
    weights.step()
    weights.zero_grad()


def retrain(data: ImageData, encoding: str, architecture: dict[str, Any], seed: int, steps: int) -> dict[str, Any]:
    """The test metrics of an architecture trained from scratch on all training images; tenfold drops at 2/5 and 4/5."""
    space, preset, arguments = _small(encoding)
    network, settings = space.final(architecture, 1, 10, **arguments), preset.retrain
    weights = torch.optim.Adam(network.parameters(), settings.learning_rate)
    schedule = torch.optim.lr_scheduler.MultiStepLR(weights, [steps * 2 // 5, steps * 4 // 5])
    batches = _endless(_loader(data.train_images, data.train_labels, settings.batch_size, seed, settings.augment))
    for _ in range(steps):
        masked, whole = next(batches)
        functional.mse_loss(network(masked), whole).backward()
        _move(network, weights, settings.clip)
        schedule.step()
    cost = count(network, torch.zeros(1, 1, SIDE, SIDE))
    test = Inpainting(TensorLoader(padded(data.test_images, SIDE), data.test_labels, 500, shuffle=False))
    return {**evaluate_inpainting(network, test), "parameters": cost.parameters, "multiply_adds": cost.multiply_adds}


def _small(encoding: str) -> tuple[SearchSpace, Preset, Mapping[str, Any]]:
    """The space, its small preset, and the arguments of its networks."""
    space = SPACES[f"cae_{encoding}"]
    return space, space.presets["small"], space.presets["small"].network


def _loader(pixels: Tensor, labels: Tensor, batch_size: int, seed: int, augment: Augment | None = None) -> Inpainting:
    return Inpainting(TensorLoader(padded(pixels, SIDE), labels, batch_size, seed=seed, augment=augment))


def _endless(loader: Inpainting) -> Iterator[tuple[Tensor, Tensor]]:
    while True:
        yield from loader


def main() -> None:
    parser = store.parser("inpainting", __doc__)
    parser.add_argument("--quick", action="store_true", help="half a second, 3 steps: a check of the whole path")
    parser.add_argument("--data", help="folder of the full Fashion-MNIST; without it, the 7,000 embedded images")
    parser.add_argument("--search-seconds", type=float, default=360, help="of each search (default: 360)")
    parser.add_argument("--retrain-steps", type=int, default=6000, help="of each retraining (default: 6000)")
    options = parser.parse_args()
    limit, steps = (0.5, 3) if options.quick else (options.search_seconds, options.retrain_steps)
    path = options.out / f"inpainting{'_quick' if options.quick else ''}"

    measure: dict[str, Any] = {"parts": lambda _: ("ASNG", "asng_torch"), "packages": ("numpy", "torch"),
                               **store.how(options)}
    common = {"data": options.data}
    searches = [{"kind": "search", **common, "encoding": encoding, "seed": 0, "limit": limit}
                for encoding in ENCODINGS]
    records = store.measure(path, run, [{"kind": "baselines", **common}, *searches], **measure)
    trained = {"kind": "retrain", **common, "seed": 0, "steps": steps}
    found = [{**trained, "encoding": encoding, "architecture": record["result"]["architecture"]}
             for encoding, record in zip(ENCODINGS, records[1:], strict=True)]
    random = [{**trained, "encoding": "categorical", "architecture": architecture} for architecture in drawn()]
    records += store.measure(path, run, found + random, **measure)
    print(f"{table(records)}\n\n{searches_note(records)}")


def drawn() -> list[dict[str, Any]]:
    """Architectures drawn uniformly from the categorical encoding."""
    space, _, arguments = _small("categorical")
    with torch.device("meta"):
        variables = Supernet(space.network(1, 10, **arguments)).space
    return [dict(architecture) for architecture in ASNG(variables, seed=1).sample(RANDOM)]


def retrained(records: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Name -> result of every network trained from scratch, the found ones first."""
    found = {str(record["result"]["architecture"]): record["task"]["encoding"] for record in records
             if record["task"]["kind"] == "search"}
    results = {str(record["task"]["architecture"]): record["result"] for record in records
               if record["task"]["kind"] == "retrain"}
    random = [result for architecture, result in results.items() if architecture not in found]
    return {**{f"found, {found[architecture]}": results[architecture] for architecture in found},
            **{f"random {number}": result for number, result in enumerate(random, 1)}}


def table(records: list[dict[str, Any]]) -> str:
    """Test metrics and costs of everything."""
    rows = [[name, f"{metrics['psnr']:.2f}", f"{metrics['ssim']:.3f}"] for name, metrics in _baselines(records).items()]
    rows += [[name, f"{result['psnr']:.2f}", f"{result['ssim']:.3f}", f"{result['parameters']:,}",
              f"{result['multiply_adds'] / 1e6:.1f}", f"{result['seconds']:.0f}"]
             for name, result in retrained(records).items()]
    return markdown.table(["", "PSNR, dB", "SSIM", "parameters", "million multiply-adds", "training, s"], rows)


def searches_note(records: list[dict[str, Any]]) -> str:
    return " ".join(f"Search, {record['task']['encoding']}: {record['result']['steps']:,} steps in "
                    f"{record['result']['seconds']:.0f} s, entropy at the end {record['result']['entropy']:.2f}."
                    for record in records if record["task"]["kind"] == "search")


def draw(records: list[dict[str, Any]], path: Path) -> None:
    """What a network makes of the hidden half, against what it computes."""
    figure, axis = plots.figure(7, 3.4)
    for name, result in retrained(records).items():
        found = name.startswith("found")
        at = result["multiply_adds"] / 1e6, result["psnr"]
        axis.scatter(*at, s=45, color="C0" if found else "C7", marker="o" if found else "s")
        axis.annotate(name, at, (-7, -3) if found else (6, -10), textcoords="offset points", fontsize=8,
                      ha="right" if found else "left")
    linear = _baselines(records)["linear regression"]["psnr"]
    axis.axhline(linear, color="C3", linestyle=":")
    axis.annotate("linear regression", (0, linear), (4, 3), xycoords=("axes fraction", "data"), color="C3",
                  textcoords="offset points", fontsize=8)
    axis.set(xlabel="million multiply-adds", ylabel="test PSNR, dB")
    plots.log_axis(axis, (2, 5, 10, 20, 50, 100))
    axis.set_xlim(1.5, 160)
    axis.margins(y=0.12)
    axis.grid(alpha=0.3)
    plots.save(figure, path)


def _baselines(records: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    (result,) = (record["result"] for record in records if record["task"]["kind"] == "baselines")
    return {name: metrics for name, metrics in result.items() if name != "seconds"}


def pages(results: Path) -> list[Page]:
    records = store.records(results / "inpainting")
    return [Page("inpainting", {"inpainting": "python -m benchmarks.inpainting --data FOLDER"}, claims(records),
                 {"On the test images": table(records)}, partial(draw, records), searches_note(records))]


def claims(records: list[dict[str, Any]]) -> list[Claim]:
    networks, linear = retrained(records), _baselines(records)["linear regression"]["psnr"]
    middle = float(np.median([result["psnr"] for name, result in networks.items() if name.startswith("random")]))
    found = {encoding: networks[f"found, {encoding}"] for encoding in ENCODINGS}
    psnr = {encoding: result["psnr"] for encoding, result in found.items()}
    longest = max(result["seconds"] for result in found.values())
    return [Claim("searched for six minutes on one core, retrained (one seed each): in either encoding a network "
                  "better than linear regression and than the median of five random ones",
                  min(psnr.values()) > max(linear, middle),
                  "PSNR " + ", ".join(f"{value:.2f} dB {encoding}" for encoding, value in psnr.items())
                  + f"; linear regression {linear:.2f}, median of random {middle:.2f}"),
            Claim("the networks found are trained from scratch within ten minutes", longest <= 600,
                  f"{longest:.0f} s of the processor", ("asng_torch",))]


if __name__ == "__main__":
    main()
