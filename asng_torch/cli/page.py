"""README.md of a run folder: what was asked for, what came out, and the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .folder import Found, read_json
from .own import is_own, space_of

_PICTURES = ("accuracy.png", "*cell.png", "probabilities.png", "losses.png")  # in this order; spaces name their cells'
_TITLES = {"accuracy.png": "Test accuracy, against random networks of the same space that were trained alike",
           "reduce_cell.png": "The reduction cell",  # DARTS's short word for it spelt out
           "probabilities.png": "The distribution over architectures during the search",
           "losses.png": "Losses during the search"}


def write_page(out: Path, found: Found | None) -> None:
    """Write README.md from what was found, if anything, and the other JSON files and pictures that are there."""
    config = read_json(out / "config.json", "python -m asng_torch search")
    lines = ["# Architecture search", ""]
    for section, content in config.items():
        asked = ", ".join(f"{name} {value}" for name, value in content["asked"].items()
                          if value is not None and value is not False)
        made_with = ", ".join(f"{name} {value}" for name, value in content["made_with"].items())
        lines += [f"**{section}**: {asked} ({made_with}).", ""]
    if found is not None:
        metrics = found.metrics
        lines += ["## Found", "",
                  f"After {metrics['step']:,} of {metrics['steps']:,} steps; entropy {metrics['entropy']:.2f} (1 is "
                  f"uniform, 0 certain). In the supernet it has {metrics['parameters']:,} parameters and takes "
                  f"{metrics['multiply_adds']:,} multiply-adds an image.", "", "```",
                  (not is_own(found.space) and space_of(found.space).published(found.architecture))
                  or in_words(found.architecture), "```", ""]
    if (out / "metrics.json").exists():
        lines += ["## Measured", "", *measured(read_json(out / "metrics.json", "python -m asng_torch evaluate")), ""]
    for pattern in _PICTURES:
        for picture in sorted(out.glob(pattern)):
            title = _TITLES.get(picture.name, f"The {picture.stem.replace('_', ' ')}")
            lines += [f"## {title}", "", f"![{title}]({picture.name})", ""]
    (out / "README.md").write_text("\n".join(lines), encoding="utf-8")


def in_words(architecture: Mapping[str, Any]) -> str:
    """One line per variable."""
    width = max(map(len, architecture))
    return "\n".join(f"  {name:{width}}  {value}" for name, value in architecture.items())


def results_in_words(results: Mapping[str, float]) -> str:
    """The results of a test."""
    words = {"test_accuracy": ("accuracy", "{:.2%}"), "mse": ("mean squared error", "{:.5f}"),
             "psnr": ("PSNR", "{:.2f} dB"), "ssim": ("SSIM", "{:.4f}")}
    return ", ".join(f"{title} {form.format(results[name])}" for name, (title, form) in words.items()
                     if name in results)


def measured(metrics: Mapping[str, Any]) -> list[str]:
    """What metrics.json says, on a line each."""
    lines = []
    if "random_median" in metrics:
        lines.append(f"- Test of the retrained network: {results_in_words(metrics)}; of "
                     f"{len(metrics['random_test_accuracies'])} random networks trained alike, median "
                     f"{metrics['random_median']:.2%}, {metrics['random_networks_beaten']} beaten")
    for name, title in (("derive", "Derived network"), ("retrain", "Retrained network")):
        if name in metrics:
            each = metrics[name]
            auxiliary = each.get("auxiliary_parameters")
            head = f", {auxiliary:,} more of the auxiliary head, which training alone uses" if auxiliary else ""
            lines.append(f"- {title}: {each['parameters']:,} parameters, {each['multiply_adds']:,} multiply-adds an "
                         f"image{head}")
    for weights in ("derived", "retrained"):
        if (results := metrics.get(f"evaluate {weights}")) is not None:
            lines.append(f"- Test of the {weights} network on {results['images']:,} images: "
                         f"{results_in_words(results)}")
    return lines
