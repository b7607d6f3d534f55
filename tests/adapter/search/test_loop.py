"""The loop: packaged and spelled out, what each option does, and what is left out when losses are no numbers."""

import numpy as np
import pytest
import torch
from searches import assert_equal, build, criterion, state
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from asng_core import ASNG
from asng_torch import LayerChoice, Search, Supernet
from asng_torch.data import TensorLoader
from asng_torch.spaces import mini_network


def test_the_packaged_loop_is_the_spelled_out_one():
    search, own = build(steps=4), build(steps=4)
    torch.manual_seed(1)
    records = list(search)

    torch.manual_seed(1)
    supernet, optimizer, weights = own.supernet, own.optimizer, own.weights
    losses = []
    for (x, y), (xv, yv) in zip(own.train_loader, own.valid_loader, strict=True):
        for arch in optimizer.sample(2):
            with supernet.active(arch):
                (criterion(supernet(x), y) / 2).backward()
        weights.step()
        weights.zero_grad()
        own.scheduler.step()
        batch = optimizer.ask(2)
        losses.append(supernet.losses(batch, lambda net, xv=xv, yv=yv: criterion(net(xv), yv)))
        optimizer.tell(batch, losses[-1])
    assert_equal(state(search), state(own))
    assert [record.step for record in records] == [1, 2, 3, 4]
    assert all(np.array_equal(record.valid_losses, expected) for record, expected in zip(records, losses, strict=True))


def test_records_tell_what_a_step_saw():
    record = next(iter(build()))
    assert record.step == 1
    assert record.valid_losses.shape == (2,)
    assert np.isfinite(record.train_loss)


def test_a_loop_left_by_break_goes_on_where_it_was():
    whole, broken = build(), build()
    torch.manual_seed(1)
    list(whole)
    torch.manual_seed(1)
    while broken.step < 12:
        next(iter(broken))
    assert_equal(state(broken), state(whole))


def test_the_search_finds_the_layer_that_can_solve_the_task():
    """Targets need the sign of a product of two inputs: only the wide path can learn it."""
    torch.manual_seed(0)
    x = torch.randn(2000, 2)
    y = (x.prod(dim=1) > 0).long()
    net = nn.Sequential(LayerChoice({"narrow": nn.Linear(2, 32), "pass": nn.Sequential(nn.Linear(2, 32), nn.Tanh())},
                                    label="layer"), nn.Linear(32, 2))
    supernet = Supernet(net)
    weights = torch.optim.SGD(supernet.parameters(), 0.2, momentum=0.9)
    search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights, criterion,
                    TensorLoader(x[:1000], y[:1000], 50), TensorLoader(x[1000:], y[1000:], 50), steps=600)
    for _ in search:
        pass
    assert search.optimizer.mode() == {"layer": "pass"}
    assert search.optimizer.converged


@pytest.mark.parametrize(("change", "message"), [
    ({"warmup": 4}, r"Search\(warmup=...\) must be within 0..steps = 3, got 4"),
    ({"steps": 0}, r"Search\(steps=...\) must be at least 1, got 0"),
    ({"accumulate": 0}, r"Search\(accumulate=...\) must be at least 1, got 0"),
    ({"clip": 0.0}, r"Search\(clip=...\) must be greater than 0"),
    ({"ema": 1.0}, r"Search\(ema=...\) must be greater than 0 and less than 1, got 1"),
    ({"autocast": torch.float64}, r"must be None, torch.bfloat16 or torch.float16, got torch.float64"),
    ({"closure": len}, r"must not both be given"),
    ({"optimizer": []}, r"must be an ASNG, or a list of different ones"),
    ({"cost": "parameters"}, r"Search\(cost=..., limit=...\) go together"),
    ({"cost": "flops", "limit": 1.0}, r"Search\(cost=...\) must be one of .*'multiply_adds', .* or a function"),
    ({"cost": len, "limit": [1.0, 2.0]}, r"must be one ASNG for each limit, got 1 and 2"),
    ({"scheduler": torch.optim.lr_scheduler.ReduceLROnPlateau(torch.optim.SGD([nn.Parameter(torch.ones(1))], 0.1))},
     r"must step by itself, got ReduceLROnPlateau, which waits for a metric"),
    ({"optimizer": ASNG(Supernet(mini_network(depth=1)).space)}, "must be over the supernet's space"),
])
def test_bad_arguments_are_explained(change, message):
    good = build()
    arguments = {"supernet": good.supernet, "optimizer": good.optimizer, "weights": good.weights, "steps": 3,
                 "criterion": criterion, "train_loader": good.train_loader, "valid_loader": good.valid_loader}
    with pytest.raises(ValueError, match=message):
        Search(**(arguments | change))


