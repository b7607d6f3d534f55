"""The pictures of tutorials/how.md, from the code itself: `python docs/pictures.py`."""

from pathlib import Path

import matplotlib
import numpy as np

from asng_core import ASNG, Categorical, Integer, Minimizer, Space
from asng_core.blackbox.importance import importance

matplotlib.use("Agg")
import matplotlib.pyplot as plt

OUT = Path(__file__).parent / "_static"


def saved(figure, name):
    figure.savefig(OUT / name, dpi=110)
    plt.close(figure)


def distribution():
    """Probabilities of one variable of ten, as results come in."""
    names = ["conv 3x3", "conv 5x5", "pool", "none"]
    space = Space({f"layer {i}": Categorical(names) for i in range(10)})
    optimizer, history = ASNG(space, seed=1), []
    for _ in range(120):
        history.append(optimizer.distribution()["layer 0"])
        batch = optimizer.ask(8)
        optimizer.tell(batch, [sum(names.index(value) for value in point.values()) for point in batch])
    figure, axes = plt.subplots(1, 3, figsize=(8, 2.4), layout="constrained", sharey=True)
    for axis, step in zip(axes, (0, 10, 40), strict=True):
        axis.bar(names, history[step], color="#0b62c4")
        axis.set(title=f"after {8 * step} samples", ylim=(0, 1))
        axis.tick_params(axis="x", rotation=30)
    axes[0].set_ylabel("probability")
    saved(figure, "how_distribution.png")


def step():
    """The step size with and without noise."""
    figure, axis = plt.subplots(figsize=(8, 2.6), layout="constrained")
    for noise, color in ((0.0, "#0b62c4"), (3.0, "#b35900"), (30.0, "#cf222e")):
        rng, optimizer, sizes = np.random.default_rng(0), ASNG(Space.binary(30), seed=0), []
        for _ in range(150):
            batch = optimizer.ask(8)
            optimizer.tell(batch, [-sum(point.values()) + noise * rng.standard_normal() for point in batch])
            sizes.append(optimizer.step_size)
        axis.plot(sizes, color=color, label=f"noise of deviation {noise:g}")
    axis.set(xlabel="steps", ylabel="step size", yscale="log")
    axis.legend(frameon=False)
    saved(figure, "how_step.png")


def model():
    """What the model makes of a few results, over one of two variables."""
    space = Space({"n": Integer(0, 60), "m": Integer(0, 1)})
    optimizer = Minimizer(space, seed=3, noisy=True)
    for n in (2, 9, 16, 44, 50, 57):
        for m in (0, 1):
            optimizer.inject({"n": n, "m": m}, ((n - 34) / 14) ** 2 + 0.3 * np.sin(n) + m)
    effect = importance(space, optimizer.history).effects["n"]
    figure, axis = plt.subplots(figsize=(8, 2.8), layout="constrained")
    middle, low, high = effect.losses.T
    axis.fill_between(effect.codes, low, high, alpha=0.2, color="#b35900", label="5% to 95%")
    axis.plot(effect.codes, middle, color="#b35900", label="what the model expects")
    axis.plot(optimizer.history.codes[:, 0], optimizer.history.losses, ".", color="#0b62c4", label="results")
    best = effect.codes[np.argmin(low)]
    axis.axvline(best, color="#1a7f37", linestyle="--", label="asked next: low, or unknown")
    axis.set(xlabel="n", ylabel="loss")
    axis.legend(frameon=False, fontsize=8)
    saved(figure, "how_model.png")


if __name__ == "__main__":
    distribution()
    step()
    model()
