"""The strategies that move the architecture by gradients through it: GDAS and DARTS."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from asng_torch import LayerChoice, Supernet
from asng_torch.train.settings import cosine

from .. import space
from .setup import Setup, endless, loss_on


def gdas(setup: Setup) -> str:
    """The temperature falls from 10 to 0.1, as in the authors' code."""
    return gradient(setup, lambda logits, progress: nn.functional.gumbel_softmax(logits, 10 - 9.9 * progress,
                                                                                 hard=True), whole=False)


def darts(setup: Setup) -> str:
    return gradient(setup, lambda logits, _: torch.softmax(logits, 1), whole=True)


def gradient(setup: Setup, relaxed: Callable[[Tensor, float], Tensor], whole: bool) -> str:
    """Weights and logits in turns, by the loss of the mixture with the weights `relaxed(logits, progress)`."""
    recipe, net = setup.recipe, setup.supernet
    cost = len(space.OPERATIONS) if whole else 1
    torch.manual_seed(setup.seed)
    logits = (1e-3 * torch.randn(len(net.space), len(space.OPERATIONS))).requires_grad_()
    adam = torch.optim.Adam([logits], 3e-4, betas=(0.5, 0.999), weight_decay=1e-3)
    steps = (recipe.training_passes + recipe.validation_passes) // (2 * cost)
    weights = setup.weights()
    scheduler = cosine(weights, steps)
    batches = zip(endless(setup.train, steps), endless(setup.valid, steps), strict=True)
    for step, (train_batch, valid_batch) in enumerate(batches):
        for optimizer, batch in ((weights, train_batch), (adam, valid_batch)):
            weights.zero_grad()
            adam.zero_grad()
            with mixture(net, relaxed(logits, step / steps), whole):
                loss_on(batch, net).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)
            optimizer.step()
        scheduler.step()
    setup.passes.training *= cost
    return " ".join(list(space.OPERATIONS)[code] for code in logits.argmax(dim=1).tolist())


@contextmanager
def mixture(net: Supernet, weights: Tensor, whole: bool) -> Iterator[None]:
    """Every layer gives the sum of its operations, weighted by the rows of `(n_layers, n_operations)`.

    Unless `whole`, the rows are one-hot, and instead of what is not chosen its weight is added, which is 0.
    """
    codes = dict(zip(net.space.names, weights.argmax(dim=1).tolist(), strict=True))

    def mixed(row: Tensor, code: int, choice: LayerChoice, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not whole:
            return output * row[code] + (row.sum() - row[code])
        outputs = [output if k == code else operation(*inputs) for k, operation in enumerate(choice.candidates)]
        return sum((weight * each for weight, each in zip(row, outputs, strict=True)), torch.zeros(()))

    with ExitStack() as stack:
        for (name, code), row in zip(codes.items(), weights, strict=True):
            for choice in net.choices[name]:
                stack.callback(choice.register_forward_hook(partial(mixed, row, code)).remove)
        stack.enter_context(net.active_codes(codes))
        yield