def test_an_empty_loader_is_explained():
    search = build()
    search.valid_loader = []
    with pytest.raises(ValueError, match=r"Search\(valid_loader\) must yield at least one batch"):
        next(iter(search))


def test_warmup_trains_the_weights_alone():
    search = build()
    search.warmup = 5
    theta = search.optimizer.state_dict()["theta"]
    for record in search:
        assert len(record.valid_losses) == (0 if record.step <= 5 else 2)
        if record.step == 5:
            assert search.optimizer.n_asked == 0
            assert np.array_equal(search.optimizer.state_dict()["theta"], theta)
    assert search.optimizer.n_told == 14


def test_a_record_tells_what_was_asked_and_where_the_distribution_is():
    search = build(steps=3)
    for record in search:
        assert [search.supernet.space.contains(dict(each)) for each in record.architectures] == [True, True]
        assert record.costs.shape == (0,)
        assert (record.entropy, record.step_size) == (search.optimizer.entropy, search.optimizer.step_size)
        assert record.learning_rate == pytest.approx(0.05 * (1 + np.cos(np.pi * (record.step - 1) / 3)) / 2)


def test_the_own_loop_with_global_shuffling_and_zeroed_gradients_is_the_packaged_one_too():
    """A DataLoader draws its order from PyTorch's global generator, as dropout does."""
    def loaders(search):
        return [DataLoader(TensorDataset(each.inputs, each.targets), 8, shuffle=True)
                for each in (search.train_loader, search.valid_loader)]

    search, own = build(steps=4, set_to_none=False), build(steps=4)
    search.train_loader, search.valid_loader = loaders(search)
    torch.manual_seed(1)
    list(search)
    torch.manual_seed(1)
    for (x, y), (xv, yv) in zip(*loaders(own), strict=True):
        for arch in own.optimizer.sample(2):
            with own.supernet.active(arch):
                (criterion(own.supernet(x), y) / 2).backward()
        own.weights.step()
        own.weights.zero_grad(set_to_none=False)
        own.scheduler.step()
        batch = own.optimizer.ask(2)
        own.optimizer.tell(batch, own.supernet.losses(batch, lambda net, xv=xv, yv=yv: criterion(net(xv), yv)))
        if own.optimizer.n_told == 8:
            break
    assert_equal(state(search), state(own))


def small(**options):
    """Without normalization or dropout, in float64: the gradient of a batch is the mean over its parts."""
    def net():
        return nn.Sequential(nn.Flatten(), LayerChoice({"a": nn.Linear(784, 4), "b": nn.Linear(784, 4)}, label="op"),
                             nn.Linear(4, 10)).double()

    search = build(net=net, **options)
    for each in (search.train_loader, search.valid_loader):
        each.inputs = each.inputs.double()
    return search


