"""The readers, on generated files of the exact format: the data itself is not at hand."""

import hashlib
import importlib.util
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional
from torchvision import datasets
from torchvision.transforms.functional import pil_to_tensor

from asng_torch.data import celeba, fashion_mnist, images, padded, standardized
from asng_torch.data.image_data import measured


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


def write_cifar(folder, monkeypatch, reader, key, names):
    """Pickled batches as published; torchvision's checksums become those of the files written."""
    rng, base, written = np.random.default_rng(0), folder / reader.base_folder, {}
    base.mkdir()
    for part, listed in (("train_list", reader.train_list), ("test_list", reader.test_list)):
        pixels, sums = [], []
        for name, _ in listed:
            batch = {"data": rng.integers(0, 256, (4, 3072), dtype=np.uint8), key: [3, 1, 0, 2]}
            (base / name).write_bytes(pickle.dumps(batch))
            pixels.append(batch["data"])
            sums.append([name, md5(base / name)])
        written[part] = np.concatenate(pixels).reshape(-1, 3, 32, 32)
        monkeypatch.setattr(reader, part, sums)
    meta = base / reader.meta["filename"]
    meta.write_bytes(pickle.dumps({reader.meta["key"]: names}))
    monkeypatch.setattr(reader, "meta", {**reader.meta, "md5": md5(meta)})
    return written


@pytest.mark.parametrize(("name", "key", "n"), [("cifar10", "labels", 20), ("cifar100", "fine_labels", 4)])
def test_cifar_is_read_in_order(name, key, n, tmp_path, monkeypatch):
    names = ["apple", "bear", "clock", "dolphin"]
    written = write_cifar(tmp_path, monkeypatch, getattr(datasets, name.upper()), key, names)
    data = images(name, tmp_path)
    assert data.train_images.dtype == torch.uint8
    assert torch.equal(data.train_images, torch.from_numpy(written["train_list"]))
    assert torch.equal(data.test_images, torch.from_numpy(written["test_list"]))
    assert data.train_labels.tolist() == [3, 1, 0, 2] * (n // 4)
    assert data.test_labels.dtype == torch.int64
    assert data.classes == tuple(names)
    assert len(data.mean) == len(data.std) == 3


def write_svhn(folder, monkeypatch):
    savemat = pytest.importorskip("scipy.io").savemat
    rng, sums, pixels = np.random.default_rng(0), {}, {}
    for split, n in (("train", 7), ("test", 4)):
        pixels[split] = rng.integers(0, 256, (32, 32, 3, n), dtype=np.uint8)
        path = folder / f"{split}_32x32.mat"
        savemat(path, {"X": pixels[split], "y": np.arange(10, 10 - n, -1)[:, None]})  # 10 stands for the digit 0
        sums[split] = ["", path.name, md5(path)]
    monkeypatch.setattr(datasets.SVHN, "split_list", sums)
    return pixels


def test_svhn_is_read_in_order_with_zero_for_ten(tmp_path, monkeypatch):
    pixels = write_svhn(tmp_path, monkeypatch)
    data = images("svhn", tmp_path)
    assert torch.equal(data.train_images, torch.from_numpy(pixels["train"]).permute(3, 2, 0, 1))
    assert data.train_labels.tolist() == [0, 9, 8, 7, 6, 5, 4]
    assert data.test_labels.tolist() == [0, 9, 8, 7]
    assert data.classes[7] == "7"


def test_svhn_without_scipy_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match="pip install scipy"):
        images("svhn", tmp_path)


def write_celeba(folder, monkeypatch, n=8):
    """Photos of 178x218 and the five lists; the eyes of photo i are around (88 + i, 111 - i)."""
    base, rng = folder / "celeba", np.random.default_rng(0)
    (base / "img_align_celeba").mkdir(parents=True)
    names = [f"{i + 1:06d}.jpg" for i in range(n)]
    for name in names:
        coarse = torch.from_numpy(rng.integers(0, 256, (1, 3, 9, 8))).float()
        smooth = functional.interpolate(coarse, (218, 178), mode="bilinear").to(torch.uint8)[0]
        Image.fromarray(smooth.permute(1, 2, 0).numpy()).save(base / "img_align_celeba" / name, quality=95)
    eyes = [(69 + i, 111 - i, 108 + i, 112 - i) for i in range(n)]
    lists = {
        "list_eval_partition.txt": [f"{name} 0" for name in names],
        "identity_CelebA.txt": [f"{name} {100 + i}" for i, name in enumerate(names)],
        "list_bbox_celeba.txt": [str(n), "image_id x_1 y_1 width height",
                                 *(f"{name}    95  71 226 313" for name in names)],
        "list_landmarks_align_celeba.txt": [
            str(n), "lefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x "
            "rightmouth_y", *(f"{name} {a} {b} {c} {d} 77 135 70 151 108 153"
                              for name, (a, b, c, d) in zip(names, eyes, strict=True))],
        "list_attr_celeba.txt": [str(n), "Bald Smiling", *(f"{name} -1  1" for name in names)],
    }
    for name, lines in lists.items():
        (base / name).write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(datasets.CelebA, "file_list", [("", md5(base / name), name) for name in lists])
    monkeypatch.setattr(celeba, "_TRAIN", slice(0, 4))
    monkeypatch.setattr(celeba, "_TEST", slice(5, 7))
    return base


