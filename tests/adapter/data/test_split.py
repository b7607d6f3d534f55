import pytest
import torch

from asng_torch.data import split


def test_each_example_is_in_one_part_by_seed():
    first, second = split(101, 0.3, seed=4)
    assert len(first) == 30
    assert sorted(torch.cat([first, second]).tolist()) == list(range(101))
    assert torch.equal(first, split(101, 0.3, seed=4)[0])
    assert not torch.equal(first, split(101, 0.3, seed=5)[0])
    assert torch.get_rng_state().equal(torch.manual_seed(0).get_state())  # drew from no global generator


def test_without_a_seed_the_parts_are_the_first_and_the_last():
    first, second = split(10, seed=None)
    assert first.tolist() == [0, 1, 2, 3, 4]
    assert second.tolist() == [5, 6, 7, 8, 9]


@pytest.mark.parametrize(("arguments", "message"), [
    ((1,), r"split\(n\) must be at least 2, got 1"),
    ((10, 1.0), r"split\(fraction=...\) must be greater than 0 and less than 1, got 1.0"),
    ((10, 0.01), r"split\(fraction=0.01\) of 10 examples must leave at least one in each part, got 0 and 10"),
    ((10, 0.5, -1), r"seed=...\) must be at least 0, got -1"),
])
def test_bad_splits_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        split(*arguments)