def test_accumulated_batches_are_one_large_batch():
    parts, whole = small(steps=1, accumulate=2), small(steps=1)
    batches = list(small(steps=1).train_loader)
    whole.train_loader = [tuple(torch.cat([batch[i] for batch in batches[:2]]) for i in range(2))]
    (record,), (expected,) = list(parts), list(whole)
    assert record.train_loss == pytest.approx(expected.train_loss, rel=1e-12)
    for ours, theirs in zip(parts.supernet.parameters(), whole.supernet.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_clipping_bounds_the_step():
    search = small(steps=1, clip=1e-3, momentum=0.0)
    search.weights.param_groups[0]["weight_decay"] = 0.0
    before = [each.detach().clone() for each in search.supernet.parameters()]
    list(search)
    moved = torch.cat([(a - b).flatten() for a, b in zip(before, search.supernet.parameters(), strict=True)])
    assert float(moved.detach().norm()) == pytest.approx(0.05 * 1e-3, rel=1e-3)


def test_validation_judges_the_averaged_weights():
    search = build(steps=3, ema=0.5)
    seen = []
    search.judged.judge = lambda batch, closure, stochastic: seen.append(batch) or [0.0] * len(batch)
    averages = search.supernet.module[0][1][0].weight.detach().clone()
    for record in search:
        now = search.supernet.module[0][1][0].weight.detach()
        averages = now.clone() if record.step == 1 else 0.5 * averages + 0.5 * now
        torch.testing.assert_close(search.judged.module[0][1][0].weight, averages)
    assert len(seen) == 3
    assert search.judged is not search.supernet


def test_autocast_reaches_forward_and_criterion_in_training_and_validation():
    search, dtypes = build(steps=1, autocast=torch.bfloat16), []

    def loss(outputs, targets):
        dtypes.append((outputs.dtype, torch.is_autocast_enabled("cpu")))
        return criterion(outputs, targets)

    search.objective.criterion = loss
    list(search)
    assert dtypes == [(torch.bfloat16, True)] * 4


def test_mirrored_pairs_train_and_validate():
    def net():
        return nn.Sequential(nn.Flatten(), LayerChoice({"a": nn.Linear(784, 10), "b": nn.Linear(784, 10)}))

    search, calls = build(net=net, steps=1, mirrored=True), []
    for name in ("ask", "sample"):
        method = getattr(search.optimizer, name)
        setattr(search.optimizer, name, lambda n, *, mirrored, method=method: (
            calls.append(mirrored) or method(n, mirrored=mirrored)))
    list(search)
    assert calls == [True, True]


def failing(search, steps, value=float("nan")):
    """Training losses of these steps become `value`; validation, without gradients, is left alone."""
    def loss(outputs, targets):
        bad = search.step + 1 in steps and torch.is_grad_enabled()
        return criterion(outputs, targets) * (value if bad else 1.0)

    search.objective.criterion = loss
    return search


@pytest.mark.parametrize(("value", "clip"), [(float("nan"), None), (float("inf"), None), (1.0, 1.0)])
def test_a_step_without_a_finite_loss_or_gradient_leaves_the_weights_alone(value, clip):
    search = failing(build(steps=3, clip=clip, ema=0.9), {1, 3}, value)
    if clip:  # a finite loss, whose gradient overflows
        search.objective.criterion = _overflowing(search, {1, 3})
    before = [each.detach().clone() for each in search.supernet.parameters()]
    iterator = iter(search)
    next(iterator)
    assert search.n_skipped == 1
    assert all(map(torch.equal, before, search.supernet.parameters()))
    next(iterator)
    assert not all(map(torch.equal, before, search.supernet.parameters()))
    list(iterator)
    assert search.n_skipped == 2
    assert search.optimizer.n_told == 6


def test_a_fused_optimizer_leaves_out_the_same_steps_and_moves_the_same_weights(tmp_path):
    """PyTorch's own fused SGD refuses weights of which some have a momentum and others, not sampled yet, have none."""
    searches, records = [], []
    for fused in (False, True):
        searches.append(failing(build(steps=6, warmup=2, fused=fused), {1, 4}))
        records.append(list(searches[-1]))
    assert [search.n_skipped for search in searches] == [2, 2]
    for one, other in zip(*records, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4, nan_ok=True)
        assert one.learning_rate == other.learning_rate
        np.testing.assert_allclose(one.valid_losses, other.valid_losses, rtol=1e-4)
    for one, other in zip(*(search.supernet.parameters() for search in searches), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    searches[1].save(tmp_path / "search")
    resumed = build(steps=6, warmup=2, fused=True)
    resumed.resume(tmp_path / "search")
    assert resumed.n_skipped == 2


class _Overflow(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * float("inf")


def _overflowing(search, steps):
    def loss(outputs, targets):
        bad = search.step + 1 in steps and torch.is_grad_enabled()
        return criterion(_Overflow.apply(outputs) if bad else outputs, targets)
    return loss


def test_running_statistics_that_became_nan_start_anew():
    search = build(steps=2)
    good = list(search.train_loader)
    search.train_loader = [(good[0][0] * float("nan"), good[0][1]), good[1]]
    list(search)
    assert search.n_skipped == 1
    assert all(bool(value.isfinite().all()) for value in search.supernet.state_dict().values())


def test_a_run_of_failures_ends_with_advice():
    search = failing(build(steps=50), set(range(5, 50)))
    with pytest.raises(RuntimeError, match=r"20 steps in a row, up to step 24, .*Lower the learning rate"):
        list(search)
    search = build(steps=50)
    search.valid_loader = [(x * float("nan"), y) for x, y in search.valid_loader]
    with pytest.raises(RuntimeError, match="20 steps in a row, up to step 20"):
        list(search)


def test_running_out_of_memory_names_the_architecture_and_what_to_lower():
    for training in (True, False):
        search = build(steps=1)

        def exhausted(outputs, targets, training=training):
            if torch.is_grad_enabled() == training:
                raise torch.OutOfMemoryError("tried to allocate 2 GiB")
            return criterion(outputs, targets)

        search.objective.criterion = exhausted
        doing = "training" if training else "validating"
        with pytest.raises(torch.OutOfMemoryError,
                           match=rf"{doing} the architecture {{'layer 1': .*Lower the batch size.*2 GiB"):
            list(search)


def test_an_error_in_mid_step_leaves_no_gradient_to_the_next_iteration():
    search, reference = build(steps=1), build(steps=1)
    search.objective.criterion = lambda outputs, targets: None / 0
    samples = search.optimizer.state_dict()
    loaders = search.train_loader.state_dict(), search.valid_loader.state_dict()
    for each in search.supernet.parameters():
        each.grad = torch.ones_like(each)
    with pytest.raises(TypeError):
        list(search)
    search.objective.criterion = criterion
    search.optimizer.load_state_dict(samples)
    search.train_loader.load_state_dict(loaders[0])
    search.valid_loader.load_state_dict(loaders[1])
    fresh = build(steps=1)
    search.supernet.load_state_dict(fresh.supernet.state_dict())
    torch.manual_seed(2)
    list(search)
    torch.manual_seed(2)
    list(reference)
    assert_equal(state(search), state(reference))


def test_modules_in_eval_mode_stay_so_even_after_an_evaluation():
    search = build(steps=3)
    frozen = search.supernet.module[0][1][1]
    frozen.eval()
    search = Search(search.supernet, search.optimizer, search.weights, criterion, search.train_loader,
                    search.valid_loader, steps=3)
    mean = frozen.running_mean.clone()
    for _ in search:
        assert not frozen.training
        assert search.supernet.training
        search.supernet.eval()
    assert torch.equal(frozen.running_mean, mean)


def test_a_search_can_end_when_it_has_converged():
    net = nn.Sequential(nn.Flatten(), LayerChoice({"a": nn.Linear(784, 10), "b": nn.Linear(784, 10)}, label="op"))
    search = build(net=lambda: net, steps=2000, until_converged=True)
    search.judged.judge = lambda batch, closure, stochastic: [float(each["op"] == "b") for each in batch]
    records = list(search)
    assert len(records) < 2000
    assert search.recommend() == {"op": "a"}
    assert list(search) == []



class Mean(nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)).expand(-1, 10)


def test_candidates_without_parameters_are_searched_too():
    supernet = Supernet(nn.Sequential(LayerChoice({"tanh": nn.Tanh(), "zero": nn.Threshold(9, 0)}, label="op"), Mean()))
    elsewhere = nn.Parameter(torch.zeros(()))
    weights = torch.optim.SGD([elsewhere], 0.1)
    x, y = torch.rand(8, 1, 4, 4), torch.zeros(8, dtype=torch.long)
    search = Search(supernet, ASNG(supernet.space, population_size=2, seed=0), weights,
                    lambda outputs, targets: criterion(outputs + elsewhere * torch.arange(10), targets),
                    [(x, y)], [(x, y)], steps=3)
    assert [record.step for record in search] == [1, 2, 3]
    assert float(elsewhere.detach()) < 0
