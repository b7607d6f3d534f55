import pytest
import torch
from torch.nn.functional import pad

from asng_torch.data import Augment, TensorLoader


def by_loops(augment, image, draw):
    """One image of (channels, height, width), step by step."""
    top, left, flipped, row, column = draw.tolist()
    height, width = image.shape[1:]
    image = pad(image, [augment.crop] * 4)[:, top : top + height, left : left + width]
    if augment.flip and flipped:
        image = image.flip(2)
    image = image.clone()
    first = row - augment.cutout // 2, column - augment.cutout // 2
    for y in range(height):
        for x in range(width):
            if 0 <= y - first[0] < augment.cutout and 0 <= x - first[1] < augment.cutout:
                image[:, y, x] = 0
    return image


@pytest.mark.parametrize("augment", [Augment(2, True, 4), Augment(1, True, 3), Augment(3, False, 0),
                                     Augment(0, True, 0), Augment(0, False, 5), Augment(9, True, 99)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_a_batch_is_treated_as_its_images_one_by_one(augment, dtype):
    images = torch.randint(1, 256, (30, 3, 6, 8)).to(dtype)
    draws = augment.draw(30, 6, 8, torch.Generator().manual_seed(0))
    expected = torch.stack([by_loops(augment, image, draw) for image, draw in zip(images, draws, strict=True)])
    kept = images.clone()
    assert torch.equal(augment(images, draws), expected)
    assert torch.equal(images, kept)


def test_all_parts_left_out_change_nothing():
    images = torch.randn(5, 1, 4, 4)
    augment = Augment(crop=0, flip=False, cutout=0)
    assert torch.equal(augment(images, augment.draw(5, 4, 4, torch.Generator())), images)


def test_draws_cover_their_range_evenly():
    draws = Augment(crop=2).draw(60_000, 4, 3, torch.Generator().manual_seed(0))
    for column, size in zip(draws.T, (5, 5, 2, 4, 3), strict=True):
        shares = torch.bincount(column, minlength=size) / len(draws)
        assert torch.allclose(shares, torch.full((size,), 1 / size), atol=0.01)


def test_what_befalls_an_example_depends_on_seed_epoch_and_example_alone():
    images = torch.randn(24, 1, 8, 8)

    def epochs(batch_size, seed=0):
        loader = TensorLoader(images, torch.arange(24), batch_size, seed=seed, augment=Augment(2, True, 4))
        passes = [list(loader) for _ in range(2)]
        return [torch.cat([x for x, _ in batches])[torch.cat([y for _, y in batches]).argsort()] for batches in passes]

    first, second = epochs(4)
    assert torch.equal(first, epochs(12)[0])
    assert torch.equal(second, epochs(6)[1])
    assert not torch.equal(first, second)
    assert not torch.equal(first, epochs(4, seed=1)[0])


@pytest.mark.parametrize("name", ["crop", "cutout"])
def test_bad_sizes_are_explained(name):
    with pytest.raises(ValueError, match=rf"Augment\({name}=...\) must be at least 0, got -1"):
        Augment(**{name: -1})
    with pytest.raises(TypeError, match=rf"Augment\({name}=...\) must be an integer, got 0.5"):
        Augment(**{name: 0.5})