def test_celeba_is_cut_around_the_eyes_and_resized(tmp_path, monkeypatch):
    base = write_celeba(tmp_path, monkeypatch)
    data = images("celeba", tmp_path)
    assert data.train_images.shape == (4, 3, 64, 64)
    assert data.train_labels.tolist() == [100, 101, 102, 103]
    assert data.test_labels.tolist() == [105, 106]
    for image, number in ((data.train_images[0], 1), (data.train_images[3], 4), (data.test_images[1], 7)):
        photo = pil_to_tensor(Image.open(base / "img_align_celeba" / f"{number:06d}.jpg")).float()
        x, y = 88 + number - 1, 111 - (number - 1)
        cut = photo[:, y - 48 : y + 48, x - 48 : x + 48]
        linear = functional.interpolate(cut[None], (64, 64), mode="bilinear")[0]
        assert (image.float() - linear).abs().mean() < 1  # the pictures are smooth; one pixel beside gives 3
    assert data.mean == pytest.approx((data.train_images / 255).mean(dim=(0, 2, 3)).tolist())
    assert data.classes == ()


def test_a_celeba_of_too_few_images_is_refused(tmp_path, monkeypatch):
    write_celeba(tmp_path, monkeypatch, n=5)
    with pytest.raises(ValueError, match="more than 5 images of CelebA, got 5"):
        images("celeba", tmp_path)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn", "celeba", "fashion-mnist"])
def test_missing_files_are_explained(name, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"has no .*download=True"):
        images(name, tmp_path)


def test_damaged_files_are_explained(tmp_path, monkeypatch):
    write_cifar(tmp_path, monkeypatch, datasets.CIFAR10, "labels", ["a"])
    path = tmp_path / "cifar-10-batches-py" / "data_batch_3"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(FileNotFoundError, match=r"no complete cifar10: .*corrupted"):
        images("cifar10", tmp_path)


def test_bad_names_and_folders_are_explained():
    with pytest.raises(ValueError, match=r"one of fashion-mnist, cifar10, .*got 'mnist'.*ResumableLoader"):
        images("mnist")
    with pytest.raises(ValueError, match=r"images\('svhn', folder=...\) must name the folder"):
        images("svhn")
    with pytest.raises(ValueError, match="one to download into"):
        images("fashion-mnist", download=True)


def test_the_embedded_images_are_those_of_fashion_mnist():
    data, floats = images("fashion-mnist"), fashion_mnist()
    assert data.train_images.shape == (6000, 1, 28, 28)
    assert data.classes[9] == "ankle boot"
    assert torch.equal(floats.test_labels, data.test_labels)
    assert torch.equal(floats.train_images, (data.train_images / 255 - 0.2860) / 0.3530)


def test_standardized_has_mean_zero_and_deviation_one_per_channel():
    pixels = torch.randint(0, 256, (50, 3, 8, 8), dtype=torch.uint8) // torch.tensor([1, 2, 4])[:, None, None]
    pixels, kept = pixels.to(torch.uint8), pixels.clone()
    result = standardized(pixels, *measured(pixels))
    assert torch.allclose(result.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(result.std(dim=(0, 2, 3), correction=0), torch.ones(3), atol=1e-5)
    assert torch.equal(pixels, kept)
    floats = pixels.float()
    assert torch.equal(standardized(floats, *measured(pixels)), result)
    assert torch.equal(floats, pixels.float())
    with pytest.raises(ValueError, match="each of 3 channels, got 1 and 1"):
        standardized(pixels, (0.5,), (0.5,))


def test_padded_surrounds_with_zeros():
    pixels = torch.randint(1, 256, (4, 1, 28, 28), dtype=torch.uint8)
    result = padded(pixels, 32)
    assert result.shape == (4, 1, 32, 32)
    assert torch.equal(result[:, :, 2:30, 2:30], pixels)
    assert result.count_nonzero() == pixels.numel()
    assert torch.equal(padded(pixels, 28), pixels)
    for side in (29, 26):
        with pytest.raises(ValueError, match=rf"28 x 28, the images' size, or larger by an even number, got {side}"):
            padded(pixels, side)
