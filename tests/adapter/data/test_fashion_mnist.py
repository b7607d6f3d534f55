import gzip

import numpy as np
import pytest
import torch

from asng_torch.data import fashion_mnist


def test_the_embedded_subset_is_balanced_and_standardized():
    data = fashion_mnist()
    assert data.train_images.shape == (6000, 1, 28, 28)
    assert data.test_images.shape == (1000, 1, 28, 28)
    assert torch.bincount(data.train_labels).tolist() == [600] * 10
    assert torch.bincount(data.test_labels).tolist() == [100] * 10
    assert data.train_images.mean().abs() < 0.02
    assert (data.train_images.std() - 1).abs() < 0.02


def write_idx(path, array):
    header = bytes([0, 0, 8, array.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in array.shape)
    data = header + array.astype(np.uint8).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture(params=["", ".gz"])
def folder(request, tmp_path):
    """Files of the exact format of the full set, a few images long."""
    rng = np.random.default_rng(0)
    place = tmp_path if request.param else tmp_path / "FashionMNIST" / "raw"
    place.mkdir(parents=True, exist_ok=True)
    for part, n in (("train", 20), ("t10k", 10)):
        write_idx(place / f"{part}-images-idx3-ubyte{request.param}", rng.integers(0, 256, (n, 28, 28)))
        write_idx(place / f"{part}-labels-idx1-ubyte{request.param}", np.arange(n) % 10)
    return tmp_path, place


def test_a_folder_of_idx_files_is_read(folder):
    data = fashion_mnist(folder[0])
    assert data.train_images.shape == (20, 1, 28, 28)
    assert data.test_labels.tolist() == list(range(10))


def test_torchvision_reads_the_same_from_its_own_layout(folder):
    torchvision = pytest.importorskip("torchvision")
    if folder[1] == folder[0]:
        pytest.skip("torchvision has a layout of its own")
    data, other = fashion_mnist(folder[0]), torchvision.datasets.FashionMNIST(folder[0], train=True)
    assert torch.equal(data.train_labels, other.targets)
    assert torch.allclose(data.train_images[:, 0], (other.data / 255 - 0.2860) / 0.3530)


def test_a_missing_folder_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no train-images-idx3-ubyte.*download=True.*no folder for"):
        fashion_mnist(tmp_path / "nowhere")


def test_a_truncated_file_is_named(folder):
    path = next(p for p in folder[1].iterdir() if p.name.startswith("t10k-images"))
    whole = path.read_bytes()
    for damaged in (whole[:-5], whole[:10], b"<html>not found</html>", b""):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=r"t10k-images.*not a complete idx file"):
            fashion_mnist(folder[0])
