"""Searches that the tests of the loop run: small, but with all that a real one has a state of."""

import torch
from torch import nn

from asng_core import ASNG
from asng_torch import Search, Supernet
from asng_torch.data import TensorLoader
from asng_torch.spaces import mini_network
from asng_torch.train import cosine

criterion = nn.functional.cross_entropy


class Flipped:
    """A TensorLoader's batches, some images mirrored: which ones is a function of epoch and position."""

    def __init__(self, loader):
        self.loader = loader
        self.state_dict, self.load_state_dict = loader.state_dict, loader.load_state_dict

    def __iter__(self):
        for x, y in self.loader:
            state = self.loader.state_dict()
            generator = torch.Generator().manual_seed(state["epoch"] * 1000 + state["position"])
            flip = torch.rand(len(x), generator=generator) < 0.5
            yield torch.where(flip[:, None, None, None], x.flip(-1), x), y


def network():
    """Batch normalization, dropout."""
    return nn.Sequential(mini_network(widths=(4, 6), depth=2), nn.Dropout(0.3))


def build(seed=0, steps=12, optimizer=None, net=network, momentum=0.9, scheduler=cosine, **options):
    """Augmentation, momentum, a schedule; a quarter of an epoch is two steps."""
    torch.manual_seed(seed)
    supernet = Supernet(net())
    x, y = torch.randn(70, 1, 28, 28), torch.randint(10, (70,))
    weights = torch.optim.SGD(supernet.parameters(), 0.05, momentum=momentum, weight_decay=1e-3)
    loaders = [Flipped(TensorLoader(x[part], y[part], 8, seed=seed)) for part in (slice(0, 36), slice(36, 70))]
    made = ASNG(supernet.space, population_size=2, seed=seed) if optimizer is None else optimizer(supernet.space)
    return Search(supernet, made, weights, criterion, *loaders, steps=steps, scheduler=scheduler(weights, steps),
                  **options)


def state(search):
    """The weights that are judged and trained, and theta of every optimizer."""
    tensors = {f"{kind} {name}": value.clone() for kind, net in (("net", search.supernet), ("judged", search.judged))
               for name, value in net.state_dict().items()}
    return tensors | {f"theta {i}": torch.from_numpy(budget.optimizer.state_dict()["theta"])
                      for i, budget in enumerate(search.budgets)}


def assert_equal(first, second):
    assert first.keys() == second.keys()
    assert all(torch.equal(value, second[name]) for name, value in first.items())
