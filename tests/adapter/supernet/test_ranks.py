"""Ranks of one's own loop that train different architectures notice it."""

import os
import socket
import subprocess
import sys

import pytest
import torch
from torch import nn

from asng_torch import LayerChoice, Supernet

LOOP = """
import sys
import torch
from torch import distributed, nn
from asng_core import ASNG
from asng_torch import LayerChoice, Supernet
distributed.init_process_group("gloo")
rank = distributed.get_rank()
torch.manual_seed(0)
supernet = Supernet(nn.Sequential(LayerChoice({str(i): nn.Linear(3, 3) for i in range(9)}), nn.BatchNorm1d(3)))
net = nn.parallel.DistributedDataParallel(supernet, find_unused_parameters=True)
optimizer = ASNG(supernet.space, seed=rank if sys.argv[1] == "different" else 0)
for step in range(6):
    with supernet.active(optimizer.ask()):
        try:
            loss = net(torch.randn(4, 3)).square().sum()
        except RuntimeError as error:
            print(f"rank {rank}: {error}", flush=True)
            break
        if sys.argv[1] == "same":  # else the other waits for this one
            loss.backward()
else:
    print(f"rank {rank}: went on", flush=True)
"""


@pytest.mark.hosts
@pytest.mark.parametrize("seeds", ["same", "different"])
def test_ranks_of_different_seeds_are_told_apart_under_ddp(seeds):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    ranks = [subprocess.Popen([sys.executable, "-c", LOOP, seeds], text=True, stdout=subprocess.PIPE,
                              env={**os.environ, "RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1",
                                   "MASTER_PORT": port}) for rank in range(2)]
    first, second = (process.communicate(timeout=120)[0] for process in ranks)
    if seeds == "same":
        assert "rank 0: went on" in first
        assert "rank 1: went on" in second
    else:
        assert "rank 1: process 1 runs another architecture than process 0" in second


def test_another_architecture_in_the_buffer_is_an_error_of_the_process_that_finds_it(monkeypatch):
    monkeypatch.setattr("torch.distributed.is_initialized", lambda: True)
    monkeypatch.setattr("torch.distributed.get_rank", lambda: 1)
    supernet = Supernet(nn.Sequential(LayerChoice({"a": nn.ReLU(), "b": nn.Tanh()})))
    assert not supernet.state_dict()
    with supernet.active({"0": "b"}):
        of_first = supernet.in_force.clone()
    with supernet.active({"0": "a"}):
        supernet(torch.ones(1, 3))
        supernet.in_force.copy_(of_first)  # as DDP does with the buffers of process 0
        with pytest.raises(RuntimeError, match=r"process 1 runs another architecture .* the same seed"):
            supernet(torch.ones(1, 3))
