"""CelebA (Liu et al., 2015): faces for inpainting, by torchvision's reader."""

from __future__ import annotations

import os

import torch
from torch import Tensor
from torch.nn import functional

from .image_data import ImageData, measured

_CROP, _SIDE = 96, 64  # pixels of the face that is cut out, and after resizing
_TRAIN, _TEST = slice(0, 100_000), slice(101_000, 103_000)  # by the files' numbers; those between were validation


def read_celeba(folder: str | os.PathLike[str], download: bool) -> ImageData:
    """100,000 training and 2,000 test images of 64x64 in colour, prepared as in Suganuma et al., ICML 2018.

    The paper of ASNG used that preparation: 96x96 pixels around the middle of the eyes, resized by bicubic
    interpolation; the first 100,000 files train, the 2,000 after the next 1,000 test. Labels are the persons'
    numbers, and not to be predicted: the images are their own targets. Mean and deviation are measured here.

    folder: holds `celeba`, with the five .txt lists and `img_align_celeba`. Reading takes minutes and 1.3 GB.

    Source: https://github.com/sg-nm/Evolutionary-Autoencoders, create_data.py.
    """
    from torchvision.datasets import CelebA
    from torchvision.transforms.functional import pil_to_tensor
    faces = CelebA(folder, split="all", target_type=["landmarks", "identity"], transform=pil_to_tensor,
                   download=download)
    if len(faces) <= _TEST.start:
        raise ValueError(f"folder {os.fspath(folder)!r} must list more than {_TEST.start} images of CelebA, "
                         f"got {len(faces)}. Fetch its lists anew.")

    def part(files: slice) -> tuple[Tensor, Tensor]:
        indices = range(len(faces))[files]
        images = torch.empty(len(indices), 3, _SIDE, _SIDE, dtype=torch.uint8)
        for image, index in zip(images, indices, strict=True):
            photo, (landmarks, _) = faces[index]
            image.copy_(_face(photo, landmarks))
        return images, faces.identity[files, 0].clone()

    (train_images, train_labels), (test_images, test_labels) = part(_TRAIN), part(_TEST)
    return ImageData(train_images, train_labels, test_images, test_labels, *measured(train_images), ())


def _face(photo: Tensor, landmarks: Tensor) -> Tensor:
    """`(3, height, width)` uint8 photo, and the left and right eye's x, y, ... -> `(3, 64, 64)` uint8."""
    left_x, left_y, right_x, right_y = landmarks[:4].tolist()
    # the window's middle is that between the eyes
    top, left = (max(0, min((a + b) // 2 - _CROP // 2, size - _CROP))  # inside, whatever the list says
                 for a, b, size in ((left_y, right_y, photo.shape[1]), (left_x, right_x, photo.shape[2])))
    cut = photo[None, :, top : top + _CROP, left : left + _CROP].float()
    resized = functional.interpolate(cut, (_SIDE, _SIDE), mode="bicubic", align_corners=False)
    return resized[0].round().clamp(0, 255).to(torch.uint8)
