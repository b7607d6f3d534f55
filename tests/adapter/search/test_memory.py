"""A step holds the activations of one architecture at a time."""

import torch
from searches import build, peak_bytes


def step_of(names):
    """The step of a search whose drawn architectures are `names` in every layer; of one, a step of that alone."""
    search = build(steps=3)
    labels = search.supernet.space.names
    architectures = [dict.fromkeys(labels, name) for name in names]
    search.optimizer.sample = lambda n, mirrored: architectures
    iterator = iter(search)
    next(iterator)  # momentum buffers, the first gradients
    return lambda: next(iterator)


def test_a_step_of_two_architectures_needs_little_more_than_the_larger_alone():
    torch.manual_seed(0)
    large, small = "convolution 3x3", "convolution 1x1"
    alone = max(peak_bytes(step_of([name])) for name in (large, small))
    both = peak_bytes(step_of([large, small]))
    twice = peak_bytes(step_of([large, large]))
    assert alone > 100_000
    assert both <= 1.1 * alone
    assert twice <= 1.1 * alone
