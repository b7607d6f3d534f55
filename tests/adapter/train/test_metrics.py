import math

import numpy as np
import pytest
import torch
from torch import nn

from asng_torch import evaluate
from asng_torch.data import Inpainting, TensorLoader
from asng_torch.train import metrics


def test_accuracy_is_the_share_of_right_labels():
    outputs, labels = torch.tensor([[0.0, 1.0], [2.0, 1.0], [0.0, 3.0]]), torch.tensor([1, 0, 0])
    assert evaluate(nn.Identity(), [(outputs, labels)]) == pytest.approx(2 / 3)


def test_errors_and_noise_ratios_are_those_of_each_image():
    x, y = torch.zeros(2, 1, 12, 12), torch.zeros(2, 1, 12, 12)
    x[0], x[1, 0, :6] = 0.1, 0.2
    assert metrics.mse(x, y).tolist() == pytest.approx([0.01, 0.02])
    assert metrics.psnr(x, y).tolist() == pytest.approx([20, -10 * math.log10(0.02)], rel=1e-5)
    assert metrics.psnr(x - 0.5, y).tolist() == [math.inf, math.inf]  # clipped


def plain_ssim(x, y):
    """The definition, window by window, of one channel."""
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line) / line.sum() ** 2
    found = []
    for i in range(x.shape[0] - 10):
        for j in range(x.shape[1] - 10):
            a, b = x[i : i + 11, j : j + 11], y[i : i + 11, j : j + 11]
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            var_a, var_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            cov = (window * (a - mean_a) * (b - mean_b)).sum()
            found.append((2 * mean_a * mean_b + 1e-4) * (2 * cov + 9e-4)
                         / ((mean_a**2 + mean_b**2 + 1e-4) * (var_a + var_b + 9e-4)))
    return np.mean(found)


def test_ssim_is_its_definition():
    x, y = torch.rand(3, 2, 15, 13, dtype=torch.float64), torch.rand(3, 2, 15, 13, dtype=torch.float64)
    y[0] = (x[0] + 0.1 * y[0]).clamp(max=1)
    expected = [np.mean([plain_ssim(a.numpy(), b.numpy()) for a, b in zip(*pair, strict=True)])
                for pair in zip(x, y, strict=True)]
    assert metrics.ssim(x, y).tolist() == pytest.approx(expected, rel=1e-9)
    assert metrics.ssim(x, x).tolist() == pytest.approx([1, 1, 1])


def test_images_smaller_than_the_window_are_explained():
    with pytest.raises(ValueError, match="at least 11 pixels high and wide, got"):
        metrics.ssim(torch.zeros(1, 1, 10, 12), torch.zeros(1, 1, 10, 12))


def test_a_network_is_evaluated_over_all_images_in_eval_mode_and_left_in_its_own():
    images = torch.rand(5, 1, 16, 16)
    loader = Inpainting(TensorLoader(images, torch.zeros(5), 2, shuffle=False))
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.Dropout(0.9))
    nn.init.ones_(network[0].weight)
    nn.init.zeros_(network[0].bias)
    found = metrics.evaluate_inpainting(network, loader)
    with pytest.raises(ValueError, match="must yield at least one batch, got none"):
        metrics.evaluate_inpainting(network, [])
    masked = images.clone()
    masked[..., 4:12, 4:12] = 0
    assert found == pytest.approx({name: getattr(metrics, name)(masked, images).mean().item() for name in found})
    assert list(found) == ["mse", "psnr", "ssim"]
    assert network.training
    assert network[1].training
