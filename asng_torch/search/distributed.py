"""Several processes, each with its part of the data, as one search; without a wrapper around the network.

Every function does nothing, and its result is the argument, unless `torch.distributed` is initialized with more than
one process. All processes call the same functions in the same order.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch import distributed as dist

from asng_core import ASNG

TIMEOUT = 1800.0  # seconds, as PyTorch's own
_T = TypeVar("_T")


def rank() -> int:
    """This process's number, from 0."""
    return dist.get_rank() if _several() else 0


def world_size() -> int:
    """The number of processes."""
    return dist.get_world_size() if _several() else 1


def _several() -> bool:
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def broadcast(tensors: Iterable[Tensor]) -> None:
    """Overwrite the tensors by those of process 0."""
    if _several():
        _as_one_buffer(tensors, lambda flat: dist.broadcast(flat, 0))


def of_first(value: _T) -> _T:
    """Process 0's `value`, a picklable object."""
    if not _several():
        return value
    values = [value]
    dist.broadcast_object_list(values, 0)
    return values[0]


def gathered(value: _T) -> list[_T]:
    """Every process's `value`, a picklable object."""
    values = [value] * world_size()
    if _several():
        dist.all_gather_object(values, value)
    return values


def average(tensors: Iterable[Tensor]) -> None:
    """Overwrite the tensors by their means over the processes."""
    if _several():
        def mean(flat: Tensor) -> None:
            dist.all_reduce(flat)
            flat /= dist.get_world_size()

        _as_one_buffer(tensors, mean)


def synchronized(optimizer: ASNG, *modules: nn.Module) -> ASNG:
    """The optimizer, on every process in the state of process 0, from where all draw the same architectures if they are
    told the same losses; and the modules' parameters and buffers as process 0 has them.

    >>> from asng_core import Space
    >>> network = nn.Linear(2, 1)
    >>> optimizer = synchronized(ASNG(Space.binary(4), seed=0), network)  # alone: as it is
    """
    if _several():
        optimizer.load_state_dict(of_first(optimizer.state_dict()))
        broadcast(tensor for module in modules for tensor in (*module.parameters(), *module.buffers()))
    return optimizer


def average_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """After the last backward pass, the mean over the processes of every gradient there is, by one message.

    >>> network = nn.Linear(2, 1)
    >>> network(torch.ones(1, 2)).sum().backward()
    >>> average_gradients(network.parameters())

    Raises RuntimeError on all processes if they have gradients of different parameters, of different architectures.
    """
    listed = list(parameters)
    moved = [i for i, each in enumerate(listed) if each.grad is not None]
    if listed:
        agree("the set of weights that got a gradient", lambda: str(moved), listed[0].device)
    average(each.grad for each in listed if each.grad is not None)


def _as_one_buffer(tensors: Iterable[Tensor], change: Callable[[Tensor], object]) -> None:
    """One message for each dtype instead of one for each tensor."""
    kinds: dict[torch.dtype, list[Tensor]] = {}
    for tensor in tensors:
        kinds.setdefault(tensor.dtype, []).append(tensor.detach())
    for alike in kinds.values():  # the order of the dtypes is that of the tensors: the same on all processes
        flat = torch.cat([tensor.reshape(-1) for tensor in alike])
        change(flat)
        for tensor, part in zip(alike, flat.split([tensor.numel() for tensor in alike]), strict=True):
            tensor.copy_(part.view(tensor.shape))


@contextmanager
def together(doing: str, device: torch.device, timeout: float = TIMEOUT) -> Iterator[None]:
    """Work that every process does on its own; where one raises, all do, right after the work.

    The error of a process is its own; the others raise RuntimeError that names it. So they do, within `timeout`
    seconds of their own end of the work, of a process that is gone or does not come to it.
    """
    failure = None
    try:
        yield
    except BaseException as error:  # KeyboardInterrupt and SystemExit too: the others would wait
        failure = f"{type(error).__name__}: {error}"
        with suppress(RuntimeError):  # of others that are gone
            _stop_if_any(failure, doing, device, timeout)
        raise
    _stop_if_any(failure, doing, device, timeout)


def _stop_if_any(failure: str | None, doing: str, device: torch.device, timeout: float) -> None:
    # one number first: the messages, which are slower to send, only follow where one has failed
    if anywhere(failure is not None, doing, device, timeout):
        failures = gathered(failure)
        if failure is None:
            first = next(number for number, each in enumerate(failures) if each is not None)
            raise RuntimeError(f"process {first} of {len(failures)} failed {doing}: {failures[first]}")


def anywhere(it_is: bool, doing: str, device: torch.device, timeout: float) -> bool:
    """Whether it is so on any process, when all are done with what they were `doing`."""
    if not _several():
        return it_is
    _meet(doing, timeout)
    highest = torch.tensor([int(it_is)], device=device)
    dist.all_reduce(highest, dist.ReduceOp.MAX)
    return bool(highest)


def _meet(doing: str, timeout: float) -> None:
    if dist.get_backend() != dist.Backend.GLOO:  # NCCL's watchdog ends a process that waits too long
        return
    try:
        dist.monitored_barrier(timeout=timedelta(seconds=timeout), wait_all_ranks=True)
    except RuntimeError as error:
        missing = re.search(r"Ranks ([\d, ]+) failed", str(error))  # said on process 0 alone, for which the others wait
        who = f"process {missing[1]}" if missing else "process 0, or another that process 0 tells of,"
        raise RuntimeError(f"{who} of {dist.get_world_size()} has ended, or was still {doing} {timeout:g} s after this "
                           "one. What it printed itself says why. If it is only slow, raise timeout.") from error


def agree(what: str, content: Callable[[], str | bytes], device: torch.device) -> None:
    """Raise RuntimeError on every process unless `content()` is the same on all of them."""
    if not _several():
        return
    made = content()
    data = made.encode() if isinstance(made, str) else made
    digest = int.from_bytes(hashlib.blake2b(data, digest_size=7).digest(), "big")  # fits int64
    # the highest digest and minus the lowest in one message: equal only if all are
    extremes = torch.tensor([digest, -digest], device=device)
    dist.all_reduce(extremes, dist.ReduceOp.MAX)
    highest, lowest = extremes.tolist()
    if highest != -lowest:
        raise RuntimeError(f"{what} differs between the {dist.get_world_size()} processes, which must search alike. "
                           "Build the same supernet, optimizer and settings on each, and change none of them on one "
                           "process alone.")


def averaged(values: NDArray[np.float64], device: torch.device | None = None) -> NDArray[np.float64]:
    """The means of an array's values over the processes.

    >>> averaged(np.array([0.5, 2.0]))  # of one process: its own
    array([0.5, 2. ])

    device: that messages go through; None for the CPU, or the current one of NCCL.
    """
    if not _several():
        return values
    if device is None:
        device = torch.device("cuda" if dist.get_backend() == dist.Backend.NCCL else "cpu")
    tensor = torch.as_tensor(values, device=device)
    average([tensor])
    return np.asarray(tensor.cpu().numpy())


@contextmanager
def joined(device: torch.device, timeout: float = TIMEOUT) -> Iterator[torch.device]:
    """Join the other processes, if there are any; inside the `with`, the device of this one.

    timeout: seconds that any of them waits for another.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield device
        return
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))  # one device for each process of a machine
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=timedelta(seconds=timeout))
    try:
        yield device
    finally:
        dist.destroy_process_group()
