"""What is tried with every network: each check raises what went wrong, or `Differs`."""

from __future__ import annotations

import copy
import io
import logging
import warnings
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from asng_core import ASNG, Candidate
from asng_torch import Supernet, count, derive

from .network import Network, tensors


class Differs(Exception):
    """What should be the same is not."""


@dataclass
class Case:
    """A network with choices, some of its architectures, and inputs."""

    network: Network
    inputs: tuple[Any, ...]
    supernet: Supernet
    architectures: list[Candidate]
    without_example: str = ""  # why the example could not run without data, if it could not
    program: Any = field(default=None)

    @classmethod
    def of(cls, network: Network) -> Case:
        torch.manual_seed(0)
        inputs, module, why = network.inputs(), network.searchable(), ""
        try:
            supernet = Supernet(module, example=inputs)
        except (RuntimeError, NotImplementedError) as error:  # of the forward pass on a device without data
            supernet, why = Supernet(network.searchable()), short(error)
        return cls(network, inputs, supernet.eval(), list(ASNG(supernet.space, seed=0).sample(3)), why)

    def output(self, supernet: nn.Module, architecture: Candidate | None = None) -> list[Tensor]:
        """What comes out in eval mode; of a plain network without an architecture."""
        supernet.eval()
        with torch.no_grad():
            if architecture is None:
                return tensors(supernet(*self.inputs))
            with supernet.active(architecture):  # type: ignore[operator]
                return tensors(supernet(*self.inputs))


def same(found: list[Tensor], expected: list[Tensor], tolerance: float) -> None:
    """Raise Differs if they differ by more than `tolerance` of the largest number, or of 1."""
    if [each.shape for each in found] != [each.shape for each in expected]:
        raise Differs("the shapes differ")
    gaps = [float((a - b).abs().max() / max(1.0, float(b.abs().max())))
            for a, b in zip(found, expected, strict=True) if a.numel()]
    if max(gaps, default=0.0) > tolerance:
        raise Differs(f"outputs differ by {max(gaps):.0e}")


def loss(output: Any) -> Tensor:
    """Of the first tensor; the others may be states. Not around zero, which a last layer of zeros gives already."""
    return (tensors(output)[0] - 1).square().mean()


def step(case: Case, supernet: Supernet, optimizer: ASNG, weights: torch.optim.Optimizer) -> list[float]:
    """A step of the loop in the README, of weights and of the distribution; the losses told."""
    supernet.train(case.network.trains)
    for architecture in optimizer.sample(2):
        with supernet.active(architecture):
            (loss(supernet(*case.inputs)) / 2).backward()
    weights.step()
    weights.zero_grad()
    batch = optimizer.ask(2)
    losses = supernet.losses(batch, lambda net: loss(net(*case.inputs)))
    optimizer.tell(batch, losses)
    return [float(each) for each in losses]


def state(case: Case, supernet: Supernet) -> tuple[ASNG, torch.optim.Optimizer]:
    trained = [each for each in supernet.parameters() if each.requires_grad]
    return ASNG(supernet.space, population_size=2, seed=1), torch.optim.SGD(trained, 1e-3, momentum=0.9)


def search_step(case: Case) -> None:
    supernet = copy.deepcopy(case.supernet)
    before = [each.clone() for each in supernet.parameters()]
    losses = step(case, supernet, *state(case, supernet))
    if not all(abs(each) < float("inf") for each in losses):
        raise Differs(f"losses {losses}")
    if all(torch.equal(a, b) for a, b in zip(before, supernet.parameters(), strict=True)):
        raise Differs("no weight moved")


def inherited(case: Case) -> None:
    for architecture in case.architectures:
        same(case.output(derive(case.supernet, architecture)), case.output(case.supernet, architecture), 1e-6)


def reset(case: Case) -> None:
    """By the factory: one seed one network, two seeds two; constants and frozen parameters as the author left them."""
    architecture = case.architectures[0]
    fresh, networks = derive(case.supernet, architecture), []  # never trained
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        networks.append(derive(case.supernet, architecture, weights=case.network.searchable))
    drawn = 0
    for (name, author), first, again, other in zip(fresh.named_parameters(), *(each.parameters() for each in networks),
                                                   strict=True):
        if not torch.equal(first, again):
            raise Differs(f"one seed gives two {name}")
        if not author.requires_grad or float(author.detach().min()) == float(author.detach().max()):
            if not torch.equal(first, author):
                raise Differs(f"{name} is {'constant' if author.requires_grad else 'frozen'}, and drawn")
        elif author.numel() >= 64 and not 0.5 < float(first.detach().std() / author.detach().std()) < 2:
            raise Differs(f"{name} has a deviation of {float(first.std()):.2g}, the author's {float(author.std()):.2g}")
        drawn += not torch.equal(first, other)
    if not drawn:
        raise Differs("two seeds give one network")


