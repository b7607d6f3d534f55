import random

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, Subset, TensorDataset

from asng_torch.data import ResumableLoader, TensorLoader


class Noisy(Dataset):
    """Draws from all three global generators, and counts what it fetched."""

    def __init__(self, n=24):
        self.targets, self.fetched = list(range(n)), []

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        self.fetched.append(index)
        drawn = [random.random(), np.random.random(), torch.rand(()).item()]  # noqa: NPY002 (what users' transforms do)
        return torch.tensor([index, *drawn], dtype=torch.float64), index


def epochs(loader, n=2):
    return torch.cat([x for _ in range(n) for x, _ in loader])


def test_any_number_of_workers_gives_the_same_bits():
    expected = epochs(ResumableLoader(Noisy(), 4, seed=3))
    for options in ({"num_workers": 1}, {"num_workers": 2}, {"num_workers": 2, "persistent_workers": True}):
        assert torch.equal(epochs(ResumableLoader(Noisy(), 4, seed=3, **options)), expected)
    assert not torch.equal(expected[:24], expected[24:])
    assert expected[:, 1:].unique().numel() == 3 * 48  # every fetch drew numbers of its own


def test_surrounding_random_states_are_left_alone():
    def drawn():
        return random.random(), np.random.random(), torch.rand(()).item()  # noqa: NPY002 (the state in question)

    states = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    expected = drawn()
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002
    torch.set_rng_state(states[2])
    epochs(ResumableLoader(Noisy(), 4))
    epochs(ResumableLoader(Noisy(), 4, num_workers=1))
    assert drawn() == expected


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("taken", [1, 4, 6, 9])
def test_a_loader_goes_on_where_its_state_was_taken(taken, num_workers):
    whole = epochs(ResumableLoader(Noisy(), 4))
    loader, batches = ResumableLoader(Noisy(), 4, num_workers=num_workers), []
    while len(batches) < taken:
        for batch, _ in loader:
            batches.append(batch)
            if len(batches) == taken:
                break  # workers have fetched ahead by now
    data = Noisy()
    resumed = ResumableLoader(data, 4)
    resumed.load_state_dict(loader.state_dict())
    rest = epochs(resumed, n=2 - taken // 6)
    assert torch.equal(torch.cat([*batches, rest]), whole)
    assert len(data.fetched) == 48 - 4 * taken  # what was consumed before is not fetched again


def test_a_pass_left_early_is_gone_on_with_by_workers_that_stay():
    loader = ResumableLoader(Noisy(), 4, num_workers=2, persistent_workers=True)
    parts = [next(iter(loader))[0] for _ in range(3)]
    assert torch.equal(torch.cat([*parts, epochs(loader, n=1)]), epochs(ResumableLoader(Noisy(), 4), n=1))


@pytest.mark.parametrize("shuffle", [True, False])
def test_the_order_is_that_of_a_tensor_loader(shuffle):
    x = torch.arange(22)
    tensors = TensorLoader(x, x, 5, seed=2, shuffle=shuffle)
    dataset = ResumableLoader(TensorDataset(x, x), 5, seed=2, shuffle=shuffle)
    assert len(tensors) == len(dataset)
    for _ in range(2):
        assert [a.tolist() for a, _ in tensors] == [b.tolist() for b, _ in dataset]


def test_two_ranks_together_see_what_one_process_with_the_doubled_batch_sees():
    whole = ResumableLoader(Noisy(), 8)
    ranks = [ResumableLoader(Noisy(), 4, shard=(rank, 2)) for rank in range(2)]
    for (together, _), *parts in zip(whole, *ranks, strict=True):
        assert torch.equal(together, torch.cat([part for part, _ in parts]))


@pytest.mark.parametrize(("other", "message"), [
    (lambda: ResumableLoader(Noisy(), 3), "global_batch_size is 3 here, 4 in the state"),
    (lambda: ResumableLoader(Noisy(23), 4), "examples is 23 here"),
    (lambda: ResumableLoader(Subset(Noisy(48), range(1, 25)), 4), "data is '.*' here, '.*' in the state"),
])
def test_the_state_of_other_examples_is_refused_and_changes_nothing(other, message):
    loader, other = ResumableLoader(Subset(Noisy(48), range(24)), 4), other()
    next(iter(loader))
    before = other.state_dict()
    with pytest.raises(ValueError, match=f"ResumableLoader over the same examples.*{message}"):
        other.load_state_dict(loader.state_dict())
    assert other.state_dict() == before


def test_an_exception_of_the_dataset_leaves_random_states_alone():
    class Broken(Noisy):
        def __getitem__(self, index):
            random.random()
            raise KeyError("no such file")

    state = random.getstate()
    with pytest.raises(KeyError, match="no such file"):
        next(iter(ResumableLoader(Broken(), 4)))
    assert random.getstate() == state


def test_options_reach_the_data_loader():
    loader = ResumableLoader(Noisy(), 4, collate_fn=lambda examples: [index for _, index in examples])
    assert sorted(index for batch in loader for index in batch) == list(range(24))


def test_bad_datasets_are_explained():
    class Stream(IterableDataset):
        def __iter__(self):
            return iter(())

    with pytest.raises(TypeError, match=r"must have a length and dataset\[index\], got Stream.*stream"):
        ResumableLoader(Stream(), 4)
    with pytest.raises(ValueError, match="ResumableLoader must have at least one example, got none"):
        ResumableLoader(Noisy(0), 4)
    with pytest.raises(ValueError, match=r"ResumableLoader\(batch_size=...\) must be within 1..24"):
        ResumableLoader(Noisy(), 25)
