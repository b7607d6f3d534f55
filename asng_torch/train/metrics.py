"""How good images in 0..1 are, and of a network that fills them in the means over a test set."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..networks.normalization import device_of, eval_mode

_SIDE, _SIGMA = 11, 1.5  # of SSIM's window, in pixels; these and the next as the paper has them
_C1, _C2 = 0.01**2, 0.03**2  # (K1 L)^2 and (K2 L)^2 of a data range L = 1, which keep quotients finite in the dark


def mse(outputs: Tensor, targets: Tensor) -> Tensor:
    """`(n,)` mean squared errors of `(n, channels, height, width)` images."""
    return (outputs - targets).square().flatten(1).mean(dim=1)


def psnr(outputs: Tensor, targets: Tensor) -> Tensor:
    """`(n,)` peak signal-to-noise ratios in dB of images clipped to 0..1; infinite where they are the same."""
    return -10 * mse(outputs.clamp(0, 1), targets).log10()


def ssim(outputs: Tensor, targets: Tensor) -> Tensor:
    """`(n,)` structural similarities of images in 0..1, mean over channels and over all windows within the image.

    Windows are 11 pixels wide and Gaussian, with sigma 1.5. Raises ValueError for smaller images.

    Source: Wang, Bovik, Sheikh and Simoncelli, 2004, https://doi.org/10.1109/TIP.2003.819861.
    """
    if outputs.shape != targets.shape or min(outputs.shape[-2:]) < _SIDE:
        raise ValueError(f"ssim(outputs, targets) must be images of one shape, at least {_SIDE} pixels high and wide, "
                         f"got {tuple(outputs.shape)} and {tuple(targets.shape)}.")
    offsets = torch.arange(_SIDE, dtype=outputs.dtype, device=outputs.device) - _SIDE // 2
    line = torch.exp(-(offsets**2) / (2 * _SIGMA**2))
    line = line / line.sum()  # (11,); the window is its outer product with itself

    def local_mean(images: Tensor) -> Tensor:
        flat = images.flatten(0, 1)[:, None]  # (n * channels, 1, height, width): every channel by itself
        return functional.conv2d(functional.conv2d(flat, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))

    # mu, sigma^2 and sigma_xy of every window within the image: (n * channels, 1, height - 10, width - 10)
    x, y = local_mean(outputs), local_mean(targets)
    x_variance, y_variance = local_mean(outputs**2) - x**2, local_mean(targets**2) - y**2
    covariance = local_mean(outputs * targets) - x * y
    similar = (2 * x * y + _C1) * (2 * covariance + _C2) / ((x**2 + y**2 + _C1) * (x_variance + y_variance + _C2))
    return similar.view(*outputs.shape[:2], -1).mean(dim=(1, 2))


def evaluate_inpainting(network: nn.Module, loader: Iterable[tuple[Tensor, Tensor]]) -> dict[str, float]:
    """"mse", "psnr" in dB and "ssim", each the mean over the images of its value, in eval mode.

    loader: batches (masked images, images), as `data.Inpainting` gives them. Every module is left in the
        mode it was in. Raises ValueError if it yields none.
    """
    device = device_of(network)
    metrics = {"mse": mse, "psnr": psnr, "ssim": ssim}
    values: dict[str, list[Tensor]] = {name: [] for name in metrics}
    with eval_mode(network), torch.no_grad():
        for masked, whole in loader:
            targets = whole.to(device)
            outputs = network(masked.to(device))
            for name, metric in metrics.items():
                values[name].append(metric(outputs, targets))
    if not values["mse"]:
        raise ValueError("evaluate_inpainting(loader) must yield at least one batch, got none. "
                         "Is the data or the split empty?")
    return {name: float(torch.cat(found).double().mean()) for name, found in values.items()}
