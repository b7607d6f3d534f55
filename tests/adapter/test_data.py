import gzip

import numpy as np
import pytest
import torch

from asng_torch.data import TensorLoader, fashion_mnist


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


def test_an_epoch_is_every_example_once_in_an_order_of_seed_and_epoch():
    x = torch.arange(20)

    def epochs(seed):
        loader = TensorLoader(x, x, 5, seed=seed)
        return [torch.cat([batch for batch, _ in loader]).tolist() for _ in range(3)]

    first = epochs(1)
    assert first == epochs(1) != epochs(2)
    assert first[0] != first[1] != first[2]
    assert all(sorted(epoch) == list(range(20)) for epoch in first)


def test_inputs_and_targets_stay_together():
    x = torch.arange(17)
    for batch, targets in TensorLoader(x, x * 10, 4):
        assert torch.equal(batch * 10, targets)
        assert len(batch) == 4


def test_without_shuffling_nothing_is_left_out():
    x = torch.arange(17)
    loader = TensorLoader(x, x, 5, shuffle=False)
    assert torch.equal(torch.cat([batch for batch, _ in loader]), x)
    assert len(loader) == len(list(loader)) == 4


@pytest.mark.parametrize("taken", [0, 1, 3, 4, 6])
def test_a_loader_goes_on_where_its_state_was_taken(taken):
    x = torch.arange(20)

    def stream(loader):
        while True:
            yield from (batch.tolist() for batch, _ in loader)

    loader = TensorLoader(x, x, 5, seed=3)
    batches = stream(loader)
    for _ in range(taken):
        next(batches)
    resumed = TensorLoader(x, x, 5, seed=3)
    resumed.load_state_dict(loader.state_dict())
    following = stream(resumed)
    assert [next(following) for _ in range(9)] == [next(batches) for _ in range(9)]


def test_a_pass_left_early_is_gone_on_with():
    x = torch.arange(20)
    whole = [batch.tolist() for batch, _ in TensorLoader(x, x, 5)]
    loader = TensorLoader(x, x, 5)
    assert [next(iter(loader))[0].tolist() for _ in range(4)] == whole


@pytest.mark.parametrize(("arguments", "message"), [
    ((torch.ones(3), torch.ones(4), 1), "equal lengths, got 3 and 4"),
    ((torch.ones(3), torch.ones(3), 4), r"batch_size=...\) must be within 1..3.*got 4"),
    ((torch.ones(3), torch.ones(3), 0), "got 0"),
])
def test_bad_loaders_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorLoader(*arguments)
