import copy

import pytest
import torch

from asng_torch.data import Augment, Inpainting, ResumableLoader, TensorLoader
from asng_torch.data.masks import _MASKS


def batches(mask, n=32, batch_size=8, seed=0, **options):
    images = torch.randint(1, 256, (n, 3, 8, 12), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return Inpainting(TensorLoader(images, torch.zeros(n), batch_size, **options), mask, seed)


@pytest.mark.parametrize("mask", list(_MASKS))
def test_hidden_pixels_are_zero_and_the_rest_is_the_image(mask):
    for masked, images in batches(mask):
        assert images.dtype == torch.float32
        assert 0 < images.min() <= images.max() <= 1
        hidden = masked == 0
        assert torch.equal(hidden, hidden[:, :1].expand_as(hidden))  # the same in all channels
        assert torch.equal(masked, torch.where(hidden, 0, images))


def test_center_hides_the_middle_half_of_each_side():
    hidden = next(iter(batches("center")))[0][0, 0] == 0
    assert hidden[2:6, 3:9].all()
    assert hidden.sum() == 4 * 6


def test_pixels_hides_four_fifths_at_random():
    masked = torch.cat([masked for masked, _ in batches("pixels", n=1000)])
    assert abs((masked == 0).float().mean() - 0.8) < 0.01
    assert not torch.equal(masked[0] == 0, masked[1] == 0)


def test_half_hides_each_side_equally_often():
    hidden = torch.cat([masked for masked, _ in batches("half", n=2000)])[:, 0] == 0
    assert (hidden.sum(dim=(1, 2)) == 48).all()
    sides = [hidden[:, :, :6].all(dim=(1, 2)), hidden[:, :, 6:].all(dim=(1, 2)),
             hidden[:, :4].all(dim=(1, 2)), hidden[:, 4:].all(dim=(1, 2))]
    assert torch.stack(sides).sum(dim=0).eq(1).all()
    assert all(abs(side.float().mean() - 0.25) < 0.04 for side in sides)


@pytest.mark.parametrize("taken", [0, 3, 6])
@pytest.mark.parametrize("mask", ["pixels", "half"])
def test_masks_go_on_where_the_state_was_taken(mask, taken):
    def stream(loader):
        while True:
            yield from loader

    loader, resumed = batches(mask, augment=Augment(1, True, 0)), batches(mask, augment=Augment(1, True, 0))
    following = stream(loader)
    for _ in range(taken):
        next(following)
    resumed.load_state_dict(copy.deepcopy(loader.state_dict()))
    again = stream(resumed)
    for _ in range(6):
        for a, b in zip(next(following), next(again), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("mask", list(_MASKS))
def test_two_ranks_together_hide_what_one_process_with_the_doubled_batch_hides(mask):
    whole, *ranks = batches(mask), *(batches(mask, batch_size=4, shard=(rank, 2)) for rank in range(2))
    for (together, _), *parts in zip(whole, *ranks, strict=True):
        assert torch.equal(together, torch.cat([part for part, _ in parts]))


def test_a_dataset_of_floats_is_masked_alike():
    images = torch.rand(10, 1, 8, 8)
    data = torch.utils.data.TensorDataset(images, torch.zeros(10))
    a = Inpainting(ResumableLoader(data, 5, seed=2), "pixels")
    b = Inpainting(TensorLoader(images, torch.zeros(10), 5, seed=2), "pixels")
    assert len(a) == len(b) == 2
    assert all(torch.equal(x, y) for (x, _), (y, _) in zip(a, b, strict=True))


@pytest.mark.parametrize(("other", "message"), [
    (lambda: batches("pixels"), "mask is 'pixels' here, 'half' in the state"),
    (lambda: batches("half", seed=1), "seed is 1 here, 0 in the state"),
    (lambda: batches("half", batch_size=4), "global_batch_size is 4 here, 8 in the state"),
])
def test_the_state_of_other_masks_is_refused_and_changes_nothing(other, message):
    loader, other = batches("half"), other()
    next(iter(loader))
    before = other.state_dict()
    with pytest.raises(ValueError, match=message):
        other.load_state_dict(loader.state_dict())
    assert other.state_dict() == before
    with pytest.raises(ValueError, match=r"got one without \['batches', 'loader'"):
        other.load_state_dict({})


def test_bad_input_is_explained():
    with pytest.raises(ValueError, match=r"mask=...\) must be one of center, pixels, half, got 'centre'"):
        batches("centre")
    with pytest.raises(TypeError, match=r"must be resumable, by state_dict\(\), got list. Use TensorLoader"):
        Inpainting([])
    standardized = TensorLoader(torch.randn(8, 1, 8, 8), torch.zeros(8), 4)
    with pytest.raises(ValueError, match=r"floats in 0..1, got -.*unstandardized"):
        next(iter(Inpainting(standardized)))