def cost(case: Case) -> None:
    if case.without_example:
        raise RuntimeError(case.without_example)
    for architecture in case.architectures:
        network = derive(case.supernet, architecture).eval()
        found, expected = case.supernet.cost(architecture), count(network, *case.inputs)
        if found != expected:
            raise Differs(f"{found} for {expected}")


def state_dict(case: Case) -> None:
    torch.manual_seed(5)
    other = Supernet(case.network.searchable())
    other.load_state_dict(case.supernet.state_dict())
    same(case.output(other, case.architectures[0]), case.output(case.supernet, case.architectures[0]), 0.0)


def deepcopied(case: Case) -> None:
    architecture = case.architectures[0]
    before = case.output(case.supernet, architecture)
    twin = copy.deepcopy(case.supernet)
    same(case.output(twin, architecture), before, 0.0)
    same(case.output(copy.deepcopy(derive(twin, architecture))), before, 1e-6)
    with torch.no_grad():
        for each in twin.parameters():
            each.zero_()
    same(case.output(case.supernet, architecture), before, 0.0)


def exported(case: Case, network: nn.Module | None = None) -> None:
    network = derive(case.supernet, case.architectures[0]) if network is None else network
    expected = case.output(network)
    with torch.no_grad():
        case.program = torch.export.export(network, case.inputs, strict=False)
        same(tensors(case.program.module()(*case.inputs)), expected, 1e-5)


def onnx(case: Case, network: nn.Module | None = None) -> None:
    if network is not None or case.program is None:  # else of what torch.export has made already
        exported(case, network)
    made = torch.onnx.export(case.program, dynamo=True, verbose=False, optimize=False)
    if made is None or not len(made.model_proto.graph.node):
        raise Differs("nothing is exported")


def compiled(case: Case, network: nn.Module | None = None) -> None:
    network = derive(case.supernet, case.architectures[0]) if network is None else network
    expected = case.output(network)
    torch.compiler.reset()
    same(case.output(torch.compile(network, backend="aot_eager")), expected, 1e-5)  # type: ignore[arg-type]


def resumed(case: Case) -> None:
    """Two steps in one go, and with a stop between them, to the bit."""
    supernet = copy.deepcopy(case.supernet)
    optimizer, weights = state(case, supernet)
    torch.manual_seed(3)
    step(case, supernet, optimizer, weights)
    saved = copy.deepcopy((supernet.state_dict(), optimizer.state_dict(), weights.state_dict()))
    randomness = torch.get_rng_state()
    expected = step(case, supernet, optimizer, weights)
    other = Supernet(case.network.searchable())
    optimizer, weights = state(case, other)
    other.load_state_dict(saved[0])
    optimizer.load_state_dict(saved[1])
    weights.load_state_dict(saved[2])
    torch.set_rng_state(randomness)
    if step(case, other, optimizer, weights) != expected:
        raise Differs("goes on otherwise")


CHECKS: dict[str, Callable[..., None]] = {
    "search step": search_step, "derive, inherited": inherited, "derive, reset": reset, "cost": cost,
    "state_dict": state_dict, "deepcopy": deepcopied, "torch.export": exported, "ONNX": onnx, "compile": compiled,
    "resume": resumed}
PLAIN = {"torch.export": exported, "ONNX": onnx, "compile": compiled}  # of what the author wrote, too


def judged(network: Network) -> dict[str, str]:
    """Column -> "yes", or what went wrong; of what PyTorch cannot do with the author's own network either, that."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    try:
        case = Case.of(network)
    except Exception as error:  # whatever it is, it is what the cells say
        return {"variables": "none", **dict.fromkeys(CHECKS, f"no: {short(error)}")}
    cells = {"variables": str(len(case.supernet.space))}
    for name, check in CHECKS.items():
        try:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                check(case)
            cells[name] = "yes"
        except Exception as error:  # whatever it is, it is what the cell says
            cells[name] = f"no: {short(error)}"
            if name in PLAIN and (why := _fails_too(case, name)):
                cells[name] = f"PyTorch, with the plain network too: {why}"
            elif name == "cost" and case.without_example:
                cells[name] = f"PyTorch, without data: {case.without_example}"
    return cells


def _fails_too(case: Case, name: str) -> str:
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            PLAIN[name](case, case.network.make().eval())
    except Exception as error:
        return short(error)
    return ""


def short(error: Exception) -> str:
    """The first sentence of an error, with what caused it if that says more."""
    cause = error.__cause__ if type(error).__name__ == "ConversionError" or "Failed" in str(error)[:60] else None
    text = " ".join(str(cause or error).split())
    return f"{type(cause or error).__name__}: {text[:110].replace('|', '/')}"
