"""Searches that the tests of the loop run: small, but with all that a real one has a state of."""

import functools

import torch
from torch import nn
from torch.profiler import ProfilerActivity, profile
from torch.utils.data import Dataset

from asng_core import ASNG
from asng_torch import Search, Supernet
from asng_torch.data import Augment, ResumableLoader, TensorLoader, images, padded, standardized
from asng_torch.spaces import enas_micro, mini_network
from asng_torch.train.settings import cosine

criterion = nn.functional.cross_entropy


def network():
    """Batch normalization, dropout."""
    return nn.Sequential(mini_network(widths=(4, 6), depth=2), nn.Dropout(0.3))


def build(seed=0, steps=12, optimizer=None, net=network, momentum=0.9, scheduler=cosine, fused=False, **options):
    """Augmentation, momentum, a schedule; a quarter of an epoch is two steps."""
    torch.manual_seed(seed)
    supernet = Supernet(net())
    generator = torch.Generator().manual_seed(seed)  # of its own: another network, the same data
    x, y = torch.randn(70, 1, 28, 28, generator=generator), torch.randint(10, (70,), generator=generator)
    weights = torch.optim.SGD(supernet.parameters(), 0.05, momentum=momentum, weight_decay=1e-3, fused=fused)
    loaders = [TensorLoader(x[part], y[part], 8, seed=seed, augment=Augment(2, True, 0))
               for part in (slice(0, 36), slice(36, 70))]
    made = ASNG(supernet.space, population_size=2, seed=seed) if optimizer is None else optimizer(supernet.space)
    return Search(supernet, made, weights, criterion, *loaders, steps=steps, scheduler=scheduler(weights, steps),
                  **options)


@functools.cache
def real_images():
    """140 images of Fashion-MNIST padded to 32x32, and their labels: reading all takes a second."""
    data = images("fashion-mnist")
    return standardized(padded(data.train_images[:140], 32), data.mean, data.std), data.train_labels[:140]


class Augmented(Dataset):
    """Real images, each mirrored and shifted at random."""

    def __init__(self, part):
        self.images, self.targets = (each[part] for each in real_images())

    def __len__(self):
        return len(self.targets)

    def __getitem__(self, index):
        image = self.images[index]
        shift = torch.randint(-4, 5, (2,)).tolist()
        return (image.flip(-1) if torch.rand(()) < 0.5 else image).roll(shift, (-2, -1)), self.targets[index]


def build_enas(seed=0, steps=8, workers=2, shard=(0, 1), **options):
    """The small ENAS space as it is searched, on real images; a quarter of an epoch is two steps."""
    torch.manual_seed(seed)
    supernet = Supernet(enas_micro.network(1, 10, channels=4, cells=3))
    weights = torch.optim.SGD(supernet.parameters(), 0.025, momentum=0.9, weight_decay=3e-4)
    loaders = [ResumableLoader(Augmented(part), 8 // shard[1], seed=3, num_workers=workers, shard=shard)
               for part in (slice(0, 70), slice(70, 140))]
    return Search(supernet, ASNG(supernet.space, population_size=2, seed=seed), weights, criterion, *loaders,
                  steps=steps, scheduler=cosine(weights, steps), clip=5.0, set_to_none=False, **options)


def state(search):
    """The weights that are judged and trained, and theta of every optimizer."""
    tensors = {f"{kind} {name}": value.clone() for kind, net in (("net", search.supernet), ("judged", search.judged))
               for name, value in net.state_dict().items()}
    return tensors | {f"theta {i}": torch.from_numpy(budget.optimizer.state_dict()["theta"])
                      for i, budget in enumerate(search.budgets)}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())


def peak_bytes(run):
    """Largest sum of live tensor bytes allocated within `run`."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        run()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(events, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak
