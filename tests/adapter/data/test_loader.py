import json

import pytest
import torch

from asng_torch.data import Augment, TensorLoader


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
    ((torch.ones(0), torch.ones(0), 1), "at least one example, got none"),
    ((torch.ones(3), torch.ones(3, device="meta"), 1), "on one device, got cpu and meta"),
])
def test_bad_loaders_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorLoader(*arguments)


@pytest.mark.parametrize(("arguments", "message"), [
    ({"shard": (2, 2)}, r"shard=\(rank, world_size\).*0 <= rank < world_size, got \(2, 2\)"),
    ({"batch_size": 6, "shard": (0, 2)}, r"within 1..5, the number of examples for each of 2 processes, got 6"),
    ({"shuffle": False, "shard": (0, 2)}, r"whole batches of 4 for 2 processes, got 2 left over.*Shuffle"),
    ({"augment": Augment()}, r"\(n, channels, height, width\) images, got inputs of shape \(10,\)"),
    ({"seed": -1}, r"seed=...\) must be at least 0, got -1"),
])
def test_bad_options_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        TensorLoader(torch.arange(10), torch.arange(10), **{"batch_size": 4, **arguments})


def test_what_is_no_tensor_is_sent_to_the_other_loader():
    with pytest.raises(TypeError, match=r"inputs\) must be a tensor, got list.*as_tensor.*ResumableLoader"):
        TensorLoader([1, 2], torch.ones(2), 1)


@pytest.mark.parametrize("shuffle", [True, False])
def test_two_ranks_together_see_what_one_process_with_the_doubled_batch_sees(shuffle):
    x = torch.randn(24, 1, 6, 6)
    options = {"shuffle": shuffle, "seed": 5, "augment": Augment(1, True, 2)}
    whole = TensorLoader(x, torch.arange(24), 8, **options)
    ranks = [TensorLoader(x, torch.arange(24), 4, shard=(rank, 2), **options) for rank in range(2)]
    for _ in range(2):
        for together, *parts in zip(whole, *ranks, strict=True):
            for tensor, *chunks in zip(together, *parts, strict=True):
                assert torch.equal(tensor, torch.cat(chunks))


def test_a_state_goes_to_another_number_of_processes_with_the_same_batch_together():
    x = torch.arange(24)
    whole = TensorLoader(x, x, 8)
    next(iter(whole))
    halves = [TensorLoader(x, x, 4, shard=(rank, 2)) for rank in range(2)]
    for half in halves:
        half.load_state_dict(whole.state_dict())
    assert torch.equal(next(iter(whole))[0], torch.cat([next(iter(half))[0] for half in halves]))


@pytest.mark.parametrize(("other", "message"), [
    (lambda x: TensorLoader(x, x, 4), "global_batch_size is 4 here, 5 in the state"),
    (lambda x: TensorLoader(x, x, 5, seed=1), "seed is 1 here, 0 in the state"),
    (lambda x: TensorLoader(x, x, 5, shuffle=False), "shuffle is False here, True in the state"),
    (lambda x: TensorLoader(x[:19], x[:19], 5), "examples is 19 here, 20 in the state"),
    (lambda x: TensorLoader(x, x.flip(0), 5), "data is '.*' here, '.*' in the state"),
])
def test_the_state_of_another_order_is_refused_and_changes_nothing(other, message):
    x = torch.arange(20)
    loader, other = TensorLoader(x, x, 5), other(x)
    next(iter(loader))
    before = other.state_dict()
    with pytest.raises(ValueError, match=f"over the same examples in the same order: {message}.*Build the loader"):
        other.load_state_dict(loader.state_dict())
    assert other.state_dict() == before


@pytest.mark.parametrize(("change", "message"), [
    ({"position": 4}, "must be below 4, the batches of an epoch, got 4"),
    ({"epoch": -1}, "must be at least 0, got -1"),
])
def test_a_damaged_state_is_refused(change, message):
    loader = TensorLoader(torch.arange(20), torch.arange(20), 5)
    with pytest.raises(ValueError, match=message):
        loader.load_state_dict({**loader.state_dict(), **change})
    with pytest.raises(ValueError, match=r"what TensorLoader.state_dict\(\) returned, got one without \['data'"):
        loader.load_state_dict({"epoch": 0, "position": 0})


def test_a_state_is_text_and_numbers():
    state = TensorLoader(torch.arange(20), torch.arange(20), 5).state_dict()
    assert json.loads(json.dumps(state)) == state


def test_a_resumed_pass_is_augmented_as_the_whole_one():
    x = torch.randn(20, 3, 8, 8)

    def loader():
        return TensorLoader(x, torch.arange(20), 5, seed=1, augment=Augment(2, True, 4))

    whole, resumed = loader(), loader()
    first = [batch for _ in range(2) for batch, _ in whole]
    source = loader()
    for _ in range(6):
        next(iter(source))
    resumed.load_state_dict(source.state_dict())
    assert all(torch.equal(a, b) for (a, _), b in zip(resumed, first[6:], strict=True))
