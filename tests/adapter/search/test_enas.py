"""What holds of any search, of the small ENAS space: batch statistics, momentum, cosine, augmentation, two workers."""

import pytest
import torch
from searches import assert_equal, build_enas, peak_bytes, state


@pytest.mark.attack
def test_a_resumed_search_ends_bit_for_bit_where_an_uninterrupted_one_does(tmp_path):
    whole = build_enas()
    list(whole)
    for stop in (3, 7):
        broken = build_enas()
        for record in broken:
            if record.step == stop:
                broken.save(tmp_path / "search")
                break
        resumed = build_enas(workers=0)  # the number of workers changes nothing
        with torch.no_grad():
            for parameter in resumed.supernet.parameters():
                parameter.fill_(7.0)
        resumed.resume(tmp_path / "search")
        list(resumed)
        assert_equal(state(resumed), state(whole))


def test_a_step_of_two_architectures_needs_little_more_than_the_larger_alone():
    def step_of(operations):
        search = build_enas(steps=3)
        variables = search.supernet.space.variables
        drawn = [{name: operation if "operation" in name else variable.choices[-1]
                  for name, variable in variables.items()} for operation in operations]
        search.optimizer.sample = lambda n, mirrored: drawn
        iterator = iter(search)
        next(iterator)
        return lambda: next(iterator)

    large, small = "sep_conv_5x5", "avg_pool_3x3"
    alone = max(peak_bytes(step_of([name])) for name in (large, small))
    both = peak_bytes(step_of([large, small]))
    assert alone > 1_000_000
    assert both <= 1.1 * alone
